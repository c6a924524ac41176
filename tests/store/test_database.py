"""The database: what it guards by itself, what it does when it is in the way, and that a crash leaves nothing half."""

import asyncio
import os
import re
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from connect_core.errors import SettingsError, Unavailable
from connect_core.identity import Identity, PersonId, Profile
from connect_core.store import Database, Transaction, connections, flows, members, schema, sessions

from ..kit.acme import NOW, counts, locked, rows, url_of

CONNECT = "INSERT INTO es_connect (member_id, union_type, union_scope, union_id, unbound_time) VALUES (?, ?, ?, ?, ?)"
ALIAS = (
    "INSERT INTO es_connect_alias (connect_id, union_type, kind, scope, value, unbound_time) VALUES (?, ?, ?, ?, ?, ?)"
)


planted = pytest.mark.breaks(
    *("connection_without_member", "alias_without_connection", "session_without_member"),
    *("session_token_in_clear", "flow_in_clear"),
)
"""What stands in the database is written by hand, and is about nobody."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the tables."""
    database = Database(database_url)
    yield database
    database.close()


def register(tx: Transaction) -> int:
    """Write a member, its connection and an id."""
    member_id = members.insert_member(tx, "m_1", Profile(), "pc", NOW)
    identity = Identity("ALIPAY", (PersonId.user_id("2088"),), "app-1")
    connections.register(tx, member_id, identity, NOW, profile="{}", profile_time=NOW)
    return member_id


# what the database itself guards


@planted
@pytest.mark.usefixtures("database")
def test_one_active_connection_per_identity(tmp_path: Path) -> None:
    """The database refuses a second active row of an identity, whoever writes it; ended rows may be many."""
    rows(tmp_path, CONNECT, 1, "ALIPAY", "", "2088", None)
    with pytest.raises(IntegrityError):
        rows(tmp_path, CONNECT, 2, "ALIPAY", "", "2088", None)
    for ended in (5, 5, 6):
        rows(tmp_path, CONNECT, 2, "ALIPAY", "", "2088", ended)
    with pytest.raises(IntegrityError):
        rows(tmp_path, "UPDATE es_connect SET unbound_time = NULL WHERE member_id = 2")
    rows(tmp_path, CONNECT, 3, "ALIPAY", "app-1", "2088", None)
    rows(tmp_path, CONNECT, 4, "WECHAT", "", "2088", None)
    assert len(rows(tmp_path, "SELECT * FROM es_connect WHERE active = 1")) == 3


@planted
@pytest.mark.usefixtures("database")
def test_one_active_connection_per_member_and_vendor(tmp_path: Path) -> None:
    """A member has one identity of a union type; after it was ended there may be another."""
    rows(tmp_path, CONNECT, 1, "ALIPAY", "", "2088", None)
    with pytest.raises(IntegrityError):
        rows(tmp_path, CONNECT, 1, "ALIPAY", "", "2099", None)
    rows(tmp_path, "UPDATE es_connect SET unbound_time = 5")
    rows(tmp_path, CONNECT, 1, "ALIPAY", "", "2099", None)
    rows(tmp_path, CONNECT, 1, "WECHAT", "", "2099", None)
    assert len(rows(tmp_path, "SELECT * FROM es_connect WHERE active IS NULL")) == 1


@planted
@pytest.mark.usefixtures("database")
def test_one_active_alias_per_id(tmp_path: Path) -> None:
    """An id leads to one connection; kind and scope are part of it, and ended ones are not in the way."""
    rows(tmp_path, ALIAS, 1, "WECHAT", "open_id", "app-1", "o-1", None)
    with pytest.raises(IntegrityError):
        rows(tmp_path, ALIAS, 2, "WECHAT", "open_id", "app-1", "o-1", None)
    for ended in (5, 5):
        rows(tmp_path, ALIAS, 2, "WECHAT", "open_id", "app-1", "o-1", ended)
    for other in (("union_id", "app-1", "o-1"), ("open_id", "app-2", "o-1"), ("open_id", "app-1", "O-1")):
        rows(tmp_path, ALIAS, 2, "WECHAT", *other, None)


