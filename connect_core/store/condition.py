"""What a database server says of itself: its product, its clock, and whether it takes writes. Reads no table."""

from dataclasses import dataclass

from connect_core.store.engine.statement import Transaction

_POSTGRESQL = (
    "SELECT current_setting('server_version'), extract(epoch from clock_timestamp())::float8, "
    "(pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on')::int"
)
_MYSQL = "SELECT CONCAT(VERSION(), ' ', @@version_comment), UNIX_TIMESTAMP(NOW(6)), @@read_only"
_SQLITE = "SELECT sqlite_version()"
_OFF = ("0", "OFF", "FALSE")


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database is. `time` is its clock's, in epoch seconds; None where it has this machine's."""

    product: str
    version: str
    time: float | None = None
    is_read_only: bool = False


def find_condition(transaction: Transaction) -> Condition:
    """Return how the database of this transaction is."""
    cursor, name = transaction.cursor, transaction.backend.dialect.name
    if name == "sqlite":
        cursor.execute(_SQLITE)
        [version] = cursor.fetchone()
        return Condition("SQLite", str(version))
    is_postgresql = name == "postgresql"
    cursor.execute(_POSTGRESQL if is_postgresql else _MYSQL)
    version, time, is_read_only = cursor.fetchone()
    product = "PostgreSQL" if is_postgresql else "MariaDB" if "maria" in str(version).lower() else "MySQL"
    return Condition(product, str(version).split()[0], float(time), str(is_read_only).upper() not in _OFF)


def find_connection_limit(transaction: Transaction) -> int | None:
    """Return how many connections the server takes of everybody; None for no limit, or behind a pooler."""
    return transaction.backend.find_connection_limit(transaction.cursor)
