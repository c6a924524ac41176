"""How long work waits for the database, and takes: nobody waits for one that hangs, and a crowd gets its turn."""

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from connect_core.errors import Unavailable
from connect_core.identity import Profile
from connect_core.store import Database, Transaction, members
from connect_core.store.engine.backend import cut_socket
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS, WORK_TIMEOUT_SECONDS, Deadline

from ...kit.acme import NOW, execute


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with our tables."""
    with closing(Database(database_url)) as one:
        yield one


async def test_work_that_hangs_is_given_up_and_never_committed(database: Database, database_url: str) -> None:
    """Whoever waits is told within seconds; what the work wrote is rolled back when it comes to its end after all."""

    def hang(tx: Transaction) -> None:
        members.insert_member(tx, "m_1", Profile(), "pc", NOW)
        time.sleep(RESPONSE_TIMEOUT_SECONDS + 0.5)

    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        await database.write(hang, is_long=True)
    assert RESPONSE_TIMEOUT_SECONDS <= time.monotonic() - began < RESPONSE_TIMEOUT_SECONDS + 0.4
    assert caught.value.retry_after == RESPONSE_TIMEOUT_SECONDS
    database.close()
    assert execute(database_url, "SELECT id FROM es_member") == []


async def test_a_crowd_before_a_database_that_answers_gets_its_turn(database: Database) -> None:
    """Work may wait longer than a silent database is waited for, as long as others are served."""
    pause = (RESPONSE_TIMEOUT_SECONDS + 1) / 12
    threads = database._writers._threads._max_workers  # type: ignore[attr-defined]
    began = time.monotonic()
    await asyncio.gather(*(database.write(lambda _: time.sleep(pause), is_long=True) for _ in range(12 * threads)))
    assert RESPONSE_TIMEOUT_SECONDS < time.monotonic() - began < WORK_TIMEOUT_SECONDS


@pytest.mark.parametrize("is_long", [False, True])
async def test_work_leaves_no_garbage(database: Database, *, is_long: bool) -> None:
    """What work has touched is freed when it ends: no cycle of objects keeps it until the next search for garbage."""
    await database.write(lambda tx: members.find_member(tx, 0), is_long=is_long)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            await database.write(lambda tx: members.find_member(tx, 0), is_long=is_long)
        left = gc.collect()
    finally:
        gc.enable()
    assert left < 10


def test_giving_up_cuts_the_connection_under_the_thread() -> None:
    """A thread that reads from a server that says nothing comes free; work that begins afterwards does not."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline = Deadline()
        deadline.watch(ours, cut_socket)
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append(ours.recv(1)))
        reader.start()
        deadline.expire()
        reader.join(5)
        assert read == [b""]
        with pytest.raises(Unavailable):
            deadline.watch(ours, cut_socket)


def test_a_connection_that_was_let_go_is_not_cut() -> None:
    """It may be somebody else's by then."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline = Deadline()
        deadline.watch(ours, cut_socket)
        deadline.unwatch()
        deadline.expire()
        theirs.send(b"x")
        assert ours.recv(1) == b"x"
