"""SQLite on the event loop: a query takes microseconds there, and what waits to be written shares a commit.

On a thread each step of a query would hand the interpreter's lock over and wait for it, which costs several times as
much as the query. A thread does what may take long: the commit, which waits for the disk, work at leisure, and whatever
went wrong here.
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
from connect_core.store.engine.workers import PATIENCE, Job, WorkerPool, unavailable

T = TypeVar("T")
Work = Callable[[Transaction], T]
Connect = Callable[[], sqlite3.Connection]
Transact = Callable[[sqlite3.Cursor], Transaction]

MOST = 16
"""Units of work that share a commit: two milliseconds of the loop."""
LOOKS = (0.001, 0.004)
"""Seconds after which another process's lock is looked at again."""


class RetryOnThread(Exception):
    """It has to be run where it may wait, or fail."""


class Reader:
    """Runs on the event loop what only reads."""

    def __init__(self, connect: Connect, transact: Transact) -> None:
        """`connect` opens a connection that waits for no lock."""
        self._connect, self._transact = connect, transact
        self._connection: sqlite3.Connection | None = None

    def read(self, work: Work[T]) -> T:
        """Run `work`. Raises `RetryOnThread`."""
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
    """A unit of work that waits. `is_alone`: it gets a transaction of its own, on the thread."""

    work: Work[T]
    job: Job
    answer: "asyncio.Future[T]"
    is_alone: bool
    done: Any = None
    refusal: Exception | None = None

    def end(self) -> None:
        """Answer what was done or refused, unless nobody waits any more."""
        if self.refusal is not None:
            self.fail(self.refusal)
        elif not self.answer.done():
            self.answer.set_result(self.done)

    def fail(self, error: BaseException) -> None:
        """Answer with an error, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_exception(error)


class GroupCommit:
    """The one writer: runs what waits one after the other on the event loop, and commits it together on a thread."""

    def __init__(
        self,
        connect: Connect,
        transact: Transact,
        run_alone: Callable[[Work[Any], Job], Any],
        worker_pool: WorkerPool,
    ) -> None:
        """`connect` opens a connection that waits for no lock; `run_alone` runs one unit whole, and may wait."""
        self._connect, self._transact, self._run_alone, self._worker_pool = connect, transact, run_alone, worker_pool
        self._connection: sqlite3.Connection | None = None
        self._waiting: deque[_Unit[Any]] = deque()
        self._conductor: asyncio.Task[None] | None = None

    def submit(self, work: Work[T], job: Job, *, at_leisure: bool = False) -> "asyncio.Future[T]":
        """Return the answer of `work`, which comes once it is committed. Work that changes no row is not kept."""
        loop = asyncio.get_running_loop()
        unit = _Unit(work, job, loop.create_future(), at_leisure)
        self._waiting.append(unit)
        if self._conductor is None or self._conductor.done():
            self._conductor = loop.create_task(self._conduct())
        return unit.answer

    def close(self) -> None:
        """Close the connection; the thread has ended."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _conduct(self) -> None:
        try:
            while self._waiting:
                if self._waiting[0].is_alone:
                    await self._do_alone(self._waiting.popleft())
                else:
                    await self._do_together(self._take())
        except asyncio.CancelledError:  # the loop ends; the thread may still use the connection
            self._connection = None
            while self._waiting:
                self._waiting.popleft().answer.cancel()
            raise

    def _take(self) -> list[_Unit[Any]]:
        units: list[_Unit[Any]] = []
        while self._waiting and len(units) < MOST and not self._waiting[0].is_alone:
            units.append(self._waiting.popleft())
        return units

    async def _do_alone(self, unit: _Unit[Any]) -> None:
        try:
            unit.done, unit.refusal = (
                await self._worker_pool.submit(partial(self._run_alone, unit.work), unit.job),
                None,
            )
        except Exception as error:  # noqa: BLE001 - it is whoever asked that minds it
            unit.refusal = error
        unit.end()

    async def _do_together(self, units: list[_Unit[Any]]) -> None:
        is_ending = False
        try:
            if self._connection is None:
                self._connection = await self._on_thread(self._connect)
            connection = self._connection
            await _begin(connection)
            if self._run(connection, units):
                is_ending = True
                await self._on_thread(connection.commit)
            else:
                connection.rollback()
        except Exception as error:  # noqa: BLE001 - what is wrong is told where it is done again
            self._undo(units, error, is_ending=is_ending)
        else:
            for unit in units:
                unit.end()

    def _run(self, connection: sqlite3.Connection, units: list[_Unit[Any]]) -> bool:
        """Do the work; tell whether rows changed. Raises `RetryOnThread` when a unit failed that had changed some."""
        first = connection.total_changes
        cursor = connection.cursor()
        try:
            transaction = self._transact(cursor)
            for unit in units:
                if not unit.answer.done():
                    _run_one(unit, transaction, connection)
        finally:
            cursor.close()
        return connection.total_changes != first

    def _undo(self, units: list[_Unit[Any]], error: Exception, *, is_ending: bool) -> None:
        """Nothing of it is kept: have it done again, each unit alone; of a commit that failed nobody knows what is."""
        with suppress(sqlite3.Error):
            if self._connection is not None:
                self._connection.rollback()
        if not isinstance(error, RetryOnThread):
            self.close()
        if is_ending:
            for unit in units:
                unit.fail(unavailable(error))
            return
        for unit in units:
            unit.is_alone = True
        self._waiting.extendleft(reversed(units))

    def _on_thread(self, do: Callable[[], T]) -> "asyncio.Future[T]":
        return self._worker_pool.submit(lambda _: do(), Job())


async def _begin(connection: sqlite3.Connection) -> None:
    """Take the lock; for another process's to go, look every few milliseconds: it may be held again at once."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
        else:
            return
        await asyncio.sleep(random.uniform(*LOOKS))  # noqa: S311 - no secret


def _run_one(unit: _Unit[Any], transaction: Transaction, connection: sqlite3.Connection) -> None:
    before = connection.total_changes
    try:
        unit.done = unit.work(transaction)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - it is whoever asked that minds it
        if connection.total_changes != before:
            raise RetryOnThread from None
        unit.refusal = error  # told after the commit: the row that it is refused for may be another unit's
