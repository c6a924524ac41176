"""The parameters of `database_url`: each takes effect or is refused by its name, none is overwritten silently."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from connect_core.errors import SettingsError, Unavailable
from connect_core.store import Database, Transaction
from connect_core.store.engine.addresses import describe_missing_driver
from connect_core.store.engine.backend import Extent
from connect_core.store.engine.workers import Deadline

from ...conftest import Require
from ...kit.databases import empty_database, is_answering, server_of


@pytest.fixture
def postgresql(require: Require, tmp_path: Path) -> Iterator[str]:
    """An empty database on PostgreSQL."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    with empty_database(server, tmp_path) as url:
        yield url


@pytest.fixture
def mariadb(require: Require, tmp_path: Path) -> Iterator[str]:
    """An empty database on MariaDB."""
    server = server_of("mariadb")
    require(is_answering(server), "mariadb does not answer on this machine")
    with empty_database(server, tmp_path) as url:
        yield url


def ask(url: str, query: str, **parameters: str) -> object:
    """What a transaction on `url` with `parameters` answers to a query of one value."""
    address = make_url(url).update_query_dict(parameters).render_as_string(hide_password=False)

    def read(tx: object) -> object:
        tx.cursor.execute(query)  # type: ignore[attr-defined]
        return tx.cursor.fetchone()[0]  # type: ignore[attr-defined]

    with closing(Database(address)) as database:
        return database._run(read, Deadline(), Extent.WORK)


@pytest.mark.parametrize(
    ("parameters", "query", "expected"),
    [
        ({}, "SHOW statement_timeout", "2s"),
        ({}, "SHOW idle_in_transaction_session_timeout", "10s"),
        ({"options": "-csearch_path=shop"}, "SHOW search_path", "shop"),
        ({"options": "-csearch_path=shop"}, "SHOW statement_timeout", "2s"),
        ({"options": "-c statement_timeout=7s"}, "SHOW statement_timeout", "7s"),
        ({"options": "--statement-timeout=8s -c lock_timeout=1s"}, "SHOW statement_timeout", "8s"),
        ({"options": "-c Statement_Timeout=9s"}, "SHOW statement_timeout", "9s"),
        ({"application_name": "shop"}, "SHOW application_name", "shop"),
        ({"connect_timeout": "9", "tcp_user_timeout": "5000"}, "SELECT 1", 1),
        ({"sslmode": "disable", "gssencmode": "disable"}, "SELECT 1", 1),
        ({}, "SHOW client_encoding", "UTF8"),
        ({"client_encoding": "UTF-8"}, "SHOW client_encoding", "UTF8"),
        ({"options": "-c idle_in_transaction_session_timeout=3s"}, "SHOW idle_in_transaction_session_timeout", "3s"),
        ({"target_session_attrs": "any", "load_balance_hosts": "random"}, "SELECT 1", 1),
    ],
)
def test_parameters_of_postgresql(postgresql: str, parameters: dict[str, str], query: str, expected: object) -> None:
    """The parameters of libpq and psycopg hold; our limits hold where the URL sets none."""
    assert ask(postgresql, query, **parameters) == expected


@pytest.mark.parametrize(("threshold", "are_prepared"), [("0", True), ("none", False), ("", False)])
def test_statements_are_prepared_where_the_url_says_so(postgresql: str, threshold: str, *, are_prepared: bool) -> None:
    """Once for each connection; a pooler in transaction mode would give them to others, so it is not the default."""
    address = postgresql + (f"?prepare_threshold={threshold}" if threshold else "")

    def count(tx: Transaction) -> list[int]:
        counts = []
        for number in (1, 2):
            tx.cursor.execute("SELECT $1::BIGINT", [number])
            assert tx.cursor.fetchone() == (number,)
            tx.cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::BIGINT'")
            counts.append(tx.cursor.fetchone()[0])
        return counts

    with closing(Database(address)) as database:
        assert [database._run(count, Deadline(), Extent.WORK) for _ in range(2)] == [[int(are_prepared)] * 2] * 2


