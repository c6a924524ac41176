"""A real Prometheus that loads the alerts of the documentation and scrapes services under test."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from .ports import free_port

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations"
ALERTS = OPERATIONS / "alerts.yml"
DASHBOARD = OPERATIONS / "grafana-dashboard.json"
SCRAPE_SECONDS = 15
"""As the documentation advises."""


def find_expressions() -> Iterator[str]:
    """The queries of the dashboard's panels."""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        yield from (target["expr"] for target in panel["targets"])


class Prometheus:
    """A server that runs; its HTTP API answers at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query; fails with Prometheus' own words when it cannot be evaluated."""
        answer = httpx.post(f"{self.url}/api/v1/query", data={"query": expression}, trust_env=False).json()
        assert answer["status"] == "success", (expression, answer.get("error"))
        samples: list[dict[str, Any]] = answer["data"]["result"]
        return samples

    def query_range(self, expression: str, seconds: int) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        """The labels and the values (time, value) of each series of the last `seconds`."""
        end = time.time()
        data = {"query": expression, "start": end - seconds, "end": end, "step": max(1, seconds // 100)}
        answer = httpx.post(f"{self.url}/api/v1/query_range", data=data, trust_env=False).json()
        assert answer["status"] == "success", (expression, answer.get("error"))
        return [
            (series["metric"], [(float(moment), float(value)) for moment, value in series["values"]])
            for series in answer["data"]["result"]
        ]

    def find_firing(self) -> set[tuple[str, str]]:
        """Job and name of the alerts that fire."""
        answer = httpx.get(f"{self.url}/api/v1/alerts", trust_env=False).json()
        alerts = answer["data"]["alerts"]
        return {
            (alert["labels"].get("job", ""), alert["labels"]["alertname"])
            for alert in alerts
            if alert["state"] == "firing"
        }

    def wait_until(self, is_true: Callable[[], object], seconds: float) -> None:
        """Wait until something is true, for so many seconds at most."""
        ends = time.monotonic() + seconds
        while not is_true():
            assert time.monotonic() < ends
            time.sleep(0.5)


@contextmanager
def running_prometheus(folder: Path, targets: Mapping[str, list[str]], scrape_seconds: int) -> Iterator[Prometheus]:
    """Run Prometheus with its data in `folder`; `targets` are the management ports to scrape, `host:port`, by job."""
    folder.mkdir()
    jobs = [{"job_name": job, "static_configs": [{"targets": hosts}]} for job, hosts in targets.items()]
    interval = f"{scrape_seconds}s"
    configuration = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "rule_files": [str(ALERTS)],
        "scrape_configs": jobs,
    }
    (folder / "prometheus.yml").write_text(json.dumps(configuration), "utf-8")  # JSON is YAML
    address = f"127.0.0.1:{free_port()}"
    command = [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for(f"http://{address}/-/ready", folder / "log")
            yield Prometheus(f"http://{address}")
        finally:
            process.terminate()
            process.wait(15)


def _wait_for(url: str, log: Path) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))
