"""Empties a database on a server for the next test, which takes a fraction of the time of a new one.

Ids begin at 1 again. A database is given up where more than rows has changed, or where somebody might still write.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

PARTING_SECONDS = 5
"""How long a busy server may take to notice that a test has closed its connections."""
Rows = list[tuple[Any, ...]]

_CATALOGUES = "attribute class constraint namespace proc trigger"
_SETTINGS = "db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())"
"""Settings of this database alone: tests of others have their own in the same catalogue, at the same time."""
_RELATIONS = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = '{}'"
_DATABASE = "SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = database()"
_NEXT_ID = re.compile(r" AUTO_INCREMENT ?= ?(\d+)")
_OTHERS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
}


class Tables(NamedTuple):
    """The tables of a database that no test has used."""

    definitions: Rows
    """What changes with the tables, and not with their rows."""
    version: str
    """Inserts their only row."""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection that commits each statement."""
    # PyMySQL reads the machine's certificates for each connection that may use TLS
    options = {"ssl_disabled": True} if url.startswith("mysql") else {}
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=options)
    with engine.connect() as connection:
        yield connection


def read_tables(url: str) -> Tables:
    """Describe a database that no test has used."""
    with connected(url) as connection:
        definitions, _ = _read(connection)
        return Tables(definitions, read_version(connection))


def read_version(connection: Connection) -> str:
    """Return the statement that inserts the row of the schema's version."""
    [(version, oldest)] = _query(connection, "SELECT version_num, min_version FROM es_connect_schema")
    return f"INSERT INTO es_connect_schema (version_num, min_version) VALUES ('{version}', '{oldest}')"


def read_creations(connection: Connection) -> dict[str, str]:
    """Return the statement that creates each table, on a server of the MySQL family."""
    names = [name for (name,) in _query(connection, "SHOW TABLES")]
    return {name: _query(connection, f"SHOW CREATE TABLE {name}")[0][1] for name in names}


def empty_tables(url: str, tables: Tables) -> bool:
    """Empty a database, and return whether it is as it was before the test."""
    with connected(url) as connection:
        definitions, deletions = _read(connection)
        if definitions != tables.definitions or not _is_left_alone(connection):
            return False
        for statement in (*deletions, tables.version):
            connection.exec_driver_sql(statement)
    return True


def _read(connection: Connection) -> tuple[Rows, list[str]]:
    """Return the definitions, and what empties the tables as they are now."""
    return _read_postgresql(connection) if connection.dialect.name == "postgresql" else _read_mysql(connection)


def _read_postgresql(connection: Connection) -> tuple[Rows, list[str]]:
    # a definition that changes is a new row of a catalogue, and statistics overwrite the old one
    counts = [f"SELECT count(*), max(xmin::text::bigint) FROM pg_{rows}" for rows in (*_CATALOGUES.split(), _SETTINGS)]
    # TRUNCATE would write a new file for each table and index
    deletions = [f"DELETE FROM {name}" for (name,) in _query(connection, _RELATIONS.format("r"))]
    counters = [f"SELECT setval('{name}', 1, false)" for (name,) in _query(connection, _RELATIONS.format("S"))]
    return _query(connection, " UNION ALL ".join(counts)), ["; ".join(["BEGIN", *deletions, *counters, "COMMIT"])]


def _read_mysql(connection: Connection) -> tuple[Rows, list[str]]:
    creations = read_creations(connection)
    next_ids = {name: _NEXT_ID.search(creation) for name, creation in creations.items()}
    # takes the time of a hundred deletions, but begins with 1 again
    truncated = [name for name, next_id in next_ids.items() if next_id and next_id[1] != "1"]
    deletions = [f"DELETE FROM {name}" for name in creations if name not in truncated]
    definitions = [(name, _NEXT_ID.sub("", creation)) for name, creation in creations.items()]
    definitions += _query(connection, _DATABASE) + _query(connection, "SHOW TRIGGERS")
    return definitions, ["BEGIN", *deletions, "COMMIT", *(f"TRUNCATE {name}" for name in truncated)]


def _is_left_alone(connection: Connection) -> bool:
    ends_at = time.monotonic() + PARTING_SECONDS
    while _query(connection, _OTHERS[connection.dialect.name]) != [(0,)]:
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.01)
    return True


def _query(connection: Connection, query: str) -> Rows:
    return [tuple(row) for row in connection.exec_driver_sql(query)]
