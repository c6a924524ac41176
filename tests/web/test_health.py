"""`/readyz`: it says whether a login could be written, which check failed and why, and is no refused login."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from connect_core.harness import Visitor
from connect_core.plugin import hookimpl
from connect_core.store import Database, schema
from connect_core.store.probe import probe_write
from connect_core.web import Plugins, create_app
from connect_core.web.health import CHECKS

from ..conftest import Require
from ..kit.acme import NOW, execute, settings_of
from ..kit.databases import check, fresh_database, is_answering, run_shop, server_of
from ..kit.hook_shops import Directory

READY = dict.fromkeys(CHECKS, "ok")


class Away:
    """A plugin with whom members live elsewhere."""

    @hookimpl
    def connect_member_directory(self, settings: object) -> Directory:
        return Directory()


@asynccontextmanager
async def client_of(url: str, folder: Path, *plugins: tuple[str, object]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service on the database `url`, which was started when the database was well."""
    found = Plugins(plugins, discover=False)
    settings = settings_of(folder, service={"database_url": url}, clients={}, providers={})
    app = create_app(settings, plugins=found)
    transport = httpx.ASGITransport(app)
    async with (
        aclosing(app.state.manager),
        httpx.AsyncClient(transport=transport, base_url="https://a.example") as client,
    ):
        yield client


async def report(client: httpx.AsyncClient) -> tuple[int, str, str]:
    """The status of `/readyz`, the check that failed and its reason."""
    response = await client.get("/readyz")
    body = response.json()
    if response.status_code == 200:
        assert body["checks"] == READY
        return 200, "", ""
    assert (body["code"], body["status"], response.headers["retry-after"]) == ("unavailable", 503, "2")
    assert body["checks"][body["check"]] == body["reason"]
    return response.status_code, body["check"], body["reason"]


