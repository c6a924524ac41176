"""PostgreSQL through psycopg: transactions, time limits, locks and catalogue queries.

Behind a pooler in transaction mode (PgBouncer, RDS Proxy), which gives each transaction another connection of the
server, no setting and no prepared statement outlives a transaction. The number of the server's process tells whether
there is a pooler: it gives its clients numbers of its own.
"""

import re
import sys
from collections.abc import Collection
from typing import Any

from sqlalchemy import URL, Connection, PoolProxiedConnection, event, make_url, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from connect_core.store.engine.addresses import UnusableUrl
from connect_core.store.engine.backend import (
    LONG_THREADS,
    RECYCLE_SECONDS,
    TABLE_LOCK_SECONDS,
    Extent,
    ServerBackend,
    cut_socket,
    read_collations,
    read_names,
)
from connect_core.store.engine.postgresql_cursor import PostgresqlCursor, Wait, wait_on_thread, wait_shortly
from connect_core.store.engine.postgresql_loop import LoopPool
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS

_SETTINGS = {
    "statement_timeout": f"{RESPONSE_TIMEOUT_SECONDS}s",
    "idle_in_transaction_session_timeout": "10s",
}
"""What each transaction sets for itself, unless the URL's `options` set it."""
_PINNED = {
    "default_transaction_isolation": "isolation level",
    "transaction_isolation": "isolation level",
    "client_encoding": "encoding",
}
_OPTION = re.compile(r"(?:^|\s)(?:-c\s*|--)([\w-]+)\s*=")
_UTF8 = re.compile(r"utf-?8|unicode", re.IGNORECASE)
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_OWN_SESSION = "connect_login_own_session"
"""Noted on a connection that no pooler shares: its settings were made once, when it was opened."""
_PROCESS = "SELECT pg_backend_pid(), current_setting('default_transaction_isolation')"
_CONNECTION_LIMIT = (
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - COALESCE(current_setting('reserved_connections', true)::int, 0), pg_backend_pid()"
)
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_COLLATIONS = (
    "SELECT c.relname, a.attname, l.collname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
    "JOIN pg_collation l ON l.oid = a.attcollation "
    "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND NOT a.attisdropped"
)


