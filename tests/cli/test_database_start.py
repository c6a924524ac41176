"""What `serve` does about its database before it listens: it waits, says why, and counts connections."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.cli.database_start import prepare_database
from connect_core.cli.serve import init
from connect_core.store import Database, Transaction
from connect_core.store.schema.upgrade import upgrade_schema

from ..conftest import Require
from ..kit.acme import execute
from ..kit.commands import run, running, wait_for
from ..kit.databases import empty_database, fresh_database, is_answering, server_of
from ..kit.pgbouncer import COMMAND, running_pgbouncer
from ..kit.ports import free_port
from ..reliability.services import proxied


def configure(folder: Path, database_url: str) -> str:
    """Write the configuration of a shop on this database."""
    init(folder)
    path = folder / "connect.toml"
    path.write_text(path.read_text("utf-8").replace("sqlite:///connect.db", database_url), "utf-8")
    return str(path)


@pytest.fixture
def postgresql(require: Require) -> str:
    """The PostgreSQL server of this machine."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    return server


@pytest.fixture(params=["postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, require: Require, tmp_path: Path) -> Iterator[str]:
    """A database with our tables on each server in turn."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    with fresh_database(server, tmp_path) as url:
        yield url


def test_a_start_waits_for_the_server_and_for_its_tables(postgresql: str, tmp_path: Path) -> None:
    """Two workers serve as soon as both are there; meanwhile each reason is told once."""
    with empty_database(postgresql, tmp_path) as url, proxied(url) as proxy:
        config, port = configure(tmp_path, proxy.database_url), free_port()
        proxy.set("refuse")
        options = ("--config", config, "--port", str(port), "--workers", "2", "--wait-for-db", "60")
        with running(tmp_path, "serve", *options) as process:
            assert process.stderr is not None
            down = process.stderr.readline()
            time.sleep(1.5)
            proxy.set("pass")
            missing = process.stderr.readline()
            with closing(Database(url)) as database:
                upgrade_schema(database)
            serves = process.stderr.readline()
            assert wait_for(f"http://127.0.0.1:{port}/readyz").status_code == 200
    assert down.startswith("connect-login: waits for the database, ")
    assert "the connection is refused: nothing listens there" in down
    assert missing.endswith(f" s at most: the schema is missing: run: connect-login db upgrade --config {config}\n")
    assert serves.startswith("connect-login serves ")


def test_a_wait_that_is_over_ends_with_the_reason(tmp_path: Path) -> None:
    """Exit code 2, and the same line as without a wait."""
    config = configure(tmp_path, "postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    _, _, at_once = run("serve", "--config", config)
    code, _, lines = run("serve", "--config", config, "--wait-for-db", "1")
    assert (code, len(at_once), len(lines)) == (2, 1, 2)
    assert lines[0].startswith("connect-login: waits for the database, 1 s at most: ")
    assert lines[1:] == at_once


def test_what_no_wait_will_change_is_told_at_once(url: str, tmp_path: Path) -> None:
    """A schema that is too new stays so."""
    execute(url, "UPDATE es_connect_schema SET version_num = '9999', min_version = '9999'")
    code, _, lines = run("serve", "--config", configure(tmp_path, url), "--wait-for-db", "600")
    assert code == 2
    assert [line.partition("the schema is newer")[1] for line in lines] == ["the schema is newer"]


def warnings_of(url: str, size: int, processes: int, caplog: pytest.LogCaptureFixture) -> list[tuple[int, int]]:
    """What the log says of so many processes with a pool of this size: the connections needed, and the limit."""
    caplog.clear()
    with closing(Database(url, pool_size=size)) as database:
        prepare_database(database, "", wait_seconds=0, processes=processes)
    records = [vars(record) for record in caplog.records if record.message == "too_few_connections"]
    return [(record["needed"], record["limit"]) for record in records]


def limit_of(url: str) -> int:
    """How many connections the server takes of users without rights of their own."""
    if url.startswith("mysql"):
        return int(execute(url, "SELECT @@max_connections AS n")[0]["n"])
    names = ("max_connections", "superuser_reserved_connections")
    most, reserved = (int(execute(url, f"SELECT current_setting('{name}') AS n")[0]["n"]) for name in names)
    return most - reserved


def test_more_connections_than_the_server_takes_are_a_warning(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """One line with both numbers, from the first connection too many on; the service starts."""
    limit = limit_of(url)
    assert warnings_of(url, limit // 2 + 1, 2, caplog) == [((limit // 2 + 1) * 2, limit)]
    assert warnings_of(url, limit // 2, 2, caplog) == []


def test_behind_a_pooler_nothing_is_said(postgresql: str, tmp_path: Path, require: Require) -> None:
    """Its clients are more than the server's connections, and its own limit is not known."""
    require(COMMAND, "pgbouncer is not installed on this machine")
    with fresh_database(postgresql, tmp_path) as url, running_pgbouncer(url) as pooled:
        with closing(Database(pooled)) as database:
            assert database.read_blocking(lambda tx: tx.backend.find_connection_limit(tx.cursor)) is None
        with closing(Database(url)) as database:
            assert database.read_blocking(lambda tx: tx.backend.find_connection_limit(tx.cursor)) == limit_of(url)


async def test_the_pool_has_the_size_of_the_setting(url: str) -> None:
    """A database with a pool of two never opens a third connection, whatever kind of work it does."""
    sleep = "SELECT pg_sleep(0.05)" if url.startswith("postgresql") else "SELECT SLEEP(0.05)"
    connections: set[int] = set()
    question = "SELECT pg_backend_pid()" if url.startswith("postgresql") else "SELECT CONNECTION_ID()"

    def work(tx: Transaction) -> None:
        tx.cursor.execute(question)
        connections.update(map(int, tx.cursor.fetchone()))
        tx.cursor.execute(sleep)

    with closing(Database(url, pool_size=2)) as database:
        long = (database.write(work, is_long=True) for _ in range(4))
        await asyncio.gather(*(database.read(work) for _ in range(12)), *long)
    assert len(connections) == 2


@pytest.mark.parametrize("size", [0, 1001, "many"])
def test_a_pool_size_that_makes_no_sense_is_refused(tmp_path: Path, size: object) -> None:
    """One line with the key; a number is needed from 1 on."""
    config = Path(configure(tmp_path, "sqlite:///connect.db"))
    config.write_text(
        config.read_text("utf-8").replace("[service]", f"[service]\ndatabase_pool_size = {json.dumps(size)}"), "utf-8"
    )
    code, _, [line] = run("serve", "--config", str(config))
    assert code == 2
    assert "service.database_pool_size" in line
