"""`min_version`: older code goes on while the schema is upgraded, and each migration keeps its promise."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from connect_core.store import Database, schema
from connect_core.store.schema.migrations import v0001_tables
from connect_core.store.schema.state import FOLDER, SchemaState
from connect_core.store.schema.upgrade import upgrade_schema

from ...kit.acme import execute


def test_a_newer_schema_that_still_fits_is_served_from(upgraded: Database, empty: str) -> None:
    """A replica goes on while the others are upgraded, may be started again, and its `db upgrade` changes nothing."""
    execute(empty, "UPDATE es_connect_schema SET version_num = '9999', min_version = ?", schema.VERSIONS[0])
    assert schema.find_state(upgraded) is SchemaState.COMPATIBLE
    schema.prepare(upgraded)
    told: list[str] = []
    upgrade_schema(upgraded, told.append)
    assert told == [f"the schema is newer than {schema.VERSIONS[0]}, and this version runs on it: nothing to do"]
    assert execute(empty, "SELECT version_num FROM es_connect_schema") == [{"version_num": "9999"}]
    execute(empty, "DROP TABLE es_connect_event")
    assert schema.find_state(upgraded) is SchemaState.INCOMPLETE


def test_an_upgrade_says_which_code_runs_on_its_result(upgraded: Database, empty: str) -> None:
    """The highest `min_version` of all migrations."""
    [row] = execute(empty, "SELECT * FROM es_connect_schema")
    assert row == {"version_num": schema.VERSIONS[0], "min_version": max(m.min_version for m in migrations())}


def test_code_stops_before_a_step_that_breaks_it(upgraded: Database, empty: str) -> None:
    """MariaDB commits each step by itself: one that was interrupted leaves the older version in place."""
    execute(empty, "UPDATE es_connect_schema SET min_version = '9999'")
    assert schema.find_state(upgraded) is SchemaState.NEWER


def test_a_schema_from_before_min_version_is_for_its_own_code_alone(database: Database, empty: str) -> None:
    """Version 0007 had no such column: its row is read, and is upgraded."""
    v0001_tables.TABLES.create_all(database.backend.engine)
    execute(empty, "CREATE TABLE es_connect_schema (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    execute(empty, "INSERT INTO es_connect_schema VALUES ('0001')")
    assert schema.find_state(database) is SchemaState.OLD
    execute(empty, "UPDATE es_connect_schema SET version_num = '9999'")
    assert schema.find_state(database) is SchemaState.NEWER
    execute(empty, "UPDATE es_connect_schema SET version_num = '0001'")
    upgrade_schema(database)
    assert schema.find_state(database) is SchemaState.CURRENT


# what migrations promise


def migrations() -> list[Any]:
    """The modules, oldest first."""
    names = sorted(path.stem for path in FOLDER.glob("v*.py"))
    return [import_module(f"connect_core.store.schema.migrations.{name}") for name in names]


def test_each_migration_says_which_code_runs_on_its_result() -> None:
    """In `min_version`: a version there is, not above its own, and not below that of the step before."""
    promises = [(module.revision, module.min_version) for module in migrations()]
    assert [revision for revision, _ in promises] == sorted(schema.VERSIONS)
    assert all(promise in schema.VERSIONS and promise <= revision for revision, promise in promises)
    assert [promise for _, promise in promises] == sorted(promise for _, promise in promises)


NEVER_READ = ("es_connect_setting",)
"""What no code read or wrote before version 0010 made it anew."""


def test_a_migration_keeps_what_it_promises(tmp_path: Path) -> None:
    """What the oldest code uses is still there, and it can insert rows: a new column has a default or may be NULL."""
    shapes = {revision: shape_at(revision, tmp_path) for revision in schema.VERSIONS}
    for module in migrations():
        after, before = shapes[module.revision], shapes[module.min_version]
        breaks = [text for text in find_breaks(before, after) if not text.startswith(NEVER_READ)]
        assert breaks == [], module.revision


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        (
            "ALTER TABLE es_member RENAME COLUMN uname TO login",
            ["es_member.login is required", "es_member.uname is gone"],
        ),
        ("DROP TABLE es_connect_event", ["es_connect_event is gone"]),
        ("CREATE UNIQUE INDEX ux_mobile ON es_member (mobile)", ["es_member has the new unique index ux_mobile"]),
    ],
)
def test_a_promise_that_is_broken_is_noticed(tmp_path: Path, statement: str, broken: list[str]) -> None:
    """Else the test above could not fail."""
    before = shape_at(schema.VERSIONS[0], tmp_path)
    execute(url_at(schema.VERSIONS[0], tmp_path), statement)
    assert find_breaks(before, shape_of(url_at(schema.VERSIONS[0], tmp_path))) == broken


Shape = dict[str, tuple[dict[str, bool], set[str]]]
"""Of each table: its columns, and whether an INSERT may leave them out; and the names of its unique indexes."""


def url_at(version: str, folder: Path) -> str:
    return f"sqlite:///{folder / version}.db"


def shape_at(version: str, folder: Path) -> Shape:
    """The tables as the migrations up to `version` make them."""
    engine = create_engine(url_at(version, folder), poolclass=NullPool)
    scripts = ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER)])
    options = {"version_table": "es_connect_schema", "fn": lambda head, _: scripts._upgrade_revs(version, head)}
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection, opts=options)) as op:
        op.migration_context.run_migrations()
    return shape_of(url_at(version, folder))


def shape_of(url: str) -> Shape:
    tables = inspect(create_engine(url, poolclass=NullPool))
    shape: Shape = {}
    for table in sorted(set(tables.get_table_names()) - {"es_connect_schema"}):
        columns = tables.get_columns(table)
        optional = {one["name"]: one["nullable"] or one["default"] is not None for one in columns}
        unique = {str(one["name"]) for one in tables.get_indexes(table) if one["unique"]}
        shape[table] = (optional, unique | {str(one["name"]) for one in tables.get_unique_constraints(table)})
    return shape


def find_breaks(before: Shape, after: Shape) -> list[str]:
    """What code that was written for `before` meets in `after`."""
    breaks = [f"{table} is gone" for table in before if table not in after]
    for table in before.keys() & after.keys():
        (old, old_unique), (new, new_unique) = before[table], after[table]
        breaks += [f"{table}.{name} is gone" for name in old if name not in new]
        breaks += [f"{table}.{name} is required" for name in new if name not in old and not new[name]]
        breaks += [f"{table} has the new unique index {name}" for name in sorted(new_unique - old_unique)]
    return sorted(breaks)
