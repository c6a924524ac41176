"""SIGHUP: a changed configuration is taken up, a broken one is not, and no connection is refused meanwhile."""

import json
import os
import re
import signal
import time
from pathlib import Path

import httpx
import pytest

from ..kit.web_shops import Served, served


def hang_up(service: Served) -> None:
    """Send SIGHUP to the process that listens."""
    os.kill(service.pid, signal.SIGHUP)


def shown(service: Served) -> list[str]:
    """The providers of the PC's login page."""
    answer = httpx.get(f"{service.url}/connect/providers?client=pc", trust_env=False, timeout=20)
    return [provider["provider"] for provider in answer.json()]


def wait_until_shown(service: Served, providers: list[str]) -> None:
    """Ask until the service has the new configuration; every single request must be answered."""
    ends = time.monotonic() + 40
    while shown(service) != providers:
        assert time.monotonic() < ends, "the configuration is the old one"
        time.sleep(0.05)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_changed_configuration_is_read_again(tmp_path: Path, workers: str) -> None:
    """The process keeps its number, and connections that come meanwhile are answered."""
    with served(tmp_path, "--workers", workers) as service:
        assert shown(service) == ["alipay", "wechat"]
        config = tmp_path / "connect.toml"
        config.write_text(re.sub(r"(?m)^pc = .*", 'pc = ["wechat"]', config.read_text("utf-8")), "utf-8")
        hang_up(service)
        wait_until_shown(service, ["wechat"])
        hang_up(service)
        time.sleep(1)
        wait_until_shown(service, ["wechat"])
    assert "Traceback" not in service.output


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc tells which signals a process handles")
def test_a_second_signal_while_the_service_starts_again(tmp_path: Path) -> None:
    """It waits until the new process handles it, and then what is configured by now is read."""
    with served(tmp_path) as service:
        hang_up(service)
        ends = time.monotonic() + 40
        while handles_hang_up(service.pid):
            assert time.monotonic() < ends, "the process was not replaced"
            time.sleep(0.002)
        config = tmp_path / "connect.toml"
        config.write_text(re.sub(r"(?m)^pc = .*", 'pc = ["wechat"]', config.read_text("utf-8")), "utf-8")
        hang_up(service)
        wait_until_shown(service, ["wechat"])
        assert httpx.get(f"{service.url}/readyz", trust_env=False, timeout=20).status_code == 200
    assert "Traceback" not in service.output


def handles_hang_up(pid: int) -> bool:
    """Whether the process has a handler of its own for SIGHUP."""
    [caught] = re.findall(r"(?m)^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text("utf-8"))
    return bool(int(caught, 16) & 1)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("broken", ["[service", '[service]\npublic_url = "ftp://x"\n', "a = " + "[" * 20_000, None])
def test_a_broken_configuration_changes_nothing(tmp_path: Path, workers: str, broken: str | None) -> None:
    """The service goes on with the old one and says in one line what is wrong."""
    with served(tmp_path, "--workers", workers) as service:
        config = tmp_path / "connect.toml"
        if broken is None:
            config.unlink()
        else:
            config.write_text(broken, "utf-8")
        hang_up(service)
        ends = time.monotonic() + 40
        while "reload_refused" not in (told := (tmp_path / "told").read_text("utf-8")) and time.monotonic() < ends:
            time.sleep(0.05)
        assert shown(service) == ["alipay", "wechat"]
    line = next(line for line in told.splitlines() if "reload_refused" in line)
    assert json.loads(line)["reason"]
    assert "Traceback" not in service.output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_database_that_is_down_does_not_end_a_reloaded_service(tmp_path: Path, workers: str) -> None:
    """The service goes on with the new configuration and says that it is not ready."""
    with served(tmp_path, "--workers", workers) as service:
        config = tmp_path / "connect.toml"
        text = re.sub(r"(?m)^pc = .*", 'pc = ["wechat"]', config.read_text("utf-8"))
        nobody = '"postgresql+psycopg://connect@127.0.0.1:1/shop"'
        config.write_text(re.sub(r"(?m)^database_url = .*", f"database_url = {nobody}", text), "utf-8")
        hang_up(service)
        wait_until_shown(service, ["wechat"])
        ends = time.monotonic() + 20
        while httpx.get(f"{service.url}/readyz", trust_env=False, timeout=20).status_code != 503:
            assert time.monotonic() < ends
            time.sleep(0.05)
    assert "Traceback" not in service.output
