"""`connect-login import javashop`, whole: from real tables into real tables, on every engine there is."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from ..kit.javashop_imports import COMMAND, SERVERS, SOURCE, Move
from ..kit.old_shops import MILLISECONDS, SECRET, OldShop, contents


def on_every_engine(function: Callable[..., None]) -> Callable[..., None]:
    """Run a test on SQLite, MariaDB and PostgreSQL; source and target are on one server."""
    marked: Callable[..., None] = pytest.mark.parametrize("databases", ["sqlite", *SERVERS], indirect=True)(function)
    return marked


def fill(old: OldShop) -> None:
    """Members and rows of every sort; what becomes of them is told below."""
    old.member(3, "lihua", nickname="李华&5u:1f600", sex=1, mobile="13800000000", disabled=0, create_time=MILLISECONDS)
    old.member(5, "Wang", sex=0, face="http://shop.example/a.png", disabled=-1, last_login=1_600_000_000)
    old.member(2**53 + 7, "snow", nickname=None, sex=2, face="javascript:alert(1)", login_count=4)
    old.member(9, "x" * 65)
    old.setting(1, "WECHAT", wechat={"wechat_wechat_app_id": "wx0a", "wechat_wechat_app_key": SECRET})
    old.connect(1, 3, "ALIPAY", "2088102104794936")
    old.connect(2, 3, "WECHAT", "oUnion")
    old.connect(3, 3, "WECHAT_OPENID", "oOpen")
    old.connect(4, 5, "ALIPAY", "")
    old.connect(6, 2**53 + 7, "WEIBO", "1404376560")
    old.connect(7, 9, "WEIBO", "9")
    old.connect(8, 404, "WEIBO", "404")
    old.connect(9, 5, "ALIPAY", "", unbound_time=1_600_000_000)


MEMBERS = [
    (3, "lihua", "李华😀", "", 1, "13800000000", 0, 1_600_000_000, 0, 0),
    (5, "Wang", "Wang", "http://shop.example/a.png", 0, "", 1, 0, 1_600_000_000, 0),
    (2**53 + 7, "snow", "snow", "", None, "", 0, 0, 0, 4),
]
CONNECTIONS = [
    (3, "ALIPAY", "", "2088102104794936", "user_id", "", "2088102104794936"),
    (3, "WECHAT", "", "oUnion", "open_id", "wx0a", "oOpen"),
    (3, "WECHAT", "", "oUnion", "union_id", "", "oUnion"),
    (2**53 + 7, "WEIBO", "", "1404376560", "user_id", "", "1404376560"),
]
REFUSED = {
    "id_blank": [("es_connect", 4)],
    "member_not_imported": [("es_connect", 7)],
    "orphan": [("es_connect", 8)],
    "uname_unusable": [("es_member", 9)],
}


def refused(report: dict[str, Any]) -> dict[str, list[tuple[str, int]]]:
    """What could not be mapped, by cause."""
    return {group["cause"]: [(row["table"], row["id"]) for row in group["rows"]] for group in report["unmapped"]}


@on_every_engine
def test_members_and_connections_come_over(move: Move) -> None:
    """Ids, names and times stay; of the columns ours alone; of each row its id's kind and scope; the rest is told."""
    fill(move.old)
    planned = move.report("--dry-run", code=1)
    assert all(rows == [] for rows in contents(move.target).values())
    report = move.report(code=1)
    assert {**planned, "dry_run": False} == report
    assert report["members"] == {"read": 4, "imported": 3, "already": 0}
    assert report["connections"] == {"read": 8, "imported": 4, "already": 0, "history": 1, "repeated": 0}
    assert refused(report) == REFUSED
    columns = "id, uname, nickname, face, sex, mobile, disabled, create_time, last_login, login_count"
    assert move.new(f"SELECT {columns} FROM es_member ORDER BY id") == MEMBERS
    joined = "es_connect c JOIN es_connect_alias a ON a.connect_id = c.id"
    ids = "c.member_id, c.union_type, c.union_scope, c.union_id, a.kind, a.scope, a.value"
    assert move.new(f"SELECT {ids} FROM {joined} ORDER BY 1, 2, 5") == CONNECTIONS
    assert SECRET not in str(contents(move.target))


@on_every_engine
def test_a_second_run_changes_nothing(move: Move) -> None:
    """What is there already is counted as such, and no table differs."""
    fill(move.old)
    move.report(code=1)
    before = contents(move.target)
    for options in (["--dry-run"], []):
        report = move.report(*options, code=1)
        assert report["members"] == {"read": 4, "imported": 0, "already": 3}
        assert (report["connections"]["imported"], report["connections"]["already"]) == (0, 4)
        assert refused(report) == REFUSED
        assert contents(move.target) == before


@on_every_engine
def test_new_members_are_numbered_past_the_imported_ones(move: Move) -> None:
    """The next member that registers gets an id that nobody had."""
    fill(move.old)
    move.report(code=1)
    move.new("INSERT INTO es_member (uname) VALUES ('m_new')")
    assert move.new("SELECT id FROM es_member WHERE uname = 'm_new'")[0][0] > 2**53 + 7


