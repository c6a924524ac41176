"""The main process of `serve --workers`: what it does about workers that hang, do not start, or do not end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from connect_core.cli.serve import init
from connect_core.harness import load_sandboxes, sandbox_settings

from ..kit.commands import running, wait_for
from ..kit.databases import installed_plugins
from ..kit.ports import free_port
from ..kit.web_shops import served
from ..kit.worker_processes import is_gone, lines_of, wait_until, workers_of

SCRIPT = """
import logging, os, signal, sys, time
from dataclasses import dataclass
from pathlib import Path
from connect_core.cli.service_process import ServiceProcess
from connect_core.cli.supervisor import Supervisor
from connect_core.cli.workers import Message
from connect_core.observability.logs import configure_logging

class Scripted(ServiceProcess):
    def work(self, settings, listener, report):
        {work}

configure_logging()
{preparation}
Supervisor(Scripted(Path(), "info"), object(), 1).run(None)
"""

REFUSE_A_PROCESS = """
fork, refusals = os.fork, [OSError(11, "no more processes")]
def refuse_once():
    if refusals:
        raise refusals.pop()
    return fork()
os.fork = refuse_once
"""


@contextmanager
def supervised(work: str, preparation: str = "") -> Iterator["subprocess.Popen[str]"]:
    """A main process with a worker that does `work`, a line of Python, after `preparation`; all of it ends here."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(work=work, preparation=preparation)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def read_lines(process: "subprocess.Popen[str]", number: int) -> list[dict[str, object]]:
    """The next lines of its log."""
    assert process.stderr is not None
    return [json.loads(process.stderr.readline()) for _ in range(number)]


def test_a_worker_that_cannot_start_is_tried_again_ever_more_rarely() -> None:
    """The first time at once, then after 1, 2, 4 … seconds; each line says why and when."""
    with supervised("report(Message(mistake='no such key')); sys.exit(3)") as process:
        began = time.monotonic()
        lines = read_lines(process, 4)
        assert time.monotonic() - began > 1 + 2
    assert {line["event"] for line in lines} == {"worker_died"}
    assert {(line["ended_by"], line["reason"]) for line in lines} == {("exit code 3", "no such key")}
    assert [line["next_try_seconds"] for line in lines] == [0, 1, 2, 4]
    assert lines[0]["replaced_by"] == lines[1]["worker"]
    assert [line["replaced_by"] for line in lines[1:]] == [None] * 3


def test_a_worker_that_served_is_replaced_at_once() -> None:
    """However often it dies: whoever it could serve is served again."""
    with supervised("report(Message(is_ready=True)); time.sleep(0.1); os._exit(1)") as process:
        lines = read_lines(process, 4)
    assert [line["replaced_by"] for line in lines[:3]] == [line["worker"] for line in lines[1:]]
    assert all("next_try_seconds" not in line for line in lines)


def test_a_system_that_refuses_a_process_is_asked_again() -> None:
    """The main process goes on, and with it the workers that there are."""
    with supervised("report(Message(is_ready=True)); time.sleep(60)", REFUSE_A_PROCESS) as process:
        [line] = read_lines(process, 1)
        wait_until(lambda: len(workers_of(process)) == 1)
    assert (line["event"], line["worker"], line["ended_by"]) == ("worker_died", None, "no more processes")


def test_a_second_signal_ends_a_worker_that_does_not_stop() -> None:
    """The first SIGTERM waits for it."""
    ignoring = "signal.signal(signal.SIGTERM, signal.SIG_IGN); report(Message(is_ready=True)); time.sleep(60)"
    with supervised(ignoring) as process:
        wait_until(lambda: len(workers_of(process)) == 1)
        [worker] = workers_of(process)
        time.sleep(0.5)
        process.terminate()
        time.sleep(1)
        assert not is_gone(worker)
        process.terminate()
        assert process.wait(5) == 0
        assert is_gone(worker)


@contextmanager
def two_workers(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A service and its port, once both of its workers have said that they live."""
    init(folder)
    port = free_port()
    with running(folder, "serve", "--port", str(port), "--workers", "2") as process:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        wait_until(lambda: len(workers_of(process)) == 2)
        time.sleep(1)
        yield process, port


def finish(process: "subprocess.Popen[str]") -> list[dict[str, object]]:
    """Stop a service; returns its log."""
    process.terminate()
    _, output = process.communicate(timeout=30)
    assert process.returncode == 0
    return lines_of(output)


def test_a_hung_worker_is_replaced(tmp_path: Path) -> None:
    """One that gives no sign of life for five seconds; a stop of all processes at once, as by Ctrl-Z, harms nobody."""
    with two_workers(tmp_path) as (process, _):
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(7)
        os.killpg(process.pid, signal.SIGCONT)
        workers = workers_of(process)
        os.kill(workers[0], signal.SIGSTOP)
        wait_until(lambda: workers[0] not in (now := workers_of(process)) and len(now) == 2)
        lines = finish(process)
    [line] = [line for line in lines if line["event"] == "worker_died"]
    assert (line["worker"], line["ended_by"]) == (workers[0], "hung")


def test_a_broken_file_does_not_keep_a_dead_worker_from_being_replaced(tmp_path: Path) -> None:
    """The replacement has the configuration in force, whatever the file says by now."""
    with two_workers(tmp_path) as (process, port):
        (tmp_path / "connect.toml").write_text("[service", "utf-8")
        for worker in (before := workers_of(process)):
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: len(set(workers_of(process)) - set(before)) == 2)
        assert wait_for(f"http://127.0.0.1:{port}/readyz").status_code == 200
        lines = finish(process)
    assert [line["event"] for line in lines] == ["worker_died"] * 2


def test_nothing_open_is_copied_into_workers(tmp_path: Path) -> None:
    """With every provider of ours the main process has one thread, no event loop, no file and no connection."""
    plugins = installed_plugins()
    everything = sandbox_settings(load_sandboxes(plugins), plugins.available, "http://127.0.0.1:9")
    with served(tmp_path, "--workers", "2", change=lambda raw: raw.update(everything)) as service:
        main = Path(f"/proc/{service.pid}")
        assert len(list((main / "task").iterdir())) == 1
        opened = [str(path.readlink()) for path in (main / "fd").iterdir()]
    kinds = sorted(name.partition(":")[0] for name in opened)
    assert kinds.count("socket") == 1, opened  # the one that listens
    assert set(kinds) <= {"/dev/null", "pipe", "socket", f"{tmp_path}/told"}, opened


@pytest.mark.parametrize("signals", [[signal.SIGHUP], [signal.SIGHUP] * 3])
def test_a_reload_replaces_every_worker(tmp_path: Path, signals: list[signal.Signals]) -> None:
    """One by one, and never fewer than there should be; several signals at once are as good as one."""
    with two_workers(tmp_path) as (process, _):
        before = set(workers_of(process))
        for number in signals:
            process.send_signal(number)
        wait_until(lambda: not before & (now := set(workers_of(process))) and len(now) == 2)
        lines = finish(process)
    assert lines == []
