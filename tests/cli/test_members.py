"""`connect-login members`: the operator exports and erases, in processes, with their exit codes."""

import json
from contextlib import closing
from pathlib import Path

from connect_core.store import Database, bulk
from connect_core.store.models import Member
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.acme import execute
from ..kit.commands import run


def plant(url: str) -> None:
    """A member with an Alipay id, as a login leaves it."""
    with closing(Database(url)) as database:
        upgrade_schema(database)
    execute(url, f"INSERT INTO {Member.__tablename__} (uname, nickname, mobile) VALUES ('m_lihua', '李华', '139')")
    execute(
        url,
        "INSERT INTO es_connect (member_id, union_type, union_id, profile) VALUES (1, 'ALIPAY', '2088-lihua', '{}')",
    )
    execute(
        url,
        "INSERT INTO es_connect_alias (connect_id, union_type, kind, value)"
        " VALUES (1, 'ALIPAY', 'user_id', '2088-lihua')",
    )


def test_an_operator_exports_and_erases(config: str, empty: str) -> None:
    """All is printed, then all is gone; erasing again says so; the database is sound on each engine."""
    plant(empty)
    code, told, complaints = run("members", "export", "1", "--config", config)
    assert (code, complaints) == (0, [])
    held = json.loads("\n".join(told))
    assert (held["member"]["mobile"], held["connections"][0]["ids"][0]["value"]) == ("139", "2088-lihua")
    assert run("members", "erase", "1", "--config", config) == (0, ["member 1 is erased"], [])
    assert run("members", "erase", "1", "--config", config) == (0, ["member 1 was erased before"], [])
    with closing(Database(empty)) as database:
        left = [
            database.read_blocking(lambda tx, name=name: bulk.find_rows(tx, name))
            for name in ("es_connect", "es_member")
        ]
        events = database.read_blocking(lambda tx: bulk.find_rows(tx, "es_connect_event"))
    assert left[0] == []
    assert "lihua" not in str(left)
    assert [(row["kind"], row["subject_hash"]) for row in events] == [("erased", "")]
    assert run("db", "check", "--config", config)[0] == 0


def test_a_member_who_never_was_is_one_line(config: str, empty: str) -> None:
    """Exit 2, and nothing is written."""
    plant(empty)
    for command in ("export", "erase"):
        code, told, [complaint] = run("members", command, "7", "--config", config)
        assert (code, told) == (2, [])
        assert "such a member" in complaint


def test_a_database_without_tables_is_told_what_to_run(config: str, tmp_path: Path) -> None:
    """As by every command."""
    code, _, [complaint] = run("members", "erase", "1", "--config", config)
    assert code == 2
    assert "db upgrade" in complaint
    assert tmp_path.is_dir()
