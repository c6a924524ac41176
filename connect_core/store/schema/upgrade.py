"""Upgrades a database's tables to our version: Alembic runs the migrations, without a configuration file.

Import it only where a schema is created or changed: Alembic takes longer to import than all the rest of the store. An
upgrade is one transaction on SQLite and PostgreSQL. MariaDB has no transactions for schemas: run an upgrade again that
was interrupted there. When two start at once, the second one waits. A table that others use for
long holds up no login: the upgrade gives up after a second, and begins again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from connect_core.errors import SettingsError, Unavailable
from connect_core.store.engine.database import Database
from connect_core.store.engine.failures import describe_failure, find_number
from connect_core.store.engine.statement import Transaction
from connect_core.store.schema import collation
from connect_core.store.schema import state as schema
from connect_core.store.schema.diff import find_differences
from connect_core.store.schema.migrations import v0001_tables as first
from connect_core.store.schema.state import SchemaState, get_advice

LOCK_SECONDS = 600
"""How long an upgrade waits for another one, and for tables that others use."""
PAUSE_SECONDS = 2
"""Time for others, such as logins, before an upgrade tries again to lock a table."""

_FIRST_OVERWRITING = "0003"
"""Code of earlier versions left in a SQLite file what it deleted."""
_SCRIPTS = ScriptDirectory(str(schema.FOLDER), version_locations=[str(schema.FOLDER)])


def upgrade_schema(database: Database, tell: Callable[[str], object] = str) -> None:
    """Upgrade the schema to our version; creates the tables of an empty database.

    A newer schema that our version runs on is left as it is.

    Tables without a version number are adopted when they are as version 0001 made them. `tell` is called with a line of
    text for each step. Raises `SettingsError` when our version does not run on a newer schema, when a table is missing,
    or when tables with our names are not ours; `Unavailable` when the database does not answer or another upgrade takes
    longer than `LOCK_SECONDS`.

    A SQLite file in which earlier versions left what they deleted is written anew.
    """
    may_hold_deleted = database.is_sqlite and database.read_blocking(_is_from_before_overwriting)
    ends_at = time.monotonic() + LOCK_SECONDS
    while error := _try_upgrade(database, tell):
        if find_number(error) != database.backend.in_use_number or time.monotonic() > ends_at:
            raise Unavailable(f"the schema cannot be upgraded: {describe_failure(error)}")
        tell("a table is in use by others: trying again")
        time.sleep(PAUSE_SECONDS)
    if may_hold_deleted:
        _rewrite(database, tell)


def _is_from_before_overwriting(transaction: Transaction) -> bool:
    is_old = schema.find_state_in(transaction) is SchemaState.OLD
    return is_old and schema.find_version(transaction) < _FIRST_OVERWRITING


def _rewrite(database: Database, tell: Callable[[str], object]) -> None:
    """Write the file anew; where that fails, the upgraded schema is good all the same."""
    try:
        database.rewrite_blocking()
    except Unavailable as error:
        tell(f"the file still holds what was deleted before this version: run VACUUM on it ({error})")
    else:
        tell("the file is written anew, without what was deleted before this version")


def _try_upgrade(database: Database, tell: Callable[[str], object]) -> BaseException | None:
    """Upgrade the schema; returns the driver's error where the database reports one."""
    try:
        with _locked(database, tell) as connection:
            _upgrade(database, connection, tell)
    except SQLAlchemyError as error:
        return getattr(error, "orig", None) or error
    return None


def _upgrade(database: Database, connection: Connection, tell: Callable[[str], object]) -> None:
    state = schema.find_state_in(database.transaction_on(connection))
    if state in {SchemaState.NEWER, SchemaState.INCOMPLETE}:
        raise SettingsError([f"service.database_url: {get_advice(state)}"])
    if state is SchemaState.COMPATIBLE:
        tell(f"the schema is newer than {schema.VERSIONS[0]}, and this version runs on it: nothing to do")
        return
    _run_migrations(database, connection, state, tell)
    tell(f"the schema is current: {schema.VERSIONS[0]}")


def _run_migrations(
    database: Database, connection: Connection, state: SchemaState, tell: Callable[[str], object]
) -> None:
    def get_steps(version: Any, context: MigrationContext) -> Any:
        steps = _SCRIPTS._upgrade_revs(schema.VERSIONS[0], version)
        for step in steps:
            tell(f"upgrading: {str(step.doc).rstrip('.')}")
        return steps

    context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE, "fn": get_steps})
    if state is SchemaState.OLD and not context.get_current_heads():
        _check_unversioned_tables(database, connection)
    _write_min_version(connection)  # before: MariaDB commits it with the first step, and older code stops in time
    with Operations.context(context):
        context.run_migrations()
    _write_min_version(connection)


def _write_min_version(connection: Connection) -> None:
    """Write the oldest version whose code runs on our schema, unless the column is still to be made."""
    tables = inspect(connection)
    if tables.has_table(schema.VERSION_TABLE):
        names = {column["name"] for column in tables.get_columns(schema.VERSION_TABLE)}
        if "min_version" in names:
            statement = text(f"UPDATE {schema.VERSION_TABLE} SET min_version = :version")  # noqa: S608 - a constant
            connection.execute(statement, {"version": schema.get_min_version()})


_CREATED_BY_FIRST_VERSION = ("add_table", "add_index")
"""Differences that version 0001 removes itself, by creating what is missing."""


def _check_unversioned_tables(database: Database, connection: Connection) -> None:
    """Refuse tables with our names that differ from what version 0001 made; any of them may be missing."""
    differences = find_differences(connection, first.TABLES)
    changes = {difference for difference in differences if not difference.startswith(_CREATED_BY_FIRST_VERSION)}
    wrong_columns = collation.find_wrong_columns(database.transaction_on(connection))
    if mistakes := [*sorted(changes), *wrong_columns]:
        lines = [f"service.database_url: a table has our name and is not ours: {mistake}" for mistake in mistakes]
        raise SettingsError(lines)


@contextmanager
def _locked(database: Database, tell: Callable[[str], object]) -> Iterator[Connection]:
    """Yield a connection in a transaction that runs beside no other upgrade; it is closed afterwards, not reused."""
    with database.backend.engine.connect() as connection:
        connection.detach()
        database.backend.prepare_upgrade(connection, LOCK_SECONDS)
        with database.backend.hold_upgrade_lock(connection, LOCK_SECONDS, tell), connection.begin():
            database.backend.lock_upgrade(connection, LOCK_SECONDS)
            yield connection
