"""The database is down, hangs, is restarted or is locked, while the service runs."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.store.engine.workers import WORK_TIMEOUT_SECONDS
from tests.kit.acme import Acme, begin, come_back, execute, hand_in, provider_of

from ..conftest import MakeManager
from .services import BOUND, Proxy, Tell, proxied, recover, told_after

servers = pytest.mark.parametrize("engine", ["postgresql", "mariadb"], indirect=True)


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    """The proxy between `manager` and its database."""
    with proxied(url) as proxy:
        yield proxy


@pytest.fixture
async def manager(proxy: Proxy, make_manager: MakeManager, acme: Acme) -> ConnectManager:
    """A manager that reaches its database through `proxy`, and whose only provider is `acme`."""
    return make_manager(provider=provider_of(acme), service={"database_url": proxy.database_url})


async def beat(pulse: list[float]) -> None:
    """Note the longest time that the event loop is held up."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        pulse[0] = max(pulse[0], time.monotonic() - before)


@servers
@pytest.mark.parametrize("mode", ["refuse", "hang"])
async def test_a_database_that_is_gone_burns_nothing(
    manager: ConnectManager, acme: Acme, proxy: Proxy, tell: Tell, mode: str
) -> None:
    """Callback, code, refresh: 503 within seconds, the vendor is not asked, the same address works when it is back."""
    login = await hand_in(manager, "lihua.0")
    assert isinstance(login, SessionOpened)
    token, begun, pulse = login.opened.token, await begin(manager), [0.0]
    requests = len(acme.requests)
    proxy.set(mode)
    heart = asyncio.create_task(beat(pulse))
    assert await begin(manager)  # a start needs no database
    crowd = [hand_in(manager, f"wangfang.{n}") for n in range(30)]
    tries = [come_back(manager, begun), manager.current_member.refresh(token), *crowd]
    longest = max(await asyncio.gather(*map(told_after, tries)))
    assert len(acme.requests) == requests
    proxy.set("pass")
    took = await recover(lambda: manager.current_member.refresh(token))
    assert isinstance(await come_back(manager, begun), SessionOpened)
    assert isinstance(await hand_in(manager, "wangfang.0"), SessionOpened)
    heart.cancel()
    measured = f"503 after {longest:.2f} s, back after {took:.2f} s"
    tell(
        f"database {'down' if mode == 'refuse' else 'hangs'}, 32 requests",
        measured,
        "≤ 2.5 s, ≤ 5 s, vendor not asked",
    )
    assert longest <= BOUND
    assert took <= 5
    assert pulse[0] < 1, "the event loop was held up"


@servers
async def test_a_database_that_hangs_during_the_exchange_is_told_too(
    manager: ConnectManager, acme: Acme, proxy: Proxy, url: str
) -> None:
    """The vendor has answered, nothing can be written: 503, nothing is half, and the next login works."""
    await hand_in(manager, "lihua.0")
    begun = await begin(manager)
    acme.pause = 0.3
    login = asyncio.create_task(told_after(come_back(manager, begun, "wangfang.1")))
    await asyncio.sleep(0.2)
    proxy.set("hang")
    assert await login < BOUND + 1
    proxy.set("pass")
    await recover(lambda: hand_in(manager, f"wangfang.{time.monotonic_ns()}"))
    assert execute(url, "SELECT COUNT(*) AS n FROM es_member")[0]["n"] == 2


@servers
async def test_a_restarted_server_fails_nobody(manager: ConnectManager, proxy: Proxy, tell: Tell) -> None:
    """Every pooled connection is stale: the next twenty requests at once all succeed."""
    await asyncio.gather(*(hand_in(manager, f"lihua.{n}") for n in range(20)))
    proxy.reset()
    outcomes = await asyncio.gather(*(hand_in(manager, f"wangfang.{n}") for n in range(20)), return_exceptions=True)
    failed = sum(isinstance(outcome, BaseException) for outcome in outcomes)
    tell("every pooled connection stale, 20 requests", f"{failed} failed", "0")
    assert failed == 0


@servers
async def test_a_lock_of_somebody_else_is_not_waited_for(
    make_manager: MakeManager, acme: Acme, url: str, tell: Tell
) -> None:
    """Another session holds the rows: 503 within five seconds for as many as come; afterwards all is well."""
    manager = make_manager(provider=provider_of(acme))
    await hand_in(manager, "lihua.0")
    await asyncio.sleep(0.1)
    with locked(url):
        longest = max(await asyncio.gather(*(told_after(hand_in(manager, f"lihua.{n}")) for n in range(1, 31))))
        assert acme.requests.count("login lihua") == 31
    await recover(lambda: hand_in(manager, f"lihua.{time.monotonic_ns()}"))
    bound = WORK_TIMEOUT_SECONDS + 0.5
    tell("rows locked by another session, 30 requests", f"503 after {longest:.2f} s", f"≤ {bound} s")
    assert longest <= bound


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Hold the member's row, as an administrator's shell does."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.exec_driver_sql("SELECT id FROM es_member FOR UPDATE")
        yield
        connection.rollback()


@servers
async def test_an_exhausted_pool_is_told(make_manager: MakeManager, tell: Tell) -> None:
    """Every connection is in use elsewhere: 503 within the time-out, and no later."""
    manager = make_manager()
    with ExitStack() as stack:
        for _ in range(10):
            stack.callback(manager.database.backend.engine.raw_connection().close)
        after = await told_after(hand_in(manager, "lihua.1"))
    tell("pool exhausted", f"503 after {after:.2f} s", "≤ 2.5 s")
    assert after <= BOUND
