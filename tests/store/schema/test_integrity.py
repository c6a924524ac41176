"""What `db check` finds: each rule strikes at its own fault and at no other, on every engine, and names no value."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool
from typer.testing import CliRunner

from connect_core.cli import app
from connect_core.cli.serve import init
from connect_core.store import Database
from connect_core.store.schema.integrity import RULES, Violation, find_violations

from ...kit.acme import execute
from ...kit.databases import ENGINES, fresh_database, is_answering, server_of

HASH = "0123456789abcdef" * 4
OTHER = "f" * 64
NOW = 1_800_000_000
MEMBER = "INSERT INTO es_member (id, uname, create_time, last_login) VALUES ({}, '{}', 1800000000, 1800000000)"
CONNECT = (
    "INSERT INTO es_connect (id, member_id, union_type, union_id, union_scope, unbound_time, create_time)"
    " VALUES ({}, {}, '{}', '{}', '', {}, 1800000000)"
)
ALIAS = (
    "INSERT INTO es_connect_alias (id, connect_id, union_type, kind, scope, value, unbound_time)"
    " VALUES ({}, {}, '{}', 'user_id', '', '{}', {})"
)
SESSION = (
    "INSERT INTO es_member_session (id, member_id, client_type, family, token_hash, create_time, seen_time,"
    " expiry_time) VALUES ({}, {}, 'pc', 'f', '{}', 1800000000, 1800000000, 1800009999)"
)
EVENT = (
    "INSERT INTO es_connect_event (id, kind, member_id, connect_id, provider, client_type, union_type, subject_hash,"
    f" request_id, create_time) VALUES (1, 'logged_in', 1, 1, 'alipay', 'pc', 'ALIPAY', '{HASH}', 'r-1', 1800000000)"
)
FLOW = f"INSERT INTO es_connect_used_flow (hash, flow, expiry_time) VALUES ('{HASH}', '{OTHER}', 1800000600)"
HANDOVER = (
    "INSERT INTO es_connect_handover (hash, secret_hash, state, member_id, family, create_time, expiry_time)"
    f" VALUES ('{HASH}', '{OTHER}', 'approved', 1, 'f', 1800000000, 1800000120)"
)
MERGE = (
    "INSERT INTO es_member_merge (id, kept_id, merged_id, create_time, undo_until, moved, ended)"
    " VALUES ({}, {}, {}, 1800000000, 1800604800, '[1]', '[2]')"
)
SETTING = (
    "INSERT INTO es_connect_setting (id, section, name, revision, value, update_time)"
    " VALUES (1, 'providers.alipay', 'app_id', 1, 'v1.0a1b2c3d.AAAA', 1800000000)"
)
CLEAN = (
    MEMBER.format(1, "m_1"),
    CONNECT.format(1, 1, "ALIPAY", "2088102150477652", "NULL"),
    ALIAS.format(1, 1, "ALIPAY", "2088102150477652", "NULL"),
    CONNECT.format(2, 1, "WECHAT", "o-ended", "1800000001"),
    ALIAS.format(2, 2, "WECHAT", "o-ended", "1800000001"),
    CONNECT.format(3, 1, "QQ", "another-systems", "NULL"),
    SESSION.format(1, 1, HASH),
    EVENT,
    FLOW,
    HANDOVER,
    MEMBER.format(2, "m_2"),
    "UPDATE es_member SET disabled = 2 WHERE id = 2",
    MERGE.format(1, 1, 2),
    SETTING,
)
MILLISECONDS = "1800000000000"
PLANTS = {
    "connection_without_member": [CONNECT.format(9, 77, "ALIPAY", "2099", "NULL")],
    "session_without_member": [SESSION.format(9, 77, OTHER)],
    "alias_without_connection": [ALIAS.format(9, 77, "ALIPAY", "2099", "NULL")],
    "alias_of_ended_connection": [ALIAS.format(9, 2, "WECHAT", "2099", "NULL")],
    "alias_of_another_type": [ALIAS.format(9, 1, "WECHAT", "2099", "NULL")],
    "alias_of_unknown_kind": ["UPDATE es_connect_alias SET kind = 'e_mail' WHERE id = 2"],
    "connection_with_ended_aliases_alone": [ALIAS.format(9, 3, "QQ", "another-systems", "5")],
    "union_id_that_is_no_alias": ["UPDATE es_connect SET union_id = '2088' WHERE id = 1"],
    "identity_bound_twice": [MEMBER.format(9, "m_9"), CONNECT.format(9, 9, "QQ", "another-systems", "NULL")],
    "member_bound_twice": [CONNECT.format(9, 1, "QQ", "a-second", "NULL")],
    "id_held_twice": [ALIAS.format(9, 1, "ALIPAY", "2088102150477652", "NULL")],
    "name_taken_twice": [MEMBER.format(9, "m_1")],
    "token_held_twice": [SESSION.format(9, 1, HASH)],
    "blank_id_of_a_connection": ["UPDATE es_connect SET union_id = '  ' WHERE id = 3"],
    "blank_id": ["UPDATE es_connect_alias SET value = '' WHERE id = 2"],
    "profile_that_is_no_object": ["UPDATE es_connect SET profile = '[]' WHERE id = 3"],
    "session_of_unknown_client": ["UPDATE es_member_session SET client_type = 'tv'"],
    "session_token_in_clear": [f"UPDATE es_member_session SET token_hash = '{'Z' * 64}'"],
    "flow_in_clear": ["UPDATE es_connect_used_flow SET hash = 'auth-code'"],
    "flow_owner_in_clear": ["UPDATE es_connect_used_flow SET flow = 'a-state'"],
    "handover_in_clear": ["UPDATE es_connect_handover SET secret_hash = 'a-secret'"],
    "handover_approved_by_nobody": ["UPDATE es_connect_handover SET family = ''"],
    "handover_of_unknown_state": ["UPDATE es_connect_handover SET state = 'open'"],
    "connection_of_a_merged_member": [CONNECT.format(9, 2, "ALIPAY", "2099", "NULL")],
    "session_of_a_merged_member": [SESSION.format(9, 2, OTHER)],
    "merged_member_enabled": ["UPDATE es_member SET disabled = 0 WHERE id = 2"],
    "member_merged_twice": [MERGE.format(9, 1, 2)],
    "setting_in_clear": ["UPDATE es_connect_setting SET value = 'hunter2'"],
    "event_about_a_known_person": ["UPDATE es_connect_event SET subject_hash = '2088'"],
    "event_with_an_id": ["UPDATE es_connect_event SET detail = 'who: 2088102150477652!'"],
    "event_with_a_secret": ["UPDATE es_connect_event SET detail = 'https://shop.example/cb?x=y'"],
    "time_of_a_member": [f"UPDATE es_member SET last_login = {MILLISECONDS}"],
    "time_of_a_connection": [f"UPDATE es_connect SET unbound_time = {MILLISECONDS} WHERE id = 2"],
    "time_of_an_id": ["UPDATE es_connect_alias SET unbound_time = -1 WHERE id = 2"],
    "time_of_a_setting": [f"UPDATE es_connect_setting SET update_time = {MILLISECONDS}"],
    "time_of_a_session": [f"UPDATE es_member_session SET expiry_time = {MILLISECONDS}"],
    "time_of_a_flow": [f"UPDATE es_connect_used_flow SET expiry_time = {MILLISECONDS}"],
    "time_of_a_handover": ["UPDATE es_connect_handover SET expiry_time = 1800000121"],
    "time_of_a_consent": [
        f"INSERT INTO es_member_consent (member_id, terms_version, create_time) VALUES (1, '1', {MILLISECONDS})"
    ],
    "time_of_a_merge": ["UPDATE es_member_merge SET moved = NULL"],
    "time_of_an_event": [f"UPDATE es_connect_event SET create_time = {MILLISECONDS}"],
}
GUARDED = {
    "identity_bound_twice": "es_connect",
    "member_bound_twice": "es_connect",
    "id_held_twice": "es_connect_alias",
    "name_taken_twice": "es_member",
    "token_held_twice": "es_member_session",
    "member_merged_twice": "es_member_merge",
}
"""Where the database itself is in the way, as long as its constraints are there."""


@pytest.fixture(scope="module", params=ENGINES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, require: Any) -> tuple[str, str]:
    """A server with a database for each test of this file, or none for SQLite."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    return request.param, server


