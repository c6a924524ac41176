"""SQLite on the event loop: queries run there, since each takes microseconds, and waiting writes share one commit.

On a thread, each step of a query would hand Python's global interpreter lock over and wait to get it back, which costs
several times as much as the query. A thread does only what may take long: the commit, which waits for the disk, long
units of work, and any unit that failed here.
"""

import asyncio
import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from connect_core.store.engine.statement import Transaction
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS, Deadline, WorkerPool, unavailable

T = TypeVar("T")
Work = Callable[[Transaction], T]
Connect = Callable[[], sqlite3.Connection]
Transact = Callable[[sqlite3.Cursor], Transaction]

UNITS_PER_COMMIT = 16
"""Most units of work that share a commit; they keep the event loop busy for about two milliseconds."""
LOCK_RETRY_SECONDS = (0.001, 0.004)
"""Shortest and longest pause before trying again to get the lock that another process holds."""


class RetryOnThread(Exception):
    """The unit of work has to run again on a thread, where it may wait for a lock, or fail, without harm to others."""


class Reader:
    """Runs units of work that only read, on the event loop."""

    def __init__(self, connect: Connect, transact: Transact) -> None:
        """`connect` opens a connection that never waits for a lock; `transact` makes a transaction on a cursor."""
        self._connect, self._transact = connect, transact
        self._connection: sqlite3.Connection | None = None

    def read(self, work: Work[T]) -> T:
        """Run `work` and return its result. Raises `RetryOnThread` when SQLite reports an error."""
        cursor = None
        try:
            connection = self._connection = self._connection or self._connect()
            cursor = connection.cursor()
            cursor.execute("BEGIN")
            return work(self._transact(cursor))
        except sqlite3.Error:
            self.close()
            raise RetryOnThread from None
        finally:
            if self._connection is not None and cursor is not None:
                self._connection.rollback()
                cursor.close()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(slots=True)
class _Unit(Generic[T]):
    """A unit of work in the queue. `is_long`: it gets a transaction of its own, on the thread."""

    work: Work[T]
    deadline: Deadline
    future: "asyncio.Future[T]"
    is_long: bool
    result: Any = None
    error: Exception | None = None

    def resolve(self) -> None:
        """Hand the result or the error to the caller, unless it waits no more."""
        if self.error is not None:
            self.fail(self.error)
        elif not self.future.done():
            self.future.set_result(self.result)

    def fail(self, error: BaseException) -> None:
        """Hand an error to the caller, unless it waits no more."""
        if not self.future.done():
            self.future.set_exception(error)


class GroupCommit:
    """The process's one writer: runs queued units in turn on the event loop, and commits them together on a thread."""

    def __init__(
        self,
        connect: Connect,
        transact: Transact,
        run_alone: Callable[[Work[Any], Deadline], Any],
        worker_pool: WorkerPool,
    ) -> None:
        """`connect` opens a connection that never waits for a lock, `transact` makes a transaction on a cursor.

        `run_alone` runs and commits one unit on the calling thread, waiting for locks; `worker_pool` has that thread.
        """
        self._connect, self._transact, self._run_alone, self._worker_pool = connect, transact, run_alone, worker_pool
        self._connection: sqlite3.Connection | None = None
        self._queue: deque[_Unit[Any]] = deque()
        self._queue_task: asyncio.Task[None] | None = None

    def submit(self, work: Work[T], deadline: Deadline, *, is_long: bool = False) -> "asyncio.Future[T]":
        """Queue `work` and return the future of its result, which is set once its changes are committed.

        A group that changed no row is rolled back, which saves the wait for the disk.
        """
        loop = asyncio.get_running_loop()
        unit = _Unit(work, deadline, loop.create_future(), is_long)
        self._queue.append(unit)
        if self._queue_task is None or self._queue_task.done():
            self._queue_task = loop.create_task(self._run_queue())
        return unit.future

    def count_units(self) -> tuple[int, int]:
        """Return how many groups or units are being run, 0 or 1, and how many units wait."""
        is_busy = self._queue_task is not None and not self._queue_task.done()
        return int(is_busy), len(self._queue)

    def close(self) -> None:
        """Close the connection. Close the worker pool first: its thread may be using it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _run_queue(self) -> None:
        try:
            while self._queue:
                if self._queue[0].is_long:
                    await self._run_long(self._queue.popleft())
                else:
                    await self._run_group(self._take_group())
        except asyncio.CancelledError:  # the loop is ending, and the thread may still be using the connection
            self._connection = None
            while self._queue:
                self._queue.popleft().future.cancel()
            raise

    def _take_group(self) -> list[_Unit[Any]]:
        units: list[_Unit[Any]] = []
        while self._queue and len(units) < UNITS_PER_COMMIT and not self._queue[0].is_long:
            units.append(self._queue.popleft())
        return units

    async def _run_long(self, unit: _Unit[Any]) -> None:
        try:
            unit.result = await self._worker_pool.submit(partial(self._run_alone, unit.work), unit.deadline)
            unit.error = None
        except Exception as error:  # noqa: BLE001 - the caller of `submit` gets it
            unit.error = error
        unit.resolve()

    async def _run_group(self, units: list[_Unit[Any]]) -> None:
        is_committing = False
        try:
            if self._connection is None:
                self._connection = await self._call_on_thread(self._connect)
            connection = self._connection
            await _begin(connection)
            if self._run(connection, units):
                is_committing = True
                await self._call_on_thread(connection.commit)
            else:
                connection.rollback()
        except Exception as error:  # noqa: BLE001 - a unit that fails again on the thread reports its error there
            self._undo(units, error, is_committing=is_committing)
        else:
            for unit in units:
                unit.resolve()

    def _run(self, connection: sqlite3.Connection, units: list[_Unit[Any]]) -> bool:
        """Run the units in one transaction and tell whether rows changed.

        Raises `RetryOnThread` when a unit failed after it had changed rows: they cannot be undone alone.
        """
        changes_before = connection.total_changes
        cursor = connection.cursor()
        try:
            transaction = self._transact(cursor)
            for unit in units:
                if not unit.future.done():
                    _run_unit(unit, transaction, connection)
        finally:
            cursor.close()
        return connection.total_changes != changes_before

    def _undo(self, units: list[_Unit[Any]], error: Exception, *, is_committing: bool) -> None:
        """Roll the group back and queue its units again, each to run alone on the thread.

        After a failed commit nothing is run again: nobody can know whether it took effect.
        """
        with suppress(sqlite3.Error):
            if self._connection is not None:
                self._connection.rollback()
        if not isinstance(error, RetryOnThread):
            self.close()
        if is_committing:
            for unit in units:
                unit.fail(unavailable(error))
            return
        for unit in units:
            unit.is_long = True
        self._queue.extendleft(reversed(units))

    def _call_on_thread(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        return self._worker_pool.submit(lambda _: call(), Deadline())


async def _begin(connection: sqlite3.Connection) -> None:
    """Take the database's lock.

    While another process holds it, try again every few milliseconds: a busy process may hold it again at once.
    """
    ends = time.monotonic() + RESPONSE_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
        else:
            return
        await asyncio.sleep(random.uniform(*LOCK_RETRY_SECONDS))  # noqa: S311 - no secret


def _run_unit(unit: _Unit[Any], transaction: Transaction, connection: sqlite3.Connection) -> None:
    changes_before = connection.total_changes
    try:
        unit.result = unit.work(transaction)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - the caller of `submit` gets it
        if connection.total_changes != changes_before:
            raise RetryOnThread from None
        unit.error = error  # reported after the commit: it may rest on a row that another unit of the group wrote
