"""PostgreSQL through psycopg: connection settings, time limits, locks and catalogue queries."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, PoolProxiedConnection, text

from connect_core.store.engine.backend import ServerBackend, cut_socket, read_collations, read_names
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS

_SESSION_SETTINGS = {
    "statement_timeout": f"{RESPONSE_TIMEOUT_SECONDS}s",
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
}
_RETRY_STATES = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_COLLATIONS = (
    "SELECT c.relname, a.attname, l.collname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
    "JOIN pg_collation l ON l.oid = a.attcollation "
    "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND NOT a.attisdropped"
)


class PostgresqlBackend(ServerBackend):
    """A PostgreSQL server."""

    def __init__(self, url: str) -> None:
        """`url` is SQLAlchemy's form."""
        options = " ".join(f"-c {name}={value}" for name, value in _SESSION_SETTINGS.items())
        limits = {"options": options, "tcp_user_timeout": RESPONSE_TIMEOUT_SECONDS * 1000, "keepalives_idle": 30}
        super().__init__(url, limits)

    def is_lost_race(self, error: Exception) -> bool:
        """Tell whether another transaction got in the way: a unique value, a serialization failure or a deadlock."""
        return super().is_lost_race(error) or getattr(error, "sqlstate", None) in _RETRY_STATES

    def cut(self, connection: Any) -> None:
        """Shut down the connection's socket."""
        cut_socket(connection)

    def begin_long_read(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that only reads and has no time limit, and return its cursor."""
        cursor = connection.cursor()
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        return cursor

    def prepare_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Do nothing: `lock_upgrade` lifts the time limit, for the transaction alone."""

    def lock_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Wait for other upgrades, as long as they take."""
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('es_connect_schema'))"))

    def find_tables(self, cursor: Any) -> frozenset[str]:
        """Return the names of all tables of the current schema."""
        return read_names(cursor, _TABLES)

    def find_collations(self, cursor: Any, columns: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return the collation of each of `columns` that exists."""
        return dict(read_collations(cursor, _COLLATIONS, columns))