@pytest.fixture
def clean(shared: tuple[str, str], tmp_path: Path) -> Iterator[str]:
    """A database with a row of each kind and nothing wrong, on each engine in turn."""
    with fresh_database(shared[1], tmp_path) as url:
        for statement in CLEAN:
            execute(url, statement)
        yield url


def faults_of(url: str, **options: bool) -> list[Violation]:
    """What the checker finds."""
    with closing(Database(url)) as database:
        return find_violations(database, **options)


def drop_guards(url: str, table: str) -> None:
    """Take the unique constraints of a table away, as a careless copy of it does."""
    if url.startswith("sqlite"):
        [made] = execute(url, "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", table)
        columns = ", ".join(row["name"] for row in execute(url, f"PRAGMA table_info({table})"))
        execute(url, f"CREATE TABLE kept AS SELECT {columns} FROM {table}")
        execute(url, f"DROP TABLE {table}")
        execute(url, re.sub(r",\s*UNIQUE \([^)]*\)", "", made["sql"]))
        execute(url, f"INSERT INTO {table} ({columns}) SELECT {columns} FROM kept")
        return
    engine = create_engine(url, poolclass=NullPool)
    kind = "INDEX" if engine.dialect.name == "mysql" else "CONSTRAINT"
    for one in inspect(engine).get_unique_constraints(table):
        execute(url, f"ALTER TABLE {table} DROP {kind} {one['name']}")


