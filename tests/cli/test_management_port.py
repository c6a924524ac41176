"""`serve --management-port`: real processes, killed, hung and reloaded, and what the port says meanwhile."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from connect_core.cli.serve import init
from connect_core.observability.metrics.snapshots import SERVING_SECONDS

from ..kit.commands import refused, running, wait_for
from ..kit.ports import free_port
from ..kit.scraping import Samples, get, scrape, wait_for_samples
from ..kit.worker_processes import is_gone, lines_of, wait_until, workers_of


@contextmanager
def managed(folder: Path, workers: int) -> Iterator[tuple["subprocess.Popen[str]", str, str]]:
    """A service; its main process, its address, and that of its management port, which answers."""
    init(folder)
    ports = free_port(), free_port()
    shop, management = (f"http://127.0.0.1:{port}" for port in ports)
    options = (
        "--port",
        str(ports[0]),
        "--management-port",
        str(ports[1]),
        "--workers",
        str(workers),
        "--log-level",
        "warning",
    )
    with running(folder, "serve", *options) as process:
        wait_for(f"{shop}/healthz")
        wait_until_well(management)
        yield process, shop, management


def ask_health(management: str) -> httpx.Response:
    """The answer of `/healthz` on the management port."""
    return httpx.get(f"{management}/healthz", trust_env=False)


def wait_until_well(management: str) -> None:
    """Wait until some worker serves."""

    def is_well() -> bool:
        with suppress(httpx.TransportError):
            return ask_health(management).status_code == 200
        return False

    wait_until(is_well, 60)


def refuse(shop: str, times: int) -> None:
    """Let the service refuse requests, over connections of their own, so that each worker gets some."""
    for _ in range(times):
        httpx.get(f"{shop}/connect/nobody/pc/login", trust_env=False)


def count(samples: Samples) -> float:
    """How many were refused."""
    return get(samples, "connect_refused_total", code="unsupported", provider="", client="pc")


def find_management(process: "subprocess.Popen[str]", address: str) -> int:
    """The process that answers on the management port: it alone holds no file of a worker's."""
    port = int(address.rpartition(":")[2])
    listening = subprocess.run(["ss", "-Htlnp", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
    pids = {int(part.partition(",")[0]) for part in listening.split("pid=")[1:]} - {process.pid}
    return max(pids)


def finish(process: "subprocess.Popen[str]") -> list[dict[str, object]]:
    """Stop a service; returns its log."""
    process.terminate()
    _, output = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGTERM)  # the latter of one process without workers
    return lines_of(output)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_port_says_both_addresses_and_what_was_counted(tmp_path: Path, workers: int) -> None:
    """All workers together; and the port of visitors has no `/metrics`."""
    with managed(tmp_path, workers) as (process, shop, management):
        refuse(shop, 10)
        wait_for_samples(management, lambda samples: count(samples) == 10)
        assert httpx.get(f"{shop}/metrics", trust_env=False).status_code == 404
        assert httpx.get(f"{shop}/readyz", trust_env=False).json() == (
            httpx.get(f"{management}/readyz", trust_env=False).json()
        )
        assert len(workers_of(process)) == (0 if workers == 1 else 3)
        process.terminate()
        _, output = process.communicate(timeout=60)
    said = output.splitlines()
    assert said[0].endswith(f"on {shop}")
    assert said[1] == f"health and metrics are on {management}"
    assert lines_of(output) == []


def test_a_killed_worker_takes_no_count_away(tmp_path: Path) -> None:
    """Counters never go back: Prometheus would take that for a new start, and count everything again."""
    with managed(tmp_path, 2) as (process, shop, management):
        refuse(shop, 10)
        wait_for_samples(management, lambda samples: count(samples) == 10)
        manager = find_management(process, management)
        for worker in set(workers_of(process)) - {manager}:
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda worker=worker: is_gone(worker))  # type: ignore[misc]
            assert count(scrape(management)) == 10
        wait_until_well(management)
        refuse(shop, 5)
        wait_for_samples(management, lambda samples: count(samples) == 15)
        lines = finish(process)
    assert [line["event"] for line in lines] == ["worker_died"] * 2


def test_the_management_process_is_replaced(tmp_path: Path) -> None:
    """Workers go on meanwhile, and what they counted is known to its successor."""
    with managed(tmp_path, 2) as (process, shop, management):
        refuse(shop, 4)
        wait_for_samples(management, lambda samples: count(samples) == 4)
        killed = find_management(process, management)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(workers_of(process)) == 3 and killed not in workers_of(process))
        wait_until_well(management)
        assert count(scrape(management)) == 4
        lines = finish(process)
    assert [(line["event"], line["management"], line["ended_by"]) for line in lines] == [
        ("management_died", killed, "SIGKILL")
    ]


def test_health_fails_while_no_worker_serves(tmp_path: Path) -> None:
    """The management process itself lives: that alone says nothing about the service."""
    with managed(tmp_path, 2) as (process, _, management):
        manager = find_management(process, management)
        os.kill(process.pid, signal.SIGSTOP)  # or it would replace them
        for worker in set(workers_of(process)) - {manager}:
            os.kill(worker, signal.SIGSTOP)
        wait_until(lambda: ask_health(management).status_code != 200, SERVING_SECONDS * 3)
        answer = ask_health(management)
        os.kill(process.pid, signal.SIGCONT)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        wait_until_well(management)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_keeps_the_port(tmp_path: Path, workers: int) -> None:
    """SIGHUP replaces the process that answers there too, with the socket that it has; no probe is refused."""
    with managed(tmp_path, workers) as (process, shop, management):
        refuse(shop, 3)
        wait_for_samples(management, lambda samples: count(samples) == 3)
        before = set(workers_of(process))
        config = tmp_path / "connect.toml"
        config.write_text(config.read_text("utf-8").replace("connect.db", "other.db"), "utf-8")
        process.send_signal(signal.SIGHUP)
        if workers == 2:
            wait_until(lambda: not before & (now := set(workers_of(process))) and len(now) == 3)
        wait_for_samples(management, lambda samples: count(samples) == (0 if workers == 1 else 3))
        assert finish(process) == []


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the workers' counts is private, and gone with the service."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    with managed(tmp_path, 2) as (process, _, _):
        [counts] = folder.iterdir()
        assert counts.stat().st_mode & 0o777 == 0o700
        finish(process)
    assert list(folder.iterdir()) == []


def test_a_port_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    """One line names the option: taken, the same as `--port`, or no port at all."""
    init(tmp_path)
    taken = str(free_port())
    options = ("serve", "--port", taken, "--management-port")
    mistake = f"something else listens on port {taken} already; stop it, or give another port"
    assert refused(tmp_path, *options, taken) == [f"connect-login: --management-port: {mistake}"]
    for wrong in ("70000", "x", "-1"):
        [line] = refused(tmp_path, *options, wrong)
        assert line == "connect-login: --management-port: give a number from 0 to 65535; 0 takes any free port"