@planted
@pytest.mark.usefixtures("database")
def test_names_tokens_and_spent_states_are_unique(tmp_path: Path) -> None:
    """Two of one account name, token or spent state cannot be written."""
    session = "INSERT INTO es_member_session (member_id, client_type, family, token_hash, create_time, seen_time,"
    for statement in (
        "INSERT INTO es_member (uname) VALUES ('m_1')",
        f"{session} expiry_time) VALUES (1, 'pc', 'f', 'h', 1, 1, 9)",
        "INSERT INTO es_connect_used_flow (hash, expiry_time) VALUES ('h', 9)",
    ):
        rows(tmp_path, statement)
        with pytest.raises(IntegrityError):
            rows(tmp_path, statement)


@planted
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("table", "insert"),
    [("es_member", "(uname) VALUES ('m')"), ("es_connect", "(member_id, union_type, union_id) VALUES (1, 'A', '1')")],
)
def test_ids_of_deleted_rows_are_never_given_again(tmp_path: Path, table: str, insert: str) -> None:
    """Else the next member would inherit a deleted one's connection, and the next connection a deleted one's ids."""
    rows(tmp_path, f"INSERT INTO {table} {insert}")
    rows(tmp_path, f"DELETE FROM {table}")
    rows(tmp_path, f"INSERT INTO {table} {insert}")
    assert rows(tmp_path, f"SELECT id FROM {table}") == [{"id": 2}]


@pytest.mark.usefixtures("sqlite_alone")
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("es_member", ("uname",)),
        ("es_connect", ("union_type", "union_id", "union_scope")),
        ("es_connect_alias", ("union_type", "kind", "scope", "value")),
        ("es_member_session", ("family", "token_hash")),
        ("es_connect_used_flow", ("hash", "flow")),
    ],
)
def test_ids_declare_how_they_compare(tmp_path: Path, table: str, columns: tuple[str, ...]) -> None:
    """The collation of every id and hash stands in the schema, not left to the engine."""
    [table_sql] = rows(tmp_path, "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", table)
    declared = dict(line.strip().split(" ", 1) for line in table_sql["sql"].splitlines()[1:] if line.startswith("\t"))
    assert [column for column in columns if 'COLLATE "BINARY"' not in declared[column]] == []


# the file


def modes_of(folder: Path) -> dict[str, int]:
    """Who may do what with each file of `folder`."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.mark.usefixtures("sqlite_alone")
async def test_the_file_is_its_owners_alone(tmp_path: Path, database: Database) -> None:
    """Database, write-ahead log and shared memory are made readable by nobody else."""
    await database.write(register)
    assert modes_of(tmp_path) == dict.fromkeys(("connect.db", "connect.db-wal", "connect.db-shm"), 0o600)


@pytest.mark.parametrize(("synchronous", "level"), [("full", 2), ("normal", 1)])
async def test_commits_survive_as_configured(tmp_path: Path, synchronous: str, level: int) -> None:
    """A write-ahead log, flushed at every commit unless the shop said otherwise."""
    database = Database(f"sqlite:///{tmp_path / 'connect.db'}", synchronous=synchronous)
    pragmas = ("journal_mode", "synchronous", "foreign_keys")

    def look(tx: Transaction) -> list[object]:
        return [tx.cursor.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas]

    assert await database.write(look) == await database.read(look) == ["wal", level, 1]
    database.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:////nowhere/connect.db", "does not exist"),
        ("sqlite://///", "this is a folder"),
        ("oracle9://x", "give an SQLAlchemy URL"),
        ("mysql+nodriver://u:hunter2@h/d", "give an SQLAlchemy URL"),
        ("nonsense hunter2", "give an SQLAlchemy URL"),
    ],
)
def test_a_database_url_that_cannot_work_is_told(url: str, told: str) -> None:
    """One mistake, with its key and without the address, which may hold a password."""
    with pytest.raises(SettingsError) as caught:
        Database(url)
    [mistake] = caught.value.mistakes
    assert mistake.startswith("service.database_url: ")
    assert told in mistake
    assert "hunter2" not in mistake


# transactions


async def test_work_that_raises_leaves_nothing(tmp_path: Path, database: Database) -> None:
    """Whatever is raised inside the transaction, nothing of it was written, and the next work runs."""

    def fail(tx: Transaction) -> None:
        register(tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(fail)
    assert set(counts(tmp_path, "es_member", "es_connect", "es_connect_alias").values()) == {0}
    assert await database.write(register)


DYING = """
import asyncio, os, sys
from connect_core.identity import Profile
from connect_core.store import Database, members

