"""Processes of `serve --workers` that are killed: what the log says, and what is left of them."""

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from connect_core.cli.serve import init
from connect_core.cli.workers import describe_exit

from ..kit.commands import running, wait_for
from ..kit.ports import free_port
from ..kit.worker_processes import is_gone, lines_of, wait_until, workers_of


def is_listening(port: int) -> bool:
    """Tell whether anybody accepts connections."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_a_killed_worker_is_a_line_and_replaced(tmp_path: Path) -> None:
    """The line tells which worker, what ended it and which one stands in for it."""
    init(tmp_path)
    port = free_port()
    with running(tmp_path, "serve", "--port", str(port), "--workers", "2") as process:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        wait_until(lambda: len(workers_of(process)) == 2)
        killed, kept = workers_of(process)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(set(workers_of(process)) - {killed, kept}) == 1)
        time.sleep(1)
        [replacement] = set(workers_of(process)) - {killed, kept}
        process.send_signal(signal.SIGTERM)
        _, output = process.communicate(timeout=30)
    [line] = [line for line in lines_of(output) if line["event"] == "worker_died"]
    assert (line["level"], line["worker"], line["ended_by"]) == ("error", killed, "SIGKILL")
    assert (line["replaced_by"], line["pid"]) == (replacement, process.pid)


def test_a_killed_main_process_leaves_nobody_on_the_port(tmp_path: Path) -> None:
    """Its workers say so and stop, so that the next start finds the port free."""
    init(tmp_path)
    port = free_port()
    with running(tmp_path, "serve", "--port", str(port), "--workers", "2") as process:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        wait_until(lambda: len(workers_of(process)) == 2)
        time.sleep(1)
        workers = workers_of(process)
        process.kill()
        wait_until(lambda: all(map(is_gone, workers)))
        assert not is_listening(port)
        _, output = process.communicate(timeout=10)
    lines = [line for line in lines_of(output) if line["event"] == "main_process_died"]
    assert {line["pid"] for line in lines} == set(workers)
    assert {line["main"] for line in lines} == {process.pid}


@pytest.mark.parametrize(
    ("code", "text"), [(-9, "SIGKILL"), (-11, "SIGSEGV"), (-100, "signal 100"), (1, "exit code 1"), (0, "exit code 0")]
)
def test_what_ended_a_process(code: int, text: str) -> None:
    """A signal by its name, else the exit code."""
    assert describe_exit(code) == text
