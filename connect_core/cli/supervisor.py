"""The main process of `serve --workers`: starts workers, and replaces all of them after SIGHUP.

It answers no request, opens no connection and starts no thread: neither may be copied into workers. So it runs no
constructor of a plugin that others wrote. A configuration is tried out in a process of its own.
"""

import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import wait

from connect_core.cli.reloading import is_usable
from connect_core.cli.service_process import ServiceProcess
from connect_core.cli.worker_group import WorkerGroup
from connect_core.cli.workers import SIGNALS, Message, Report, describe_exit, start_worker
from connect_core.errors import ConnectError, SettingsError
from connect_core.settings import Settings

log = logging.getLogger("connect_login")


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
    """Keeps a number of workers at work, and with a management port the process that answers there."""

    def __init__(
        self, service: ServiceProcess, settings: Settings, count: int, management: socket.socket | None = None
    ) -> None:
        """`settings` have been checked; `count` is the number of workers, `management` listens on that port."""
        self._service, self._settings, self._count, self._management = service, settings, count, management
        self._groups: list[WorkerGroup] = []
        self._check: Check | None = None
        self._is_stopping = False
        self._beat_at = time.monotonic() + 1
        self._signals, self._noted = Pipe(duplex=False)

    def run(self, listener: socket.socket) -> None:
        """Serve on `listener` until SIGTERM or SIGINT, and return once every worker has ended."""
        service, settings = self._service, self._settings
        self._groups = [WorkerGroup("worker", service.work, listener, settings, self._count)]
        if self._management is not None:
            self._groups.append(WorkerGroup("management", service.manage, self._management, settings, 1))
        with self._handling_signals():
            try:
                while not self._is_stopping or not all(group.is_empty for group in self._groups):
                    self._balance()
                    self._wait()
                    self._note_ends()
            finally:
                self._kill_all()

    def _balance(self) -> None:
        for group in self._groups if not self._is_stopping else ():
            group.balance()

    def _note_ends(self) -> None:
        for group in self._groups:
            group.note_ends(is_stopping=self._is_stopping)

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

    def _wait(self) -> None:
        """Wait until something happens, for a second at most."""
        events = [self._signals, *(event for group in self._groups for event in group.events)]
        if self._check is not None:
            events.append(self._check.messages)
        happened = wait(events, 1)
        for group in self._groups:
            group.read()
        if self._signals in happened:
            self._obey(signal.Signals(self._signals.recv_bytes()[0]))
        if self._check is not None and (mistake := self._check.find_mistake()) is not None:
            self._end_check(self._check, mistake)
        if time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + 1
            for group in self._groups:
                group.kill_hung()

    def _obey(self, order: signal.Signals) -> None:
        if order not in (signal.SIGINT, signal.SIGTERM):
            self._reload()
        elif self._is_stopping:
            self._kill_all()
        else:
            self._is_stopping = True
            for group in self._groups:
                group.stop()

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
            for group in self._groups:
                group.replace_all(check.settings)

    def _kill_all(self) -> None:
        if self._check is not None:
            self._check.stop()
        for group in self._groups:
            group.kill()


def _check(check: Callable[[Settings], object], settings: Settings, report: Report) -> None:
    try:
        check(settings)
    except ConnectError as error:
        report(Message(mistake=str(error)))
    else:
        report(Message(is_ready=True))
