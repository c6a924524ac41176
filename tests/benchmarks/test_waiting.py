"""Who waits for whom: our own share of what a visitor waits, and what a slow vendor does to the logins at another."""

import asyncio
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from .processes import Measured, Shop, Visitors, measured, new_people, running_shop, visiting
from .rounds import PEOPLE, ROUNDS, WARM_UP, show_machine

IN_FLIGHT = 32
HANGING = 40
SECONDS = 7
"""For so long the slow vendor says nothing; the shop gives up after eight."""


@pytest.fixture
def shop(vendors: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop with its database in a file."""
    with running_shop(tmp_path, vendors, "normal") as one:
        yield one


def test_our_own_share(vendors: str, shop: Shop) -> None:
    """What a callback takes beyond the vendor's own time, with the way to it and back, is printed.

    The vendor's time is from a request read to its answer written, so all that waits before or behind counts as ours.
    """
    own = sorted(asyncio.run(get_own_shares(shop, get_vendor(vendors))))
    show_machine()
    p50, p99 = (own[(len(own) - 1) * percent // 100] for percent in (50, 99))
    sys.stdout.write(
        f"Alipay, returning, {IN_FLIGHT} in flight: our own share of a callback p50 {p50:.1f} ms, p99 {p99:.1f} ms: "
        f"{p99 / p50:.1f} ×\n"
    )


async def get_own_shares(shop: Shop, vendor: str) -> list[float]:
    """Log people in; returns for each callback the ms that were not the vendor's."""
    people, found = new_people(PEOPLE * ROUNDS), []
    async with visiting() as http:
        visitors = Visitors(http, shop, "alipay")
        await visitors.log_in(people, IN_FLIGHT)
        start = await measured(shop, visitors.start, people, IN_FLIGHT)
        consents = await measured(shop, visitors.consent, start.answers, IN_FLIGHT)

        async def come_back(agreed: tuple[str, str]) -> str:
            began = asyncio.get_running_loop().time()
            await visitors.come_back(agreed)
            took = (asyncio.get_running_loop().time() - began) * 1000
            [code] = parse_qs(urlsplit(agreed[0]).query)["auth_code"]
            found.append((code, took))
            return code

        await measured(shop, come_back, consents.answers, IN_FLIGHT)
        async with http.get(f"{vendor}/times") as answer:
            theirs = await answer.json()
    return [took - theirs[code] for code, took in found]


def test_a_slow_vendor(vendors: str, shop: Shop) -> None:
    """Logins at one vendor succeed while those at another hang, and by how much slower they are is printed."""
    found = asyncio.run(log_in_beside(shop, get_vendor(vendors)))
    show_machine()
    alone, beside = (sorted(x for one in some for x in one.latencies) for some in found)
    p95 = [some[(len(some) - 1) * 95 // 100] for some in (alone, beside)]
    sys.stdout.write(
        f"plain OAuth 2.0, 8 in flight: callback p95 {p95[0]:.1f} ms, while {HANGING} logins wait for another vendor "
        f"{p95[1]:.1f} ms: {p95[1] / p95[0]:.2f} ×\n"
    )


async def log_in_beside(shop: Shop, vendor: str) -> tuple[list[Measured[str]], list[Measured[str]]]:
    """Log people in at one vendor, by turns alone and beside others who wait for another; returns the callbacks."""
    alone, beside = [], []
    async with visiting() as http:
        visitors, others = Visitors(http, shop, "oauth2"), Visitors(http, shop, "wechat")
        for _ in range(2):
            await visitors.log_in(new_people(WARM_UP), 8)
            await others.log_in(new_people(WARM_UP), 8)
        for _ in range(ROUNDS):
            alone.append((await visitors.log_in(new_people(PEOPLE), 8))[1])
            waiting = await hang(others, vendor, http)
            beside.append((await visitors.log_in(new_people(PEOPLE), 8))[1])
            await asyncio.gather(*waiting, return_exceptions=True)  # a machine too slow for this makes them give up
    return alone, beside


async def hang(visitors: Visitors, vendor: str, http: aiohttp.ClientSession) -> list[asyncio.Task[str]]:
    """Let people come back to a vendor that says nothing for a while."""
    agreed = [await visitors.consent(await visitors.start(person)) for person in new_people(HANGING)]
    order = {"kind": "delay", "value": SECONDS, "on": "token", "times": HANGING}
    async with http.post(f"{vendor}/{visitors.provider}/_sandbox/faults", json=order) as answer:
        assert answer.status == 201
    waiting = [asyncio.create_task(visitors.come_back(one)) for one in agreed]
    await asyncio.sleep(1)  # until all of them do
    return waiting


def get_vendor(vendors: str) -> str:
    """The address at which the sandboxes are."""
    url = tomllib.loads(vendors)["providers"]["alipay"]["pc"]["gateway_url"]
    return url.partition("/alipay/")[0]
