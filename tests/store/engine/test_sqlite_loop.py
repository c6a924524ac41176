"""SQLite on the event loop: what waits shares a commit, and one unit's trouble is nobody else's."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connect_core.errors import CodeSeen, Unavailable
from connect_core.identity import Profile
from connect_core.store import Database, Transaction, members, schema

from ...kit.acme import NOW, counts, rows


class Watched:
    """A connection of the event loop's whose commits are counted, and fail when told to."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.commits = self.committed_on = 0
        self.is_full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        if self.is_full:
            raise sqlite3.OperationalError("database or disk is full")
        self._connection.commit()
        self.commits += 1
        self.committed_on = threading.get_ident()


class WatchedDatabase(Database):
    """A database that shows its connections; the first one writes."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.opened: list[Watched] = []

    def _open_loop_connection(self) -> Any:
        self.opened.append(Watched(super()._open_loop_connection()))
        return self.opened[-1]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[WatchedDatabase]:
    """A file with our tables."""
    with closing(WatchedDatabase(f"sqlite:///{tmp_path / 'connect.db'}")) as one:
        schema.prepare(one)
        yield one


def register(tx: Transaction, name: str = "m_1") -> int:
    return members.insert_member(tx, name, Profile(), "pc", NOW)


async def register_all(database: Database, names: list[str]) -> list[object]:
    """Register them at once; what each write ended with."""

    def work(tx: Transaction, name: str) -> int:
        if name == "refused":
            raise CodeSeen("before anything is written")
        number = register(tx, name)
        if name == "late":
            raise CodeSeen("after something was written")
        return number

    writes = (database.write(lambda tx, name=name: work(tx, name)) for name in names)  # type: ignore[misc]
    return list(await asyncio.gather(*writes, return_exceptions=True))


def names(folder: Path) -> list[str]:
    return [row["uname"] for row in rows(folder, "SELECT uname FROM es_member ORDER BY id")]


async def test_what_waits_shares_a_commit(database: WatchedDatabase, tmp_path: Path) -> None:
    """Twenty writes at once are two commits, sixteen and four, and each has its own answer."""
    wanted = [f"m_{number}" for number in range(20)]
    assert await register_all(database, wanted) == list(range(1, 21))
    assert names(tmp_path) == wanted
    assert [one.commits for one in database.opened] == [2]


@pytest.mark.parametrize("refusal", ["refused", "late"])
async def test_a_refusal_is_nobody_elses(database: WatchedDatabase, tmp_path: Path, refusal: str) -> None:
    """Whether it had written already or not: nothing of it is kept, and all of the others."""
    ended = await register_all(database, ["m_1", refusal, "m_2"])
    assert [type(one) for one in ended] == [int, CodeSeen, int]
    assert sorted(names(tmp_path)) == ["m_1", "m_2"]


async def test_a_lost_race_is_nobody_elses(database: WatchedDatabase, tmp_path: Path) -> None:
    """A unique name that two want is one's, and the third is not in their way."""
    ended = await register_all(database, ["m_1", "m_1", "m_2"])
    assert [type(one) for one in ended] == [int, Unavailable, int]
    assert sorted(names(tmp_path)) == ["m_1", "m_2"]


async def test_a_commit_that_fails_is_told_to_everybody(database: WatchedDatabase, tmp_path: Path) -> None:
    """Nothing is kept and nothing run again, and nobody is refused for what is not; the next has a new connection."""
    await register_all(database, ["m_0"])
    database.opened[0].is_full = True
    ended = await register_all(database, ["m_1", "refused", "m_2"])
    assert [str(one) for one in ended] == ["the database does not answer: OperationalError"] * 3
    assert names(tmp_path) == ["m_0"]
    assert await register_all(database, ["m_3"]) == [2]
    assert names(tmp_path) == ["m_0", "m_3"]
    assert len(database.opened) == 2


async def test_work_that_changes_nothing_waits_for_no_disk(database: WatchedDatabase) -> None:
    """A first login looks for a person before it asks for the profile."""
    assert await database.write(lambda tx: members.find_member(tx, 1)) is None
    assert [one.commits for one in database.opened] == [0]


async def test_only_long_work_leaves_the_loop(database: WatchedDatabase) -> None:
    """Reads and short writes are run where they are asked for; their commit is not."""

    def where(_: Transaction) -> int:
        return threading.get_ident()

    await database.write(register)
    assert await database.read(where) == await database.write(where) == threading.get_ident()
    leisure = await database.write(where, is_long=True)
    assert {leisure, database.opened[0].committed_on}.isdisjoint({threading.get_ident(), 0})


async def test_whoever_has_gone_is_not_worked_for(database: WatchedDatabase, tmp_path: Path) -> None:
    """A visitor who left before their turn came leaves nothing behind."""
    first, second = (asyncio.create_task(database.write(lambda tx, n=n: register(tx, n))) for n in ("m_1", "m_2"))  # type: ignore[misc]
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert names(tmp_path) == ["m_1"]


async def test_the_loop_goes_on_while_another_process_has_the_lock(database: WatchedDatabase, tmp_path: Path) -> None:
    """Those that waited share a commit when it is gone; reads need no lock."""
    other = sqlite3.connect(tmp_path / "connect.db", isolation_level=None)

    with closing(other):
        async with asyncio.timeout(5):
            other.execute("BEGIN IMMEDIATE")
            writes = [asyncio.create_task(database.write(lambda tx, n=n: register(tx, f"m_{n}"))) for n in range(3)]  # type: ignore[misc]
            for _ in range(30):
                await asyncio.sleep(0.01)
                assert await database.read(lambda tx: members.find_member(tx, 1)) is None
            assert not any(one.done() for one in writes)
            other.execute("COMMIT")
            await asyncio.gather(*writes)
    assert sum(one.commits for one in database.opened) == 1
    assert sorted(names(tmp_path)) == ["m_0", "m_1", "m_2"]


async def test_a_connection_that_fails_is_replaced(database: WatchedDatabase, tmp_path: Path) -> None:
    """What met it is answered all the same."""
    await register_all(database, ["m_1"])
    assert await database.read(lambda tx: members.find_member(tx, 1))
    for one in database.opened:
        one.close()
    assert await database.read(lambda tx: members.find_member(tx, 1))
    await register_all(database, ["m_2"])
    assert counts(tmp_path, "es_member") == {"es_member": 2}


def test_a_loop_that_ends_leaves_the_database_to_the_next(database: WatchedDatabase, tmp_path: Path) -> None:
    """Work under way when a loop is left may or may not count; the next loop's does."""

    async def leave() -> None:
        writing = asyncio.create_task(database.write(register))
        await asyncio.sleep(0)
        del writing

    for _ in range(3):  # each loop begins and ends here, so none of them can be the test's
        asyncio.run(leave())
    asyncio.run(register_all(database, ["m_9"]))
    assert "m_9" in names(tmp_path)
