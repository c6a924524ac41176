"""Bringing a database's tables to our version: migrations, run by Alembic without a configuration of its own.

Loaded only where a schema is made or changed: it costs a start-up more than all the rest of the store. An upgrade is
one transaction on SQLite and PostgreSQL; on MariaDB, which has none for schemas, it can be run again. Of two at once
the second one waits.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from connect_core.errors import SettingsError, Unavailable
from connect_core.store.engine.database import Database, lift_limit
from connect_core.store.schema import collation
from connect_core.store.schema import state as schema
from connect_core.store.schema.diff import find_differences
from connect_core.store.schema.migrations import v0001_tables as first
from connect_core.store.schema.state import SchemaState, get_advice, transaction_on

LOCK_PATIENCE = 600
"""Seconds that an upgrade waits for another one."""

_SCRIPTS = ScriptDirectory(str(schema.FOLDER), version_locations=[str(schema.FOLDER)])


def upgrade_schema(database: Database, tell: Callable[[str], object] = str) -> None:
    """Bring the schema to our version, and take over tables that were made before there were versions.

    `tell` gets a line a step. Raises `SettingsError` when the schema is newer than ours or lost a table, or tables
    with our names are not ours, and `Unavailable`.
    """
    try:
        with _locked(database) as connection:
            _upgrade(connection, tell)
    except SQLAlchemyError as error:
        raise Unavailable(f"the schema cannot be upgraded: {_kind(error)}") from None
    tell(f"the schema is current: {schema.VERSIONS[0]}")


def _upgrade(connection: Connection, tell: Callable[[str], object]) -> None:
    state = schema.find_state_in(transaction_on(connection))
    if state in {SchemaState.NEWER, SchemaState.INCOMPLETE}:
        raise SettingsError([f"service.database_url: {get_advice(state)}"])

    def get_steps(version: Any, context: MigrationContext) -> Any:
        steps = _SCRIPTS._upgrade_revs(schema.VERSIONS[0], version)
        for step in steps:
            tell(f"upgrading: {str(step.doc).rstrip('.')}")
        return steps

    context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE, "fn": get_steps})
    if state is SchemaState.OLD and not context.get_current_heads():
        _check_found_tables(connection)
    with Operations.context(context):
        context.run_migrations()


_MADE_AGAIN = ("add_table", "add_index")
"""What the first version makes where it is missing."""


def _check_found_tables(connection: Connection) -> None:
    """Refuse tables with our names that are not as the first version made them; some or all may be missing."""
    changes = {one for one in find_differences(connection, first.TABLES) if not one.startswith(_MADE_AGAIN)}
    wrong = collation.find_wrong_columns(transaction_on(connection))
    if mistakes := [*sorted(changes), *wrong]:
        lines = [f"service.database_url: a table has our name and is not ours: {one}" for one in mistakes]
        raise SettingsError(lines)


@contextmanager
def _locked(database: Database) -> Iterator[Connection]:
    """A transaction that no other upgrade runs beside, on a connection that is closed afterwards with its settings."""
    with database._engine.connect() as connection:
        connection.detach()
        lift_limit(connection.connection.dbapi_connection)
        if database.is_sqlite:
            transaction_on(connection).cursor.execute(f"PRAGMA busy_timeout={LOCK_PATIENCE * 1000}")
        with connection.begin():
            _lock(connection)
            yield connection


def _lock(connection: Connection) -> None:
    """Wait for other upgrades; a transaction on SQLite has done so already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('es_connect_schema'))"))
    elif connection.dialect.name != "sqlite":
        _lock_mariadb(connection)


def _lock_mariadb(connection: Connection) -> None:
    """The lock is the session's, and names are the server's: the database's own name makes it ours."""
    connection.execute(text("SET max_statement_time = 0, lock_wait_timeout = 600"))
    lock = text("SELECT GET_LOCK(CONCAT('es_connect ', MD5(DATABASE())), :seconds), @@character_set_database")
    has_lock, charset = connection.execute(lock, {"seconds": LOCK_PATIENCE}).one()
    if not has_lock:
        raise Unavailable("another upgrade holds the lock")
    if charset != "utf8mb4":
        told = f"the database's character set is {charset}: run: ALTER DATABASE CHARACTER SET utf8mb4"
        raise SettingsError([f"service.database_url: {told}"])


def _kind(error: SQLAlchemyError) -> str:
    """The error's kind and number: its text may quote anything."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    number = origin.args[0] if origin.args and isinstance(origin.args[0], int) else ""
    return f"{type(origin).__name__} {number}".strip()
