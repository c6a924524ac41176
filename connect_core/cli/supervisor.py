"""The main process of `serve --workers`: replaces workers that die or hang, and all of them after SIGHUP.

It answers no request and builds nothing: what a plugin builds for its work, such as a connection or a thread, must not
be copied into workers. A configuration is tried out in a process of its own.
"""

import logging
import math
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from connect_core.cli.reloading import is_usable
from connect_core.cli.service_process import ServiceProcess
from connect_core.cli.workers import SIGNALS, STOP_SECONDS, Message, Report, describe_exit, start_worker
from connect_core.errors import ConnectError, SettingsError
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


class Check:
    """A configuration that is being tried out in a process of its own."""

    def __init__(self, check: Callable[[Settings], object], settings: Settings) -> None:
        """`check` raises the mistakes of `settings`."""
        self.settings = settings
        self.process, self.messages = start_worker(partial(_check, check, settings))

    def find_mistake(self) -> str | None:
        """Return what is wrong, empty when the configuration can be used, or None while nobody knows yet."""
        with suppress(EOFError, OSError):
            while self.messages.poll():
                message: Message = self.messages.recv()
                if message != Message():
                    self.stop()  # a thread of a plugin's may keep it from ending
                    return message.mistake
            return None
        self.process.join()
        return f"checking the configuration ended by {describe_exit(self.process.exitcode)}"

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.process.join()


def check_apart(service: ServiceProcess, settings: Settings) -> None:
    """Raise `SettingsError` with every mistake that keeps the service from starting, a silent database included."""
    check = Check(service.build, settings)
    while (mistake := check.find_mistake()) is None:
        check.messages.poll(None)
    if mistake:
        raise SettingsError(mistake.splitlines())


class Supervisor:
    """Keeps a number of workers at work."""

    def __init__(self, service: ServiceProcess, settings: Settings, count: int) -> None:
        """`settings` have been checked; `count` is the number of workers."""
        self._service, self._settings, self._count = service, settings, count
        self._listener: socket.socket
        self._workers: list[Worker] = []
        self._check: Check | None = None
        self._is_stopping = False
        self._failures, self._start_at, self._beat_at = 0, 0.0, time.monotonic() + 1
        self._signals, self._noted = Pipe(duplex=False)

    def run(self, listener: socket.socket) -> None:
        """Serve on `listener` until SIGTERM or SIGINT, and return once every worker has ended."""
        self._listener = listener
        with self._handling_signals():
            try:
                while self._workers or not self._is_stopping:
                    self._balance()
                    self._wait()
                    self._note_ends()
            finally:
                self._kill_all()

    @contextmanager
    def _handling_signals(self) -> Iterator[None]:
        previous = {
            number: signal.signal(number, lambda received, _: self._noted.send_bytes(bytes([received])))
            for number in SIGNALS
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _balance(self) -> None:
        """Start workers that are missing, and stop those that others have replaced: one more than wanted at a time."""
        if self._is_stopping:
            return
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

    def _find_current(self) -> list[Worker]:
        """Return the workers that serve, or will, by the configuration in force."""
        return [worker for worker in self._workers if worker.settings is self._settings and not worker.is_leaving]

    def _start(self) -> int | None:
        """Start a worker and return its process id; None when the system refuses a process, which is tried again."""
        settings = self._settings
        try:
            worker = Worker(*start_worker(partial(self._service.work, settings, self._listener)), settings)
        except OSError as error:
            fields = {"worker": None, "ended_by": error.strerror, "replaced_by": None}
            log.error("worker_died", extra={**fields, "next_try_seconds": self._count_failure()})
            return None
        self._workers.append(worker)
        return worker.process.pid

    def _count_failure(self) -> int:
        """Return how many seconds the next start waits after another one that failed; none after the first."""
        self._failures += 1
        pause = min(2 ** (self._failures - 2), LONGEST_PAUSE) if self._failures > 1 else 0
        self._start_at = time.monotonic() + pause
        return pause

    def _wait(self) -> None:
        """Wait until something happens, for a second at most."""
        events: list[Any] = [self._signals]
        for worker in self._workers:
            events += [worker.messages, worker.process.sentinel]
        if self._check is not None:
            events.append(self._check.messages)
        happened = wait(events, 1)
        for worker in self._workers:
            if worker.read():
                self._failures = 0
        if self._signals in happened:
            self._obey(signal.Signals(self._signals.recv_bytes()[0]))
        if self._check is not None and (mistake := self._check.find_mistake()) is not None:
            self._end_check(self._check, mistake)
        if time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + 1
            self._kill_hung()

    def _obey(self, order: signal.Signals) -> None:
        if order not in (signal.SIGINT, signal.SIGTERM):
            self._reload()
        elif self._is_stopping:
            self._kill_all()
        else:
            self._is_stopping = True
            for worker in self._workers:
                worker.stop()

    def _reload(self) -> None:
        loaded: list[Settings] = []
        if not self._is_stopping and is_usable(lambda: loaded.append(self._service.load())):
            if self._check is not None:
                self._check.stop()
            try:
                self._check = Check(self._service.check, loaded[0])
            except OSError as error:
                log.error("reload_refused", extra={"reason": f"no process can be started: {error.strerror}"})

    def _end_check(self, check: Check, mistake: str) -> None:
        self._check = None
        if mistake:
            log.error("reload_refused", extra={"reason": mistake})
        else:
            self._settings = check.settings
            self._failures, self._start_at = 0, 0.0

    def _kill_hung(self) -> None:
        for worker in self._workers:
            worker.silent_beats += 1
            if worker.silent_beats > SILENT_BEATS:
                worker.is_hung = True
            if worker.is_hung or time.monotonic() > worker.must_end_at:
                worker.process.kill()

    def _note_ends(self) -> None:
        """Replace the workers that have died."""
        for worker in [worker for worker in self._workers if worker.process.exitcode is not None]:
            worker.read()
            worker.messages.close()
            self._workers.remove(worker)
            if self._is_stopping or worker.is_leaving:
                continue
            pause = 0 if worker.is_ready else self._count_failure()
            is_missed = not pause and len(self._find_current()) < self._count
            fields = {"worker": worker.process.pid, "ended_by": worker.ended_by}
            fields["replaced_by"] = self._start() if is_missed else None
            if not worker.is_ready:
                fields |= {"reason": worker.mistake, "next_try_seconds": pause}
            log.error("worker_died", extra=fields)

    def _kill_all(self) -> None:
        if self._check is not None:
            self._check.stop()
        for worker in self._workers:
            worker.process.kill()


def _check(check: Callable[[Settings], object], settings: Settings, report: Report) -> None:
    try:
        check(settings)
    except ConnectError as error:
        report(Message(mistake=str(error)))
    else:
        report(Message(is_ready=True))
