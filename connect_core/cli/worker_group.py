"""Processes that do the same work: as many as wanted, each replaced when it dies or hangs, all after a reload.

Does not know what the work is. Signals, and what happens when, are `supervisor`'s.
"""

import logging
import math
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from connect_core.cli.workers import STOP_SECONDS, Message, Report, describe_exit, start_worker
from connect_core.settings import Settings

SILENT_BEATS = 5
"""Seconds without a sign of life after which a worker counts as hung."""
LONGEST_PAUSE = 30
"""Most seconds between two attempts to start a worker, when workers die before they serve."""
log = logging.getLogger("connect_login")


@dataclass(slots=True, eq=False)
class Worker:
    """A worker as its main process sees it; `settings` are those that it began with."""

    process: BaseProcess
    messages: Connection
    settings: Settings
    is_ready: bool = False
    is_leaving: bool = False
    must_end_at: float = math.inf
    silent_beats: int = 0
    mistake: str = ""
    is_hung: bool = False

    def read(self) -> bool:
        """Take in what it has sent, and tell whether it has just begun to serve."""
        was_ready = self.is_ready
        with suppress(EOFError, OSError):
            while self.messages.poll():
                message: Message = self.messages.recv()
                self.silent_beats = 0
                self.is_ready = self.is_ready or message.is_ready
                self.mistake = message.mistake
        return self.is_ready and not was_ready

    def stop(self) -> None:
        """Let it finish its requests and end."""
        if not self.is_leaving:
            self.is_leaving, self.must_end_at = True, time.monotonic() + STOP_SECONDS
            self.process.terminate()

    @property
    def ended_by(self) -> str:
        """What ended it."""
        return "hung" if self.is_hung else describe_exit(self.process.exitcode)


class WorkerGroup:
    """Keeps a number of workers at work."""

    def __init__(
        self,
        name: str,
        work: Callable[[Settings, socket.socket, Report], None],
        listener: socket.socket,
        settings: Settings,
        count: int,
    ) -> None:
        """`work` runs in each of `count` processes; `name`, such as `worker`, is what the log calls one."""
        self._name, self._work, self._listener = name, work, listener
        self._died = f"{name}_died"  # the event in the log
        self._settings, self._count = settings, count
        self._workers: list[Worker] = []
        self._failures, self._start_at = 0, 0.0

    @property
    def is_empty(self) -> bool:
        """Whether every process has ended."""
        return not self._workers

    @property
    def events(self) -> list[Any]:
        """What to wait for: a message of a process, or its end."""
        return [event for worker in self._workers for event in (worker.messages, worker.process.sentinel)]

    def replace_all(self, settings: Settings) -> None:
        """Let every process be replaced by one that begins with `settings`."""
        self._settings, self._failures, self._start_at = settings, 0, 0.0

    def balance(self) -> None:
        """Start workers that are missing, and stop those that others have replaced: one more than wanted at a time."""
        current = self._find_current()
        outdated = [worker for worker in self._workers if not worker.is_leaving and worker not in current]
        serving = sum(worker.is_ready for worker in current)
        for worker in outdated[: max(0, len(outdated) + serving - self._count)]:
            worker.stop()
            outdated.remove(worker)
        missing = min(self._count, self._count + 1 - len(outdated)) - len(current)
        if missing > 0 and time.monotonic() >= self._start_at:
            for _ in range(missing):
                self._start()

    def read(self) -> None:
        """Take in what the processes have sent."""
        for worker in self._workers:
            if worker.read():
                self._failures = 0

    def stop(self) -> None:
        """Let every process finish its requests and end."""
        for worker in self._workers:
            worker.stop()

    def kill(self) -> None:
        """End every process now."""
        for worker in self._workers:
            worker.process.kill()

    def kill_hung(self) -> None:
        """End those that hang, or take too long to stop; call this once a second."""
        for worker in self._workers:
            worker.silent_beats += 1
            if worker.silent_beats > SILENT_BEATS:
                worker.is_hung = True
            if worker.is_hung or time.monotonic() > worker.must_end_at:
                worker.process.kill()

    def note_ends(self, *, is_stopping: bool) -> None:
        """Replace those that have died, unless the service `is_stopping`."""
        for worker in [worker for worker in self._workers if worker.process.exitcode is not None]:
            worker.read()
            worker.messages.close()
            self._workers.remove(worker)
            if is_stopping or worker.is_leaving:
                continue
            pause = 0 if worker.is_ready else self._count_failure()
            is_missed = not pause and len(self._find_current()) < self._count
            fields = {self._name: worker.process.pid, "ended_by": worker.ended_by}
            fields["replaced_by"] = self._start() if is_missed else None
            if not worker.is_ready:
                fields |= {"reason": worker.mistake, "next_try_seconds": pause}
            log.error(self._died, extra=fields)

    def _find_current(self) -> list[Worker]:
        """Return the workers that serve, or will, by the configuration in force."""
        return [worker for worker in self._workers if worker.settings is self._settings and not worker.is_leaving]

    def _start(self) -> int | None:
        """Start a worker and return its process id; None when the system refuses a process, which is tried again."""
        settings = self._settings
        try:
            worker = Worker(*start_worker(partial(self._work, settings, self._listener)), settings)
        except OSError as error:
            fields = {self._name: None, "ended_by": error.strerror, "replaced_by": None}
            log.error(self._died, extra={**fields, "next_try_seconds": self._count_failure()})
            return None
        self._workers.append(worker)
        return worker.process.pid

    def _count_failure(self) -> int:
        """Return how many seconds the next start waits after another one that failed; none after the first."""
        self._failures += 1
        pause = min(2 ** (self._failures - 2), LONGEST_PAUSE) if self._failures > 1 else 0
        self._start_at = time.monotonic() + pause
        return pause