@pytest.mark.parametrize(
    ("parameters", "query", "expected"),
    [
        ({}, "SELECT @@max_statement_time", 2),
        ({}, "SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%'", 1),
        ({"init_command": "SET max_statement_time=7, time_zone='+01:00'"}, "SELECT @@max_statement_time", 7),
        ({"init_command": "SET max_statement_time=7, time_zone='+01:00'"}, "SELECT @@time_zone", "+01:00"),
        ({"init_command": "SET time_zone='+01:00'"}, "SELECT @@lock_wait_timeout", 2),
        ({"sql_mode": "ANSI_QUOTES,STRICT_ALL_TABLES"}, "SELECT @@sql_mode", "ANSI_QUOTES,STRICT_ALL_TABLES"),
        ({"collation": "utf8mb4_unicode_ci"}, "SELECT @@collation_connection", "utf8mb4_unicode_ci"),
        ({"charset": "UTF8MB4", "port": "3306", "program_name": "shop"}, "SELECT @@character_set_client", "utf8mb4"),
        (
            {"init_command": "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"},
            "SELECT @@tx_isolation",
            "READ-COMMITTED",
        ),
        ({"charset": "utf8mb4", "connect_timeout": "9", "read_timeout": "20"}, "SELECT 1", 1),
        ({"max_allowed_packet": "1048576", "ssl_disabled": "true", "ssl_verify_cert": "false"}, "SELECT 1", 1),
    ],
)
def test_parameters_of_mariadb(mariadb: str, parameters: dict[str, str], query: str, expected: object) -> None:
    """The parameters of PyMySQL hold; our limits hold where the URL sets none."""
    assert ask(mariadb, query, **parameters) == expected


def test_timeouts_of_mariadb_hold(mariadb: str) -> None:
    """The timeout that the URL names is the driver's, not ours."""
    address = f"{mariadb}?read_timeout=20&connect_timeout=9"
    with closing(Database(address)) as database, closing(database.backend.engine.raw_connection()) as connection:
        driver = connection.dbapi_connection
        assert (driver._read_timeout, driver._write_timeout, driver.connect_timeout) == (20, 5, 9)


@pytest.mark.parametrize("name", ["timeout=7", "timeout=7&cached_statements=5"])
def test_parameters_of_sqlite(tmp_path: Path, name: str) -> None:
    """The time that SQLite waits for a lock is the URL's."""
    assert ask(f"sqlite:///{tmp_path}/connect.db?{name}", "PRAGMA busy_timeout") == 7000


def test_a_file_address_of_sqlite(tmp_path: Path) -> None:
    """With `uri=true` the file is the one that the address names, with SQLite's own parameters."""
    assert ask(f"sqlite:///file:{tmp_path}/shop.db?mode=rwc&uri=true", "SELECT 1") == 1
    assert [path.name for path in tmp_path.glob("*.db")] == ["shop.db"]


PG, MY, LITE = "postgresql+psycopg://shop@127.0.0.1/shop", "mysql+pymysql://shop@127.0.0.1/shop", "sqlite:///connect.db"

