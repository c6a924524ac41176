"""Counts the measurements of one process. A measurement costs less than a microsecond, because it only adds numbers.

What becomes of the sums is decided elsewhere: `snapshots` shares them with other processes, `exposition` shows them.
"""

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from connect_core.measurements import Measurements
from connect_core.observability.metrics.catalogue import METRICS, STAGES, Merge

Key = tuple[str, ...]
"""The name of a metric without prefix, and the values of its labels in the order of the catalogue."""
CIRCUITS: Mapping[str, float] = {"closed": 0.0, "half_open": 1.0, "open": 2.0}
"""The values of `provider_circuit`."""
_CALL = METRICS["provider_call_duration_seconds"].bounds
_AGE = METRICS["flow_age_seconds"].bounds
_DATABASE = METRICS["db_duration_seconds"].bounds
_NOTICE = METRICS["notice_duration_seconds"].bounds
_MERGES: Mapping[Merge, Any] = {
    Merge.SUM: lambda a, b: (a[0] + b[0], max(a[1], b[1])),
    Merge.MAX: max,
    Merge.MIN: min,
    Merge.LATEST: lambda a, b: max(a, b, key=lambda gauge: gauge[1]),
}


@dataclass(slots=True)
class Sums:
    """What one or several processes have counted.

    A histogram's numbers are the sum of its values, then how many fell into each bucket. A gauge has its value, and
    when it was set in seconds since the epoch.
    """

    counters: dict[Key, float] = field(default_factory=dict)
    histograms: dict[Key, list[float]] = field(default_factory=dict)
    gauges: dict[Key, tuple[float, float]] = field(default_factory=dict)

    def add_counts(self, other: Self) -> None:
        """Add the counters and histograms of another process."""
        for key, count in other.counters.items():
            self.counters[key] = self.counters.get(key, 0) + count
        for key, numbers in other.histograms.items():
            known = self.histograms.get(key, [0.0] * len(numbers))
            self.histograms[key] = [a + b for a, b in zip(known, numbers, strict=True)]

    def add_gauges(self, other: Self) -> None:
        """Merge the gauges of another process, as the catalogue says for each."""
        for key, gauge in other.gauges.items():
            known = self.gauges.get(key)
            self.gauges[key] = _MERGES[METRICS[key[0]].merge](known, gauge) if known else gauge

    def declare(self, logins: Iterable[tuple[str, str]]) -> None:
        """Give counters that have not counted yet the value 0: of their first step Prometheus would see nothing.

        `logins` are the providers and client types that the shop offers.
        """
        known: list[Key] = [("login", *login, stage) for login in logins for stage in STAGES]
        known += [(metric.name, value) for metric in METRICS.values() for value in metric.values]
        for key in known:
            self.counters.setdefault(key, 0)

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "counters": list(self.counters.items()),
            "histograms": list(self.histograms.items()),
            "gauges": list(self.gauges.items()),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the sums that `to_json` was called on."""
        counters, histograms, gauges = (values[name] for name in ("counters", "histograms", "gauges"))
        return cls(
            {tuple(key): count for key, count in counters},
            {tuple(key): numbers for key, numbers in histograms},
            {tuple(key): (value, time_) for key, (value, time_) in gauges},
        )


class Counts(Measurements):
    """The measurements of this process, added up since it began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # plugins' hooks, and the work of some databases, run on threads
        self._counters: dict[Key, float] = defaultdict(int)
        self._histograms: dict[Key, list[float]] = {}
        self._gauges: dict[Key, tuple[float, float]] = {}

    def take(self) -> Sums:
        """Return a copy of the sums."""
        with self._lock:
            histograms = {key: list(numbers) for key, numbers in self._histograms.items()}
            return Sums(dict(self._counters), histograms, dict(self._gauges))

    def set_gauge(self, name: str, values: Mapping[Key, float]) -> None:
        """Set the gauge `name`, by the values of its labels; those that are missing here exist no longer."""
        now = time.time()
        with self._lock:
            for key in [key for key in self._gauges if key[0] == name and key[1:] not in values]:
                del self._gauges[key]
            self._gauges |= {(name, *labels): (value, now) for labels, value in values.items()}

    def count_login(self, stage: str, provider: str, client_type: str) -> None:
        """Count a stage of a login."""
        self._count(("login", provider, client_type, stage))

    def count_refusal(self, code: str, provider: str, client_type: str) -> None:
        """Count a refusal."""
        self._count(("refused", code, provider, client_type))

    def count_refused_state(self, reason: str) -> None:
        """Count a state that was not accepted."""
        self._count(("state_refused", reason))

    def observe_flow_age(self, seconds: float) -> None:
        """Sort the age of a flow that came back into its bucket."""
        self._observe(("flow_age_seconds",), _AGE, seconds)

    def observe_provider_call(self, provider: str, operation: str, outcome: str, seconds: float) -> None:
        """Sort the duration of a provider's call into its bucket."""
        self._observe(("provider_call_duration_seconds", provider, operation, outcome), _CALL, seconds)

    def set_provider_circuit(self, provider: str, state: str) -> None:
        """Note whether calls to a vendor are let through."""
        self._set(("provider_circuit", provider), CIRCUITS.get(state, CIRCUITS["open"]))

    def observe_database(self, kind: str, seconds: float) -> None:
        """Sort the duration of a unit of work into its bucket."""
        self._observe(("db_duration_seconds", kind), _DATABASE, seconds)

    def count_database_retry(self, reason: str) -> None:
        """Count a unit of work that is begun again."""
        self._count(("db_retries", reason))

    def observe_notice(self, plugin: str, hook: str, seconds: float) -> None:
        """Sort the duration of a notice into its bucket."""
        self._observe(("notice_duration_seconds", plugin, hook), _NOTICE, seconds)

    def count_webhook(self, endpoint: str, outcome: str) -> None:
        """Count an attempt to send an event to an endpoint."""
        self._count(("webhook_deliveries", endpoint, outcome))

    def count_limited(self, rule: str) -> None:
        """Count a request that a limit refused."""
        self._count(("limited", rule))

    def set_clock_skew(self, source: str, seconds: float) -> None:
        """Note how far another clock is ahead of ours."""
        self._set(("clock_skew_seconds", source), seconds)

    def set_cache_up(self, is_up: bool) -> None:  # noqa: FBT001 - as `Measurements`
        """Note whether Redis answers."""
        self._set(("cache_up",), float(is_up))

    def _count(self, key: Key) -> None:
        with self._lock:
            self._counters[key] += 1

    def _observe(self, key: Key, bounds: tuple[float, ...], seconds: float) -> None:
        place = bisect_left(bounds, seconds) + 1
        with self._lock:
            numbers = self._histograms.get(key)
            if numbers is None:
                numbers = self._histograms[key] = [0.0] * (len(bounds) + 2)
            numbers[0] += seconds
            numbers[place] += 1

    def _set(self, key: Key, value: float) -> None:
        with self._lock:
            self._gauges[key] = value, time.time()
