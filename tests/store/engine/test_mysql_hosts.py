"""Several hosts of one MariaDB: the first that can be used is, and one that failed is not waited for again."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from connect_core.errors import SettingsError, Unavailable
from connect_core.sandbox import listen
from connect_core.store import Database, Transaction
from connect_core.store.engine.mysql_hosts import split_hosts

from ...conftest import Require
from ...kit.databases import empty_database, is_answering, server_of

REFUSING = "127.0.0.1:1"


@pytest.fixture
def mariadb(require: Require, tmp_path: Path) -> Iterator[URL]:
    """An empty database on MariaDB."""
    server = server_of("mariadb")
    require(is_answering(server), "mariadb does not answer on this machine")
    with empty_database(server, tmp_path) as url:
        yield make_url(url)


def database_on(url: URL, *hosts: str, parameters: str = "") -> Database:
    """The database of `url` through these hosts."""
    query = "&".join(f"host={host}" for host in hosts) + parameters
    return Database(f"mysql+pymysql://{url.username}:{url.password or ''}@/{url.database}?{query}")


def read(tx: Transaction) -> int:
    """Ask the server something."""
    tx.cursor.execute("SELECT @@port")
    return int(tx.cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("query", "hosts"),
    [
        ("host=db1&host=db2:3307", [("db1", 3306), ("db2", 3307)]),
        ("host=db1&host=db2&port=3307", [("db1", 3307), ("db2", 3307)]),
        ("host=db1&host=db2&port=3307&port=3308", [("db1", 3307), ("db2", 3308)]),
        ("host=db1:3307", [("db1", 3307)]),
        ("host=[::1]:3307&host=[fe80::1]", [("::1", 3307), ("fe80::1", 3306)]),
        ("charset=utf8mb4", []),
    ],
)
def test_hosts_are_given_as_for_postgresql(query: str, hosts: list[tuple[str, int]]) -> None:
    """In SQLAlchemy's form: the order is that of preference."""
    url, split = split_hosts(make_url(f"mysql+pymysql://user@/shop?{query}"))
    assert split == hosts
    assert set(url.query) == ({"charset"} if not hosts else set())
    assert (url.host, url.port) == (hosts[0] if hosts else (None, None))


@pytest.mark.parametrize(
    "address",
    [
        "user@db0/shop?host=db1&host=db2",
        "user@/shop?host=db1&host=db2&unix_socket=/run/mysqld/mysqld.sock",
        "user@/shop?host=db1&host=db2&host=db3&port=1&port=2",
        "user@/shop?host=db1:x",
        "user@/shop?host=db1:0",
        "user@/shop?host=db1:65536",
        "user@/shop?host=::1",
        "user@db1:3306,db2:3306/shop",
    ],
)
def test_hosts_that_cannot_be_understood_are_refused(address: str) -> None:
    """The error names the parameter, and never its value."""
    with pytest.raises(SettingsError) as caught:
        Database(f"mysql+pymysql://{address}")
    assert "host" in str(caught.value)
    assert "db1" not in str(caught.value).replace("?host=db1:5432", "")


def test_a_host_that_refuses_is_passed_over(mariadb: URL) -> None:
    """The next one in order is connected to."""
    with closing(database_on(mariadb, REFUSING, f"{mariadb.host}:{mariadb.port}")) as database:
        assert database.read_blocking(read) == mariadb.port


def test_a_host_that_is_silent_is_waited_for_once(mariadb: URL) -> None:
    """It takes connections and answers nothing; for a while after that it comes last."""
    with listen() as silent:
        silent.listen()
        hosts = (f"127.0.0.1:{silent.getsockname()[1]}", f"{mariadb.host}:{mariadb.port}")
        with closing(database_on(mariadb, *hosts)) as database:
            assert database.read_blocking(read) == mariadb.port
            database.backend.engine.dispose()
            began = time.monotonic()
            assert database.read_blocking(read) == mariadb.port
            assert time.monotonic() - began < 0.9  # the silent host has a second


def test_a_statement_may_take_longer_than_the_answer_of_a_host(mariadb: URL) -> None:
    """The short limit is for opening the connection alone."""
    hosts = (f"{mariadb.host}:{mariadb.port}", REFUSING)
    with closing(database_on(mariadb, *hosts, parameters="&init_command=SET max_statement_time = 0")) as database:
        database.read_blocking(lambda tx: tx.cursor.execute("SELECT SLEEP(1.5)"))


def test_no_host_that_answers(mariadb: URL) -> None:
    """The database is unavailable, and the reason is said."""
    with closing(database_on(mariadb, REFUSING, REFUSING)) as database, pytest.raises(Unavailable, match="refused"):
        database.read_blocking(read)
