"""A service that is told to stop finishes what is under way."""

import asyncio
import time
from pathlib import Path

import aiohttp

from tests.benchmarks.processes import BROWSER, Shop, Visitors, new_people, running_vendors

from .services import Service, Tell, running_service, sized

ROUNDS = sized(1, 10)
IN_FLIGHT = 40
VENDOR_SECONDS = 1.0


async def stop_under_load(service: Service, vendor: str) -> tuple[list[str], float]:
    """Tell the service to stop while every callback waits for a slow vendor; returns how they ended, and how long."""
    shop = Shop(service.url)
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), headers=BROWSER, connector=aiohttp.TCPConnector(limit=0)
    ) as http:
        visitors = Visitors(http, shop, "wechat")
        await visitors.log_in(new_people(4), 4)  # connections to the vendor and the database are open
        agreed = [await visitors.consent(await visitors.start(person)) for person in new_people(IN_FLIGHT)]
        order = {"kind": "delay", "value": VENDOR_SECONDS, "on": "token", "times": IN_FLIGHT}
        async with http.post(f"{vendor}/_sandbox/faults", json=order) as answer:
            assert answer.status == 201
        logins = [asyncio.create_task(visitors.come_back(consent)) for consent in agreed]
        await asyncio.sleep(VENDOR_SECONDS / 2)
        began = time.monotonic()
        service.process.terminate()
        ended = await asyncio.gather(*logins, return_exceptions=True)
        await asyncio.to_thread(service.process.wait, 20)
    return [type(outcome).__name__ for outcome in ended], time.monotonic() - began


async def test_a_stop_fails_no_login_under_way(url: str, tell: Tell, tmp_path: Path) -> None:
    """SIGTERM with 40 logins in flight on 2 workers: every one of them ends with a session, within ten seconds."""
    ended: list[str] = []
    longest = 0.0
    with running_vendors() as vendors:
        vendor = next(line.partition('"')[2][:-1] for line in vendors.splitlines() if line.startswith("api_url"))
        for number in range(ROUNDS):
            folder = tmp_path / str(number)
            folder.mkdir()
            with running_service(folder, url, vendors) as service:
                ends, took = await stop_under_load(service, vendor.rstrip("/"))
            ended += ends
            longest = max(longest, took)
    failed = sum(outcome != "str" for outcome in ended)
    tell("SIGTERM, 40 logins in flight, 2 workers", f"{failed} failed, stopped after {longest:.1f} s", "0, ≤ 10 s")
    assert failed == 0
    assert longest <= 10