def die(tx):
    members.insert_member(tx, "m_1", Profile(), "pc", 1)
    os.kill(os.getpid(), 9)

asyncio.run(Database(sys.argv[1]).write(die))
"""


async def test_a_killed_process_leaves_nothing_half(tmp_path: Path, database: Database) -> None:
    """A process that dies between the member's row and its connection's has written neither, and holds no lock."""
    dying = await asyncio.create_subprocess_exec(sys.executable, "-c", DYING, url_of(tmp_path))
    assert await asyncio.wait_for(dying.wait(), 30) == -9
    assert counts(tmp_path, "es_member", "es_connect") == {"es_member": 0, "es_connect": 0}
    await database.write(register)
    assert counts(tmp_path, "es_member", "es_connect") == {"es_member": 1, "es_connect": 1}
    if database.is_sqlite:
        assert rows(tmp_path, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def losing(times: int, runs: list[int]) -> Callable[[Transaction], int]:
    """Work that breaks a unique constraint the first `times` it is run, as the loser of a race does."""

    def work(tx: Transaction) -> int:
        runs.append(1)
        return register(tx) + (register(tx) if len(runs) <= times else 0)

    return work


async def test_a_lost_race_is_run_anew_and_not_for_ever(tmp_path: Path, database: Database) -> None:
    """Work that loses is run again from the start, five times in all on a thread; then it is given up."""
    runs: list[int] = []
    with pytest.raises(Unavailable, match=r"IntegrityError|UniqueViolation"):
        await database.write(losing(9, runs))
    assert len(runs) == 5 + database.is_sqlite
    runs.clear()
    assert await database.write(losing(2, runs))
    assert len(runs) == 3
    assert counts(tmp_path, "es_member") == {"es_member": 1}


async def test_reading_writes_nothing(tmp_path: Path, database: Database) -> None:
    """What a read changes is not kept: reads run beside the writer and must not become writes."""
    assert await database.read(register) == 1
    assert counts(tmp_path, "es_member") == {"es_member": 0}


@pytest.mark.usefixtures("sqlite_alone")
async def test_work_leaves_no_cursor_to_another_thread(database: Database) -> None:
    """A cursor that is let go resets its statement, which the next work on that connection may be running."""
    cursor = await database.write(lambda tx: tx.cursor)
    with pytest.raises(sqlite3.ProgrammingError):
        cursor.execute("SELECT 1")


async def test_errors_do_not_tell_what_was_asked(database: Database) -> None:
    """The database's own text quotes statement and values; ours names its kind."""

    def ask(tx: Transaction) -> None:
        tx.cursor.execute("SELECT hunter2 FROM nowhere WHERE x = ?", ("c4n4ry",))

    for run in (database.write, database.read):
        with pytest.raises(Unavailable) as caught:
            await run(ask)
        # psycopg refuses `?` itself, without an SQLSTATE
        assert re.fullmatch(r"the database does not answer: \w+( \w+)?", str(caught.value))
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


# a database in the way


async def test_a_locked_database_is_unavailable_within_seconds(tmp_path: Path, database: Database) -> None:
    """A write that gets no lock ends as 503 with a hint when to come again; reads go on, and so do later writes."""
    with locked(tmp_path):
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            await database.write(register)
        assert time.monotonic() - began < 4
        assert caught.value.status == 503
        assert caught.value.retry_after == 2
        assert await database.read(lambda tx: members.find_member(tx, 1)) is None
    assert await database.write(register) > 0


