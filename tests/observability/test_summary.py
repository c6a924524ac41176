"""What the dashboard reads out of the counts: funnels, refusals, latencies, circuits."""

from pathlib import Path

import pytest

from connect_core.observability.metrics import Counts, Snapshots, SnapshotWriter
from connect_core.observability.metrics.summary import Funnel, estimate_quantile, summarise


def counted() -> Counts:
    """What a process has counted in an afternoon."""
    counts = Counts()
    for stage, times in (("started", 4), ("returned", 3), ("settled", 1)):
        for _ in range(times):
            counts.count_login(stage, "alipay", "pc")
    counts.count_login("started", "alipay", "h5")
    counts.count_refusal("state_invalid", "alipay", "pc")
    for provider in ("alipay", ""):
        counts.count_refusal("provider_denied", provider, "")
    for _ in range(90):
        counts.observe_provider_call("alipay", "login_callback", "ok", 0.07)
    for _ in range(10):
        counts.observe_provider_call("alipay", "login_callback", "timeout", 5.0)
    counts.set_provider_circuit("alipay", "open")
    return counts


def test_the_way_of_logins_is_shown_by_provider_and_client_type() -> None:
    """Every stage has a number, also one that nobody reached."""
    assert summarise(counted().take()).funnels == (
        Funnel("alipay", "h5", (1, 0, 0, 0)),
        Funnel("alipay", "pc", (4, 3, 0, 1)),
    )


def test_refusals_are_added_up_by_code() -> None:
    """Whatever provider they are about, the most frequent first."""
    assert summarise(counted().take()).refusals == (("provider_denied", 2), ("state_invalid", 1))


def test_a_vendor_has_a_median_and_a_95th_percentile() -> None:
    """All outcomes count for the time; those that did not succeed are counted beside it."""
    [latency] = summarise(counted().take()).latencies
    assert (latency.provider, latency.operation, latency.count, latency.failed) == ("alipay", "login_callback", 100, 10)
    assert 0.05 < latency.median <= 0.1
    assert 4.0 < latency.p95 <= 8.0


@pytest.mark.parametrize(
    ("counts", "quantile", "expected"),
    [([0, 0, 0], 0.5, 0.0), ([4, 0, 0], 0.5, 0.5), ([0, 4, 0], 0.5, 1.5), ([2, 2, 0], 0.5, 1.0), ([0, 0, 3], 0.5, 2.0)],
)
def test_a_quantile_lies_within_its_bucket(counts: list[float], quantile: float, expected: float) -> None:
    """Spread evenly there; nothing without observations, and the last bound above it."""
    assert estimate_quantile((1.0, 2.0), counts, quantile) == expected


def test_circuits_are_shown_by_their_state() -> None:
    """A vendor that is held back is seen at once."""
    assert summarise(counted().take()).circuits == (("alipay", "open"),)


def test_nothing_counted_is_nothing_shown() -> None:
    """A service that has just begun has an empty dashboard, and no division by zero."""
    summary = summarise(Counts().take())
    assert (summary.funnels, summary.refusals, summary.latencies, summary.circuits) == ((), (), (), ())


def test_a_look_at_the_snapshots_changes_none(tmp_path: Path) -> None:
    """A worker adds up what all have counted, and leaves the folder to the process that answers `/metrics`."""
    SnapshotWriter(tmp_path).write(counted().take())
    (tmp_path / "999999999-1.json").write_text(next(tmp_path.glob("*.json")).read_text("utf-8"), "utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    sums = Snapshots(tmp_path).look()
    assert sums.counters["login", "alipay", "pc", "started"] == 8
    assert sums.gauges["provider_circuit", "alipay"][0] == 2.0
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert Snapshots(tmp_path).read().counters == sums.counters
