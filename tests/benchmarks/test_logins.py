"""What a login costs the shop: the product's table. It asserts that logins succeed, and nothing about time.

CPU is counted for the shop's process alone and can be compared; latencies hold the doubles' work and the load's, and
are as noisy as the machine. The way to the doubles is plain HTTP: TLS to the vendor comes on top.
"""

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from connect_core.crypto import RsaPrivateKey

from .stand import Shop, Visitors, measured, new_people, running_doubles, running_shop

LOGINS = 400
WARM_UP = 60
IN_FLIGHT = (1, 8, 32)
HEAD = (
    f"{'':<17} {'in':>6} {'CPU ms for each':>31}   {'start, ms':>11}   {'callback, ms':>11}   {'RSS':>4}\n"
    f"{'':<17} {'flight':>6} {'login':>7} {'start':>7} {'callback':>8} {'/me':>6}   "
    f"{'p50':>5} {'p99':>5}   {'p50':>6} {'p99':>5}   {'MiB':>4}\n"
)


@pytest.fixture(scope="module")
def doubles(require: Callable[[object, str], None]) -> Iterator[str]:
    """The vendors' doubles; the settings that reach them."""
    require(sys.platform == "linux", "CPU time of another process is read as on Linux")
    with running_doubles() as settings:
        yield settings


@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_logins(doubles: str, synchronous: str, tmp_path: Path) -> None:
    """First and returning logins succeed at every load, each new person as one new member, and the table is printed."""
    with running_shop(tmp_path, doubles, synchronous) as shop:
        sys.stdout.write(
            f"\n\none RSA-2048 signature costs {signature_cost():.0f} µs of CPU here, now: compare machines by that"
            f"\nSQLite synchronous = {synchronous}; {LOGINS} logins a row; first answer after "
            f"{shop.start_up * 1000:.0f} ms and {shop.cpu() * 1000:.0f} ms of CPU, RSS {shop.memory():.0f} MiB\n{HEAD}"
        )
        for provider in ("alipay", "wechat"):
            asyncio.run(log_many_in(shop, provider, new_people(WARM_UP), 8))
            for in_flight in IN_FLIGHT:
                log_in_twice(shop, provider, in_flight)


def signature_cost() -> float:
    """What the one cost that no code of ours can change amounts to on this machine, in µs."""
    key = RsaPrivateKey.generate()
    before = time.thread_time()
    for _ in range(200):
        key.sign(b"text")
    return (time.thread_time() - before) / 200 * 1e6


def log_in_twice(shop: Shop, provider: str, in_flight: int) -> None:
    """Log new people in, and once more, and print a row for each time; each of them is one new member."""
    people, before = new_people(LOGINS), count_members(shop)
    for kind in ("first", "returning"):
        row = asyncio.run(log_many_in(shop, provider, people, in_flight))
        sys.stdout.write(f"{provider:<7} {kind:<9} {row}\n")
        assert count_members(shop) == before + LOGINS


async def log_many_in(shop: Shop, provider: str, people: list[str], in_flight: int) -> str:
    """Log everybody in, and return the row of the table."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        visitors = Visitors(http, shop, provider)
        start, callback = await visitors.log_in(people, in_flight)
        who = await measured(shop, visitors.ask_who, callback.answers, in_flight)
    assert len(set(who.answers)) == len(people)
    return (
        f"{in_flight:>6} {start.cpu + callback.cpu:>7.2f} {start.cpu:>7.2f} {callback.cpu:>8.2f} {who.cpu:>6.2f}   "
        f"{start.latency(50):>5.1f} {start.latency(99):>5.1f}   "
        f"{callback.latency(50):>6.1f} {callback.latency(99):>5.1f}   {shop.memory():>4.0f}"
    )


def count_members(shop: Shop) -> int:
    """How many members the shop has."""
    with closing(sqlite3.connect(shop.database)) as connection:
        [(number,)] = connection.execute("SELECT count(*) FROM es_member")
    return int(number)