async def test_a_jam_dissolves(tmp_path: Path, database: Database) -> None:
    """Forty writes behind a lock do not wait for each other's patience: all are told within seconds, none hangs."""
    with locked(tmp_path):
        began = time.monotonic()
        ended = await asyncio.gather(*(database.write(register) for _ in range(40)), return_exceptions=True)
    assert time.monotonic() - began < 9
    assert {type(one) for one in ended} == {Unavailable}
    assert await database.write(register) > 0


def test_many_writers_all_get_their_turn(tmp_path: Path) -> None:
    """Thirty-two writers of as many connections to one file: nobody sees it locked."""
    databases = [Database(f"sqlite:///{tmp_path / 'connect.db'}") for _ in range(4)]
    schema.prepare(databases[0])

    async def write_all(database: Database, number: int) -> None:
        async def one(place: int) -> None:
            name = f"m_{number}_{place}"
            await database.write(lambda tx: members.insert_member(tx, name, Profile(), "pc", NOW))

        await asyncio.gather(*(one(place) for place in range(8)))

    with ThreadPoolExecutor(4) as threads:  # each thread has an event loop of its own, as a process of the service has
        for done in [threads.submit(asyncio.run, write_all(one, n)) for n, one in enumerate(databases)]:
            done.result(30)
    assert counts(tmp_path, "es_member") == {"es_member": 32}
    for one in databases:
        one.close()


def test_four_processes_may_start_on_an_empty_file_at_once(tmp_path: Path) -> None:
    """Workers that make the tables at the same moment all find them made, thirty times over."""
    script = """
import sys
from connect_core.store import Database
from connect_core.store import schema

print("ready", flush=True)
for line in sys.stdin:
    one = Database("sqlite:///" + line.strip())
    schema.prepare(one)
    print(schema.find_state(one), flush=True)
    one.close()
"""
    command = [sys.executable, "-c", script]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    pipes = [(worker.stdin, worker.stdout) for worker in workers if worker.stdin and worker.stdout]
    assert [answers.readline() for _, answers in pipes] == ["ready\n"] * 4
    for number in range(30):
        for orders, _ in pipes:
            print(tmp_path / f"{number}.db", file=orders, flush=True)
        assert [answers.readline() for _, answers in pipes] == ["current\n"] * 4
    for worker in workers:
        worker.communicate(timeout=10)


# sweeping and time


@planted
@pytest.mark.parametrize(
    ("delete", "table"),
    [(flows.delete_expired, "es_connect_used_flow"), (sessions.delete_expired, "es_member_session")],
)
async def test_sweeping_is_done_in_small_steps_and_takes_only_what_is_over(
    tmp_path: Path, database: Database, delete: Callable[[Transaction, int, int], int], table: str
) -> None:
    """At most `limit` rows go at a time, and none that still counts."""
    flow = "INSERT INTO es_connect_used_flow (hash, expiry_time) VALUES (?, ?)"
    session = (
        "INSERT INTO es_member_session (member_id, client_type, family, create_time, seen_time, token_hash,"
        " expiry_time) VALUES (1, 'pc', 'f', 1, 1, ?, ?)"
    )
    for place in range(5):
        rows(tmp_path, flow if delete is flows.delete_expired else session, f"h{place}", NOW + place)
    swept = [await database.write(lambda tx: delete(tx, NOW + 3, 2)) for _ in range(3)]
    assert swept == [2, 1, 0]
    assert counts(tmp_path, table) == {table: 2}


def test_times_do_not_depend_on_the_zone(tmp_path: Path) -> None:
    """Epoch seconds are written whatever the machine's zone is."""
    script = """
import asyncio, sys
from connect_core.identity import Profile
from connect_core.store import Database, members
from connect_core.store import schema

database = Database(sys.argv[1])
schema.prepare(database)
asyncio.run(database.write(lambda tx: members.insert_member(tx, sys.argv[2], Profile(), "pc", 1800000000)))
"""
    for zone in ("Asia/Shanghai", "America/New_York"):
        command = [sys.executable, "-c", script, f"sqlite:///{tmp_path / 'connect.db'}", zone]
        subprocess.run(command, env={**os.environ, "TZ": zone}, check=True, timeout=30)
    assert {row["create_time"] for row in rows(tmp_path, "SELECT create_time FROM es_member")} == {NOW}
