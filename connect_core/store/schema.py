"""The schema of our tables: which version a database has, and how it comes to ours.

The version stands in `es_connect_schema`; tables of anybody else are never looked at. An upgrade is one transaction on
SQLite and PostgreSQL; on MariaDB, which has none for schemas, it can be run again. Two at once: the second one waits.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

import connect_core.models  # noqa: F401  (declares the tables)
from connect_core.errors import SettingsError, Unavailable
from connect_core.store import columns, migrations
from connect_core.store.database import Database
from connect_core.store.differences import find_differences
from connect_core.store.migrations import v0001_tables as first
from connect_core.store.statement import Transaction

VERSION_TABLE = "es_connect_schema"
UPGRADE = "connect-login db upgrade"
LOCK_PATIENCE = 600
"""Seconds that an upgrade waits for another one."""

logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every step what `tell` does

_FOLDER = Path(migrations.__file__).parent
_SCRIPTS = ScriptDirectory(str(_FOLDER), version_locations=[str(_FOLDER)])
_VERSIONS = [one.revision for one in _SCRIPTS.walk_revisions()]
"""Newest first."""


class State(StrEnum):
    """How a database's schema stands to ours. Tables without a version were made before there were versions: `OLD`."""

    CURRENT = "current"
    OLD = "old"
    NEWER = "newer"
    MISSING = "missing"
    INCOMPLETE = "incomplete"


def find_state(database: Database) -> State:
    """Tell how the database's schema stands to ours. Raises `Unavailable`."""
    return database._look(_find_state)


def _find_state(transaction: Transaction) -> State:
    tables = columns.find_tables(transaction)
    version = None
    if VERSION_TABLE in tables:
        transaction.cursor.execute(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
        version = (transaction.cursor.fetchone() or [None])[0]
    if version is None:
        return State.OLD if tables & columns.NAMES else State.MISSING
    if version not in _VERSIONS:
        return State.NEWER
    if version != _VERSIONS[0]:
        return State.OLD
    return State.CURRENT if tables >= columns.NAMES else State.INCOMPLETE


def find_wrong_columns(database: Database) -> list[str]:
    """Tell each column that does not compare as declared: somebody converted the tables. Raises `Unavailable`."""
    return database._look(columns.find_wrong_columns)


def prepare(database: Database, command: str = UPGRADE) -> None:
    """Make sure that the database can be served from; an empty SQLite database gets its tables.

    `command` is what the operator is told to run. Raises `SettingsError` for a schema that is missing, of another
    version, or whose ids do not compare byte for byte, and `Unavailable`.
    """
    state = find_state(database)
    if state is State.MISSING and database.is_sqlite:
        upgrade(database)
    elif mistake := get_advice(state, command):
        raise SettingsError([f"service.database_url: {mistake}"])
    if wrong := find_wrong_columns(database):
        raise SettingsError([f"service.database_url: {one}" for one in wrong])


def get_advice(state: State, command: str = UPGRADE) -> str:
    """Return what is wrong with a schema in this state and what to do, or nothing."""
    match state:
        case State.CURRENT:
            return ""
        case State.NEWER:
            return "the schema is newer than this version of connect-login: install the version that made it"
        case State.INCOMPLETE:
            return "a table of ours is gone: play the back-up back"
        case _:
            return f"the schema is {state}: run: {command}"


def upgrade(database: Database, tell: Callable[[str], object] = str) -> None:
    """Bring the schema to our version, and take over tables that were made before there were versions.

    `tell` gets a line a step. Raises `SettingsError` when the schema is newer than ours or lost a table, or tables
    with our names are not ours, and `Unavailable`.
    """
    try:
        with _locked(database) as connection:
            _upgrade(connection, tell)
    except SQLAlchemyError as error:
        raise Unavailable(f"the schema cannot be upgraded: {_kind(error)}") from None
    tell(f"the schema is current: {_VERSIONS[0]}")


def _upgrade(connection: Connection, tell: Callable[[str], object]) -> None:
    state = _find_state(Transaction(_cursor(connection), connection.dialect, {}))
    if state in {State.NEWER, State.INCOMPLETE}:
        raise SettingsError([f"service.database_url: {get_advice(state)}"])

    def get_steps(version: Any, context: MigrationContext) -> Any:
        steps = _SCRIPTS._upgrade_revs(_VERSIONS[0], version)
        for step in steps:
            tell(f"upgrading: {str(step.doc).rstrip('.')}")
        return steps

    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "fn": get_steps})
    if not context.get_current_heads():
        _check_found_tables(connection)
    with Operations.context(context):
        context.run_migrations()


_MADE_AGAIN = ("add_table", "add_index")
"""What the first version makes where it is missing."""


def _check_found_tables(connection: Connection) -> None:
    """Refuse tables with our names that are not as the first version made them; some or all may be missing."""
    changes = {one for one in find_differences(connection, first.TABLES) if not one.startswith(_MADE_AGAIN)}
    wrong = columns.find_wrong_columns(Transaction(_cursor(connection), connection.dialect, {}))
    if mistakes := [*sorted(changes), *wrong]:
        lines = [f"service.database_url: a table has our name and is not ours: {one}" for one in mistakes]
        raise SettingsError(lines)


@contextmanager
def _locked(database: Database) -> Iterator[Connection]:
    """A transaction that no other upgrade runs beside, on a connection that is closed afterwards with its settings."""
    with database._engine.connect() as connection:
        connection.detach()
        name = connection.dialect.name
        if name == "sqlite":
            _cursor(connection).execute(f"PRAGMA busy_timeout={LOCK_PATIENCE * 1000}")
        with connection.begin():
            if name == "postgresql":
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('es_connect_schema'))"))
            elif name != "sqlite":
                _lock_mariadb(connection)
            yield connection


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


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()


def _kind(error: SQLAlchemyError) -> str:
    """The error's kind and number: its text may quote anything."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    number = origin.args[0] if origin.args and isinstance(origin.args[0], int) else ""
    return f"{type(origin).__name__} {number}".strip()
