"""What every test gets: an environment of its own, and one rule for what a machine may lack."""

import functools
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connect_core.crypto import rsa
from connect_core.manager import ConnectManager

from .kit import acme as acme_kit
from .kit import oceanbase
from .kit.acme import NOTE, Acme, provider_of
from .kit.clock import Clock
from .kit.databases import ENGINES, check, empty_database, fresh_database, is_answering, named_server, server_of

_FOREIGN = ("CONNECT_CONFIG", "CONNECT_SECRET_KEY", "SSLKEYLOGFILE", "SSL_CERT_DIR", "SSL_CERT_FILE")
_FOREIGN_ENDS = ("_proxy", "_PROXY")

# checking a private key takes 70 ms, and most shops of tests have the same one
rsa.load_der_private_key = functools.cache(rsa.load_der_private_key)

Require = Callable[[object, str], None]
MakeManager = Callable[..., ConnectManager]


def pytest_configure() -> None:
    """Start OceanBase where the run is about it; the processes of pytest-xdist inherit its address.

    A run in the background of a shell ignores Ctrl-C, and so would every command that a test sends it to.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if oceanbase.is_wanted():
        os.environ["CONNECT_TEST_DATABASE"] = oceanbase.start_oceanbase()


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """Hide the machine's proxies, certificates and the developer's own configuration from every test."""
    variables = dict(os.environ)
    for name in variables:
        if name in _FOREIGN or name.endswith(_FOREIGN_ENDS):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(variables)


@pytest.fixture(autouse=True)
def restored_environment(clean_environment: None) -> Iterator[None]:
    """Give back the environment as the test found it."""
    variables = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(variables)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path, require: Require) -> Iterator[str]:
    """A fresh database with our tables for `tmp_path`, looked through when the test is over.

    It is on the server that `CONNECT_TEST_DATABASE` names, else a file. A test that plants rows which break rules of
    `db check` says which: `@pytest.mark.breaks("rule", ...)`.
    """
    server = named_server()
    require(is_answering(server), "the server of CONNECT_TEST_DATABASE does not answer")
    with fresh_database(server, tmp_path) as url:
        if server:
            (tmp_path / NOTE).write_text(url, "utf-8")
        yield url
        marks = request.node.iter_markers("breaks")
        check(url, *(rule for mark in marks for rule in mark.args))


@pytest.fixture
def clock() -> Clock:
    """A clock that runs until the test moves it; give it to the shop as `now`."""
    return Clock()


@pytest.fixture
def sqlite_alone(request: pytest.FixtureRequest) -> None:
    """For a rule about SQLite's file: skip the test when the run is about a server."""
    if named_server():
        pytest.skip("a rule about SQLite")


@pytest.fixture(scope="session")
def require() -> Require:
    """`require(condition, reason)`: without the condition a test is skipped, in CI (`CI=true`) it fails."""

    def demand(condition: object, reason: str) -> None:
        if condition:
            return
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"missing in CI: {reason}")
        pytest.skip(reason)

    return demand


@pytest.fixture(params=ENGINES)
def empty(request: pytest.FixtureRequest, tmp_path: Path, require: Require) -> Iterator[str]:
    """An empty database of each engine in turn."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    with empty_database(server, tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests and fixtures on asyncio, which is all that the product runs on."""
    return "asyncio"


@pytest.fixture
async def make_manager(tmp_path: Path, database_url: str) -> AsyncIterator[MakeManager]:
    """`make_manager(**options)`: a manager on the test's database; options are those of `kit.acme.make_manager`."""
    managers: list[ConnectManager] = []

    def make(**options: Any) -> ConnectManager:
        managers.append(acme_kit.make_manager(tmp_path, **options))
        return managers[-1]

    yield make
    for manager in managers:
        await manager.aclose()


@pytest.fixture
def acme() -> Acme:
    """The vendor that `manager` talks to."""
    return Acme()


@pytest.fixture
async def manager(make_manager: MakeManager, acme: Acme) -> ConnectManager:
    """A manager whose only provider is `acme`, on the test's database."""
    return make_manager(provider=provider_of(acme))
