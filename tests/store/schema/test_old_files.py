"""SQLite files of versions that left in the file what they deleted: the upgrade writes them anew."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.store import Database, schema
from connect_core.store.schema.migrations import v0001_tables
from connect_core.store.schema.upgrade import upgrade_schema

REWRITTEN = "the file is written anew, without what was deleted before this version"


def delete_members(path: Path) -> None:
    """Delete a hundred members as those versions did, and keep the first."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA secure_delete=OFF")
        members = [(f"zq-{number}", f"nickname-{number}" * 40) for number in range(100)]
        connection.executemany("INSERT INTO es_member (uname, nickname) VALUES (?, ?)", members)
        connection.commit()
        connection.execute("DELETE FROM es_member WHERE id > 1")


def read_files(path: Path) -> bytes:
    """All that stands in the database's files."""
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


@pytest.mark.parametrize("has_version", [True, False])
def test_an_upgrade_leaves_nothing_of_what_was_deleted(tmp_path: Path, *, has_version: bool) -> None:
    """From the first version, or from tables of before there were versions; once."""
    path, told = tmp_path / "connect.db", list[str]()
    with closing(Database(f"sqlite:///{path}")) as database:
        v0001_tables.TABLES.create_all(database.backend.engine)
        if has_version:
            with database.backend.engine.begin() as connection:
                connection.exec_driver_sql("CREATE TABLE es_connect_schema (version_num VARCHAR(32) PRIMARY KEY)")
                connection.exec_driver_sql("INSERT INTO es_connect_schema VALUES ('0001')")
        delete_members(path)
        assert b"nickname-99" in read_files(path)
        upgrade_schema(database, told.append)
        upgrade_schema(database, told.append)
        schema.prepare(database)
    assert told.count(REWRITTEN) == 1
    assert b"nickname-99" not in read_files(path)
    assert b"nickname-0" in read_files(path)


def test_a_file_that_cannot_be_written_anew_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk: the operator is told what is left to do."""
    path, told = tmp_path / "connect.db", list[str]()
    with closing(Database(f"sqlite:///{path}")) as database:
        v0001_tables.TABLES.create_all(database.backend.engine)

        def fail(_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(database.backend, "rewrite", fail)
        upgrade_schema(database, told.append)
        schema.prepare(database)
    assert [line for line in told if "run VACUUM on it" in line]
