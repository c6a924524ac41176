"""What a test leaves in the database of a server never reaches the next test."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from ..conftest import Require
from ..kit.acme import execute
from ..kit.databases import SERVERS, fresh_database, is_answering, server_of

MEMBER = "INSERT INTO es_member (uname, create_time) VALUES ('lihua', 0)"


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest, require: Require) -> str:
    """Each server in turn."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    return server


def use(server: str, folder: Path, work: Callable[[str], object]) -> str:
    """Do what a test does, and return the database it did it in."""
    with fresh_database(server, folder) as url:
        work(url)
    return url


def test_the_next_test_finds_no_rows_and_ids_from_1(server: str, tmp_path: Path) -> None:
    """In the same database; only the schema's version is there, whatever was made of it."""

    def fill(url: str) -> None:
        version = execute(url, "SELECT version_num FROM es_connect_schema")
        assert version != [{"version_num": "9999"}]
        assert execute(url, "SELECT id FROM es_member") == []
        execute(url, MEMBER)
        assert execute(url, "SELECT id FROM es_member") == [{"id": 1}]
        execute(url, "UPDATE es_connect_schema SET version_num = '9999'")

    assert len({use(server, tmp_path, fill) for _ in range(3)}) == 1


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE es_member ADD COLUMN more INTEGER", "CREATE TABLE more (id INTEGER)", "DROP TABLE es_connect_event"],
)
def test_a_database_with_other_tables_is_given_up(server: str, tmp_path: Path, change: str) -> None:
    """The next test gets another one."""
    changed = use(server, tmp_path, lambda url: execute(url, change))
    assert use(server, tmp_path, lambda _: None) != changed


def test_a_database_that_somebody_may_write_to_is_given_up(server: str, tmp_path: Path) -> None:
    """The test has left a connection open."""
    with fresh_database(server, tmp_path) as url:
        connection = create_engine(url, poolclass=NullPool).connect()
    assert use(server, tmp_path, lambda _: None) != url
    connection.close()
