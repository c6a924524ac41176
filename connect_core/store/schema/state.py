"""The schema of our tables: which version a database has, and how it comes to ours.

The version stands in `es_connect_schema`; tables of anybody else are never looked at.
"""

from enum import StrEnum
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table
from sqlalchemy.exc import SQLAlchemyError

from connect_core.errors import SettingsError
from connect_core.store.engine.database import Database
from connect_core.store.engine.statement import Transaction
from connect_core.store.engine.workers import unavailable
from connect_core.store.models import Declared
from connect_core.store.schema import collation, migrations

VERSION_TABLE = "es_connect_schema"
UPGRADE = "connect-login db upgrade"
FOLDER = Path(migrations.__file__).parent
VERSIONS = sorted((path.name[1:5] for path in FOLDER.glob("v*.py")), reverse=True)
"""Newest first: `v0001_tables.py` makes version 0001."""

_VERSION = Table(  # as Alembic makes it
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)


class SchemaState(StrEnum):
    """How a database's schema stands to ours. Tables without a version were made before there were versions: `OLD`."""

    CURRENT = "current"
    OLD = "old"
    NEWER = "newer"
    MISSING = "missing"
    INCOMPLETE = "incomplete"


def find_state(database: Database) -> SchemaState:
    """Tell how the database's schema stands to ours. Raises `Unavailable`."""
    return database._look(find_state_in)


def find_state_in(transaction: Transaction) -> SchemaState:
    """The same inside a transaction."""
    tables = collation.find_tables(transaction)
    version = None
    if VERSION_TABLE in tables:
        transaction.cursor.execute(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
        version = (transaction.cursor.fetchone() or [None])[0]
    if version is None:
        return SchemaState.OLD if tables & collation.NAMES else SchemaState.MISSING
    if version not in VERSIONS:
        return SchemaState.NEWER
    if version != VERSIONS[0]:
        return SchemaState.OLD
    return SchemaState.CURRENT if tables >= collation.NAMES else SchemaState.INCOMPLETE


def find_wrong_columns(database: Database) -> list[str]:
    """Tell each column that does not compare as declared: somebody converted the tables. Raises `Unavailable`."""
    return database._look(collation.find_wrong_columns)


def prepare(database: Database, command: str = UPGRADE) -> None:
    """Make sure that the database can be served from; an empty SQLite database gets its tables.

    `command` is what the operator is told to run. Raises `SettingsError` for a schema that is missing, of another
    version, or whose ids do not compare byte for byte, and `Unavailable`.
    """
    state = find_state(database)
    if state is SchemaState.MISSING and database.is_sqlite:
        state = _make_tables(database)
    if mistake := get_advice(state, command):
        raise SettingsError([f"service.database_url: {mistake}"])
    if wrong := find_wrong_columns(database):
        raise SettingsError([f"service.database_url: {one}" for one in wrong])


def _make_tables(database: Database) -> SchemaState:
    """Make the tables as they are declared, unless another process has; returns the state that they are in."""
    try:
        with database._engine.begin() as connection:
            state = find_state_in(transaction_on(connection))
            if state is not SchemaState.MISSING:
                return state
            Declared.metadata.create_all(connection)
            _VERSION.create(connection)
            connection.execute(_VERSION.insert().values(version_num=VERSIONS[0]))
    except SQLAlchemyError as error:
        raise unavailable(error) from None
    return SchemaState.CURRENT


def transaction_on(connection: Connection) -> Transaction:
    """Return a transaction of SQLAlchemy's as those of the store."""
    return Transaction(connection.connection.cursor(), connection.dialect, {})


def get_advice(state: SchemaState, command: str = UPGRADE) -> str:
    """Return what is wrong with a schema in this state and what to do, or nothing."""
    match state:
        case SchemaState.CURRENT:
            return ""
        case SchemaState.NEWER:
            return "the schema is newer than this version of connect-login: install the version that made it"
        case SchemaState.INCOMPLETE:
            return "a table of ours is gone: play the back-up back"
        case _:
            return f"the schema is {state}: run: {command}"
