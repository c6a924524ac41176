"""What our cursor sends to PostgreSQL: statements of any size, and several at once."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.errors import Unavailable
from connect_core.store import Database, Transaction
from connect_core.store.engine import workers
from connect_core.store.engine.statement import Statement, insert_into
from connect_core.store.models import UsedFlow, table_of

from ...conftest import Require
from ...kit.databases import fresh_database, is_answering, server_of

SIZE = 20_000_000
"""More than the buffers of a connection hold, so that the server has to read before all is sent."""
INSERT = "INSERT INTO es_connect_used_flow (hash, expiry_time, result) VALUES ($1::VARCHAR, $2::BIGINT, $3::VARCHAR)"


@pytest.fixture
def database(require: Require, tmp_path: Path) -> Iterator[Database]:
    """A database on PostgreSQL with our tables."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    with fresh_database(server, tmp_path) as url, closing(Database(url)) as database:
        yield database


@pytest.mark.parametrize("is_long", [False, True])
async def test_a_statement_larger_than_the_buffers_arrives(database: Database, *, is_long: bool) -> None:
    """Whoever sends it waits until the server takes more, too, and not for an answer alone."""

    def insert(tx: Transaction) -> None:
        tx.cursor.executemany(INSERT, [["a", 1, "x" * SIZE], ["b", 1, "y" * SIZE]])

    await database.write(insert, is_long=is_long)

    def measure(tx: Transaction) -> list[tuple[int]]:
        tx.cursor.execute("SELECT length(result) FROM es_connect_used_flow")
        rows: list[tuple[int]] = tx.cursor.fetchall()
        return rows

    assert await database.read(measure) == [(SIZE,), (SIZE,)]


SPENT = Statement(insert_into(table_of(UsedFlow), "hash", "expiry_time"))


def spend(tx: Transaction) -> None:
    """Write a row, at the latest with the commit."""
    SPENT.put_off(tx, hash="a", expiry_time=1)


def read_rows(tx: Transaction) -> list[tuple[str]]:
    """Read all rows back."""
    tx.cursor.execute("SELECT hash FROM es_connect_used_flow")
    rows: list[tuple[str]] = tx.cursor.fetchall()
    return rows


async def test_a_write_alone_outlives_a_connection_that_was_closed_while_idle(database: Database) -> None:
    """No COMMIT is on its way before the connection has answered, so that the work can be run again."""
    await database.read(read_rows)
    with closing(database.backend.engine.raw_connection()) as other:
        end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        cursor = database.backend.open_cursor(other)
        cursor.execute(f"{end_all} AND pid <> pg_backend_pid()")
    await database.write(spend)
    assert await database.read(read_rows) == [("a",)]


async def test_a_write_that_fails_beside_the_commit_is_rolled_back(database: Database) -> None:
    """It lost a race: the work runs again, on the same connection."""
    await database.write(spend)
    attempts = []

    def race(tx: Transaction) -> None:
        attempts.append(tx.is_retry)
        read_rows(tx)
        if not tx.is_retry:
            spend(tx)

    await database.write(race)
    assert attempts == [False, True]
    assert await database.read(read_rows) == [("a",)]


async def test_what_was_held_back_is_forgotten_at_a_rollback(database: Database) -> None:
    """Work that ends with an error writes nothing."""

    def fail(tx: Transaction) -> None:
        read_rows(tx)
        spend(tx)
        tx.end()
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(fail)
    assert await database.read(read_rows) == []


async def test_work_without_statements_sends_nothing(database: Database) -> None:
    """Its transaction was never begun."""
    await database.write(lambda _: None)
    assert await database.read(read_rows) == []


async def test_limits_of_a_connection_without_a_pooler_are_set_once(database: Database) -> None:
    """They hold for statements outside transactions, too."""

    def read_limit(tx: Transaction) -> list[tuple[str]]:
        tx.cursor.execute("SHOW statement_timeout")
        rows: list[tuple[str]] = tx.cursor.fetchall()
        return rows

    assert await database.read(read_limit) == [("2s",)]
    assert await database.write(read_limit) == [("2s",)]


async def test_a_write_that_waits_beside_its_commit_is_cancelled(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who gave up is sure that nothing was written later."""
    monkeypatch.setattr(workers, "RESPONSE_TIMEOUT_SECONDS", 0.3)

    def write(tx: Transaction) -> None:
        read_rows(tx)
        spend(tx)

    with closing(database.backend.engine.raw_connection()) as other:
        blocker = database.backend.open_cursor(other)
        blocker.execute("BEGIN; INSERT INTO es_connect_used_flow (hash, expiry_time) VALUES ('a', 1)")
        with pytest.raises(Unavailable):
            await database.write(write)
        blocker.execute("ROLLBACK")
    await asyncio.sleep(0.3)
    assert await database.read(read_rows) == []
