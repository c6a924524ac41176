"""The processes of `serve --workers`: how one starts, shows that it is alive, and ends with its main process.

Knows nothing of what a process does. Replacing one that has died is `supervisor`'s.
"""

import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

FORKS = sys.platform not in ("darwin", "win32")
"""Whether a worker is a copy of its main process. Frameworks of macOS do not survive that; Windows has no such call."""
CONTEXT: Any = multiprocessing.get_context("fork" if FORKS else "spawn")
BEAT_SECONDS = 1.0
"""Time between two signs of life."""
STOP_SECONDS = 15
"""Time that a worker has to stop."""
SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else [])})
"""The signals that a main process handles, and that a worker must not handle in its place."""
log = logging.getLogger("connect_login")


@dataclass(frozen=True, slots=True)
class Message:
    """What a worker sends to its main process: `is_ready` once it serves, `mistake` when it cannot begin to."""

    is_ready: bool = False
    mistake: str = ""


Report = Callable[[Message], None]
Work = Callable[[Report], None]


def start_worker(work: Work) -> tuple[BaseProcess, Connection]:
    """Run `work` in a process of its own; returns the process, and the connection on which its messages come.

    The process sends an empty message every `BEAT_SECONDS`, and stops when its main process dies: else it would keep
    the port, and answer by an old configuration. Call this in a process that has no other threads: a lock that a thread
    holds would stay locked in the copy.
    """
    reader, writer = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_run, args=(work, writer, os.getpid()))
    _block_signals()  # until the copy has handlers of its own
    try:
        process.start()
    finally:
        _unblock_signals()
    writer.close()
    return process, reader


def describe_exit(exit_code: int | None) -> str:
    """Return the name of the signal that ended a process, or its exit code."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"


def _run(work: Work, writer: Connection, main: int) -> None:
    for number in SIGNALS:  # a terminal that closes, and `pkill -HUP`, reach every process: only the main one reloads
        signal.signal(number, signal.SIG_DFL if number in (signal.SIGINT, signal.SIGTERM) else signal.SIG_IGN)
    _unblock_signals()
    gc.enable()
    lock = threading.Lock()

    def report(message: Message) -> None:
        with lock:  # a long message is not written at once
            writer.send(message)

    threading.Thread(target=_beat, args=(report, main), name="main-process", daemon=True).start()
    with suppress(KeyboardInterrupt):
        work(report)


def _beat(report: Report, main: int) -> None:
    with suppress(OSError):
        while os.getppid() == main:
            report(Message())
            time.sleep(BEAT_SECONDS)
    log.error("main_process_died", extra={"main": main})
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


def _block_signals() -> None:
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _unblock_signals() -> None:
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
