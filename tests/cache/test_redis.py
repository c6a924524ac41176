"""What processes share on Redis: sealed, found by the others, and of no weight while Redis is out of order."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from limits import parse

from connect_core import measurements
from connect_core.cache import Cache, CachedValue, connect_redis
from connect_core.cache.redis import TIMEOUT_SECONDS, RedisCache
from connect_core.crypto import Sealer
from connect_core.errors import SettingsError

from ..conftest import Require
from ..kit.canaries import CANARY, every_record, every_text
from ..kit.redis_server import OwnRedis, own_redis, way_to

RING = (bytes(range(32)),)
REST = 0.3
ONCE_AN_HOUR = parse("1/hour")


@pytest.fixture(scope="module")
def server(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    """A Redis for this module."""
    with own_redis(require, tmp_path_factory.mktemp("redis")) as one:
        yield one


@pytest.fixture
def redis(server: OwnRedis) -> OwnRedis:
    """The module's Redis, empty."""
    server.flush()
    return server


@pytest.fixture
def mortal(require: Require, tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis that this test may kill."""
    with own_redis(require, tmp_path) as one:
        yield one


def process(url: str, *, ring: tuple[bytes, ...] = RING) -> aclosing[RedisCache]:
    """What is shared on the Redis at `url`, as a process of its own has it until the block ends."""
    return aclosing(RedisCache(url, Sealer(ring, "cache"), breaker_seconds=REST))


@pytest.fixture
async def shared(redis: OwnRedis) -> AsyncIterator[RedisCache]:
    """What is shared on the module's Redis, which was empty."""
    async with process(redis.url) as cache:
        yield cache


def fetcher(*values: str) -> Callable[[], Awaitable[tuple[str, float]]]:
    """A vendor that gives out these values, one after the other, and then fails the test."""
    left = list(values)

    async def fetch() -> tuple[str, float]:
        return left.pop(0), 7200

    return fetch


async def is_back(shared: RedisCache) -> bool:
    """Ask until Redis is used again; false after three seconds."""
    ends = time.monotonic() + 3
    while time.monotonic() < ends:
        if not await shared.hit(ONCE_AN_HOUR, "nobody"):
            return True
        await asyncio.sleep(0.02)
    return False


# what is shared

PROCESS = """
import asyncio, sys
from connect_core import measurements
from connect_core.cache import Cache, CachedValue, connect_redis
from connect_core.crypto import Sealer

async def fetch():
    print("fetched")
    return "token-of-the-app", 7200

async def work():
    shared = connect_redis(sys.argv[1], Sealer((bytes(range(32)),), "cache"))
    print(await Cache(shared).cached("acme:token", fetch))
    await shared.aclose()

asyncio.run(work())
"""


def test_processes_share_one_fetch(redis: OwnRedis) -> None:
    """A second process finds what the first one fetched, and asks the vendor for nothing."""
    outputs = [
        subprocess.run([sys.executable, "-c", PROCESS, redis.url], stdout=subprocess.PIPE, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert outputs == ["fetched\ntoken-of-the-app\n", "token-of-the-app\n"]


async def test_a_value_on_redis_opens_with_the_shops_keys_alone(redis: OwnRedis) -> None:
    """Redis and who reads it see no token; another ring, another name and a tampered text open nothing."""
    async with process(redis.url) as shared:
        assert await Cache(shared).cached("acme:app", fetcher(CANARY)) == CANARY
    [(name, kept)] = redis.find_all().items()
    assert name == b"connect-login:1:value:acme:app"
    assert CANARY.encode() not in kept
    async with process(redis.url) as shared:
        assert await Cache(shared).cached("acme:app", fetcher()) == CANARY
    async with process(redis.url, ring=(bytes(32),)) as shared:
        assert [await shared.find(key) for key in ("acme:app", "acme:moved")] == [None, None]
    with redis.client() as client:
        client.rename(name, "connect-login:1:value:acme:moved")
        client.set(name, kept[:-2] + b"xx")
    async with process(redis.url) as shared:
        assert [await shared.find(key) for key in ("acme:app", "acme:moved")] == [None, None]


async def test_a_rotated_ring_finds_what_its_older_key_sealed(redis: OwnRedis) -> None:
    """A new key at the front costs no fetch."""
    async with process(redis.url) as shared:
        await Cache(shared).cached("acme:app", fetcher("one"))
    async with process(redis.url, ring=(bytes(32), *RING)) as shared:
        assert await Cache(shared).cached("acme:app", fetcher()) == "one"


async def test_what_ends_early_here_ends_early_there(shared: RedisCache, redis: OwnRedis) -> None:
    """Redis keeps a value no longer than its process does."""
    await Cache(shared).cached("acme:app", fetcher("one"))
    with redis.client() as client:
        assert 6890 < client.ttl("connect-login:1:value:acme:app") <= 6900


async def test_what_has_ended_is_not_taken_from_redis(shared: RedisCache) -> None:
    """A value whose time is over is fetched anew, even if Redis still has it."""
    await shared.store("acme:app", CachedValue("one", time.time() - 1), 60)
    assert await Cache(shared).cached("acme:app", fetcher("two")) == "two"


@pytest.mark.parametrize("lifetime", [0.0, -1.0, float("nan")])
async def test_a_lifetime_that_is_none_reaches_no_redis(shared: RedisCache, redis: OwnRedis, lifetime: float) -> None:
    """A value that has ended when it comes is shared with nobody."""

    async def fetch() -> tuple[str, float]:
        return "one", lifetime

    assert await Cache(shared).cached("acme:app", fetch) == "one"
    assert redis.find_all() == {}


async def test_a_dead_value_is_dropped_for_all_and_only_once(shared: RedisCache) -> None:
    """Who still holds the dead value finds its successor; who calls the dead one dead again drops nothing."""
    first, second = Cache(shared), Cache(shared)
    assert await first.cached("acme:app", fetcher("one")) == await second.cached("acme:app", fetcher()) == "one"
    await first.forget("acme:app", "one")
    assert await first.cached("acme:app", fetcher("two")) == "two"
    await second.forget("acme:app", "one")
    assert await second.cached("acme:app", fetcher()) == "two"


async def test_a_dead_value_that_redis_brings_back_is_not_believed(shared: RedisCache, redis: OwnRedis) -> None:
    """After a failover Redis may hold what was dropped: who knows that it is dead fetches anew."""
    cache = Cache(shared)
    await cache.cached("acme:app", fetcher("one"))
    [(name, kept)] = redis.find_all().items()
    await cache.forget("acme:app", "one")
    assert redis.find_all() == {}
    with redis.client() as client:
        client.set(name, kept)
    assert await cache.cached("acme:app", fetcher("two")) == "two"
    assert await Cache(shared).cached("acme:app", fetcher()) == "two"


async def test_processes_share_a_count(redis: OwnRedis) -> None:
    """What one process counted, another one counts on; nobody is counted for somebody else."""
    answers = []
    for _ in range(4):
        async with process(redis.url) as shared:
            answers.append((await shared.hit(parse("3/hour"), "a"), await shared.hit(parse("3/hour"), "b")))
    assert answers == [(True, True)] * 3 + [(False, False)]


async def test_connections_are_few(shared: RedisCache) -> None:
    """More requests at once than there are connections wait for one, and none is taken for an outage."""
    answers = await asyncio.gather(*(shared.hit(parse("40/hour"), "crowd") for _ in range(60)))
    assert sum(answers) == 40


# out of order


async def goes_on(shared: RedisCache, *values: str, seconds: float) -> None:
    """Fail unless a value is fetched, kept here and forgotten, and hits are let pass, each within `seconds`."""
    cache = Cache(shared)
    for value in values:
        before = time.monotonic()
        assert await cache.cached("acme:app", fetcher(value)) == value
        assert await cache.cached("acme:app", fetcher()) == value
        await cache.forget("acme:app", value)
        assert await shared.hit(ONCE_AN_HOUR, "a")
        assert time.monotonic() - before < seconds


async def test_a_redis_that_is_down_costs_nothing(mortal: OwnRedis) -> None:
    """Values are fetched and kept here, counts are let pass, one line is logged; when it is back it is used."""
    with every_record() as records:
        async with process(mortal.url) as shared:
            assert await shared.hit(ONCE_AN_HOUR, "nobody")
            mortal.kill()
            await goes_on(shared, "one", "two", seconds=TIMEOUT_SECONDS)
            mortal.start()
            await shared.hit(ONCE_AN_HOUR, "nobody")
            assert await is_back(shared)
    assert (records.text.count("cache_down"), records.text.count("cache_up")) == (1, 1)


async def test_a_redis_that_is_slow_is_waited_for_once(redis: OwnRedis) -> None:
    """The first request loses a quarter of a second, those after it nothing, nor does who looks after it."""
    with way_to(redis) as way:
        async with process(way.url) as shared:
            assert await shared.hit(ONCE_AN_HOUR, "nobody")
            way.block()
            before = time.monotonic()
            assert await shared.hit(ONCE_AN_HOUR, "nobody")
            assert TIMEOUT_SECONDS * 0.9 < time.monotonic() - before < TIMEOUT_SECONDS + 0.1
            ends = time.monotonic() + REST * 3
            while time.monotonic() < ends:
                await goes_on(shared, "one", seconds=TIMEOUT_SECONDS)
            way.unblock()
            assert await is_back(shared)


async def test_a_crowd_that_meets_a_slow_redis_waits_together(redis: OwnRedis) -> None:
    """More requests than connections: each of them is let go in a quarter of a second."""
    with way_to(redis) as way, every_record() as records:
        async with process(way.url) as shared:
            way.block()
            before = time.monotonic()
            assert all(await asyncio.gather(*(shared.hit(ONCE_AN_HOUR, "nobody") for _ in range(100))))
            assert time.monotonic() - before < TIMEOUT_SECONDS + 0.2
            assert not shared._pool._in_use_connections
            way.unblock()
            assert await shared.hit(ONCE_AN_HOUR, "nobody")
            assert await is_back(shared)
            answers = await asyncio.gather(*(shared.hit(parse("40/hour"), "crowd") for _ in range(60)))
            assert sum(answers) == 40
    assert records.text.count("cache_down") == 1


async def test_a_late_answer_is_nobodys(redis: OwnRedis) -> None:
    """An answer that comes after its caller left is not taken for the next one's."""
    with way_to(redis) as way, every_record() as records:
        async with process(way.url) as shared:
            await Cache(shared).cached("acme:app", fetcher("one"))
            way.block()
            leaving = [asyncio.create_task(shared.find("acme:app")) for _ in range(20)]
            await asyncio.sleep(0.05)
            for task in leaving:
                task.cancel()
            await asyncio.wait(leaving)
            way.unblock()
            assert await shared.find("acme:other") is None
            assert await shared.hit(ONCE_AN_HOUR, "somebody")
            found = await shared.find("acme:app")
            assert found is not None
            assert found.value == "one"
    assert "cache_down" not in records.text


async def test_a_redis_that_was_restarted_is_used_at_once(mortal: OwnRedis) -> None:
    """Connections that the old one left behind are no outage; the value is fetched anew by no process that has it."""
    with every_record() as records:
        async with process(mortal.url) as shared:
            cache = Cache(shared)
            await cache.cached("acme:app", fetcher("one"))
            mortal.restart()
            assert await shared.hit(ONCE_AN_HOUR, "a")
            assert not await shared.hit(ONCE_AN_HOUR, "a")
            assert await cache.cached("acme:app", fetcher()) == "one"
            assert await Cache(shared).cached("acme:app", fetcher("two")) == "two"
    assert "cache_down" not in records.text


async def test_a_name_of_the_wrong_type_is_an_outage_and_no_more(shared: RedisCache, redis: OwnRedis) -> None:
    """Somebody else's data under our name harm no login."""
    with redis.client() as client:
        client.rpush("connect-login:1:value:acme:app", "1")
    await goes_on(shared, "one", seconds=TIMEOUT_SECONDS)


async def test_a_wrong_password_is_told_by_its_kind_alone(require: Require, tmp_path: Path) -> None:
    """Logins go on, and the password stands in no log line."""
    asyncio.get_running_loop().set_debug(True)  # asyncio logs the most then
    with own_redis(require, tmp_path, "--requirepass", "right") as locked, every_record() as records:
        async with process(locked.url.replace("redis://", f"redis://:{CANARY}@")) as shared:
            await goes_on(shared, "one", seconds=TIMEOUT_SECONDS)
    assert records.text.count("cache_down") == 1
    assert CANARY not in records.text


async def test_an_outage_is_told_by_its_kind_alone(caplog: pytest.LogCaptureFixture) -> None:
    """The library's texts repeat addresses, so none of them is logged."""
    async with process(f"unix:///nowhere/{CANARY}.sock") as shared:
        await goes_on(shared, "one", seconds=TIMEOUT_SECONDS)
    assert [vars(record)["error"] for record in caplog.records if record.message == "cache_down"] == ["ConnectionError"]


SENTINEL = "redis+sentinel://"


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{CANARY}@h:port/0",
        f"redis://h?db={CANARY}",
        f"http://{CANARY}",
        f"{SENTINEL}h:1,h:{CANARY}/shop",
        f"{SENTINEL}{CANARY}/shop",
        f"{SENTINEL}:{CANARY}@h:1",
        f"{SENTINEL}h:1/shop/{CANARY}",
    ],
)
def test_an_address_that_is_none_is_not_repeated(url: str) -> None:
    """It is told under its key, without a part of it."""
    with pytest.raises(SettingsError) as caught:
        connect_redis(url, Sealer(RING, "cache"))
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == ["service.redis_url"]
    assert CANARY not in every_text(caught.value)


def test_without_the_extra_it_is_told_what_to_install() -> None:
    """`redis_url` without the library is a mistake at start-up; the rest of the service does without it."""
    script = """
import sys
sys.modules["redis"] = None
from connect_core.cache import connect_redis
import connect_core.web
try:
    connect_redis("redis://localhost", None)
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.startswith("SettingsError")
    assert "install connect-login[redis]" in done.stdout


async def test_the_clock_of_redis_is_compared(shared: RedisCache) -> None:
    """On this machine it is ours."""
    skew = await shared.find_skew()
    assert skew is not None
    assert abs(skew) < 5


async def test_a_redis_that_is_down_is_measured(mortal: OwnRedis) -> None:
    """It has no clock then, and the listener hears of it once in each direction."""
    heard: list[bool] = []

    class Listener(measurements.Measurements):
        def set_cache_up(self, is_up: bool) -> None:  # noqa: FBT001 - as the class
            heard.append(is_up)

    before = measurements.listen(Listener())
    try:
        async with process(mortal.url) as cache:
            assert await cache.find_skew() is not None
            mortal.kill()
            for _ in range(3):
                assert await cache.find_skew() is None
            mortal.start()
            while heard != [False, True]:
                await asyncio.sleep(REST)
                await cache.find_skew()
    finally:
        measurements.listen(before)
