"""Threads on which units of work take turns, and how long each may wait and take. Knows nothing of SQL.

A database that answers nobody for `PATIENCE` is given up by everybody: the visitor is told, and the thread comes free
because its connection is cut. A crowd before a database that answers may wait for `LONGEST`.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from connect_core.errors import Unavailable

T = TypeVar("T")

PATIENCE = 2
"""Seconds that a database may leave everybody without an answer."""
LONGEST = 5
"""Seconds that a unit of work may take, with the wait for its turn, while others get answers."""


class Answering(Protocol):
    """What knows when the database last answered it, on the monotonic clock."""

    answered: float


class Job:
    """One unit of work on its way. `hold` and `let_go` say which connection it uses, `asks` what is asked on it."""

    asks: Answering | None = None

    def __init__(self) -> None:
        self.asked = time.monotonic()
        self.is_given_up = False
        self.timer: asyncio.TimerHandle
        self._connection: Any = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise `Unavailable` when nobody waits for this work any more."""
        if self.is_given_up:
            raise Unavailable("the database is too slow", retry_after=PATIENCE)

    def hold(self, connection: Any) -> None:
        """Use the driver's `connection`, which is cut when the work is given up. Raises as `check`."""
        with self._lock:
            self._connection = connection
        self.check()

    def let_go(self) -> None:
        """Use no connection any more."""
        with self._lock:
            self._connection = None

    def give_up(self) -> None:
        """Have the work end soon, without a commit."""
        with self._lock:
            self.is_given_up = True
            if self._connection is not None:
                _cut(self._connection)


class WorkerPool:
    """A bounded number of threads."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, name)
        self._last_answer = 0.0

    async def take(self, work: Callable[[Job], T]) -> T:
        """Run `work` on a thread. Raises `Unavailable` when it does not come to its turn, or to its end."""
        job = Job()
        return await self.wait_for(self.submit(work, job), job)

    def submit(self, work: Callable[[Job], T], job: Job) -> "asyncio.Future[T]":
        """Have `work` run on a thread."""
        return asyncio.get_running_loop().run_in_executor(self._threads, self._run, work, job)

    async def wait_for(self, future: "asyncio.Future[T]", job: Job) -> T:
        """Return what comes of the turn, in time. Raises `Unavailable` when it does not."""
        loop = asyncio.get_running_loop()

        def look() -> None:
            if (seconds := self._get_patience(job)) > 0:
                job.timer = loop.call_later(seconds, look)
            else:
                job.give_up()
                future.cancel()

        job.timer = loop.call_later(PATIENCE, look)
        try:
            return await future
        except asyncio.CancelledError:
            job.check()
            raise
        finally:
            job.timer.cancel()

    def close(self) -> None:
        """Let running work finish."""
        self._threads.shutdown(wait=True)

    def _run(self, work: Callable[[Job], T], job: Job) -> T:
        job.check()
        try:
            done = work(job)
        except Unavailable:
            raise
        except BaseException:
            self._last_answer = time.monotonic()
            raise
        self._last_answer = time.monotonic()
        return done

    def _get_patience(self, job: Job) -> float:
        """Seconds until this turn is to be looked at again, or, when there are none, given up."""
        last_answer = max(self._last_answer, job.asks.answered if job.asks else 0.0)
        return min(job.asked + LONGEST, last_answer + PATIENCE) - time.monotonic()


def unavailable(error: Exception) -> Unavailable:
    """The database's own text may quote parameters, so only its kind is kept."""
    origin = getattr(error, "orig", None) or error
    return Unavailable(f"the database does not answer: {type(origin).__name__}", retry_after=PATIENCE)


def _cut(connection: Any) -> None:
    """End what another thread waits for, on psycopg's or PyMySQL's connection; SQLite's driver waits for no network."""
    named = getattr(connection, "_sock", connection)
    with suppress(Exception), socket.socket(fileno=os.dup(named.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)
