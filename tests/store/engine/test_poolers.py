"""A pooler in transaction mode before PostgreSQL: no setting and no statement outlives a transaction."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from connect_core.store import Database, schema
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS
from connect_core.store.schema.integrity import find_violations
from connect_core.store.schema.upgrade import upgrade_schema

from ...conftest import MakeManager, Require
from ...kit.acme import Acme, execute, hand_in, outcome_of, provider_of
from ...kit.databases import check, empty_database, fresh_database, is_answering, server_of
from ...kit.pgbouncer import COMMAND, get_version, running_pgbouncer
from ...kit.postgresql_wire import recording

LOGINS = 60
FOLLOWS_STATEMENTS = (1, 21)
"""The first version of PgBouncer that knows the prepared statements of its clients."""
PINS = re.compile(
    r"^(?:SET(?! LOCAL)|RESET|PREPARE|EXECUTE|DEALLOCATE|DISCARD|DECLARE|LISTEN|LOAD|CREATE)\b"
    r"|pg_(?:try_)?advisory_lock|set_config|nextval|setval|currval|lastval",
    re.IGNORECASE,
)


@pytest.fixture
def server(require: Require) -> str:
    """The PostgreSQL server of this machine."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    require(COMMAND, "pgbouncer is not installed on this machine")
    return server


@pytest.fixture
def pooled(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database with our tables, through PgBouncer, whose further settings are the parameter."""
    more = getattr(request, "param", "")
    if "max_prepared_statements" in more and get_version() < FOLLOWS_STATEMENTS:
        pytest.skip("this pgbouncer does not follow prepared statements")
    with fresh_database(server, tmp_path) as url:
        with running_pgbouncer(url, more) as pooled:
            yield pooled
        check(url)


@pytest.mark.parametrize(
    ("pooled", "parameters"),
    [
        ("", {}),
        ("max_prepared_statements = 0", {}),
        ("max_prepared_statements = 100", {"prepare_threshold": "0"}),
        ("max_prepared_statements = 2", {"prepare_threshold": "0"}),
    ],
    indirect=["pooled"],
)
async def test_logins_through_a_pooler(make_manager: MakeManager, pooled: str, parameters: dict[str, str]) -> None:
    """Sixty logins of thirty people from three processes' worth of connections all succeed."""
    acme, url = Acme(), make_url(pooled).update_query_dict(parameters).render_as_string(hide_password=False)
    options = {"provider": provider_of(acme), "service": {"database_url": url}}
    managers = [make_manager(**options) for _ in range(3)]
    for round_ in range(2):
        logins = (hand_in(managers[n % 3], f"p{n % 30}.{round_}.{n}") for n in range(LOGINS))
        assert await asyncio.gather(*map(outcome_of, logins)) == ["ok"] * LOGINS
    assert execute(pooled, "SELECT count(*) AS n FROM es_member") == [{"n": 30}]


async def test_a_login_sends_nothing_that_holds_a_connection_of_the_server(
    make_manager: MakeManager, pooled: str
) -> None:
    """Nothing that pins a session of RDS Proxy or is refused, by its documentation: long statements pin one too."""
    with recording(pooled) as (url, sent):
        manager = make_manager(provider=provider_of(Acme()), service={"database_url": url})
        logins = [outcome_of(hand_in(manager, f"p{n % 3}.{n}")) for n in range(9)]
        assert await asyncio.gather(*logins) == ["ok"] * 9
        await manager.aclose()
    assert sent.parameters <= {"user", "database", "client_encoding", "application_name"}
    assert sent.names == {""}
    statements = [part.strip() for statement in sent.statements for part in statement.split(";")]
    assert [statement for statement in statements if PINS.search(statement) or len(statement) > 8_000] == []
    assert {"COMMIT", f"SET LOCAL statement_timeout = '{RESPONSE_TIMEOUT_SECONDS}s'"} <= set(statements)


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