def start(move: Move, members: int) -> subprocess.Popen[str]:
    """Start the command on a shop with so many members, and return once it has written some of them."""
    with move.old.engine.begin() as connection:
        rows = [{"id": n, "uname": f"buyer{n}"} for n in range(1, members + 1)]
        connection.execute(text(f"INSERT INTO es_member ({move.old.key}, uname) VALUES (:id, :uname)"), rows)
        insert = "INSERT INTO es_connect (id, member_id, union_type, union_id) VALUES (:id, :id, 'ALIPAY', :uname)"
        connection.execute(text(insert), rows)
    process = subprocess.Popen(
        [COMMAND, *move.arguments()],
        env={**os.environ, SOURCE: move.old.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + 60
    while move.new("SELECT COUNT(*) FROM es_member")[0][0] == 0 and time.monotonic() < ends:
        time.sleep(0.02)
    return process


@on_every_engine
def test_an_import_that_was_killed_goes_on(move: Move) -> None:
    """Whatever it had written is whole, and the next run ends with the same tables as one that was left alone."""
    process = start(move, 6000)
    process.kill()
    process.communicate()
    halfway = {table: len(rows) for table, rows in contents(move.target).items()}
    assert 0 < halfway["es_member"] < 6000
    assert set(halfway.values()) == {halfway["es_member"]}
    report = move.report()
    assert report["members"] == {"read": 6000, "imported": 6000 - halfway["es_member"], "already": halfway["es_member"]}
    assert {len(rows) for rows in contents(move.target).values()} == {6000}


@on_every_engine
def test_ctrl_c_says_how_to_go_on(move: Move) -> None:
    """One line, exit code 130, no traceback; the page under way is not there, and the next run ends it."""
    process = start(move, 6000)
    process.send_signal(signal.SIGINT)
    lines, complaints = process.communicate(timeout=60)
    assert (process.returncode, lines) == (130, "")
    *_, complaint = complaints.splitlines()
    assert complaint == "connect-login: interrupted; run the same command again, and it goes on from there"
    assert "Traceback" not in complaints
    assert move.new("SELECT COUNT(*) FROM es_member")[0][0] % 500 == 0
    assert move.report()["members"]["read"] == 6000


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_postgresql_has_statistics_while_it_is_filled(move: Move) -> None:
    """Without them it would read whole tables for each page; nobody but the command has them made here."""
    for table in ("es_member", "es_connect", "es_connect_alias"):
        move.new(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    process = start(move, 2500)
    process.communicate(timeout=60)
    assert process.returncode == 0
    estimates = move.new("SELECT relname, reltuples FROM pg_class WHERE relname IN ('es_member', 'es_connect_alias')")
    assert dict(map(tuple, estimates)) == {"es_member": 2000, "es_connect_alias": 2000}


@pytest.mark.parametrize("move", ["g1", "g2", "g3"], indirect=True)
def test_every_generation_is_read_as_it_is(move: Move) -> None:
    """`member_id` or `id`, with `unbound_time` or without, with settings or without: what is missing is told."""
    move.old.member(3, "lihua")
    move.old.connect(1, 3, "ALIPAY", "2088")
    report = move.report()
    assert (report["members"]["imported"], report["connections"]["imported"]) == (1, 1)
    is_newest = move.old.key == "id"
    assert any("unbound_time" in note for note in report["notes"]) == is_newest
    assert any("es_connect_setting" in note for note in report["notes"]) == is_newest


def test_a_missing_table_or_column_ends_the_command(move: Move) -> None:
    """Every one is named; exit code 2."""
    for statement in ("DROP TABLE es_connect", "ALTER TABLE es_member DROP COLUMN uname"):
        with move.old.engine.begin() as connection:
            connection.execute(text(statement))
    said = move.run(code=2)
    assert "--from: there is no table es_connect" in said
    assert "--from: es_member has no column uname" in said


def test_the_source_is_another_database(move: Move) -> None:
    """Neither the target itself, however it is spelt, nor another database of ours."""
    (move.folder / "link.db").symlink_to(move.folder / "connect.db")
    for path in ("connect.db", "link.db"):
        assert "connect.toml names" in move.run("--from", f"sqlite:///{move.folder / path}", code=2)
    (move.folder / "copy.db").write_bytes((move.folder / "connect.db").read_bytes())
    assert "database of connect-login" in move.run("--from", f"sqlite:///{move.folder / 'copy.db'}", code=2)


def test_an_address_that_cannot_be_used_is_told_without_itself(move: Move) -> None:
    """A line each, exit code 2, and neither password nor address in it; no file is made."""
    for url in (
        f"mysql+pymysql://root:{SECRET}@127.0.0.1:1/shop",
        f"nonsense {SECRET}",
        f"oracle+nodriver://{SECRET}@db/shop",
        f"sqlite:///{move.folder}/{SECRET}.db",
    ):
        assert "--from: " in move.run("--from", url, code=2)
    assert not (move.folder / f"{SECRET}.db").exists()


def test_a_target_without_tables_is_refused(move: Move) -> None:
    """They are made by the service or by the operator, not by an import."""
    move.new("DROP TABLE es_connect_alias")
    assert "a table of ours is gone" in move.run(code=2)


def test_the_source_is_only_read(move: Move) -> None:
    """Not a byte of it changes; it runs as the command that an operator types."""
    fill(move.old)
    before = (move.folder / "old.db").read_bytes()
    command = [COMMAND, *move.arguments("--from", move.old.url)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.startswith("members: 4 read, 3 imported")) == (1, True)
    command[-1] = f"{move.old.url}.absent"
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "connect-login: --from: there is no such file\n")
    assert (move.folder / "old.db").read_bytes() == before


def test_what_the_new_shop_has_already_is_never_overwritten(move: Move) -> None:
    """Another member of the id or name, another owner of the union id, another person of the vendor: told, and left."""
    for member_id, uname in ((3, "else"), (50, "taken"), (5, "buyer5"), (6, "buyer6")):
        move.new("INSERT INTO es_member (id, uname) VALUES (:id, :uname)", id=member_id, uname=uname)
    insert = "INSERT INTO es_connect (member_id, union_type, union_id) VALUES (:member_id, :union_type, :union_id)"
    for member_id, union_type, union_id in ((50, "ALIPAY", "2088"), (6, "WEIBO", "1")):
        move.new(insert, member_id=member_id, union_type=union_type, union_id=union_id)
    move.old.member(3)
    move.old.member(4, "taken")
    move.old.member(5)
    move.old.member(6)
    move.old.connect(1, 5, "ALIPAY", "2088")
    move.old.connect(2, 6, "WEIBO", "2")
    before = contents(move.target)
    report = move.report(code=1)
    assert refused(report) == {
        "id_taken": [("es_connect", 1)],
        "member_id_taken": [("es_member", 3)],
        "type_taken": [("es_connect", 2)],
        "uname_taken": [("es_member", 4)],
    }
    assert contents(move.target) == before


def test_a_name_that_two_old_members_share_is_the_first_ones(move: Move) -> None:
    """Also in a dry run, which cannot find the first one in the target."""
    move.old.member(3, "same")
    move.old.member(4, "same")
    move.old.member(5, "Same")
    for options in (["--dry-run"], []):
        report = move.report(*options, code=1)
        assert refused(report) == {"uname_taken": [("es_member", 4)]}
        assert report["members"]["imported"] == 2


def test_what_was_unbound_here_stays_unbound(move: Move) -> None:
    """A further import does not bind again what the member unbound since the first."""
    move.old.member(3)
    move.old.connect(1, 3, "ALIPAY", "2088")
    move.run()
    for table in ("es_connect", "es_connect_alias"):
        move.new(f"UPDATE {table} SET unbound_time = 1")
    before = contents(move.target)
    assert move.report()["connections"]["already"] == 1
    assert contents(move.target) == before


def test_members_may_stay_where_they_are(move: Move) -> None:
    """For a shop with a directory of its own: connections come over with the ids of its members, and no member does."""
    fill(move.old)
    report = move.report("--connections-only", code=1)
    assert report["members"] == {"read": 4, "imported": 0, "already": 0}
    assert refused(report) == {"id_blank": [("es_connect", 4)], "orphan": [("es_connect", 8)]}
    assert contents(move.target)["es_member"] == []
    assert [row[0] for row in move.new("SELECT member_id FROM es_connect ORDER BY 1")] == [3, 3, 9, 2**53 + 7]


def test_an_app_id_is_for_a_type_that_holds_openids(move: Move) -> None:
    """A misspelt type would leave its rows out without a word."""
    for text_ in ("ALIPAY=2021", "WECHAT_OPENID", "WECHAT_OPENID=", "WECHAT_OPENID=wx 1"):
        assert "WECHAT_OPENID" in move.run("--app-id", text_, code=2)


def test_a_row_that_came_later_completes_the_connection(move: Move) -> None:
    """An openid that the old shop wrote after the first import is added to the same connection, once."""
    move.old.member(3)
    move.old.connect(1, 3, "WECHAT", "oUnion")
    app = ["--app-id", "WECHAT_OPENID=wx0a"]
    move.run(*app)
    move.old.connect(2, 3, "WECHAT_OPENID", "oOpen")
    assert move.report(*app)["connections"]["imported"] == 1
    assert move.report(*app)["connections"]["already"] == 2
    [alias] = move.new("SELECT scope, value, connect_id FROM es_connect_alias WHERE kind = 'open_id'")
    assert tuple(alias) == ("wx0a", "oOpen", 1)


def test_reports_name_rows_and_never_values(move: Move) -> None:
    """Neither an id, nor a name, nor a phone number is printed or written to the report."""
    fill(move.old)
    said = move.run("--report", str(move.folder / "report.json"), code=1)
    said += (move.folder / "report.json").read_text("utf-8")
    for value in ("2088102104794936", "oUnion", "oOpen", "1404376560", "lihua", "13800000000", "x" * 65):
        assert value not in said
    assert "es_connect 4" in said
