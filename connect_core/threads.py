"""Threads for blocking code: bounded, each kind of work apart from the others, and never waited for at the end.

Nothing of ours runs on asyncio's default pool, whose few threads belong to everybody in the process: a hook that hangs
there, or many checks of passwords, would stop every login. A thread cannot be ended from outside, so code that hangs
keeps its thread; the process ends all the same.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from connect_core.errors import Unavailable

IDLE_SECONDS = 10
"""Time after which a thread ends that has nothing to do."""
RETRY_AFTER_SECONDS = 5
T = TypeVar("T")


class DaemonThreads:
    """At most so many threads, which run calls in the order in which they come."""

    def __init__(self, name: str, *, threads: int = 4, waiting: int = 1000) -> None:
        """`name` is that of the threads; `waiting` calls may wait beside those that run."""
        self._name, self._most, self._limit = name, threads, threads + waiting
        self._queue: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished = self._started = 0

    def start(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """Run `call` on a thread and return the future of its result. Raises `Unavailable` when too many wait."""
        future: Future[T] = Future()
        with self._lock:
            if self._unfinished >= self._limit:
                waits = f"too many calls wait for a thread already ({self._name})"
                raise Unavailable(waits, retry_after=RETRY_AFTER_SECONDS)
            self._unfinished += 1
            needs_thread = self._started < min(self._unfinished, self._most)
            self._started += needs_thread
        self._queue.put((future, call))
        if needs_thread:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return asyncio.wrap_future(future)

    async def run_within(self, call: Callable[[], T], seconds: float, what: str) -> T:
        """Return what `call` returns or raises, on a thread.

        Raises `Unavailable`, whose text says that `what` does not answer, after `seconds`, with the wait for a thread.
        """
        future = self.start(call)
        await asyncio.wait([future], timeout=seconds)
        if not future.done():
            future.cancel()
            raise Unavailable(f"{what} does not answer", retry_after=RETRY_AFTER_SECONDS)
        return future.result()

    def _work(self) -> None:
        while True:
            try:
                future, call = self._queue.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                if self._may_end():
                    return
                continue
            if future.set_running_or_notify_cancel():
                _run(future, call)
            del future, call  # what they hold is not kept while the thread waits
            with self._lock:
                self._unfinished -= 1

    def _may_end(self) -> bool:
        with self._lock:
            if not self._queue.empty():
                return False
            self._started -= 1
            return True


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
        future.set_exception(error)
    else:
        future.set_result(result)
