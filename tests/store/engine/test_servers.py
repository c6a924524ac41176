"""What servers are set to and turn into: isolation levels, read-only servers, and what an error tells."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from connect_core.errors import Unavailable
from connect_core.store import Database, Transaction
from connect_core.store.engine.failures import describe_failure

from ...conftest import MakeManager, Require
from ...kit.acme import Acme, execute, hand_in, outcome_of, provider_of
from ...kit.databases import SERVERS, fresh_database, is_answering, server_of

Ask = Callable[[Transaction], object]


@pytest.fixture(params=list(SERVERS))
def url(request: pytest.FixtureRequest, tmp_path: Path, require: Require) -> Iterator[str]:
    """A database with our tables on each server in turn."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    with fresh_database(server, tmp_path) as url:
        yield url


@pytest.fixture
def postgresql(require: Require, tmp_path: Path) -> Iterator[str]:
    """A database with our tables on PostgreSQL."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    with fresh_database(server, tmp_path) as url:
        yield url


def isolation_of(url: str) -> Ask:
    """Ask for the isolation level of a transaction."""
    query = "SHOW transaction_isolation" if url.startswith("postgresql") else "SELECT @@tx_isolation"

    def ask(tx: Transaction) -> object:
        tx.cursor.execute(query)
        return tx.cursor.fetchone()[0]

    return ask


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
async def test_the_isolation_level_is_ours(make_manager: MakeManager, postgresql: str, level: str) -> None:
    """Whatever the server's default is, a crowd of first logins is not refused."""
    name = make_url(postgresql).database
    execute(postgresql, f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
    with closing(Database(postgresql)) as database:
        assert await database.write(isolation_of(postgresql)) == "read committed"
        with database.backend.engine.begin() as connection:
            assert isolation_of(postgresql)(database.transaction_on(connection)) == "read committed"
    options = {"provider": provider_of(Acme()), "service": {"database_url": postgresql}}
    managers = [make_manager(**options) for _ in range(2)]
    logins = (hand_in(managers[n % 2], f"p{n % 6}.{n}") for n in range(40))
    assert await asyncio.gather(*map(outcome_of, logins)) == ["ok"] * 40


async def test_the_isolation_level_is_ours_beside_an_init_command(url: str) -> None:
    """On MariaDB an `init_command` of the URL cannot change it either."""
    parameters = "" if url.startswith("postgresql") else "?init_command=SET SESSION tx_isolation='SERIALIZABLE'"
    with closing(Database(url + parameters)) as database:
        level = await database.write(isolation_of(url))
    assert str(level).replace("-", " ").lower() == "read committed"


async def test_a_race_pauses_before_it_is_run_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loser waits longer each time, so that the winner of a race has ended."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("connect_core.store.engine.database.asyncio.sleep", pause)

    def lose(tx: Transaction) -> None:
        for _ in range(2):
            tx.cursor.execute("INSERT INTO es_member (uname) VALUES ('m_1')")

    with closing(Database(url)) as database, pytest.raises(Unavailable):
        await database.write(lose)
    assert len(pauses) == 4
    assert all(0.004 * 2**n <= pause <= 0.02 * 2**n for n, pause in enumerate(pauses))


class Failing:
    """Work that meets a server which takes no writes, the first time that it runs."""

    def __init__(self, url: str) -> None:
        self.connections: list[object] = []
        self._is_postgresql = url.startswith("postgresql")

    def __call__(self, tx: Transaction) -> int:
        tx.cursor.execute("SELECT pg_backend_pid()" if self._is_postgresql else "SELECT CONNECTION_ID()")
        self.connections.append(tx.cursor.fetchone()[0])
        if len(self.connections) == 1:
            if self._is_postgresql:
                tx.cursor.execute("SET TRANSACTION READ ONLY")
            else:
                tx.cursor.execute("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1290, MESSAGE_TEXT = 'read-only'")
        tx.cursor.execute("INSERT INTO es_member (uname) VALUES ('m_1')")
        return len(self.connections)


async def test_a_server_that_takes_no_writes_is_left(url: str) -> None:
    """After a failover a connection may lead to a standby: the work runs again on a new one."""
    work = Failing(url)
    with closing(Database(url)) as database:
        assert await database.write(work) == 2
    assert work.connections[0] != work.connections[1]


async def test_a_failover_replaces_every_connection(postgresql: str) -> None:
    """Logins work again as soon as the server takes writes, and say 25006 before."""
    name = make_url(postgresql).database

    def write(tx: Transaction) -> None:
        tx.cursor.execute("INSERT INTO es_connect_used_flow (hash, expiry_time) VALUES (gen_random_uuid()::text, 1)")

    with closing(Database(postgresql)) as database:
        await asyncio.gather(*(database.write(write) for _ in range(5)))
        execute(postgresql, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        assert database._loop_pool is not None
        database._loop_pool.replace_all()
        with pytest.raises(Unavailable, match="ReadOnlySqlTransaction 25006"):
            await database.write(write)
        execute(server_of("postgresql"), f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await asyncio.gather(*(database.write(write) for _ in range(10)))


async def test_a_cancelled_statement_takes_its_connection_along(postgresql: str) -> None:
    """The cancellation may reach the server after the statement has ended, and would cancel the next one there."""

    def get_process(tx: Transaction) -> object:
        tx.cursor.execute("SELECT pg_backend_pid()")
        return tx.cursor.fetchone()[0]

    def sleep(tx: Transaction) -> None:
        tx.cursor.execute("SET LOCAL statement_timeout = 0; SELECT pg_sleep(30)")

    with closing(Database(postgresql)) as database:
        before = await database.read(get_process)
        assert await database.read(get_process) == before
        with pytest.raises(Unavailable):
            await database.write(sleep, commits_each=True)
        assert await database.read(get_process) != before


async def test_an_error_tells_its_number(url: str) -> None:
    """SQLSTATE or errno, and nothing of the statement."""
    with closing(Database(url)) as database, pytest.raises(Unavailable) as caught:
        await database.read(lambda tx: tx.cursor.execute("SELECT hunter2 FROM nowhere"))
    number = "UndefinedTable 42P01" if url.startswith("postgresql") else "ProgrammingError 1146"
    assert str(caught.value) == f"the database does not answer: {number}"


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("postgresql+psycopg://postgres@127.0.0.1:1/shop", "OperationalError (Connection refused)"),
        ("postgresql+psycopg://postgres@nowhere.invalid/shop", "OperationalError"),
        ("mysql+pymysql://root@127.0.0.1:1/shop", "OperationalError 2003"),
    ],
)
def test_a_connection_that_cannot_be_opened_tells_why(server: str, expected: str) -> None:
    """An errno, or a phrase of libpq's where there is no number; never the address."""
    with closing(Database(server)) as database, pytest.raises(Unavailable) as caught:
        database.read_blocking(lambda tx: tx.cursor.execute("SELECT 1"))
    assert expected in str(caught.value)
    assert "nowhere" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_an_error_without_a_number_is_its_class() -> None:
    """A text that is no phrase of the database's is left out."""
    assert describe_failure(ValueError("hunter2")) == "ValueError"
    assert describe_failure(KeyError(threading)) == "KeyError"
