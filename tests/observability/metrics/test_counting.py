"""The counts of processes: what adds up, what merges, and that a worker's end takes nothing away."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from connect_core.measurements import Measurements
from connect_core.observability.metrics import Counts, Snapshots, SnapshotWriter, Sums
from connect_core.observability.metrics.catalogue import METRICS, MetricType
from connect_core.observability.metrics.exposition import write_metrics

CONTRACT = {
    "connect_login_total": ("provider", "client", "stage"),
    "connect_refused_total": ("code", "provider", "client"),
    "connect_state_refused_total": ("reason",),
    "connect_flow_age_seconds": (),
    "connect_provider_call_duration_seconds": ("provider", "operation", "outcome"),
    "connect_provider_slots": ("state",),
    "connect_provider_circuit": ("provider",),
    "connect_db_duration_seconds": ("kind",),
    "connect_db_pool": ("state",),
    "connect_db_retries_total": ("reason",),
    "connect_notices_pending": (),
    "connect_notice_oldest_seconds": (),
    "connect_notice_duration_seconds": ("plugin", "hook"),
    "connect_webhook_deliveries_total": ("endpoint", "outcome"),
    "connect_webhook_pending": ("endpoint",),
    "connect_webhook_oldest_seconds": ("endpoint",),
    "connect_webhook_disabled": ("endpoint",),
    "connect_limited_total": ("rule",),
    "connect_certificate_expiry_timestamp_seconds": ("provider", "which"),
    "connect_clock_skew_seconds": ("source",),
    "connect_build_info": ("version", "python"),
    "connect_key_info": ("kid",),
    "connect_cache_up": (),
    "connect_plugin_up": ("plugin",),
    "connect_ready": ("check",),
    "connect_settings_revision": ("state",),
}
"""The metrics that dashboards and alerts rely on, with their labels."""
LEFT_BY_ANOTHER = """
from pathlib import Path
from connect_core.observability.metrics import Counts, SnapshotWriter
counts = Counts()
counts.count_limited("per_address")
counts.observe_flow_age(3)
counts.set_gauge("provider_slots", {("busy",): 5})
SnapshotWriter(Path()).write(counts.take())
"""


def measure_everything(counts: Measurements) -> None:
    """Call each method once."""
    counts.count_login("started", "alipay", "pc")
    counts.count_refusal("state_invalid", "", "pc")
    counts.count_refused_state("spent")
    counts.observe_flow_age(12)
    counts.observe_provider_call("alipay", "login_callback", "ok", 0.2)
    counts.set_provider_circuit("alipay", "half_open")
    counts.observe_database("write", 0.002)
    counts.count_database_retry("race")
    counts.observe_notice("crm", "connect_registered", 0.1)
    counts.count_webhook("crm", "delivered")
    counts.count_limited("per_address")
    counts.set_clock_skew("database", -1.5)
    counts.set_cache_up(True)


def leave_snapshot(folder: Path) -> None:
    """Let another process count, write its snapshot and end."""
    subprocess.run([sys.executable, "-c", LEFT_BY_ANOTHER], cwd=folder, env=os.environ, check=True)


def test_the_catalogue_is_the_contract() -> None:
    """Dashboards and alerts of shops have these names and labels; a change breaks them."""
    assert {metric.full_name: metric.labels for metric in METRICS.values()} == CONTRACT


def test_whoever_measures_is_counted() -> None:
    """Every measurement has a metric of the catalogue, with as many labels as that has."""
    counts = Counts()
    measure_everything(Measurements())
    measure_everything(counts)
    sums = counts.take()
    keys = [*sums.counters, *sums.histograms, *sums.gauges]
    methods = [name for name in vars(Measurements) if not name.startswith("_")]
    assert len(keys) == len(methods)
    assert [key for key in keys if len(key) != 1 + len(METRICS[key[0]].labels)] == []


@pytest.mark.parametrize(("accept", "parser"), [("", parse), ("application/openmetrics-text", parse_openmetrics)])
def test_prometheus_reads_what_is_written(accept: str, parser: object) -> None:
    """In the format that it asks for; each metric is there, and a bucket holds all values up to its bound."""
    counts = Counts()
    measure_everything(counts)
    counts.observe_flow_age(4.0)
    content, media_type = write_metrics(counts.take(), accept)
    assert media_type.startswith(accept or "text/plain")
    families = {family.name: family for family in parser(content.decode())}  # type: ignore[operator]
    names = {metric.full_name.removesuffix("_total") for metric in METRICS.values()}
    assert {name.removesuffix("_total") for name in families} == names
    ages = {sample.labels.get("le"): sample.value for sample in families["connect_flow_age_seconds"].samples}
    assert (ages["2.0"], ages["4.0"], ages["8.0"], ages["15.0"], ages["+Inf"]) == (0, 1, 1, 2, 2)


def test_a_strange_accept_header_gets_plain_text() -> None:
    """Whatever a client sends there."""
    for accept in ("text/html;version=x", "application/openmetrics-text;version=banana", "\x00, ;;;=", "*/*"):
        assert write_metrics(Sums(), accept)[1].startswith(("text/plain", "application/openmetrics-text"))


def test_threads_lose_no_count() -> None:
    """Plugins' hooks are measured on threads of their own."""
    counts = Counts()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [counts.count_limited("r") for _ in range(5000)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert counts.take().counters["limited", "r"] == 20_000


def test_a_gauge_forgets_what_is_gone() -> None:
    """A certificate that is no longer configured does not expire."""
    counts = Counts()
    counts.set_gauge("plugin_up", {("a",): 1, ("b",): 1})
    counts.set_gauge("plugin_up", {("b",): 0})
    assert {key: value for key, (value, _) in counts.take().gauges.items()} == {("plugin_up", "b"): 0}


def test_gauges_of_several_workers_merge() -> None:
    """Slots add up, the worst circuit and the worst cache count, and of clocks the latest look."""
    here, there, sums = Counts(), Counts(), Sums()
    here.set_gauge("provider_slots", {("busy",): 2})
    there.set_gauge("provider_slots", {("busy",): 3})
    here.set_provider_circuit("a", "open")
    there.set_provider_circuit("a", "closed")
    here.set_cache_up(False)
    there.set_cache_up(True)
    here.set_clock_skew("redis", 9)
    there.set_clock_skew("redis", 1)
    for counts in (there, here, there):
        sums.add_gauges(counts.take())
    merged = {key: value for key, (value, _) in sums.gauges.items()}
    assert merged["provider_slots", "busy"] == 8
    assert (merged["provider_circuit", "a"], merged["cache_up",], merged["clock_skew_seconds", "redis"]) == (2, 0, 1)


def test_what_a_worker_counted_outlives_it(tmp_path: Path) -> None:
    """Its counters stay in the sums, however often they are read; its gauges go, and so does its file."""
    writer, counts = SnapshotWriter(tmp_path), Counts()
    counts.count_limited("per_address")
    counts.set_gauge("provider_slots", {("busy",): 1})
    writer.write(counts.take())
    for ended in (1, 2):
        leave_snapshot(tmp_path)
        for _ in range(2):
            sums = Snapshots(tmp_path).read()
            assert sums.counters["limited", "per_address"] == 1 + ended
            assert sums.histograms["flow_age_seconds",][0] == 3 * ended
            assert sums.gauges["provider_slots", "busy"][0] == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_an_archived_worker_is_counted_once(tmp_path: Path) -> None:
    """Also when the process that archived it died before it had deleted the file."""
    leave_snapshot(tmp_path)
    [path] = tmp_path.iterdir()
    content = path.read_bytes()
    Snapshots(tmp_path).read()
    path.write_bytes(content)
    assert Snapshots(tmp_path).read().counters["limited", "per_address"] == 1
    assert not path.exists()


def test_a_broken_file_hides_no_other(tmp_path: Path) -> None:
    """One that is empty or no snapshot is passed over."""
    leave_snapshot(tmp_path)
    for number, text in enumerate(("", "{}", "[]", '{"counters": 1}', json.dumps({"counters": [], "gauges": []}))):
        (tmp_path / f"{os.getpid()}-{number}.json").write_text(text, "utf-8")
    assert Snapshots(tmp_path).read().counters["limited", "per_address"] == 1


def test_only_a_worker_that_writes_serves(tmp_path: Path) -> None:
    """One that has ended, or whose event loop has been blocked for long, does not."""
    leave_snapshot(tmp_path)
    assert Snapshots(tmp_path).count_serving() == 0
    writer = SnapshotWriter(tmp_path)
    writer.write(Sums())
    assert Snapshots(tmp_path).count_serving() == 1
    [mine] = tmp_path.glob(f"{os.getpid()}-*.json")
    os.utime(mine, (0, 0))
    assert Snapshots(tmp_path).count_serving() == 0


def test_a_folder_that_cannot_be_written_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Counting goes on, and so do logins."""
    writer = SnapshotWriter(tmp_path / "gone")
    for _ in range(3):
        writer.write(Sums())
    assert [record.message for record in caplog.records] == ["metrics_not_written"]


def test_counters_begin_at_zero() -> None:
    """Of a counter that appears with its first step Prometheus would not see that step."""
    sums = Sums()
    sums.declare([("alipay", "pc")])
    assert set(sums.counters.values()) == {0}
    assert ("login", "alipay", "pc", "settled") in sums.counters
    closed = [metric for metric in METRICS.values() if metric.values]
    assert {metric.kind for metric in closed} == {MetricType.COUNTER}
    assert len(sums.counters) == 4 + sum(len(metric.values) for metric in closed)
