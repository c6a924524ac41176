"""Statements of any size reach PostgreSQL, on a thread and on the event loop."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.store import Database, Transaction

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