def test_a_database_after_some_logins_is_clean(clean: str) -> None:
    """Ended connections, and rows that another system wrote, are no faults."""
    assert faults_of(clean) == []


def test_every_rule_has_its_plant() -> None:
    """A rule that no test sees strike may never strike."""
    assert sorted(rule.name for rule in RULES) == sorted(PLANTS)


@pytest.mark.parametrize("rule", sorted(PLANTS))
def test_each_rule_strikes_at_its_own_fault_alone(clean: str, rule: str) -> None:
    """One rule, with the number of the row."""
    if rule in GUARDED:
        drop_guards(clean, GUARDED[rule])
    for statement in PLANTS[rule]:
        execute(clean, statement)
    assert [violation.rule.name for violation in faults_of(clean)] == [rule]


def test_members_elsewhere_are_not_missed(clean: str) -> None:
    """Rules about members hold only where members live in `es_member`."""
    execute(clean, "DELETE FROM es_member")
    assert [violation.rule.name for violation in faults_of(clean)] == [
        "connection_without_member",
        "session_without_member",
    ]
    assert faults_of(clean, are_members_elsewhere=True) == []


def test_the_report_names_rows_and_never_values(clean: str, tmp_path: Path) -> None:
    """A line for each rule: what it is, how many, the first five rows, what to do; exit code 1."""
    for number in range(10, 17):
        execute(clean, SESSION.format(number, 1, f"c4n4ry-{number}"))
    init(tmp_path)
    config = tmp_path / "connect.toml"
    config.write_text(config.read_text("utf-8").replace("sqlite:///connect.db", clean), "utf-8")
    done = CliRunner().invoke(app, ["db", "check", "--config", str(config)])
    assert done.exit_code == 1
    [head, line, end] = done.output.splitlines()
    assert line.startswith("session_token_in_clear: a session's token_hash is not a SHA-256 in hex")
    assert ": 7 (rows 10, 11, 12, 13, 14, ...); to do: delete the session" in line
    assert (head, end) == ("the schema is current", f"{len(RULES)} rules, 1 broken")
    assert "c4n4ry" not in done.output
    execute(clean, "DELETE FROM es_member_session WHERE id > 9")
    done = CliRunner().invoke(app, ["db", "check", "--config", str(config)])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, f"{len(RULES)} rules, 0 broken")
