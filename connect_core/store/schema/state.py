"""The version of a database's schema: which one it has, and whether it can be served from.

The version is stored in `es_connect_schema`, with the oldest version whose code runs on it. Never reads or changes a
table that is not ours.
"""

import re
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, String, Table
from sqlalchemy.exc import SQLAlchemyError

from connect_core.errors import SettingsError
from connect_core.store.engine.database import Database
from connect_core.store.engine.statement import Transaction
from connect_core.store.engine.workers import unavailable
from connect_core.store.models import Declared
from connect_core.store.schema import collation, migrations

VERSION_TABLE = "es_connect_schema"
UPGRADE = "connect-login db upgrade"
"""The command that upgrades a schema."""
FOLDER = Path(migrations.__file__).parent
VERSIONS = sorted((path.name[1:5] for path in FOLDER.glob("v*.py")), reverse=True)
"""All versions, newest first; `v0001_tables.py` is version 0001."""

_MIN_VERSION = re.compile(r'^min_version = "(\d{4})"$', re.MULTILINE)
_VERSION = Table(  # as Alembic creates it, and version 0009 extends it
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    Column("min_version", String(32)),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)


class SchemaState(StrEnum):
    """How a database's schema compares with ours.

    `CURRENT`: the same version, all tables exist. `COMPATIBLE`: a newer version, on which ours still runs. `OLD`: an
    older version, or tables from before there were versions. `NEWER`: a version that ours does not run on, or the
    beginning of an upgrade to one. `MISSING`: no table of ours exists. `INCOMPLETE`: a version that ours runs on, but a
    table is missing.
    """

    CURRENT = "current"
    COMPATIBLE = "compatible"
    OLD = "old"
    NEWER = "newer"
    MISSING = "missing"
    INCOMPLETE = "incomplete"


def find_state(database: Database) -> SchemaState:
    """Return how the database's schema compares with ours. Raises `Unavailable`."""
    return database.read_blocking(find_state_in)


def find_state_in(transaction: Transaction) -> SchemaState:
    """Return how the schema compares with ours, as the transaction sees it."""
    tables = collation.find_tables(transaction)
    version, min_version = _find_versions(transaction) if VERSION_TABLE in tables else ("", "")
    ours = VERSIONS[0]
    if not version:
        return SchemaState.OLD if tables & collation.NAMES else SchemaState.MISSING
    if version in VERSIONS[1:] and min_version <= ours:
        return SchemaState.OLD
    if version < ours or min_version > ours:
        return SchemaState.NEWER
    if not tables >= collation.NAMES:
        return SchemaState.INCOMPLETE
    return SchemaState.CURRENT if version == ours else SchemaState.COMPATIBLE


def find_version(transaction: Transaction) -> str:
    """Return the version of a schema that exists; empty for tables from before there were versions."""
    return _find_versions(transaction)[0] if VERSION_TABLE in collation.find_tables(transaction) else ""


def _find_versions(transaction: Transaction) -> tuple[str, str]:
    """Return the schema's version and the oldest one whose code runs on it, both empty where there is no row.

    Before version 0009 there was no such column: that code ran on its own version alone.
    """
    transaction.cursor.execute(f"SELECT * FROM {VERSION_TABLE}")  # noqa: S608 - a constant
    version, *more = transaction.cursor.fetchone() or [""]
    return str(version), str(more[0] if more and more[0] else version)


def get_min_version() -> str:
    """Return the oldest version whose code runs on our schema: the highest `min_version` of all migrations.

    Reads their text, because importing them takes Alembic.
    """
    texts = (path.read_text("utf-8") for path in FOLDER.glob("v*.py"))
    return max(promise[1] for text in texts if (promise := _MIN_VERSION.search(text)))


def find_wrong_columns(database: Database) -> list[str]:
    """Return a sentence for each text column whose collation differs from the declared one. Raises `Unavailable`."""
    return database.read_blocking(collation.find_wrong_columns)


def prepare(database: Database, command: str = UPGRADE) -> None:
    """Check that the service can run on this database; creates the tables of an empty SQLite database.

    `command` is the command that an error tells the operator to run. Raises `SettingsError` when the schema is missing,
    has a version that ours does not run on, or compares ids other than byte for byte; `Unavailable` when the database
    does not answer.
    """
    state = find_state(database)
    if state is SchemaState.MISSING and database.is_sqlite:
        state = _create_tables(database)
    if mistake := get_advice(state, command):
        raise SettingsError([f"service.database_url: {mistake}"])
    if mistakes := find_wrong_columns(database):
        raise SettingsError([f"service.database_url: {mistake}" for mistake in mistakes])


def _create_tables(database: Database) -> SchemaState:
    """Create the tables as declared, unless another process has just done so; returns the state afterwards."""
    try:
        with database.backend.engine.begin() as connection:
            state = find_state_in(database.transaction_on(connection))
            if state is not SchemaState.MISSING:
                return state
            Declared.metadata.create_all(connection)
            _VERSION.create(connection)
            connection.execute(_VERSION.insert().values(version_num=VERSIONS[0], min_version=get_min_version()))
    except SQLAlchemyError as error:
        raise unavailable(error) from None
    return SchemaState.CURRENT


def get_advice(state: SchemaState, command: str = UPGRADE) -> str:
    """Return what is wrong with a schema in this state and what to do about it; empty where it can be used."""
    match state:
        case SchemaState.CURRENT | SchemaState.COMPATIBLE:
            return ""
        case SchemaState.NEWER:
            return "the schema is newer than this version of connect-login: install the version that made it"
        case SchemaState.INCOMPLETE:
            return "a table of ours is gone: play the back-up back"
        case _:
            return f"the schema is {state}: run: {command}"