class PostgresqlBackend(ServerBackend):
    """A PostgreSQL server, or a pooler before one."""

    clock_query = "SELECT extract(epoch FROM clock_timestamp())"
    analyze = "ANALYZE"  # leaves a table that is not this user's out, with a warning
    combines_writes = True
    reserves_keys = True
    locks_at_once = True
    race_numbers = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
    in_use_number = "55P03"  # lock_not_available
    read_only_numbers = frozenset({"25006"})  # read_only_sql_transaction

    def __init__(self, url: str, pool_size: int) -> None:
        """`url` is SQLAlchemy's form. Raises as `open_engine`, also for an encoding or isolation level of its own."""
        address = make_url(url)
        chosen = _find_settings(address)
        for name in sorted(chosen & _PINNED.keys()):
            raise UnusableUrl(f"the parameter options sets the {_PINNED[name]}, which connect-login decides itself")
        if not _UTF8.fullmatch(str(address.query.get("client_encoding", "utf8"))):
            raise UnusableUrl("the parameter client_encoding must be utf8: names are in any script")
        settings = [f"{name} = '{value}'" for name, value in _SETTINGS.items() if name not in chosen]
        self._begin = "; ".join([_BEGIN, *(f"SET LOCAL {setting}" for setting in settings)])  # one message
        self._set_up = "; ".join(f"SET SESSION {setting}" for setting in settings)
        defaults = {
            "autocommit": True,  # the driver's own BEGIN has neither isolation level nor settings
            "prepare_threshold": None,  # no named statements
            "client_encoding": "utf8",  # whatever the database's is, or PGCLIENTENCODING
            "tcp_user_timeout": RESPONSE_TIMEOUT_SECONDS * 1000,
            "keepalives_idle": 30,
        }
        super().__init__(address, pool_size, defaults)
        self._begins_statements: bool | None = None  # not known yet
        self.statement_dialect = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
        event.listen(self.engine, "begin", self._begin_on)

    def make_loop_pool(self) -> LoopPool | None:
        """Return connections for the event loop; Windows has none that waits for other people's sockets."""
        if sys.platform == "win32":
            return None
        return LoopPool(
            self._open_for_loop, size=max(self.writer_threads - LONG_THREADS, 1), recycle_seconds=RECYCLE_SECONDS
        )

    def _open_for_loop(self) -> PoolProxiedConnection:
        connection = self.engine.raw_connection()
        connection.detach()
        try:
            self._set_up_session(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up_session(self, connection: PoolProxiedConnection) -> None:
        cursor = self.open_cursor(connection, wait_shortly)
        cursor.execute(_PROCESS)
        [(process, isolation)] = cursor.fetchall()
        self._begins_statements = isolation != "read committed"
        # RDS Proxy lends the connection to nobody else once a client has called nextval
        self.reserves_keys = process == cursor.backend_pid
        if process == cursor.backend_pid:  # no pooler's: the session is ours alone
            connection.info[_OWN_SESSION] = True
            if self._set_up:
                cursor.execute(self._set_up)

    def open_cursor(self, connection: PoolProxiedConnection, wait: Wait | None = None) -> PostgresqlCursor:
        """Return a cursor on libpq, which costs a third of psycopg's own."""
        driver: Any = connection.dbapi_connection
        prepared = None if driver.prepare_threshold is None else connection.info.setdefault("prepared", {})
        holds_back = wait is not None and _OWN_SESSION in connection.info
        return PostgresqlCursor(driver.pgconn, wait or wait_on_thread, prepared, holds_back=holds_back)

    def begin(self, cursor: Any, extent: Extent) -> None:
        """Start a transaction with its isolation level and time limits.

        Where each statement is committed by itself there is none, unless the server's default is another level: of
        crowds that SERIALIZABLE refuses too many would be refused. Where work only reads there is none either: under
        READ COMMITTED a query sees what was committed when it began, whether others share its transaction or not.
        """
        if not self._needs_begin(extent):
            return
        if cursor.holds_back:
            cursor.begin()
        else:
            cursor.execute(self._begin)

    def end(self, connection: PoolProxiedConnection, cursor: Any, extent: Extent) -> None:
        """Commit the transaction, where its statements were not committed each by itself."""
        if self._needs_begin(extent):
            cursor.commit()

    def _needs_begin(self, extent: Extent) -> bool:
        return extent is Extent.WORK or (extent is Extent.STATEMENT and self._begins_statements is not False)

    def roll_back(self, connection: PoolProxiedConnection, cursor: Any) -> None:
        """Roll back, unless there is no transaction, or a statement is under way: then the connection is closed."""
        if cursor is not None:
            cursor.roll_back()

    def _begin_on(self, connection: Connection) -> None:
        self.begin(self.open_cursor(connection.connection), Extent.WORK)

    def cut(self, connection: Any) -> None:
        """Shut down the connection's socket."""
        cut_socket(connection)

    def begin_long_read(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that only reads and has no time limit, and return its cursor."""
        cursor = self.open_cursor(connection)
        cursor.execute(f"{_BEGIN} READ ONLY; SET LOCAL statement_timeout = 0")
        return cursor

    def begin_long_write(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that writes and has no time limit, and return its cursor."""
        cursor = self.open_cursor(connection)
        cursor.execute(f"{_BEGIN}; SET LOCAL statement_timeout = 0")
        return cursor

    def prepare_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Do nothing: `lock_upgrade` lifts the time limit, for the transaction alone."""

    def lock_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Wait for other upgrades, as long as they take."""
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('es_connect_schema'))"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_LOCK_SECONDS}s'"))

    def find_connection_limit(self, cursor: Any) -> int | None:
        """Return the server's limit for users without rights of their own; None behind a pooler, which has its own."""
        cursor.execute(_CONNECTION_LIMIT)
        limit, process = cursor.fetchone()
        # a pooler tells its clients numbers of its own for the processes of the server
        return int(limit) if int(process) == cursor.backend_pid else None

    def find_tables(self, cursor: Any) -> frozenset[str]:
        """Return the names of all tables of the current schema."""
        return read_names(cursor, _TABLES)

    def find_collations(self, cursor: Any, columns: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return the collation of each of `columns` that exists."""
        return dict(read_collations(cursor, _COLLATIONS, columns))


def _find_settings(url: URL) -> frozenset[str]:
    """Return the names of the server's settings in the URL's parameter `options`, which libpq sends at its start."""
    options = str(url.query.get("options", ""))
    return frozenset(name.lower().replace("-", "_") for name in _OPTION.findall(options))
