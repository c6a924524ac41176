"""The dashboard's queries, asked of a real Prometheus that scrapes a real service."""

import os
import re
import shutil
from pathlib import Path

from connect_core.harness import Visitor

from ..conftest import Require
from ..kit.ports import free_port
from ..kit.prometheus import find_expressions, running_prometheus
from ..kit.web_shops import served, wait_for

WITHOUT_VALUES = (
    "connect_clock_skew",
    "connect_provider_circuit",
    "connect_cache_up",
    "connect_certificate_expiry",
    "connect_limited",
    "retries",
    "notice_duration",
    "settings_revision",
    "webhook_",
)
"""What a shop on SQLite has no series of.

It is one without outages, Redis, certificates, limited visitors, races, hooks, webhooks, and settings in the
database.
"""


def fill_in(expression: str) -> str:
    """The query as Grafana sends it with every job and provider chosen."""
    return expression.replace("$job", ".*").replace("$provider", ".*")


def test_every_panel_has_an_answer(tmp_path: Path, require: Require) -> None:
    """After a login and a refused one, no query fails, and those that must have values have them."""
    require(shutil.which("prometheus"), "Prometheus is not installed")
    target = f"127.0.0.1:{free_port()}"
    with served(tmp_path, "--management-port", target.partition(":")[2], "--workers", "2") as service:
        wait_for(f"http://{target}/healthz")
        with running_prometheus(tmp_path / "prometheus", {"connect-login": [target]}, 1) as prometheus:

            def log_in() -> bool:
                with Visitor(service) as visitor:  # type: ignore[arg-type]
                    answer = visitor.http.get(visitor.consent(visitor.begin("alipay", "pc")))
                    assert answer.status_code == 303
                    visitor.http.get("/connect/alipay/pc/callback?auth_code=x&state=y")
                    visitor.http.post("/connect/alipay/mini/token", json={"authCode": os.urandom(8).hex()})
                shown = prometheus.query('sum(rate(connect_login_total{stage="settled"}[5m])) > 0')
                return bool(shown and prometheus.query("connect_state_refused_total"))

            prometheus.wait_until(log_in, 60)
            empty = [query for query in map(fill_in, find_expressions()) if not prometheus.query(query)]
        assert [query for query in empty if not re.search("|".join(WITHOUT_VALUES), query)] == []
