"""What is over leaves no trace, and its removal disturbs nobody."""

import asyncio
import itertools
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from connect_core.manager import ConnectManager
from connect_core.web.app import SWEEP_PAUSE, SWEEP_STEP
from tests.benchmarks.processes import running_vendors
from tests.kit.acme import execute, hand_in

from ..conftest import MakeManager
from .services import FULL, Service, Tell, memory_of, percentile, running_service, sized

VISITS = sized(10_000, 100_000)
EXPIRED = sized(10_000, 1_000_000)
FLOW = "INSERT INTO es_connect_used_flow (hash, flow, outcome, expiry_time) VALUES "
SESSION = (
    "INSERT INTO es_member_session (member_id, client_type, device_id, family, token_hash, create_time, seen_time,"
    " expiry_time) VALUES "
)


async def abandon(service: Service, http: aiohttp.ClientSession, number: int) -> None:
    """Begin a login and never come back; come back with a state that nobody began."""
    async with http.get(f"{service.url}/connect/wechat/pc/login", allow_redirects=False) as answer:
        assert answer.status == 303
    query = {"code": f"code-{number}", "state": secrets.token_hex(16)}
    async with http.get(f"{service.url}/connect/wechat/pc/callback", params=query) as answer:
        assert answer.status == 400


async def abandon_many(service: Service, numbers: Sequence[int]) -> None:
    waiting = iter(numbers)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:

        async def visit() -> None:
            for number in waiting:
                await abandon(service, http, number)

        await asyncio.gather(*(visit() for _ in range(16)))


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"] if FULL else ["sqlite"], indirect=True)
async def test_abandoned_logins_leave_nothing(url: str, tell: Tell, make_manager: MakeManager, tmp_path: Path) -> None:
    """Logins begun and never finished, callbacks refused: no growing process, and no rows once they are over."""
    with running_vendors() as vendors, running_service(tmp_path, url, vendors, workers=1) as service:
        await abandon_many(service, range(VISITS, VISITS + 500))
        before = memory_of(service.process.pid)
        await abandon_many(service, range(VISITS))
        grown = memory_of(service.process.pid) - before
    held = count(url)
    execute(url, "UPDATE es_connect_used_flow SET expiry_time = 1")
    async with aclosing(make_manager()) as manager:
        took = await sweep_all(manager)
    measured = f"RSS {grown:+.0f} MiB, {held} rows, {count(url)} after a sweep of {took:.0f} s"
    tell(f"{VISITS} abandoned, {VISITS} refused", measured, "+30 MiB, 0 rows")
    assert held == VISITS + 500
    assert count(url) == 0
    assert grown <= 30


def count(url: str, where: str = "1 = 1") -> int:
    return int(execute(url, f"SELECT COUNT(*) AS n FROM es_connect_used_flow WHERE {where}")[0]["n"])


async def sweep_all(manager: ConnectManager) -> float:
    """Sweep as the service does; returns the seconds that it took."""
    began = time.monotonic()
    while await manager.sweep(SWEEP_STEP) >= SWEEP_STEP:  # noqa: ASYNC110 - a pause for others, no waiting
        await asyncio.sleep(SWEEP_PAUSE)
    return time.monotonic() - began


def plant(url: str, number: int) -> None:
    """Write expired flows and sessions, half of each."""
    member = execute(url, "SELECT id FROM es_member")[0]["id"]
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for _ in range(number // 2000):
            names = [os.urandom(32).hex() for _ in range(1000)]
            connection.exec_driver_sql(FLOW + ",".join(f"('{name}', '', '', 1)" for name in names))
            rows = (f"({member}, 'pc', '', '{name[:32]}', '{name}', 1, 1, 1)" for name in names)
            connection.exec_driver_sql(SESSION + ",".join(rows))


async def log_in(manager: ConnectManager, name: str, latencies: list[float], done: asyncio.Event) -> None:
    """Log in until it is over, and a hundred times at least."""
    for number in itertools.count():
        if done.is_set() and len(latencies) >= 100:
            return
        began = time.monotonic()
        await hand_in(manager, f"{name}.{number}")
        latencies.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(0.01)


async def measure(manager: ConnectManager, *sweepers: ConnectManager) -> list[float]:
    """Return what logins took, in ms, while everybody sweeps, or for two seconds."""
    latencies, done = list[float](), asyncio.Event()
    names = (f"person{number}-{len(sweepers)}" for number in range(4))
    logins = [asyncio.create_task(log_in(manager, name, latencies, done)) for name in names]
    await asyncio.gather(*(sweep_all(sweeper) for sweeper in sweepers), asyncio.sleep(2))
    done.set()
    await asyncio.gather(*logins)
    return latencies


async def test_a_large_sweep_disturbs_no_login(url: str, tell: Tell, make_manager: MakeManager) -> None:
    """Two workers sweep at once while people log in: no collision, nothing is left, logins are as fast as before."""
    manager = make_manager()
    await hand_in(manager, "lihua.1")
    before = await measure(manager)
    await asyncio.to_thread(plant, url, EXPIRED)
    second = make_manager()
    began = time.monotonic()
    during = await measure(manager, manager, second)
    took = time.monotonic() - began
    shown = f"{took:.0f} s, login p99 {percentile(before, 99):.0f} → {percentile(during, 99):.0f} ms"
    tell(f"{EXPIRED} expired rows swept by 2 workers", shown, "100 000 in ≤ 1 h; p99 ±20 % when quiet")
    assert count(url, "expiry_time = 1") == 0
    assert execute(url, "SELECT COUNT(*) AS n FROM es_member_session WHERE expiry_time = 1") == [{"n": 0}]
    assert took * 100_000 / EXPIRED < 3600
