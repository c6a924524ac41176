"""Twelve faults in real services, each found by the doctor, and by its alert in a real Prometheus within two minutes.

Run with `tox -e chaos`, which prints the seconds that each took. Faults of the clock, of certificates, of keys, of the
disk and of the schema show although nobody logs in. With `CONNECT_DASHBOARD_PICTURE` set to a path, the dashboard
is drawn there as it looks meanwhile.
"""

import os
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from ..conftest import Require
from ..kit.faults import FAULTS, HEALTHY, Faulty, visiting
from ..kit.prometheus import SCRAPE_SECONDS, Prometheus, running_prometheus

PATIENCE = 150
"""Seconds after which a fault counts as unnoticed: more than are allowed, so that the table shows by how much."""
MOST_SECONDS = 120


def measure(prometheus: Prometheus, shops: Mapping[str, Faulty]) -> dict[str, float]:
    """Plant the faults, and return after how many seconds each one's alert fired."""
    began_at, seconds = {}, {}
    for fault in FAULTS:
        began_at[fault.name] = time.monotonic()
        shops[fault.job].plant()
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and len(seconds) < len(FAULTS):
        firing = prometheus.find_firing()
        for fault in FAULTS:
            if (fault.job, fault.alert) in firing and fault.name not in seconds:
                seconds[fault.name] = time.monotonic() - began_at[fault.name]
        time.sleep(1)
    return seconds


def test_every_fault_fires_its_alert(tmp_path: Path, require: Require) -> None:
    """Within two minutes, and nothing fires for a shop that is well and has visitors."""
    require(shutil.which("prometheus"), "Prometheus is not installed")
    require(shutil.which("faketime"), "faketime is not installed")
    with ExitStack() as stack:
        shops = {fault.job: fault.build(stack, tmp_path / fault.job) for fault in (HEALTHY, *FAULTS)}
        targets = {job: shop.targets for job, shop in shops.items()}
        prometheus = stack.enter_context(running_prometheus(tmp_path / "prometheus", targets, SCRAPE_SECONDS))
        count = sum(map(len, targets.values()))
        prometheus.wait_until(lambda: len(prometheus.query("up == 1")) == count, 60)
        stack.enter_context(visiting(shops))
        seconds = measure(prometheus, shops)
        findings = {fault.name: shops[fault.job].examine() for fault in FAULTS}
        for fault in FAULTS:
            alert = f"{fault.alert:28} {seconds.get(fault.name, float('nan')):4.0f} s"
            print(f"{fault.name:26} {alert}   {', '.join(sorted(findings[fault.name]))}")  # noqa: T201 - the table
        if picture := os.environ.get("CONNECT_DASHBOARD_PICTURE"):
            from ..kit.dashboard_picture import draw_dashboard  # noqa: PLC0415 - wants Chromium

            draw_dashboard(prometheus, {"job": ".*", "provider": ".*"}, 180, Path(picture))
        late = [fault.name for fault in FAULTS if not seconds.get(fault.name, PATIENCE) <= MOST_SECONDS]
        assert late == []
        assert [fault.name for fault in FAULTS if fault.finding not in findings[fault.name]] == []
        assert {alert for job, alert in prometheus.find_firing() if job == HEALTHY.job} == set()
