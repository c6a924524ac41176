"""Acme, a vendor in memory, its plugin, and shops around it, for tests of everything between vendors and web.

As a script it is one of several processes that log people in at the same moment: `acme.py FOLDER APP_ID CODE...`. It
says `ready`, waits for a line, logs in with all the codes at once, and prints what became of each.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from starlette.routing import BaseRoute

from connect_core.errors import CodeInvalid, ConnectError
from connect_core.harness import make_settings
from connect_core.identity import ClientType, Identity, PersonId, Profile
from connect_core.login.start import StartOptions
from connect_core.login.values import Outcome, Visit
from connect_core.manager import ConnectManager
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    Entrance,
    Provider,
    ProviderSettings,
    Register,
    hookimpl,
)
from connect_core.providers.registry import Plugins
from connect_core.sandbox import Sandbox
from connect_core.settings import Settings
from connect_core.store import Database, schema
from connect_core.store.models import Declared

T = TypeVar("T")
NOTE = "database_url"
NOW = 1_800_000_000
DAY = 24 * 3600
KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
VISIT = Visit("0123456789abcdef")


@dataclass
class Acme:
    """The vendor's side. The part of a code before its first dot is the person; `nobody` has none."""

    people: dict[str, tuple[PersonId, ...]] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    pause: float = 0

    def ids_of(self, person: str, app_id: str) -> tuple[PersonId, ...]:
        """A union id and an open id unless the test said otherwise."""
        return self.people.get(person) or (PersonId.union_id(f"u-{person}"), PersonId.open_id(f"o-{person}", app_id))


class AcmeSettings(ProviderSettings):
    """What a shop sets."""

    app_id: str = "acme-1"


class AcmeProvider(Provider):
    """The plugin's class; `provider_of` gives it a vendor."""

    acme: ClassVar[Acme]
    union_type = "ACME"
    entrances: ClassVar = {
        ClientType.PC: Entrance.REDIRECT,
        ClientType.H5: Entrance.REDIRECT,
        ClientType.MINI: Entrance.CLIENT_CODE,
        ClientType.APP: Entrance.TICKETED_CODE,
    }
    Settings = AcmeSettings
    titles: Mapping[str, str] = {"zh": "顶点", "en": "Acme"}
    settings: AcmeSettings

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return a page with the state."""
        return f"https://acme.example/login?state={request.state}"

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Look the person up."""
        person = response.code.partition(".")[0]
        self.acme.requests.append(f"login {person}")
        await asyncio.sleep(self.acme.pause)
        if person == "nobody":
            raise CodeInvalid("the code is nobody's", vendor={"errcode": "40029"})
        return Identity("ACME", self.acme.ids_of(person, self.settings.app_id), self.settings.app_id, grant=person)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Tell the profile that the test set, else a nickname."""
        self.acme.requests.append(f"profile {identity.grant}")
        await asyncio.sleep(self.acme.pause)
        return identity.with_profile(self.acme.profiles.get(identity.grant, Profile.of(nickname=identity.grant)))


def provider_of(acme: Acme) -> type[AcmeProvider]:
    """A provider class that talks to `acme`."""

    class BoundProvider(AcmeProvider):
        """Acme's provider with its vendor."""

    BoundProvider.acme = acme
    return BoundProvider


class PluginOf:
    """A plugin object that offers the given provider classes."""

    def __init__(self, **providers: type[Provider]) -> None:
        self._providers = providers

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Offer them."""
        for name, provider in self._providers.items():
            register(name, provider)


class AcmeSandbox(Sandbox):
    """Puts Acme into a running shop: there is nothing to serve, and codes are made up."""

    title = "Acme"

    def routes(self) -> list[BaseRoute]:
        """Return none."""
        return []

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, str]:
        """Return none."""
        return {}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return a fresh code."""
        return {"code": f"{person}.{time.monotonic_ns()}"}


def settings_of(folder: Path, **sections: Any) -> Settings:
    """A shop that offers Acme to every client type and keeps its database in `folder`."""
    service = {"secret_keys": [KEY], "database_url": url_of(folder), **sections.pop("service", {})}
    defaults = {"clients": {client: ["acme"] for client in ClientType}, "providers": {"acme": {}}}
    return make_settings("https://shop.example", folder / "connect.db", service=service, **defaults | sections)


def make_plugins(provider: type[Provider] | None = None, extra: Iterable[tuple[str, object]] = ()) -> Plugins:
    """Acme's plugin with `provider` for its class, and further plugin objects by name; none that is installed."""
    return Plugins([("acme", PluginOf(acme=provider or provider_of(Acme()))), *extra], discover=False)


def make_manager(
    folder: Path,
    *,
    provider: type[Provider] | None = None,
    extra: Iterable[tuple[str, object]] = (),
    now: Callable[[], float] = time.time,
    **sections: Any,
) -> ConnectManager:
    """A manager on the database of `folder`; `extra` are further plugins, `sections` those of `connect.toml`.

    Whoever makes it closes it. In a test use the fixtures `manager` and `make_manager`.
    """
    settings = settings_of(folder, **sections)
    database = Database(settings.service.database_url)
    schema.prepare(database)
    return ConnectManager(settings, database, plugins=make_plugins(provider, extra), now=now)


