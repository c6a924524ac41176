"""The alerts and the dashboard of the documentation: they load, fire when they should, and name metrics that exist."""

import re
import shutil
import subprocess

from connect_core.observability.metrics.catalogue import METRICS

from ..conftest import Require
from ..kit.prometheus import ALERTS, OPERATIONS, find_expressions

ALERTS_PAGE = OPERATIONS.parent / "how-to" / "alerts.md"
NAME = re.compile(r"\bconnect_\w+")


def full_names() -> set[str]:
    """The names of all series that the service shows."""
    parts = {metric.full_name for metric in METRICS.values()}
    return parts | {f"{name}_{part}" for name in parts for part in ("bucket", "count", "sum")}


def run_promtool(*arguments: str) -> None:
    """Fail with what promtool says unless it is content."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should(require: Require) -> None:
    """And not for a visitor's mistakes; the cases are in `alerts.test.yml`."""
    require(shutil.which("promtool"), "Prometheus is not installed")
    run_promtool("check", "rules", str(ALERTS))
    run_promtool("test", "rules", str(ALERTS.with_suffix(".test.yml")))


def test_each_alert_is_tested_and_explained() -> None:
    """Each has a case in which it fires, and a section on the page that it leads to."""
    alerts = set(re.findall(r"- alert: (\w+)", ALERTS.read_text("utf-8")))
    assert alerts <= set(re.findall(r"Connect\w+", ALERTS.with_suffix(".test.yml").read_text("utf-8")))
    assert set(re.findall(r"^### (\w+)$", ALERTS_PAGE.read_text("utf-8"), re.MULTILINE)) == alerts
    runbooks = re.findall(r"runbook: docs/how-to/alerts\.md#(\w+)", ALERTS.read_text("utf-8"))
    assert sorted(runbooks) == sorted(alert.lower() for alert in alerts)


def test_what_is_queried_exists() -> None:
    """A metric that was renamed is not left behind in an alert or a panel."""
    rules = re.sub(r"(?m)^\s+(summary|description): .*$", "", ALERTS.read_text("utf-8"))
    queried = set(NAME.findall(rules)) | set(NAME.findall(" ".join(find_expressions())))
    assert queried - full_names() == set()


def test_each_metric_is_on_the_dashboard() -> None:
    """Under one of the names that it has in Prometheus."""
    shown = NAME.findall(" ".join(find_expressions()))
    missing = {metric.full_name for metric in METRICS.values()} - {
        re.sub("_(bucket|count)$", "", name) for name in shown
    }
    assert missing == set()
