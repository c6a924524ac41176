"""A pooler in transaction mode before PostgreSQL: no setting and no statement outlives a transaction."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.store import Database, schema
from connect_core.store.schema.integrity import find_violations
from connect_core.store.schema.upgrade import upgrade_schema

from ...conftest import MakeManager, Require
from ...kit.acme import Acme, execute, hand_in, outcome_of, provider_of
from ...kit.databases import check, empty_database, fresh_database, is_answering, server_of
from ...kit.pgbouncer import COMMAND, running_pgbouncer

LOGINS = 60


@pytest.fixture
def server(require: Require) -> str:
    """The PostgreSQL server of this machine."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    require(COMMAND, "pgbouncer is not installed on this machine")
    return server


@pytest.fixture
def pooled(server: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database with our tables, through PgBouncer."""
    with fresh_database(server, tmp_path) as url:
        with running_pgbouncer(url) as pooled:
            yield pooled
        check(url)


async def test_logins_through_a_pooler(make_manager: MakeManager, pooled: str) -> None:
    """Sixty logins of thirty people from three processes' worth of connections all succeed."""
    acme = Acme()
    options = {"provider": provider_of(acme), "service": {"database_url": pooled}}
    managers = [make_manager(**options) for _ in range(3)]
    for round_ in range(2):
        logins = (hand_in(managers[n % 3], f"p{n % 30}.{round_}.{n}") for n in range(LOGINS))
        assert await asyncio.gather(*map(outcome_of, logins)) == ["ok"] * LOGINS
    assert execute(pooled, "SELECT count(*) AS n FROM es_member") == [{"n": 30}]


def test_upgrade_and_check_through_a_pooler(server: str, tmp_path: Path) -> None:
    """`db upgrade` and `db check` need no session either."""
    with (
        empty_database(server, tmp_path) as url,
        running_pgbouncer(url) as pooled,
        closing(Database(pooled)) as database,
    ):
        upgrade_schema(database)
        schema.prepare(database)
        assert find_violations(database) == []


async def test_nothing_stays_on_a_connection_of_the_server(pooled: str) -> None:
    """Another client of the pooler finds the server's connections as they were: no limits, no named statements."""
    with closing(Database(pooled)) as database:
        work = [database.read(schema.find_state_in) for _ in range(20)]
        await asyncio.gather(*work)
    for _ in range(3):
        [limits] = execute(pooled, "SELECT current_setting('statement_timeout') AS a, current_setting('timezone') AS z")
        assert limits["a"] == "0"
        assert execute(pooled, "SELECT name FROM pg_prepared_statements") == []
