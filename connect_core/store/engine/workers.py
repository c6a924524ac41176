"""Threads that run units of work, and the time each unit may wait and take. Knows nothing of SQL.

A database that answers nobody for `RESPONSE_TIMEOUT_SECONDS` counts as down: everybody who waits gets `Unavailable`,
and their connections are cut so that the threads come free. While it answers others, a unit may wait up to
`WORK_TIMEOUT_SECONDS`.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from connect_core.errors import Unavailable
from connect_core.store.engine.failures import describe_failure

T = TypeVar("T")

RESPONSE_TIMEOUT_SECONDS = 2
"""Seconds for which a database may answer nobody before it counts as down."""
WORK_TIMEOUT_SECONDS = 5
"""Seconds that a unit of work may take, with its wait for a thread, while the database answers others."""


class Answered(Protocol):
    """Knows when the database last answered: `answered_at`, on the monotonic clock."""

    answered_at: float


class Deadline:
    """The time limit of one unit of work. The event loop expires it; the thread that runs the work obeys it.

    Set `transaction` to what the work runs in: each of its answers extends the deadline.
    """

    transaction: Answered | None = None

    def __init__(self) -> None:
        self.started_at = time.monotonic()
        self.is_expired = False
        self.timer: asyncio.TimerHandle
        self._connection: Any = None
        self._cut: Callable[[Any], None]
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise `Unavailable` when the deadline has expired: nobody waits for this work any more."""
        if self.is_expired:
            raise Unavailable("the database is too slow", retry_after=RESPONSE_TIMEOUT_SECONDS)

    def watch(self, connection: Any, cut: Callable[[Any], None]) -> None:
        """Have `cut` called with the driver's `connection` when the deadline expires. Raises as `check`."""
        with self._lock:
            self._connection, self._cut = connection, cut
        self.check()

    def unwatch(self) -> None:
        """Leave the connection alone from now on; another unit of work may use it."""
        with self._lock:
            self._connection = None

    def expire(self) -> None:
        """End the work soon and without a commit: cut its connection, and fail its next `check`."""
        with self._lock:
            self.is_expired = True
            if self._connection is not None:
                self._cut(self._connection)


class WorkerPool:
    """A bounded number of threads that run units of work under a deadline."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, name)
        self._last_answer = 0.0

    async def run(self, work: Callable[[Deadline], T]) -> T:
        """Run `work` on a thread and return its result. Raises `Unavailable` when it does not end in time."""
        deadline = Deadline()
        return await self.wait_for(self.submit(work, deadline), deadline)

    def submit(self, work: Callable[[Deadline], T], deadline: Deadline) -> "asyncio.Future[T]":
        """Run `work` on a thread and return the future of its result."""
        return asyncio.get_running_loop().run_in_executor(self._threads, self._run_on_thread, work, deadline)

    async def wait_for(self, future: "asyncio.Future[T]", deadline: Deadline) -> T:
        """Return the result of `future`. Raises `Unavailable` when it does not come in time."""
        self.start_timer(deadline, future.cancel)
        try:
            return await future
        except asyncio.CancelledError:
            deadline.check()
            raise
        finally:
            deadline.timer.cancel()

    def start_timer(self, deadline: Deadline, on_expiry: Callable[[], object] | None = None) -> None:
        """Expire the deadline when its time is over, and then call `on_expiry`; `deadline.timer` can be cancelled."""
        self._set_timer(RESPONSE_TIMEOUT_SECONDS, deadline, on_expiry)

    def _set_timer(self, seconds: float, deadline: Deadline, on_expiry: Callable[[], object] | None) -> None:
        # not a closure that calls itself: such a cycle would keep all that the work has touched until the next search
        # for garbage
        loop = asyncio.get_running_loop()
        deadline.timer = loop.call_later(seconds, self._expire_or_wait, deadline, on_expiry)

    def _expire_or_wait(self, deadline: Deadline, on_expiry: Callable[[], object] | None) -> None:
        if (seconds := self._get_seconds_left(deadline)) > 0:
            self._set_timer(seconds, deadline, on_expiry)
            return
        deadline.expire()
        if on_expiry is not None:
            on_expiry()

    def note_answer(self) -> None:
        """Note that the database has just answered: who waits may wait on."""
        self._last_answer = time.monotonic()

    def count_waiting(self) -> int:
        """Return how many units of work wait for a thread."""
        return self._threads._work_queue.qsize()

    def close(self) -> None:
        """Wait for running work to end, and stop the threads."""
        self._threads.shutdown(wait=True)

    def _run_on_thread(self, work: Callable[[Deadline], T], deadline: Deadline) -> T:
        deadline.check()
        try:
            result = work(deadline)
        except Unavailable:
            raise
        except BaseException:
            self._last_answer = time.monotonic()
            raise
        self._last_answer = time.monotonic()
        return result

    def _get_seconds_left(self, deadline: Deadline) -> float:
        """Seconds until the deadline has to be looked at again; none when it has to expire."""
        transaction = deadline.transaction
        last_answer = max(self._last_answer, transaction.answered_at if transaction else 0.0)
        ends_at = min(deadline.started_at + WORK_TIMEOUT_SECONDS, last_answer + RESPONSE_TIMEOUT_SECONDS)
        return ends_at - time.monotonic()


def unavailable(error: Exception, name: str = "") -> Unavailable:
    """Return the error for a database that does not answer; it says the kind and number of the driver's `error`.

    `name` is said first: which of several databases it is.
    """
    reason = f"the database does not answer: {describe_failure(error)}"
    return Unavailable(f"{name}: {reason}" if name else reason, retry_after=RESPONSE_TIMEOUT_SECONDS)
