"""`connect-login db copy`: from one engine to another, in processes, with what it says and its exit codes."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import httpx
import pytest

from connect_core.errors import Unavailable
from connect_core.harness import Visitor
from connect_core.sandbox import serving
from connect_core.store import Database, schema
from connect_core.store.copying import TABLES, Copying
from connect_core.store.schema.upgrade import upgrade_schema
from connect_core.web import create_app

from ..kit.acme import execute
from ..kit.commands import COMMAND, run
from ..kit.databases import check, empty_database, is_answering, run_shop, server_of
from ..kit.full_tables import EMOJI, fill, rows_of

CANARY = "c4n4ry"
PAIRS = [("sqlite", "postgresql"), ("sqlite", "mariadb"), ("postgresql", "mariadb"), ("mariadb", "sqlite")]
MakeDatabase = Callable[..., str]


@pytest.fixture
def make_database(tmp_path: Path, require: Callable[[object, str], None]) -> Iterator[MakeDatabase]:
    """`make_database(engine, rows)`: a database with so many rows in every table; without `rows` it has no tables."""
    with ExitStack() as stack:

        def make(engine: str, rows: int | None = None) -> str:
            server = server_of(engine)
            require(is_answering(server), f"{engine} does not answer on this machine")
            folder = tmp_path / f"{engine}-{rows}"
            folder.mkdir()
            url = stack.enter_context(empty_database(server, folder))
            if rows is not None:
                with closing(Database(url)) as database:
                    upgrade_schema(database)
            if rows:
                fill(url, range(1, rows + 1))
            return url

        yield make


LABELS = ("rows there already, checked", "rows copied", "rows compared")
"""What the command says of its progress, in order."""


def copy(source: str, target: str) -> tuple[int, list[str], list[str]]:
    """Run the command; returns its exit code, and what it said without the labels of its progress."""
    code, lines, complaints = run("db", "copy", "--from", source, "--to", target)
    return code, lines, [line for line in complaints if line not in LABELS]


def start(source: str, target: str) -> subprocess.Popen[str]:
    """Start the command, and return once it has written rows to `target`."""
    process = subprocess.Popen(
        [COMMAND, "db", "copy", "--from", source, "--to", target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + 60
    while time.monotonic() < ends and not count(target, "es_connect"):
        time.sleep(0.02)
    return process


def count(url: str, table: str) -> int:
    """The number of rows, 0 while there is no such table."""
    with closing(Database(url)) as database, suppress(Unavailable):  # OceanBase lists a table before it can be read
        if schema.find_state(database) is schema.SchemaState.CURRENT:
            return len(rows_of(url)[table])
    return 0


@pytest.mark.parametrize(("source_engine", "target_engine"), PAIRS)
def test_every_row_comes_over_as_it_is(make_database: MakeDatabase, source_engine: str, target_engine: str) -> None:
    """Tables are made, ids and all columns stay, the audit log tells of it, and a second copy finds nothing to do."""
    source, target = make_database(source_engine, 1003), make_database(target_engine)
    if source_engine == "postgresql":  # its sequence does not notice the ids of `fill`
        execute(source, "SELECT setval(pg_get_serial_sequence('es_admin_audit', 'id'), 1003)")
    before = rows_of(source)
    count = sum(map(len, before.values())) + 1
    equal = f"{count} rows are the same in both databases"
    assert copy(source, target) == (0, [f"{count} rows copied, 0 were there already", equal], [])
    after = rows_of(source)
    assert rows_of(target) == after
    assert "database.copied" in after["es_admin_audit"].pop()
    assert after == before
    assert copy(source, target) == (0, [f"0 rows copied, {count} were there already", equal], [])


@pytest.mark.parametrize(("source_engine", "target_engine"), PAIRS)
def test_an_id_that_was_given_out_is_not_given_out_again(
    make_database: MakeDatabase, source_engine: str, target_engine: str
) -> None:
    """Neither that of a row that was copied, nor that of the last member, who was erased before the copy."""
    source, target = make_database(source_engine, 3), make_database(target_engine)
    if source_engine == "postgresql":  # its sequence does not notice the ids of `fill`
        for table in ("es_member", "es_admin_audit"):
            execute(source, f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 3)")
    execute(source, "DELETE FROM es_member WHERE id = 3")
    assert copy(source, target)[0] == 0
    execute(target, "INSERT INTO es_member (uname) VALUES ('new')")
    execute(target, "INSERT INTO es_member_consent (member_id, terms_version, create_time) VALUES (4, '1', 1)")
    assert [row[0] for row in rows_of(target)["es_member"]] == [1, 2, 4]
    assert [row[0] for row in rows_of(target)["es_member_consent"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("target_engine", ["sqlite", "postgresql", "mariadb"])
def test_a_copy_that_was_killed_goes_on(make_database: MakeDatabase, target_engine: str) -> None:
    """What it had written stays and is passed over; the rest comes with the second run."""
    source, target = make_database("sqlite", 3000), make_database(target_engine)
    process = start(source, target)
    process.kill()
    process.communicate()
    halfway = sum(map(len, rows_of(target).values()))
    total = sum(map(len, rows_of(source).values())) + 1  # the second run is recorded as well
    assert 0 < halfway < total
    code, lines, _ = copy(source, target)
    assert (code, lines[0]) == (0, f"{total - halfway} rows copied, {halfway} were there already")
    assert rows_of(target) == rows_of(source)


def test_each_pass_over_the_rows_shows_its_progress(make_database: MakeDatabase) -> None:
    """Whoever goes on with a large copy sees what it does from the beginning; an empty target has nothing to check."""
    source, target = make_database("sqlite", 700), make_database("sqlite", 0)
    assert run("db", "copy", "--from", source, "--to", target)[2] == [*LABELS[1:]]
    assert run("db", "copy", "--from", source, "--to", target)[2] == [*LABELS]
    with (
        closing(Database(source)) as read,
        closing(Database(target)) as written,
        read.open_long("--from") as reading,
        written.open_long("--to") as writing,
    ):
        copying, steps = Copying(reading, writing), list[int]()
        assert copying.find_obstacles(steps.append) == []
        assert sum(steps) == copying.count_in_target() == copying.count()
    assert len(steps) >= len(TABLES)


def test_ctrl_c_says_how_to_go_on(make_database: MakeDatabase) -> None:
    """One line, exit code 130, no traceback; and it is true."""
    source, target = make_database("sqlite", 3000), make_database("postgresql")
    process = start(source, target)
    process.send_signal(signal.SIGINT)
    lines, complaints = process.communicate(timeout=30)
    assert (process.returncode, lines) == (130, "")
    *_, complaint = complaints.splitlines()
    assert complaint == "connect-login: interrupted; run the same command again, and it goes on from there"
    assert copy(source, target)[0] == 0


def test_a_target_with_other_rows_is_let_be(make_database: MakeDatabase) -> None:
    """Rows that differ or that the source lacks are named, and nothing is written."""
    source, target = make_database("sqlite", 20), make_database("postgresql", 0)
    fill(target, range(3, 5))
    fill(target, range(40, 42))
    execute(target, "UPDATE es_member SET nickname = 'other' WHERE id = 4")
    before = rows_of(target)
    code, lines, complaints = copy(source, target)
    assert (code, complaints) == (1, [])
    assert "es_member: 1 rows differ: 4" in lines
    assert "es_member: 2 rows are in the target alone: 40, 41" in lines
    assert "es_connect_used_flow: 2 rows are in the target alone: 000040, 000041" in lines
    assert lines[-1] == "nothing was copied: the target has rows that are no part of a copy of this source"
    assert rows_of(target) == before


def test_a_row_that_changes_behind_the_copy_is_noticed(make_database: MakeDatabase) -> None:
    """The comparison at the end reads what the target has stored, not what was sent."""
    source, target = make_database("sqlite", 20), make_database("postgresql", 0)
    execute(
        target, "CREATE FUNCTION spoil() RETURNS trigger AS 'BEGIN NEW.city := ''x''; RETURN NEW; END' LANGUAGE plpgsql"
    )
    execute(target, "CREATE TRIGGER spoil BEFORE INSERT ON es_member FOR EACH ROW EXECUTE FUNCTION spoil()")
    code, lines, _ = copy(source, target)
    assert code == 1
    assert lines[1] == "es_member: 20 rows differ: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ..."


def test_what_the_target_cannot_hold_is_named(make_database: MakeDatabase) -> None:
    """A line for each with table, id and column, never the value; the copy goes on once it is corrected."""
    source, target = make_database("sqlite", 5), make_database("postgresql")
    mistakes = {
        ("nickname", EMOJI * 30): "nickname has 90 characters, and the target holds 64: shorten it in the source",
        ("city", "a\0b"): "city has a NUL, or half of a surrogate pair: correct it in the source",
        ("sex", "male"): "sex is no whole number",
        ("sex", 2**40): "sex is too big a number",
        ("face", b"\1"): "face is no text",
    }
    for number, (column, value) in enumerate(mistakes, start=1):
        execute(source, f"UPDATE es_member SET {column} = ? WHERE id = {number}", value)
    lines = [f"connect-login: --from: es_member {number}: {text}" for number, text in enumerate(mistakes.values(), 1)]
    assert copy(source, target) == (2, [], lines)
    execute(source, "UPDATE es_member SET nickname = '', city = '', sex = NULL, face = ''")
    assert copy(source, target)[0] == 0


def test_a_text_that_mariadb_cannot_hold_is_named(make_database: MakeDatabase) -> None:
    """A column without a limit holds 65,535 bytes there."""
    source, target = make_database("sqlite", 3), make_database("mariadb")
    execute(source, "UPDATE es_connect SET profile = ? WHERE id = 2", "李" * 22_000)
    code, _, [complaint] = copy(source, target)
    assert code == 2
    assert complaint.startswith("connect-login: --from: es_connect 2: profile has more than 65535 bytes")


def test_addresses_that_cannot_be_used_are_told_without_themselves(make_database: MakeDatabase, tmp_path: Path) -> None:
    """Each mistake is a line that names the option; no password is printed, and no file is made for a source."""
    full, server = make_database("sqlite", 0), f"postgresql+psycopg://shop:{CANARY}@127.0.0.1:1/shop"
    missing = f"sqlite:///{tmp_path / 'missing.db'}"
    expected = {
        (full, full): "--to: this is the same database as that of --from",
        (missing, full): "--from: there is no such file",
        (full, "sqlite://"): "--to: give the path of a file",
        (full, CANARY): "--to: give an SQLAlchemy URL",
        (f"postgresql+psycopg://shop:{CANARY}@h:{CANARY}/shop", full): "--from: give an SQLAlchemy URL",
        (f"{server}?{CANARY[:4]}=1", full): "--from: the driver has no parameter",
        (server, full): "--from: the database does not answer: the connection is refused",
        (full, server): "--to: the database does not answer: the connection is refused",
        (full, "env:CONNECT_NOWHERE"): "--to: the environment variable CONNECT_NOWHERE is not set",
    }
    for (source, target), mistake in expected.items():
        code, lines, [complaint] = copy(source, target)
        assert (code, lines) == (2, [])
        assert complaint.startswith(f"connect-login: {mistake}")
        assert CANARY not in complaint
    assert not (tmp_path / "missing.db").exists()


def test_another_version_of_the_schema_is_refused(make_database: MakeDatabase) -> None:
    """On either side, and nothing is copied."""
    source, target = make_database("sqlite", 2), make_database("postgresql", 0)
    for url, option in ((target, "--to"), (source, "--from")):
        for version, state in (("0001", "the schema is old"), ("9999", "the schema is newer")):
            execute(url, "UPDATE es_connect_schema SET version_num = ?", version)
            code, lines, [complaint] = copy(source, target)
            assert (code, lines) == (2, [])
            assert complaint.startswith(f"connect-login: {option}: {state}")
        execute(url, "UPDATE es_connect_schema SET version_num = ?", schema.VERSIONS[0])
    assert not any(rows_of(target).values())


def test_addresses_may_come_from_the_environment(make_database: MakeDatabase) -> None:
    """Both options, by the name of any variable; a command line is visible to everybody on the machine."""
    os.environ["OLD_SHOP"], os.environ["NEW_SHOP"] = make_database("sqlite", 2), make_database("postgresql")
    assert copy("env:OLD_SHOP", "env:NEW_SHOP")[0] == 0
    assert rows_of(os.environ["NEW_SHOP"]) == rows_of(os.environ["OLD_SHOP"])


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
@pytest.mark.usefixtures("sqlite_alone")
def test_whoever_was_logged_in_stays_logged_in(make_database: MakeDatabase, engine: str) -> None:
    """A browser's session and an app's refresh token from before the copy; and no rule of `db check` is broken."""
    target = make_database(engine)
    with run_shop() as shop, Visitor(shop) as browser, Visitor(shop) as phone:
        browser.log_in("alipay", "pc")
        tokens = phone.log_in("alipay", "app", "wangfang").json()
        before = browser.http.get("/connect/me").json()
        assert copy(shop.database_url, target)[0] == 0
        service = shop.manager.settings.service.model_copy(update={"database_url": target})
        moved = create_app(shop.manager.settings.model_copy(update={"service": service}))
        with serving(moved) as url, httpx.Client(base_url=url, cookies=browser.http.cookies, trust_env=False) as client:
            assert client.get("/connect/me").json() == before
            refreshed = client.post("/connect/token/refresh", json={"refresh_token": tokens["refresh_token"]})
            assert refreshed.status_code == 200
            used = client.post("/connect/token/refresh", json={"refresh_token": CANARY})
            assert used.status_code == 401
    check(target)
