"""The database: runs each unit of work in one transaction, on SQLite on the event loop, on a server on a thread.

What keeps the database from answering becomes `Unavailable` within seconds. A unit that lost a race against another
transaction is run again, and so is one that met a connection which the server had closed while it was idle.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Connection, PoolProxiedConnection
from sqlalchemy.exc import ArgumentError, CompileError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from connect_core import measurements, spans
from connect_core.errors import SettingsError
from connect_core.spans import Span, SpanKind
from connect_core.store.engine.addresses import UnusableUrl, describe_missing_driver
from connect_core.store.engine.backend import LONG_THREADS, POOL_SIZE, Backend, Extent
from connect_core.store.engine.long_connection import LongConnection
from connect_core.store.engine.mysql_family import MysqlFamilyBackend
from connect_core.store.engine.sqlite import SqliteBackend, open_loop_connection
from connect_core.store.engine.sqlite_loop import GroupCommit, Reader, RetryOnThread
from connect_core.store.engine.statement import Texts, Transaction, list_statements
from connect_core.store.engine.workers import Deadline, WorkerPool, unavailable

if TYPE_CHECKING:
    from connect_core.store.engine.postgresql_loop import LoopConnection, LoopPool

T = TypeVar("T")

ATTEMPTS = 5
"""How often a unit of work that loses races is run in all."""
CLUSTER_ATTEMPTS = 20
"""The same in a cluster, where each node's transactions know of the others' only when they have lost against them."""
PAUSE_SECONDS = 0.02
"""Longest pause before the second attempt; each further one may be twice as long, up to `LONGEST_PAUSE_SECONDS`."""
LONGEST_PAUSE_SECONDS = 0.16


class Database:
    """The shop's database. Make one for each process, and `close()` it at the end.

    `backend` is the engine it runs on.
    """

    def __init__(self, url: str, *, synchronous: str = "full", pool_size: int = POOL_SIZE) -> None:
        """`url` is SQLAlchemy's form; `synchronous` (`full`, `normal`) is for SQLite alone, `pool_size` for servers.

        Opens no connection yet.

        Raises `SettingsError` for an URL that cannot be used, a driver that is not installed, or a file that cannot
        be opened.
        """
        self.is_sqlite = url.startswith("sqlite")
        try:
            self.backend = _open_backend(url, synchronous, pool_size)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
            raise SettingsError([f"service.database_url: {_explain(error)}"]) from None
        self._texts = Texts()
        self._idle_connections: list[PoolProxiedConnection] = []
        self._loop_pool = self.backend.make_loop_pool()
        self._writers = WorkerPool(LONG_THREADS if self._loop_pool else self.backend.writer_threads, "connect-write")
        self._readers = self._writers
        if self.backend.reader_threads:
            self._readers = WorkerPool(self.backend.reader_threads, "connect-read")
        self._group: GroupCommit | None = None
        self._reader: Reader | None = None
        if self.is_sqlite:
            run_alone = partial(self._run, extent=Extent.WORK)
            self._group = GroupCommit(self._open_loop_connection, self._transact, run_alone, self._writers)
            self._reader = Reader(self._open_loop_connection, self._transact)

    def compile_statements(self) -> None:
        """Compile every statement that is known by now, so that copies of this process need not do it each."""
        for statement in list_statements():
            with suppress(CompileError):  # of another engine
                self._texts.prepare(statement, self.backend.statement_dialect)

    async def write(self, work: Callable[[Transaction], T], *, is_long: bool = False, commits_each: bool = False) -> T:
        """Run `work` in a transaction, commit it and return its result.

        `work` may run several times: again after a lost race, each time in a new transaction. Set `is_long` when it
        touches more than the few rows of one visitor: it then runs on a thread, where it does not block the event loop.
        Set `commits_each` when each of its statements may be committed by itself: where the engine can do that, it
        saves the begin and the commit. Raises `Unavailable`, and whatever `work` raises, after a rollback.
        """
        began_at, kind = time.monotonic(), "long" if is_long else "statement" if commits_each else "write"
        with spans.current.start(kind, SpanKind.CLIENT) as span:
            self._describe(span, kind)
            try:
                return await self._write(work, is_long=is_long, commits_each=commits_each)
            finally:
                measurements.current.observe_database(kind, time.monotonic() - began_at)

    async def _write(self, work: Callable[[Transaction], T], *, is_long: bool, commits_each: bool) -> T:
        if self._group is not None:
            deadline = Deadline()
            return await self._writers.wait_for(self._group.submit(work, deadline, is_long=is_long), deadline)
        extent = Extent.STATEMENT if commits_each else Extent.WORK
        if self._loop_pool is not None and not is_long:
            return await self._wait_for_loop(self._loop_pool, work, extent)
        return await self._writers.run(lambda deadline: self._run(work, deadline, extent))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads, and return its result. Raises `Unavailable`."""
        began_at = time.monotonic()
        with spans.current.start("read", SpanKind.CLIENT) as span:
            self._describe(span, "read")
            try:
                return await self._read(work)
            finally:
                measurements.current.observe_database("read", time.monotonic() - began_at)

    def _describe(self, span: Span, operation: str) -> None:
        """Say what the unit of work does. Its statements have parameters, so none of them is told."""
        if span.is_recording:
            span.describe({"db.system.name": self.backend.engine.dialect.name, "db.operation.name": operation})

    async def _read(self, work: Callable[[Transaction], T]) -> T:
        if self._reader is not None:
            with suppress(RetryOnThread):
                return self._reader.read(work)
        if self._loop_pool is not None:
            return await self._wait_for_loop(self._loop_pool, work, Extent.READING)
        return await self._readers.run(lambda deadline: self._run(work, deadline, Extent.READING))

    async def _wait_for_loop(self, pool: "LoopPool", work: Callable[[Transaction], T], extent: Extent) -> T:
        deadline = Deadline()
        self._writers.start_timer(deadline)
        try:
            return await self._run_on_loop(pool, _Unit(work, deadline, extent))
        finally:
            deadline.timer.cancel()

    def count_connections(self) -> tuple[int, int, int]:
        """Return how many connections are in use, how many are open without work, and how many units wait for one."""
        if self._loop_pool is not None:
            return self._loop_pool.count_connections()
        waiting, pool = self._writers.count_waiting(), self.backend.engine.pool
        if self._group is not None:
            busy, queued = self._group.count_units()
            return busy, len(self._idle_connections), waiting + queued
        assert isinstance(pool, QueuePool)
        return pool.checkedout(), pool.checkedin(), waiting

    async def scrub(self) -> None:
        """After an erasure: take what was erased from the database's files too, as far as that is up to us.

        Raises `Unavailable`.
        """
        await self._writers.run(lambda _: self._use_connection(self.backend.scrub))

    def rewrite_blocking(self) -> None:
        """Write the database's files anew, for a command, where what was once deleted may still stand in them.

        Raises `Unavailable`.
        """
        self._use_connection(self.backend.rewrite)

    def read_blocking(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads, on the calling thread: for start-up and commands. Raises `Unavailable`."""
        return self._run(work, Deadline(), Extent.READING)

    @contextmanager
    def open_long(self, name: str = "") -> Iterator[LongConnection]:
        """Yield a connection without time limits, for a command that works for long; it is closed afterwards.

        `name` is what errors call the database, where a command has several. Raises `Unavailable`.
        """
        try:
            connection = self.backend.engine.raw_connection()
        except (SQLAlchemyError, self.backend.driver_error) as error:
            raise unavailable(error, name) from None
        connection.detach()  # its limits stay lifted, so no pool may have it back
        with closing(connection):
            yield LongConnection(connection, self.backend, self._texts, name)

    def transaction_on(self, connection: Connection) -> Transaction:
        """Return a transaction that runs inside the one that SQLAlchemy's `connection` is in."""
        return Transaction(self.backend.open_cursor(connection.connection), self.backend, Texts())

    def close(self) -> None:
        """Wait for running work to end, and close every connection."""
        self._writers.close()
        self._readers.close()
        if self._group is not None and self._reader is not None:
            self._group.close()
            self._reader.close()
        if self._loop_pool is not None:
            self._loop_pool.close()
        while self._idle_connections:
            self._idle_connections.pop().close()
        self.backend.engine.dispose()

    def _run(self, work: Callable[[Transaction], T], deadline: Deadline, extent: Extent) -> T:
        """Run it on this thread."""
        unit = _Unit(work, deadline, extent)
        while True:
            try:
                connection = self._connect()
                try:
                    return self._try(unit, connection)
                finally:
                    self._release(connection)
            except _Retry as retry:
                time.sleep(self._get_pause(unit, retry))
            except (SQLAlchemyError, self.backend.driver_error) as error:
                raise unavailable(error) from None

    async def _run_on_loop(self, pool: "LoopPool", unit: "_Unit[T]") -> T:
        """Run it on the event loop."""
        while True:
            try:
                connection = await pool.acquire(unit.deadline)
                try:
                    result = await connection.run(partial(self._try, unit, connection.proxied, connection))
                finally:
                    pool.release(connection)
                self._writers.note_answer()
            except _Retry as retry:
                await asyncio.sleep(self._get_pause(unit, retry))
            except (SQLAlchemyError, self.backend.driver_error) as error:
                raise unavailable(error) from None
            else:
                return result

    def _get_pause(self, unit: "_Unit[Any]", retry: "_Retry") -> float:
        """Return how long to wait before the next attempt, in seconds. Raises `Unavailable` when there is none left."""
        most = CLUSTER_ATTEMPTS if self.backend.has_local_locks else ATTEMPTS
        if unit.attempts >= most or unit.deadline.is_expired:
            raise unavailable(retry.error) from None
        measurements.current.count_database_retry(retry.reason)
        if self.backend.has_single_writer:  # the winner has committed already
            return 0
        longest: float = min(PAUSE_SECONDS * 2 ** (unit.attempts - 1), LONGEST_PAUSE_SECONDS)
        return random.uniform(0.2, 1) * longest  # noqa: S311 - no secret

    def _try(self, unit: "_Unit[T]", connection: PoolProxiedConnection, on_loop: "LoopConnection | None" = None) -> T:
        unit.attempts += 1
        with self._transaction(unit, connection, on_loop) as transaction:
            transaction.is_retry = unit.attempts > 1
            result = unit.work(transaction)
            transaction.end()
            return result

    def _use_connection(self, work: Callable[[PoolProxiedConnection], None]) -> None:
        connection = self._connect()
        try:
            work(connection)
        except self.backend.driver_error as error:
            raise unavailable(error) from None
        finally:
            self._release(connection)

    @contextmanager
    def _transaction(
        self, unit: "_Unit[Any]", connection: PoolProxiedConnection, on_loop: "LoopConnection | None" = None
    ) -> Iterator[Transaction]:
        """Commit, unless it only reads; then roll back. A connection whose driver reported an error is closed."""
        backend, deadline, cursor, is_committing = self.backend, unit.deadline, None, False
        try:
            if on_loop is not None:
                deadline.watch(on_loop, methodcaller("give_up"))
                cursor = backend.open_cursor(connection, on_loop.wait)
            else:
                deadline.watch(connection.dbapi_connection, backend.cut)
                cursor = backend.open_cursor(connection)
            backend.begin(cursor, unit.extent)
            deadline.transaction = transaction = self._transact(cursor)
            yield transaction
            if unit.extent is Extent.WORK:
                deadline.check()
                if on_loop is not None:
                    deadline.watch(on_loop, methodcaller("leave", cursor))
            is_committing = unit.extent is not Extent.READING
            backend.end(connection, cursor, unit.extent)
            if is_committing and on_loop is not None:
                deadline.check()  # one that was cancelled may not have reached the standby
        except backend.driver_error as error:
            if backend.is_lost_race(error):
                backend.roll_back(connection, cursor)
                raise _Retry(error, "race") from None
            deadline.unwatch()
            backend.free_locks(connection)
            if self._invalidate(connection, error, is_on_loop=on_loop is not None) and not is_committing:
                raise _Retry(error, "failover" if backend.takes_no_writes(error) else "lost") from None
            raise
        except BaseException:
            backend.roll_back(connection, cursor)
            raise
        finally:
            deadline.unwatch()
            if cursor is not None:
                backend.close_cursor(cursor)

    def _transact(self, cursor: Any) -> Transaction:
        return Transaction(cursor, self.backend, self._texts)

    def _open_loop_connection(self) -> Any:
        return open_loop_connection(self.backend.engine)

    def _connect(self) -> PoolProxiedConnection:
        return self._idle_connections.pop() if self._idle_connections else self.backend.engine.raw_connection()

    def _release(self, connection: PoolProxiedConnection) -> None:
        if self.backend.keeps_connections and connection.is_valid:
            self._idle_connections.append(connection)
        else:
            connection.close()

    def _invalidate(self, connection: PoolProxiedConnection, error: Exception, *, is_on_loop: bool) -> bool:
        """Close the connection, and tell whether the server had closed it already, or takes no writes any more.

        If so, the pool's other connections are probably dead too: each that is older than now is replaced when it is
        next used.
        """
        was_lost = self.backend.is_lost(error, connection)
        if self._loop_pool is not None and was_lost:
            self._loop_pool.replace_all()
        if is_on_loop:
            return was_lost  # `LoopPool.release` closes it
        if was_lost:
            self.backend.engine.pool._invalidate(connection, error)
        else:
            connection.invalidate()
        return was_lost


@dataclass(slots=True)
class _Unit(Generic[T]):
    """A unit of work under way."""

    work: Callable[[Transaction], T]
    deadline: Deadline
    extent: Extent
    attempts: int = 0


class _Retry(Exception):
    """Nothing was committed, and running the work again may succeed; `reason` is for the measurements."""

    def __init__(self, error: Exception, reason: str) -> None:
        super().__init__()
        self.error, self.reason = error, reason


def _open_backend(url: str, synchronous: str, pool_size: int) -> Backend:
    if url.startswith("sqlite"):
        return SqliteBackend(url, synchronous)
    scheme = urlsplit(url).scheme
    if scheme.startswith("postgresql"):
        from connect_core.store.engine.postgresql import PostgresqlBackend  # noqa: PLC0415 - psycopg is an extra

        return PostgresqlBackend(url, pool_size)
    if scheme.startswith(("mysql", "mariadb")):
        return MysqlFamilyBackend(url, pool_size)
    raise ArgumentError("no engine of ours")


_EXTRAS = {"greenlet": "postgres", "psycopg": "postgres", "pymysql": "mariadb"}
"""Packages of our drivers, and the extra that installs each."""


def _explain(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
        return f"{error.name} is not installed: pip install 'connect-login[{_EXTRAS[error.name]}]'"
    if isinstance(error, ModuleNotFoundError):
        return describe_missing_driver(error)
    if isinstance(error, UnusableUrl):
        return str(error)
    if isinstance(error, ValueError):
        return "the port is no number; several hosts are parameters, as in ?host=db1:5432&host=db2:5432"
    return "give an SQLAlchemy URL such as sqlite:///connect.db or postgresql+psycopg://user@host/shop"
