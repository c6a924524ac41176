"""`connect-login` as an operator runs it, in a process of its own."""

import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.kit.forked import can_fork, run_forked

SECONDS = 60
"""How long a command may take."""
COMMAND = str(Path(sysconfig.get_path("scripts"), "connect-login"))


def run(*arguments: str) -> tuple[int, list[str], list[str]]:
    """Run the command to its end; returns its exit code and what it said."""
    done = run_in(Path.cwd(), *arguments)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def run_in(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in `folder`; nothing it says may be a traceback."""
    full = {**os.environ, **environment}
    if can_fork(arguments, full):
        done = run_forked(arguments, folder, full, SECONDS)
    else:
        call = [COMMAND, *arguments]
        done = subprocess.run(call, cwd=folder, env=full, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def refused(folder: Path, *arguments: str, **environment: str) -> list[str]:
    """What a command that cannot start says; it must end with 2 and say nothing else."""
    done = run_in(folder, *arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.splitlines()


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command until the block ends; then it must be gone."""
    command = [COMMAND, *arguments]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its workers too
        process.communicate()


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press Ctrl-C; returns the exit code and what was said, which is soon and no traceback."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    said = "".join(process.communicate(timeout=40))
    assert time.monotonic() - began < 30
    assert "Traceback" not in said
    return process.returncode, said


def wait_for(url: str) -> httpx.Response:
    """The answer, once there is one."""
    ends = time.monotonic() + 60
    while True:
        try:
            return httpx.get(url, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < ends
            time.sleep(0.05)
