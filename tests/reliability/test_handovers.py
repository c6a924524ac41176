"""A crowd of PCs that wait for their phones, and somebody who tries ids."""

import asyncio
import random
import secrets
import statistics
import time
from pathlib import Path

import aiohttp
import pytest

from connect_core.devices import Device
from connect_core.errors import StateExpired
from connect_core.login.qr_login import LIFE
from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.sessions import LiveSession, PresentedTokens
from tests.benchmarks.processes import running_vendors
from tests.kit.acme import NOW, hand_in

from ..conftest import MakeManager
from ..kit.clock import Clock
from .services import Service, Tell, percentile, running_service, sized

PCS = sized(200, 1_000)
SECONDS = sized(10, 60)
TRIES = sized(5_000, 100_000)
PC = Device("Chrome", "Windows")


async def begin(service: Service, http: aiohttp.ClientSession) -> str:
    """A PC's cookie."""
    async with http.post(f"{service.url}/connect/handover") as answer:
        assert answer.status == 200
        return answer.headers["set-cookie"].partition(";")[0]


async def poll(service: Service, http: aiohttp.ClientSession, cookie: str) -> tuple[int, str, float]:
    """Ask once; returns the status, `Retry-After`, and the time that it took in ms."""
    began = time.perf_counter()
    try:
        return await ask(service, http, cookie, began)
    except aiohttp.ClientConnectionError:  # closed while nobody used it: a browser asks again, too
        return await ask(service, http, cookie, began)


async def ask(service: Service, http: aiohttp.ClientSession, cookie: str, began: float) -> tuple[int, str, float]:
    async with http.get(f"{service.url}/connect/handover/status", headers={"cookie": cookie}) as answer:
        await answer.read()
        return answer.status, answer.headers.get("retry-after", ""), (time.perf_counter() - began) * 1000


async def wait_like_a_pc(service: Service, http: aiohttp.ClientSession, cookie: str) -> list[tuple[int, str, float]]:
    """Ask once a second, each PC at a moment of its own."""
    await asyncio.sleep(random.random())
    polls = []
    for _ in range(SECONDS):
        ends = asyncio.get_running_loop().time() + 1
        polls.append(await poll(service, http, cookie))
        await asyncio.sleep(max(0, ends - asyncio.get_running_loop().time()))
    return polls


async def be_hasty(service: Service, http: aiohttp.ClientSession) -> list[tuple[int, str, float]]:
    """Ask ten times a second."""
    cookie, polls = await begin(service, http), []
    for _ in range(SECONDS * 10):
        polls.append(await poll(service, http, cookie))
        await asyncio.sleep(0.1)
    return polls


async def crowd(service: Service) -> tuple[list[tuple[int, str, float]], list[tuple[int, str, float]]]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        cookies = [await begin(service, http) for _ in range(PCS)]
        *patient, hasty = await asyncio.gather(
            *(wait_like_a_pc(service, http, cookie) for cookie in cookies), be_hasty(service, http)
        )
    return [poll for polls in patient for poll in polls], hasty


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_waiting_pcs_are_answered_at_once(url: str, tell: Tell, tmp_path: Path) -> None:
    """Nobody who keeps to the interval is refused or kept waiting; who does not is told to slow down."""
    with running_vendors() as vendors, running_service(tmp_path, url, vendors) as service:
        patient, hasty = await crowd(service)
    latencies = [took for _, _, took in patient]
    slowed = sum(status == 429 for status, _, _ in hasty)
    shown = f"p50 {percentile(latencies, 50):.0f}, p95 {percentile(latencies, 95):.0f} ms, {slowed} slowed"
    tell(f"{PCS} PCs, {len(patient)} polls", shown, "p95 < 100 ms, 0 refused")
    assert {status for status, _, _ in patient} == {200}
    assert {retry for status, retry, _ in hasty if status == 429} == {"2"}
    assert slowed > len(hasty) / 2
    assert percentile(latencies, 95) < 100


async def scan(manager: ConnectManager, id_: str, session: LiveSession) -> float:
    """Scan an id that is refused; returns how long the refusal took, in microseconds."""
    began = time.perf_counter()
    with pytest.raises(StateExpired):
        await manager.qr_logins.scan(id_, session, "r")
    return (time.perf_counter() - began) * 1e6


async def test_guessing_finds_nothing(tell: Tell, make_manager: MakeManager) -> None:
    """Ids that never were: none is hit, and none is told from one whose time is over, not even by the clock."""
    clock = Clock(NOW)
    manager = make_manager(now=clock)
    login = await hand_in(manager, "lihua.1")
    assert isinstance(login, SessionOpened)
    over = [(await manager.qr_logins.start(PC)).id for _ in range(200)]
    clock.advance(LIFE)
    alive = await manager.qr_logins.start(PC)
    tokens = manager.current_member.issue_tokens(login.opened)
    phone = await manager.current_member.find_member(PresentedTokens(bearer=str(tokens["access_token"])))
    assert phone is not None
    unknown = [await scan(manager, secrets.token_urlsafe(24), phone.session) for _ in range(TRIES)]
    expired = [await scan(manager, id_, phone.session) for id_ in over for _ in range(TRIES // 200)]
    assert await manager.qr_logins.find_state(alive.ticket) == "waiting"
    medians = statistics.median(unknown), statistics.median(expired)
    tell(f"{TRIES} ids tried", f"unknown {medians[0]:.0f}, expired {medians[1]:.0f} µs", "0 hits, ±25 %")
    assert 0.75 < medians[0] / medians[1] < 1.33
