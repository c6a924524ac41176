"""The engine, and the rule that a unit of work is one transaction: SQLite's on the event loop, a server's on a thread.

SQLite has one writer, which takes its lock at the start (`BEGIN IMMEDIATE`); a server has a bounded pool. What keeps
the database from answering becomes `Unavailable` within seconds. A lost race is run again, and so is what met a
connection that had been closed while nobody used it.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from connect_core.errors import SettingsError
from connect_core.store.engine.sqlite_loop import GroupCommit, Reader, RetryOnThread
from connect_core.store.engine.statement import Prepared, Statement, Transaction
from connect_core.store.engine.workers import LONGEST, PATIENCE, Job, WorkerPool, unavailable

T = TypeVar("T")

POOL = 10
TRIES = 3
RENEWAL = 300
"""Seconds after which a server's connection is made anew: firewalls forget those that were quiet for long."""
_RETRY_STATES = frozenset({"40001", "40P01"})  # PostgreSQL: serialization failure, deadlock
_RETRY_CODES = frozenset({1213})  # MariaDB: deadlock


class Database:
    """The shop's database. Make one a process, `close()` it at the end."""

    def __init__(self, url: str, *, synchronous: str = "full") -> None:
        """`url` is SQLAlchemy's form; `synchronous` (`full`, `normal`) is for SQLite. Raises `SettingsError`."""
        self.is_sqlite = url.startswith("sqlite")
        try:
            self._engine = _sqlite_engine(url, synchronous) if self.is_sqlite else _server_engine(url)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise SettingsError([f"service.database_url: {_why(error)}"]) from None
        driver = self._engine.dialect.loaded_dbapi
        self._driver_error: type[Exception] = driver.Error
        self._lost_race: type[Exception] = driver.IntegrityError
        self._prepared: dict[Statement, Prepared] = {}
        self._kept: list[PoolProxiedConnection] = []
        self._writers = WorkerPool(1 if self.is_sqlite else POOL, "connect-write")
        self._readers = WorkerPool(4, "connect-read") if self.is_sqlite else self._writers
        self._group: GroupCommit | None = None
        self._reader: Reader | None = None
        if self.is_sqlite:
            run_alone = partial(self._run, writes=True)
            self._group = GroupCommit(self._open_impatient, self._transact, run_alone, self._writers)
            self._reader = Reader(self._open_impatient, self._transact)

    async def write(self, work: Callable[[Transaction], T], *, at_leisure: bool = False) -> T:
        """Run `work` in a transaction and commit it; run it anew when it lost a race. Raises `Unavailable`.

        Work for more than a visitor's few rows is done `at_leisure`, where it keeps nobody waiting.
        """
        if self._group is not None:
            job = Job()
            return await self._writers.wait_for(self._group.submit(work, job, at_leisure=at_leisure), job)
        return await self._writers.take(lambda job: self._run(work, job, writes=True))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads. Raises `Unavailable`."""
        if self._reader is not None:
            with suppress(RetryOnThread):
                return self._reader.read(work)
        return await self._readers.take(lambda job: self._run(work, job, writes=False))

    def close(self) -> None:
        """Let running work finish and close every connection."""
        self._writers.close()
        self._readers.close()
        if self._group is not None and self._reader is not None:
            self._group.close()
            self._reader.close()
        while self._kept:
            self._kept.pop().close()
        self._engine.dispose()

    def _look(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads, on this thread: before there is anybody to wait for it."""
        return self._run(work, Job(), writes=False)

    def _run(self, work: Callable[[Transaction], T], job: Job, *, writes: bool) -> T:
        for left in reversed(range(TRIES)):
            try:
                with self._transaction(job, writes=writes) as transaction:
                    return work(transaction)
            except _RunAgain as again:
                if not left or job.is_given_up:
                    raise unavailable(again.error) from None
            except (SQLAlchemyError, self._driver_error) as error:
                raise unavailable(error) from None
        raise AssertionError("unreachable")

    @contextmanager
    def _transaction(self, job: Job, *, writes: bool) -> Iterator[Transaction]:
        """Commit what was written, roll back all else. A driver that complained loses its connection."""
        connection, cursor, is_ending = self._connect(), None, False
        try:
            job.hold(connection.dbapi_connection)
            cursor = connection.cursor()
            if self.is_sqlite:
                cursor.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            job.asks = transaction = self._transact(cursor)
            yield transaction
            job.check()
            is_ending = writes
            connection.commit() if writes else connection.rollback()
        except self._driver_error as error:
            if self._is_lost_race(error):
                connection.rollback()
                raise _RunAgain(error) from None
            job.let_go()
            if self.is_sqlite:  # a closed connection keeps its locks for as long as anybody holds its cursor
                with suppress(self._driver_error):
                    connection.rollback()
            if self._drop(connection, error) and not is_ending:
                raise _RunAgain(error) from None
            raise
        except BaseException:
            connection.rollback()
            raise
        finally:
            job.let_go()
            if self.is_sqlite and cursor is not None:  # let go of later, it resets a statement in use
                with suppress(self._driver_error):
                    cursor.close()
            self._let_go(connection)

    def _transact(self, cursor: Any) -> Transaction:
        return Transaction(cursor, self._engine.dialect, self._prepared)

    def _open_impatient(self) -> Any:
        """Return a connection of SQLite's for the event loop, which waits for no lock."""
        connection = self._engine.raw_connection()
        driver: Any = connection.driver_connection
        connection.detach()
        driver.execute("PRAGMA busy_timeout=0").close()
        return driver

    def _connect(self) -> PoolProxiedConnection:
        return self._kept.pop() if self._kept else self._engine.raw_connection()

    def _let_go(self, connection: PoolProxiedConnection) -> None:
        """SQLite's stay with us: they do not age, and the pool's way is longer than a query's."""
        if self.is_sqlite and connection.is_valid:
            self._kept.append(connection)
        else:
            connection.close()

    def _drop(self, connection: PoolProxiedConnection, error: Exception) -> bool:
        """Close the connection; tell whether the server had, which then holds for all that nobody uses."""
        was_lost = self._engine.dialect.is_disconnect(error, connection.dbapi_connection, None)  # type: ignore[arg-type]
        if was_lost:  # as SQLAlchemy's own connections do: what is older is made anew when it is next wanted
            self._engine.pool._invalidate(connection, error)
        else:
            connection.invalidate()
        return was_lost

    def _is_lost_race(self, error: Exception) -> bool:
        state, code = getattr(error, "sqlstate", None), error.args[0] if error.args else None
        return isinstance(error, self._lost_race) or state in _RETRY_STATES or code in _RETRY_CODES