@pytest.fixture
def role(require: Require, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A database on PostgreSQL: its owner's address, and that of a role that may write to the tables."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    with fresh_database(server, tmp_path) as url:
        name = f"role_of_{make_url(url).database}"
        execute(url, f"CREATE ROLE {name} LOGIN")
        execute(url, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
        execute(url, f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
        yield url, make_url(url).set(username=name).render_as_string(hide_password=False)
        execute(url, f"DROP OWNED BY {name}")
        execute(url, f"DROP ROLE {name}")


def test_a_ready_service_names_its_checks() -> None:
    """All of them; and it leaves no row."""
    with run_shop() as shop, Visitor(shop) as visitor:
        assert visitor.http.get("/readyz").json() == {"status": "ok", "checks": READY, "quarantined": []}
        assert shop.rows("es_connect_used_flow") == shop.rows("es_member") == []


@pytest.mark.parametrize(
    "table",
    ["es_member", "es_connect", "es_connect_alias", "es_member_session", "es_connect_used_flow", "es_connect_event"],
)
@pytest.mark.parametrize("right", ["INSERT", "UPDATE"])
async def test_a_role_that_may_not_write_is_not_ready(
    role: tuple[str, str], tmp_path: Path, table: str, right: str
) -> None:
    """To any table of a login, even if it may read them all; it is ready again with the right."""
    owner, url = role
    name = make_url(url).username
    async with client_of(url, tmp_path) as client:
        assert await report(client) == (200, "", "")
        execute(owner, f"REVOKE {right} ON {table} FROM {name}")
        lacks = "the user lacks a right in the database; grant it"
        reason = f"the database does not answer: {lacks} [InsufficientPrivilege 42501]"
        assert await report(client) == (503, "write", reason)
        execute(owner, f"GRANT {right} ON {table} TO {name}")
        assert await report(client) == (200, "", "")


async def test_a_role_that_may_take_no_ids_is_not_ready(role: tuple[str, str], tmp_path: Path) -> None:
    """A GRANT on all tables leaves the sequences out; no login could be written, and the probe takes no id itself."""
    owner, url = role
    name = make_url(url).username
    async with client_of(url, tmp_path) as client:
        for table in ("es_member", "es_member_session", "es_connect_event"):
            execute(owner, f"REVOKE USAGE ON SEQUENCE {table}_id_seq FROM {name}")
            reason = f"the database's user lacks the right USAGE to the sequence of {table}.id; grant it"
            assert await report(client) == (503, "write", reason)
            execute(owner, f"GRANT UPDATE ON SEQUENCE {table}_id_seq TO {name}")
            assert await report(client) == (200, "", "")
    assert execute(owner, "SELECT last_value, is_called FROM es_member_id_seq") == [
        {"last_value": 1, "is_called": False}
    ]


async def test_members_elsewhere_need_no_right_here(role: tuple[str, str], tmp_path: Path) -> None:
    """Nobody writes to `es_member` then."""
    owner, url = role
    execute(owner, f"REVOKE INSERT, UPDATE ON es_member FROM {make_url(url).username}")
    async with client_of(url, tmp_path, ("away", Away())) as client:
        assert await report(client) == (200, "", "")


async def test_a_server_that_takes_no_writes_is_not_ready(role: tuple[str, str], tmp_path: Path) -> None:
    """A standby, or a server that is set to read-only, answers every question and no login."""
    owner, url = role
    execute(owner, f"ALTER ROLE {make_url(url).username} SET default_transaction_read_only = on")
    async with client_of(url, tmp_path) as client:
        status, check, reason = await report(client)
        assert (status, check) == (503, "write")
        assert reason.startswith("the database does not answer: the server takes no writes;")
        assert reason.endswith("[ReadOnlySqlTransaction 25006]")


def set_version(url: str, version: str, min_version: str) -> None:
    """Make the schema one of another version."""
    execute(url, "UPDATE es_connect_schema SET version_num = ?, min_version = ?", version, min_version)


async def test_the_failed_check_is_named(database_url: str, tmp_path: Path) -> None:
    """Those after it were not tried."""
    async with client_of(database_url, tmp_path) as client:
        set_version(database_url, "9999", "9999")
        body = (await client.get("/readyz")).json()
        assert body["check"] == "schema"
        assert "newer" in body["reason"]
        assert body["checks"] == {"database": "ok", "schema": body["reason"], "write": "not tried"}
        execute(
            database_url, f"UPDATE es_connect_schema SET version_num = '{schema.VERSIONS[0]}', min_version = '0002'"
        )
    async with client_of("postgresql+psycopg://nobody@127.0.0.1:1/nowhere", tmp_path) as client:
        status, check, reason = await report(client)
        assert (status, check) == (503, "database")
        assert reason.startswith("the database does not answer: the connection is refused:")


async def test_probes_are_no_refused_logins(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A hundred probes of a service that is not ready are one line, and one when it is ready again."""
    caplog.set_level(logging.INFO, "connect_login")
    async with client_of(database_url, tmp_path) as client:
        set_version(database_url, "9999", "9999")
        for _ in range(100):
            assert (await client.get("/readyz")).status_code == 503
        execute(
            database_url, f"UPDATE es_connect_schema SET version_num = '{schema.VERSIONS[0]}', min_version = '0002'"
        )
        for _ in range(3):
            assert (await client.get("/readyz")).status_code == 200
    records = [record for record in caplog.records if record.name == "connect_login"]
    assert "login_refused" not in {record.message for record in records}
    [failed, recovered] = [record for record in records if record.message.endswith("ready")]
    assert (failed.message, failed.levelname, vars(failed)["check"]) == ("not_ready", "WARNING", "schema")
    assert "newer" in vars(failed)["reason"]
    assert (recovered.message, recovered.levelname, vars(recovered)["check"]) == ("ready", "INFO", "schema")


async def test_probes_that_come_at_once_share_a_write(database_url: str, tmp_path: Path) -> None:
    """A flood of them does not become a flood of writes."""
    async with client_of(database_url, tmp_path) as client:
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_probe_leaves_nothing(database_url: str) -> None:
    """No row, and no rule of `db check` broken."""
    database = Database(database_url)
    await probe_write(database, NOW, are_members_elsewhere=False)
    database.close()
    check(database_url)
    for table in ("es_member", "es_connect", "es_connect_used_flow", "es_connect_event"):
        assert execute(database_url, f"SELECT count(*) AS n FROM {table}") == [{"n": 0}]