HOSTS = "several hosts are parameters, as in ?host=db1:5432&host=db2:5432"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"{PG}?aplication_name=c4n4ry", "the driver has no parameter aplication_name"),
        (f"{PG}?pool_size=40", "the driver has no parameter pool_size"),
        (f"{PG}?autocommit=true", "remove the parameter autocommit: connect-login decides that itself"),
        (f"{PG}?prepare_threshold=c4n4ry", "the parameter prepare_threshold has a value of the wrong form"),
        (f"{PG}?options=-cx%3D1&options=-cy%3D1", "the parameter options is given twice"),
        (
            f"{PG}?options=-c%20default_transaction_isolation%3Dserializable",
            "the parameter options sets the isolation level, which connect-login decides itself",
        ),
        (f"{PG}?connect_timeout=c4n4ry", "the parameter connect_timeout has a value of the wrong form"),
        (f"{PG}?client_encoding=latin1", "the parameter client_encoding must be utf8: names are in any script"),
        (
            f"{PG}?options=-c%20client_encoding%3Dlatin1",
            "the parameter options sets the encoding, which connect-login decides itself",
        ),
        ("postgresql+psycopg://shop@db1:5432,db2:5432/shop", f"the port is no number; {HOSTS}"),
        ("mysql+pymysql://shop@db:c4n4ry/shop", f"the port is no number; {HOSTS}"),
        (f"{MY}?autocommit=false", "remove the parameter autocommit: connect-login decides that itself"),
        (f"{MY}?isolation_level=c4n4ry", "the driver has no parameter isolation_level"),
        (f"{MY}?read_timeout=c4n4ry", "the parameter read_timeout has a value that cannot be used"),
        (f"{MY}?read_timeout=0&write_timeout=3", "the parameter read_timeout has a value that cannot be used"),
        (f"{MY}?connect_timeout=0", "the parameter connect_timeout has a value that cannot be used"),
        (f"{MY}?port=c4n4ry", "the parameter port has a value of the wrong form"),
        (f"{MY}?ssl=true", "the parameter ssl has a value that cannot be used"),
        (f"{MY}?ssl_ca=/c4n4ry", "the parameter ssl_ca has a value that cannot be used"),
        (f"{MY}?compress=1", "the parameter compress has a value that cannot be used"),
        (f"{MY}?db=other", "the driver has no parameter db"),
        (f"{MY}?use_unicode=0", "remove the parameter use_unicode: connect-login decides that itself"),
        (f"{MY}?auth_plugin_map=c4n4ry", "remove the parameter auth_plugin_map: connect-login decides that itself"),
        (f"{MY}?charset=latin1", "the parameter charset must be utf8mb4: names are in any script"),
        (f"{MY}?charset=utf8", "the parameter charset must be utf8mb4: names are in any script"),
        (f"{MY}?collation=a%20b", "the parameter collation has a value that cannot be used"),
        (f"{MY}?ssl_disabled=c4n4ry", "the parameter ssl_disabled has a value of the wrong form"),
        (
            f"{LITE}?isolation_level=IMMEDIATE",
            "remove the parameter isolation_level: connect-login decides that itself",
        ),
        (f"{LITE}?busy_timeout=1", "the driver has no parameter busy_timeout"),
        (f"{LITE}?timeout=c4n4ry", "a parameter has a value of the wrong form"),
    ],
)
def test_parameters_that_cannot_hold_are_refused(
    url: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By their names, before a connection is opened; a value is never repeated."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as caught:
        Database(url)
    assert caught.value.mistakes == (f"service.database_url: {expected}",)


def test_several_hosts(postgresql: str) -> None:
    """A database with several hosts is reached through the one that answers."""
    url = make_url(postgresql)
    hosts = f"host=127.0.0.1:1&host={url.host}:{url.port}&target_session_attrs=read-write"
    assert ask(f"postgresql+psycopg://{url.username}@/{url.database}?{hosts}", "SELECT 1") == 1


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"sslmode": "c4n4ry"}, "(invalid sslmode value)"),
        ({"sslmode": "require"}, "(server does not support SSL)"),
        ({"user": "c4n4ry"}, "(role does not exist)"),
        ({"dbname": "c4n4ry"}, "(database does not exist)"),
        ({"service": "c4n4ry"}, "(definition of service)"),
        ({"target_session_attrs": "standby"}, "(server is not in hot standby mode)"),
    ],
)
def test_values_that_postgresql_refuses_are_told(postgresql: str, parameters: dict[str, str], expected: str) -> None:
    """What libpq says of a connection that cannot be opened has no number: its words are told, without the value."""
    with pytest.raises(Unavailable) as caught:
        ask(postgresql, "SELECT 1", **parameters)
    assert str(caught.value).endswith(f"[OperationalError {expected}]")
    assert "c4n4ry" not in str(caught.value)


def test_a_socket_of_this_machine(mariadb: str) -> None:
    """As the parameter `unix_socket` of PyMySQL names it."""
    path = str(ask(mariadb, "SELECT @@socket"))
    assert ask(mariadb, "SELECT 1", unix_socket=path) == 1


@pytest.mark.parametrize(
    ("driver", "remedy"),
    [
        ("psycopg", "pip install 'connect-login[postgres]'"),
        ("pymysql", "pip install 'connect-login[mariadb]'"),
        ("oracledb", "give postgresql+psycopg:// or mysql+pymysql://"),
    ],
)
def test_a_missing_driver_is_told_with_its_extra(driver: str, remedy: str) -> None:
    """Whoever has given the right address is not told to give it."""
    error = ModuleNotFoundError(name=driver)
    assert describe_missing_driver(error) == f"the driver {driver} is not installed; {remedy}"
