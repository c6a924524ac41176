"""SQLite through Python's sqlite3: connection settings, locks and catalogue queries."""

import errno
import os
import sqlite3
import time
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, PoolProxiedConnection, event
from sqlalchemy.engine import make_url

from connect_core.errors import SettingsError
from connect_core.store.engine.addresses import open_engine
from connect_core.store.engine.backend import Backend, Extent, read_names
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS

SCRUB_ATTEMPTS = 20
SCRUB_PAUSE_SECONDS = 0.05
"""How often, and how long apart, the write-ahead log is tried to be emptied while others read or write."""
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_COUNT_DISTINCT = (
    "SELECT count(*) FROM (SELECT {column} FROM {table} WHERE 0 UNION SELECT 'a' UNION SELECT 'A' UNION SELECT 'a ')"
)


class SqliteBackend(Backend):
    """A SQLite database: a file, or memory. One transaction writes at a time."""

    writer_threads = 1
    reader_threads = 4
    has_single_writer = True
    keeps_connections = True  # a file's connections do not age, and taking one from the pool costs more than a query

    def __init__(self, url: str, synchronous: str) -> None:
        """`url` is SQLAlchemy's form; `synchronous` is SQLite's pragma: `full` or `normal`.

        Raises `SettingsError` when the file cannot be opened.
        """
        address = make_url(url)
        path = address.database
        if path and path != ":memory:" and "uri" not in address.query:
            _create_private_file(path)
        super().__init__(_create_engine(url, synchronous))

    def begin(self, cursor: Any, extent: Extent) -> None:
        """Start a transaction; one that writes takes the lock at once, so that it cannot fail to get it later."""
        cursor.execute("BEGIN" if extent is Extent.READING else "BEGIN IMMEDIATE")

    def free_locks(self, connection: PoolProxiedConnection) -> None:
        """Roll back: a closed connection keeps its locks for as long as one of its cursors exists."""
        with suppress(self.driver_error):
            connection.rollback()

    def close_cursor(self, cursor: Any) -> None:
        """Close a cursor: collected later, it would reset a cached statement that is in use again by then."""
        with suppress(self.driver_error):
            cursor.close()

    def cut(self, connection: Any) -> None:
        """Do nothing: sqlite3 waits for no network, and `busy_timeout` limits its wait for a lock."""

    def scrub(self, connection: PoolProxiedConnection) -> None:
        """Copy the write-ahead log into the file and empty it: it holds pages as they were before they were erased.

        Tried several times without waiting for a lock: whoever waits for readers here makes every writer wait as well.
        """
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout")
        [[busy_timeout]] = cursor.fetchall()
        cursor.execute("PRAGMA busy_timeout=0")
        try:
            for _ in range(SCRUB_ATTEMPTS):
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                [[is_busy, *_]] = cursor.fetchall()
                if not is_busy:
                    break
                time.sleep(SCRUB_PAUSE_SECONDS)
        finally:
            cursor.execute(f"PRAGMA busy_timeout={busy_timeout}")
            cursor.close()

    def rewrite(self, connection: PoolProxiedConnection) -> None:
        """Copy what is stored into a new file, and empty the log: pages that were freed are not copied."""
        with closing(connection.cursor()) as cursor:
            cursor.execute("VACUUM")
        self.scrub(connection)

    def begin_long_read(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that only reads, and return its cursor. SQLite has no time limit."""
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        return cursor

    def begin_long_write(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that writes, and return its cursor; wait for the lock for a minute."""
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=60000")
        cursor.execute("BEGIN IMMEDIATE")
        return cursor

    def prepare_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Let the transaction wait for the lock for `lock_seconds`."""
        connection.connection.cursor().execute(f"PRAGMA busy_timeout={lock_seconds * 1000}")

    def lock_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Do nothing: the transaction has started with BEGIN IMMEDIATE, and so has the database's lock."""

    def find_connection_limit(self, cursor: Any) -> None:
        """Return None: a file takes as many as come."""

    def find_tables(self, cursor: Any) -> frozenset[str]:
        """Return the names of all tables."""
        return read_names(cursor, _TABLES)

    def find_collations(self, cursor: Any, columns: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return `BINARY` or `another collation` for each of `columns` that exists.

        SQLite does not report a column's collation. But UNION removes duplicates by the collation of its first
        column, so three texts that differ in case or trailing blanks stay three under BINARY alone.
        """
        collations = {}
        for table in self.find_tables(cursor) & {table for table, _ in columns}:
            cursor.execute(f"PRAGMA table_xinfo({table})")
            for _, column, *_ in cursor.fetchall():
                if (table, column) in columns:
                    cursor.execute(_COUNT_DISTINCT.format(column=column, table=table))
                    [distinct] = cursor.fetchone()
                    collations[table, column] = "BINARY" if distinct == 3 else "another collation"
        return collations


def open_loop_connection(engine: Engine) -> sqlite3.Connection:
    """Return a connection for the event loop: a statement that meets a lock fails at once instead of waiting."""
    connection = engine.raw_connection()
    driver: Any = connection.driver_connection
    connection.detach()
    driver.execute("PRAGMA busy_timeout=0").close()
    opened: sqlite3.Connection = driver
    return opened


def _create_private_file(path: str) -> None:
    """Create the file, readable by its owner alone, unless it exists.

    One that exists is not opened here: closing it again would drop the locks that other connections of this process
    hold on it (POSIX advisory locks), and another process could then overwrite what they read.
    """
    try:
        if not Path(path).exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        elif Path(path).is_dir():
            raise IsADirectoryError
        elif not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise SettingsError([f"service.database_url: {path}: {_explain(error, path)}"]) from None


def _explain(error: OSError, path: str) -> str:
    folder = Path(path).parent
    if isinstance(error, IsADirectoryError):
        return "this is a folder; give the path of a file"
    if not folder.is_dir():
        return f"the folder {folder} does not exist; create it, or correct the path"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"this user may not write here; it needs the right to write the file and the folder {folder}"
    return f"the file cannot be opened: {error.strerror}"


def _create_engine(url: str, synchronous: str) -> Engine:
    engine = open_engine(
        make_url(url),
        {"check_same_thread": False, "timeout": RESPONSE_TIMEOUT_SECONDS},
        pool_pre_ping=False,
        pool_reset_on_return=None,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # else sqlite3 sends a BEGIN of its own
        _switch_to_wal(connection)
        # secure_delete: what is deleted is overwritten with zeros, so that an erasure leaves nothing in the file
        for pragma in (f"synchronous={synchronous}", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, trying until the lock is free.

    SQLite ignores `busy_timeout` here: when several processes open a new file at once, all but one find it locked.
    """
    ends = time.monotonic() + RESPONSE_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.01)
        else:
            return
