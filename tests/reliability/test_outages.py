"""The database is down, hangs, is restarted or is locked, while the service runs."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.store.engine.workers import WORK_TIMEOUT_SECONDS
from tests.kit.acme import Acme, begin, come_back, execute, hand_in

from .services import BOUND, Tell, on_shop, proxied, recover, told_after

servers = pytest.mark.parametrize("engine", ["postgresql", "mariadb"], indirect=True)


async def beat(pulse: list[float]) -> None:
    """Note the longest time that the event loop is held up."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        pulse[0] = max(pulse[0], time.monotonic() - before)


@servers
@pytest.mark.parametrize("mode", ["refuse", "hang"])
def test_a_database_that_is_gone_burns_nothing(url: str, tell: Tell, tmp_path: Path, mode: str) -> None:
    """Callback, code, refresh: 503 within seconds, the vendor is not asked, the same address works when it is back."""

    async def work(manager: ConnectManager, acme: Acme) -> tuple[float, float, float]:
        login = await hand_in(manager, "lihua.0")
        assert isinstance(login, SessionOpened)
        token, begun, pulse = login.opened.token, await begin(manager), [0.0]
        asked = len(acme.requests)
        proxy.set(mode)
        heart = asyncio.create_task(beat(pulse))
        assert await begin(manager)  # a start needs no database
        crowd = [hand_in(manager, f"wangfang.{n}") for n in range(30)]
        tries = [come_back(manager, begun), manager.current_member.refresh(token), *crowd]
        told = max(await asyncio.gather(*map(told_after, tries)))
        assert len(acme.requests) == asked
        proxy.set("pass")
        took = await recover(lambda: manager.current_member.refresh(token))
        assert (await come_back(manager, begun)).opened
        assert (await hand_in(manager, "wangfang.0")).opened
        heart.cancel()
        return told, took, pulse[0]

    with proxied(url) as (proxy, through):
        told, took, pulse = on_shop(tmp_path, through, work)
    measured = f"503 after {told:.2f} s, back after {took:.2f} s"
    tell(
        f"database {'down' if mode == 'refuse' else 'hangs'}, 32 requests",
        measured,
        "≤ 2.5 s, ≤ 5 s, vendor not asked",
    )
    assert told <= BOUND
    assert took <= 5
    assert pulse < 1, "the event loop was held up"


@servers
def test_a_database_that_hangs_during_the_exchange_is_told_too(url: str, tmp_path: Path) -> None:
    """The vendor has answered, nothing can be written: 503, nothing is half, and the next login works."""

    async def work(manager: ConnectManager, acme: Acme) -> float:
        await hand_in(manager, "lihua.0")
        begun = await begin(manager)
        acme.pause = 0.3
        login = asyncio.create_task(told_after(come_back(manager, begun, "wangfang.1")))
        await asyncio.sleep(0.2)
        proxy.set("hang")
        told = await login
        proxy.set("pass")
        await recover(lambda: hand_in(manager, f"wangfang.{time.monotonic_ns()}"))
        return told

    with proxied(url) as (proxy, through):
        assert on_shop(tmp_path, through, work) < BOUND + 1
    assert execute(url, "SELECT COUNT(*) AS n FROM es_member")[0]["n"] == 2


@servers
def test_a_restarted_server_fails_nobody(url: str, tell: Tell, tmp_path: Path) -> None:
    """Every pooled connection is stale: the next twenty requests at once all succeed."""

    async def work(manager: ConnectManager, acme: Acme) -> int:
        await asyncio.gather(*(hand_in(manager, f"lihua.{n}") for n in range(20)))
        proxy.reset()
        logins = [hand_in(manager, f"wangfang.{n}") for n in range(20)]
        ended = await asyncio.gather(*logins, return_exceptions=True)
        return sum(isinstance(one, BaseException) for one in ended)

    with proxied(url) as (proxy, through):
        failed = on_shop(tmp_path, through, work)
    tell("every pooled connection stale, 20 requests", f"{failed} failed", "0")
    assert failed == 0


@servers
def test_a_lock_of_somebody_else_is_not_waited_for(url: str, tell: Tell, tmp_path: Path) -> None:
    """Another session holds the rows: 503 within five seconds for as many as come; afterwards all is well."""

    async def work(manager: ConnectManager, acme: Acme) -> float:
        await hand_in(manager, "lihua.0")
        await asyncio.sleep(0.1)
        with locked(url):
            told = max(await asyncio.gather(*(told_after(hand_in(manager, f"lihua.{n}")) for n in range(1, 31))))
            assert acme.requests.count("login lihua") == 31
        await recover(lambda: hand_in(manager, f"lihua.{time.monotonic_ns()}"))
        return told

    told = on_shop(tmp_path, url, work)
    tell("rows locked by another session, 30 requests", f"503 after {told:.2f} s", f"≤ {WORK_TIMEOUT_SECONDS + 0.5} s")
    assert told <= WORK_TIMEOUT_SECONDS + 0.5


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Hold the member's row, as an administrator's shell does."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.exec_driver_sql("SELECT id FROM es_member FOR UPDATE")
        yield
        connection.rollback()


@servers
def test_an_exhausted_pool_is_told(url: str, tell: Tell, tmp_path: Path) -> None:
    """Every connection is in use elsewhere: 503 within the time-out, and no later."""

    async def work(manager: ConnectManager, acme: Acme) -> float:
        with ExitStack() as stack:
            for _ in range(10):
                stack.callback(manager.database.backend.engine.raw_connection().close)
            return await told_after(hand_in(manager, "lihua.1"))

    told = on_shop(tmp_path, url, work)
    tell("pool exhausted", f"503 after {told:.2f} s", "≤ 2.5 s")
    assert told <= BOUND