def using(folder: Path, work: Callable[[ConnectManager], Awaitable[T]], **options: Any) -> T:
    """Run `work` with a manager in an event loop of its own, for a process or thread that has none.

    `options` are those of `make_manager`. In a test use the fixture `manager`.
    """

    async def run() -> T:
        manager = make_manager(folder, **options)
        try:
            return await work(manager)
        finally:
            await manager.aclose()

    return asyncio.run(run())


async def hand_in(manager: ConnectManager, code: str, device_id: str = "", **parameters: str) -> Outcome:
    """Log in the way a mini program does."""
    visit = replace(VISIT, device_id=device_id)
    return await manager.login_with_code("acme", "mini", {"code": code, **parameters}, visit)


async def begin(manager: ConnectManager, client: str = "pc", **options: Any) -> tuple[str, str]:
    """Begin a login; returns the state and what the browser keeps."""
    start = await manager.get_login_url("acme", client, VISIT, StartOptions(**options))
    assert start.flow is not None
    return start.flow.state, manager.flows.seal(start.flow)


async def come_back(
    manager: ConnectManager, begun: tuple[str, str], code: str = "lihua.1", client: str = "pc", **options: Any
) -> Outcome:
    """Come back from the vendor with the browser that began."""
    state, sealed = begun
    return await manager.login_callback("acme", client, {"code": code, "state": state}, sealed, VISIT, **options)


async def outcome_of(login: Awaitable[object]) -> str:
    """The code of the error that a login ends with, or `ok`."""
    try:
        await login
    except ConnectError as error:
        return error.code
    return "ok"


def url_of(folder: Path) -> str:
    """The database of `folder`: the one that the fixture `database_url` noted there, else a file."""
    note = folder / NOTE
    return note.read_text("utf-8") if note.exists() else f"sqlite:///{folder / 'connect.db'}"


def execute(url: str, sql: str, *values: object) -> list[dict[str, Any]]:
    """Run SQL with `?` for each value on any engine, commit it, and return the rows."""
    # PyMySQL reads the machine's certificates for each connection that may use TLS
    options = {"ssl_disabled": True} if url.startswith("mysql") else {}
    engine = create_engine(url, poolclass=NullPool, connect_args=options)
    if engine.dialect.name != "sqlite":
        sql = sql.replace("%", "%%")
        sql = sql.replace("?", "%s") if values else sql
    with engine.begin() as connection:
        result = connection.exec_driver_sql(sql, values)
        found = result.mappings() if result.returns_rows else []
        return [{name: as_text(value) for name, value in row.items()} for row in found]


def as_text(value: object) -> object:
    """A text of ours, which is bytes in a VARBINARY column, as text."""
    return value.decode() if isinstance(value, bytes) else value


def rows(folder: Path, sql: str, *values: object) -> list[dict[str, Any]]:
    """Run raw SQL on the shop's database, commit it, and return the rows."""
    return execute(url_of(folder), sql, *values)


def counts(folder: Path, *tables: str) -> Mapping[str, int]:
    """How many rows each table has."""
    return {table: rows(folder, f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}


LOCKS = {
    "sqlite": ("BEGIN IMMEDIATE", "ROLLBACK"),
    "postgresql": ("BEGIN; LOCK TABLE {} IN EXCLUSIVE MODE", "ROLLBACK"),
    "mysql": ("LOCK TABLES {} READ", "UNLOCK TABLES"),
}


class Lock:
    """Holds the database so that nobody can write, as a back-up or an administrator's shell does; reading goes on."""

    def __init__(self, url: str) -> None:
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection = engine.connect()
        self._take, self._give = LOCKS[engine.dialect.name]
        if engine.dialect.name == "mysql" and "OceanBase" in str(execute(url, "SELECT @@version_comment AS text")):
            pytest.skip("OceanBase accepts LOCK TABLES and does nothing")
        self._tables = (" READ, " if engine.dialect.name == "mysql" else ", ").join(sorted(Declared.metadata.tables))

    def take(self) -> None:
        """Begin to hold it."""
        self._connection.exec_driver_sql(self._take.format(self._tables))

    def give(self) -> None:
        """Let it go."""
        self._connection.exec_driver_sql(self._give)

    def close(self) -> None:
        """Let go of the connection too."""
        self._connection.close()


@contextmanager
def locked(database: Path | str) -> Iterator[None]:
    """Hold the write lock of a database, which is named by its folder or its address."""
    with closing(Lock(database if isinstance(database, str) else url_of(database))) as lock:
        lock.take()
        yield
        lock.give()


def _log_in_together(folder: Path, app_id: str, codes: list[str]) -> list[str]:
    async def work(manager: ConnectManager) -> list[str]:
        print("ready", flush=True)  # noqa: T201 - the parent waits for it
        await asyncio.to_thread(sys.stdin.readline)
        return list(await asyncio.gather(*(outcome_of(hand_in(manager, code)) for code in codes)))

    return using(folder, work, provider=provider_of(Acme(pause=0.01)), providers={"acme": {"app_id": app_id}})


if __name__ == "__main__":
    print(json.dumps(_log_in_together(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])))  # noqa: T201 - and for this
