"""The engine, its threads, and the rule that a unit of work is one transaction on one thread hop.

SQLite has one writer thread and takes its write lock at the start (`BEGIN IMMEDIATE`); a server has a bounded pool.
What keeps the database from answering becomes `Unavailable` within seconds. A lost race is run again.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from connect_core.errors import SettingsError, Unavailable
from connect_core.store.statement import Prepared, Statement, Transaction

T = TypeVar("T")

POOL = 10
PATIENCE = 2
"""Seconds that a statement, a lock or a free connection is waited for."""
QUEUE_PATIENCE = 5
"""Seconds that work waits for its turn; what comes to its turn later is refused, so that a jam dissolves."""
TRIES = 3
_RETRY_STATES = frozenset({"40001", "40P01"})  # PostgreSQL: serialization failure, deadlock
_RETRY_CODES = frozenset({1205, 1213})  # MariaDB: lock wait time-out, deadlock


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
        self._writers = ThreadPoolExecutor(1 if self.is_sqlite else POOL, "connect-write")
        self._readers = ThreadPoolExecutor(4, "connect-read") if self.is_sqlite else self._writers

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction and commit it; run it anew when it lost a race. Raises `Unavailable`."""
        return await _in_turn(self._writers, lambda: self._transact(work))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads. Raises `Unavailable`."""
        return await _in_turn(self._readers, lambda: self._look(work))

    def close(self) -> None:
        """Let running work finish and close every connection."""
        self._writers.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._engine.dispose()

    def _transact(self, work: Callable[[Transaction], T]) -> T:
        for left in reversed(range(TRIES)):
            try:
                with self._transaction(writes=True) as transaction:
                    return work(transaction)
            except SQLAlchemyError as error:
                raise _unavailable(error) from None
            except self._driver_error as error:
                if not (left and self._is_lost_race(error)):
                    raise _unavailable(error) from None
        raise AssertionError("unreachable")

    def _look(self, work: Callable[[Transaction], T]) -> T:
        try:
            with self._transaction(writes=False) as transaction:
                return work(transaction)
        except (SQLAlchemyError, self._driver_error) as error:
            raise _unavailable(error) from None

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Transaction]:
        """Commit what was written, roll back all else. A driver that complained loses its connection."""
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            if self.is_sqlite:
                cursor.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            yield Transaction(cursor, self._engine.dialect, self._prepared)
            connection.commit() if writes else connection.rollback()
        except self._driver_error as error:
            if self._is_lost_race(error):
                connection.rollback()
            else:
                connection.invalidate()
            raise
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.close()

    def _is_lost_race(self, error: Exception) -> bool:
        state, code = getattr(error, "sqlstate", None), error.args[0] if error.args else None
        return isinstance(error, self._lost_race) or state in _RETRY_STATES or code in _RETRY_CODES


async def _in_turn(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    latest = time.monotonic() + QUEUE_PATIENCE

    def run() -> T:
        if time.monotonic() > latest:
            raise Unavailable("the database cannot keep up", retry_after=PATIENCE)
        return work()

    return await asyncio.get_running_loop().run_in_executor(threads, run)


def _unavailable(error: Exception) -> Unavailable:
    """The database's own text may quote parameters, so only its kind is kept."""
    origin = getattr(error, "orig", None) or error
    return Unavailable(f"the database does not answer: {type(origin).__name__}", retry_after=PATIENCE)


def _why(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"the driver {error.name} is not installed"
    return "give an SQLAlchemy URL such as sqlite:///connect.db or postgresql+psycopg://user@host/shop"


def _server_engine(url: str) -> Engine:
    scheme = urlsplit(url).scheme
    arguments: dict[str, Any] = {"connect_timeout": PATIENCE}
    if scheme.startswith("postgresql"):
        arguments["options"] = f"-c statement_timeout={PATIENCE * 1000} -c timezone=UTC"
    else:
        limits = ("max_statement_time", "lock_wait_timeout", "innodb_lock_wait_timeout")
        # READ COMMITTED: else the gaps between rows are locked too, and strangers' first logins deadlock
        arguments["init_command"] = "SET tx_isolation = 'READ-COMMITTED', " + ", ".join(
            f"{limit} = {PATIENCE}" for limit in limits
        )
    return create_engine(
        url,
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_pre_ping=True,
        pool_reset_on_return=None,
        connect_args=arguments,
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