class _RunAgain(Exception):
    """Nothing of the work was kept, and another try may succeed."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def lift_limit(connection: Any) -> None:
    """Let PyMySQL wait however long a statement takes; the driver's `connection` must not go back to the pool."""
    if hasattr(connection, "_read_timeout"):
        connection._read_timeout = None


def _why(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"the driver {error.name} is not installed"
    return "give an SQLAlchemy URL such as sqlite:///connect.db or postgresql+psycopg://user@host/shop"


def _server_engine(url: str) -> Engine:
    """Time is limited three times: by the server, by the driver, and by `WorkerPool` for what neither notices."""
    arguments: dict[str, Any] = {"connect_timeout": PATIENCE}
    options: dict[str, Any] = {}
    if urlsplit(url).scheme.startswith("postgresql"):
        limits = {"statement_timeout": f"{PATIENCE}s", "idle_in_transaction_session_timeout": "10s", "timezone": "UTC"}
        arguments["options"] = " ".join(f"-c {name}={value}" for name, value in limits.items())
        arguments |= {"tcp_user_timeout": PATIENCE * 1000, "keepalives_idle": 30}
    else:
        limits = dict.fromkeys(("max_statement_time", "lock_wait_timeout", "innodb_lock_wait_timeout"), str(PATIENCE))
        limits["sql_mode"] = "'TRADITIONAL'"
        arguments["init_command"] = "SET " + ", ".join(f"{name} = {value}" for name, value in limits.items())
        arguments |= {"read_timeout": LONGEST, "write_timeout": LONGEST}
        options["isolation_level"] = "READ COMMITTED"  # locks no gaps: two first logins would be in each other's way
    return create_engine(
        url,
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_recycle=RENEWAL,
        pool_reset_on_return=None,
        connect_args=arguments,
        **options,
    )


def _sqlite_engine(url: str, synchronous: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise SettingsError([f"service.database_url: the file cannot be opened: {error.strerror}"]) from None
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": PATIENCE},
        pool_pre_ping=False,
        pool_reset_on_return=None,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # our own BEGIN is the only one
        _switch_to_wal(connection)
        for pragma in (f"synchronous={synchronous}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite waits for no lock here: of several processes on a new file all but one would find it locked."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.01)
        else:
            return
