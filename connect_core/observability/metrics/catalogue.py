"""The metrics that the service has: their names, labels and buckets, and what each of them tells an operator.

`docs/reference/metrics.md` is written from here. Measures nothing, and knows nothing of Prometheus.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "connect_"
CALLS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0, 8.0)
"""Bounds in seconds for calls to vendors: most take 50 to 500 ms, and none more than the deadline of 8 s."""
STATEMENTS = (0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Bounds for units of work of the database: 100 µs on SQLite, and never more than 5 s."""
AGES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Bounds for the time that a person spends at the vendor: a flow lives for 600 s."""
STAGES = ("started", "returned", "redeemed", "settled")
"""The stages of a login, in order."""
NOTICES = (0.001, 0.005, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Bounds for the hooks of plugins: one that takes 10 s is logged as slow."""


class MetricType(StrEnum):
    """The types of metrics that Prometheus has and that we use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(StrEnum):
    """What becomes of the values of a gauge that several workers have."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `meaning` is for operators; `bounds` are a histogram's, in seconds; `merge` is a gauge's.

    `values` are those of the only label where they are a closed list: a counter then has each of them from the start.
    """

    name: str
    kind: MetricType
    labels: tuple[str, ...]
    meaning: str
    bounds: tuple[float, ...] = ()
    merge: Merge = Merge.LATEST
    values: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name as Prometheus shows it, but for what it adds to those of a histogram's parts."""
        return f"{PREFIX}{self.name}{'_total' if self.kind is MetricType.COUNTER else ''}"


_ALL = (
    Metric(
        "login",
        MetricType.COUNTER,
        ("provider", "client", "stage"),
        "Logins that got as far as a stage: `started` (the visitor was sent to the vendor), `returned` (came back "
        "to us with a flow of ours), `redeemed` (the vendor has said who it is), `settled` (logged in, or linked). "
        "A mini program's login starts and returns at once.",
    ),
    Metric(
        "refused",
        MetricType.COUNTER,
        ("code", "provider", "client"),
        "Requests that were refused, by the code of the error; `provider` and `client` are empty where the request "
        "names none that is configured.",
    ),
    Metric(
        "state_refused",
        MetricType.COUNTER,
        ("reason",),
        "States that were not accepted: `no_cookie` (the browser sent none, or the state is none of ours), "
        "`cookie_unopened` (it does not open with our keys), `spent` (used before), `other_provider` (the flow was "
        "started for another provider or client type).",
        values=("no_cookie", "cookie_unopened", "spent", "other_provider"),
    ),
    Metric(
        "flow_age_seconds",
        MetricType.HISTOGRAM,
        (),
        "How long people were at the vendor before they came back.",
        AGES,
    ),
    Metric(
        "provider_call_duration_seconds",
        MetricType.HISTOGRAM,
        ("provider", "operation", "outcome"),
        "Calls of a provider's methods, which call the vendor: `operation` is the method, `outcome` is `ok`, "
        "`refused`, `outage` (HTTP 5xx and the like), `timeout`, `dns`, `connect`, `tls`, `unsigned` or `bad`.",
        CALLS,
    ),
    Metric(
        "provider_slots",
        MetricType.GAUGE,
        ("state",),
        "Calls to vendors that are under way (`busy`) and that wait for others to end (`waiting`), all workers "
        "together.",
        merge=Merge.SUM,
    ),
    Metric(
        "provider_circuit",
        MetricType.GAUGE,
        ("provider",),
        "Whether calls to a vendor are let through (0), tried one at a time after an outage (1), or held back (2), "
        "in the worker that is worst off.",
        merge=Merge.MAX,
    ),
    Metric(
        "db_duration_seconds",
        MetricType.HISTOGRAM,
        ("kind",),
        "Units of work of the database, with the wait for a connection: `read`, `write`, `statement` (each of its "
        "statements is committed by itself) and `long` (deletes what has expired, and the like).",
        STATEMENTS,
    ),
    Metric(
        "db_pool",
        MetricType.GAUGE,
        ("state",),
        "Connections to the database in use (`busy`) and open without work (`idle`), and units of work that wait "
        "for one (`waiting`), all workers together.",
        merge=Merge.SUM,
    ),
    Metric(
        "db_retries",
        MetricType.COUNTER,
        ("reason",),
        "Units of work that were begun again: after a lost race against another transaction (`race`), after a lost "
        "connection (`lost`), or because the server takes no writes any more (`failover`).",
        values=("race", "lost", "failover"),
    ),
    Metric(
        "notices_pending",
        MetricType.GAUGE,
        (),
        "After-commit notices that some plugin has not taken yet; counted up to 10,000.",
    ),
    Metric(
        "notice_oldest_seconds",
        MetricType.GAUGE,
        (),
        "Age of the oldest of them, 0 without any.",
    ),
    Metric(
        "notice_duration_seconds",
        MetricType.HISTOGRAM,
        ("plugin", "hook"),
        "How long plugins' hooks took for a notice, whether they took it or failed.",
        NOTICES,
    ),
    Metric(
        "limited",
        MetricType.COUNTER,
        ("rule",),
        "Requests refused by a limit: `per_address`, `failures_per_address` or `per_username` of `[limits]`, or "
        "that on a PC that asks whether its QR login was approved (`qr_login_polls`).",
        values=("per_address", "failures_per_address", "per_username", "qr_login_polls"),
    ),
    Metric(
        "certificate_expiry_timestamp_seconds",
        MetricType.GAUGE,
        ("provider", "which"),
        "When a certificate in the settings expires, in seconds since the epoch; `which` is the setting.",
    ),
    Metric(
        "clock_skew_seconds",
        MetricType.GAUGE,
        ("source",),
        "How far another clock is ahead of ours: `database`, `redis`, or the vendor of a provider.",
    ),
    Metric(
        "build_info",
        MetricType.GAUGE,
        ("version", "python"),
        "1, with the versions as labels.",
    ),
    Metric(
        "key_info",
        MetricType.GAUGE,
        ("kid",),
        "1 for each of `secret_keys`; `kid` is a fingerprint that tells keys apart and does not reveal them.",
    ),
    Metric(
        "cache_up",
        MetricType.GAUGE,
        (),
        "Whether Redis answers (1) or not (0), in the worker that is worst off; absent without `redis_url`.",
        merge=Merge.MIN,
    ),
    Metric(
        "plugin_up",
        MetricType.GAUGE,
        ("plugin",),
        "Whether a plugin works (1) or is quarantined (0).",
    ),
    Metric(
        "settings_revision",
        MetricType.GAUGE,
        ("state",),
        "The revision of the settings that is `active`, and the one that is `applied`, in the worker that is worst "
        'off; absent with `[service] settings = "file"`. They differ for longer than 5 seconds when a worker cannot '
        "use the active one, and keeps the former.",
        merge=Merge.MIN,
    ),
    Metric(
        "ready",
        MetricType.GAUGE,
        ("check",),
        "Whether a check of `/readyz` passes: `database`, `schema` and `write`, in this order; after one that "
        "fails, those that were not tried are 0 too. A full disk shows in `write`.",
    ),
)
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
"""Every metric by its name without `connect_`."""
