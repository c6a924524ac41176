"""Values kept for a while: fetched once for all who wait, early enough, and dropped when the vendor calls them dead."""

import asyncio
import gc
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from connect_core import cache
from connect_core.cache import Cache
from connect_core.errors import ConnectError, ProviderRefused, ProviderTimeout
from connect_core.http import HttpPool

from ..kit.canaries import CANARY, every_record
from ..kit.clock import Clock


@dataclass
class Vendor:
    """Gives out numbered values; `answers` may hold one back, `fails` refuses."""

    lifetime: float = 7200
    fails: bool = False
    fetched: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    async def fetch(self) -> tuple[str, float]:
        self.fetched += 1
        value = f"value {self.fetched}"
        await self.answers.wait()
        if self.fails:
            raise ProviderRefused("busy")
        return value, self.lifetime


@pytest.fixture
def vendor() -> Vendor:
    """A vendor that answers at once."""
    return Vendor()


@pytest.fixture
def clock() -> Clock:
    """The clock of `values`, which moves when the test says so."""
    return Clock(1_800_000_000)


@pytest.fixture
async def values(clock: Clock) -> Cache:
    """An empty cache, in an event loop that reports whatever asyncio can find wrong."""
    asyncio.get_running_loop().set_debug(True)
    return Cache(now=clock)


async def test_all_who_wait_share_one_fetch(vendor: Vendor, values: Cache) -> None:
    """A hundred logins at once cost the vendor one answer; later ones none until it ends."""
    vendor.answers.clear()
    waiting = [asyncio.create_task(values.cached("a", vendor.fetch)) for _ in range(100)]
    await asyncio.sleep(0)
    vendor.answers.set()
    assert set(await asyncio.gather(*waiting)) == {"value 1"}
    assert await values.cached("a", vendor.fetch) == "value 1"
    assert vendor.fetched == 1


@pytest.mark.parametrize(("lifetime", "fresh"), [(7200.0, 6900.0), (60.0, 54.0), (1e12, 86100.0)])
async def test_a_value_is_fetched_anew_before_it_ends(
    vendor: Vendor, values: Cache, clock: Clock, lifetime: float, fresh: float
) -> None:
    """A tenth of its life before the end, five minutes at most; no vendor's number keeps it beyond a day."""
    vendor.lifetime = lifetime
    await values.cached("a", vendor.fetch)
    clock.advance(fresh - 1)
    assert await values.cached("a", vendor.fetch) == "value 1"
    clock.advance(1)
    assert await values.cached("a", vendor.fetch) == "value 2"


@pytest.mark.parametrize("lifetime", [0.0, -1.0, float("nan")])
async def test_a_lifetime_that_is_none_keeps_nothing(vendor: Vendor, values: Cache, lifetime: float) -> None:
    """A value that has ended when it comes serves those who waited, and nobody after."""
    vendor.lifetime = lifetime
    assert [await values.cached("a", vendor.fetch) for _ in range(2)] == ["value 1", "value 2"]


async def test_a_visitor_who_leaves_takes_the_value_from_nobody(vendor: Vendor, values: Cache) -> None:
    """The first of two who wait is cancelled: the fetch it began goes on for the second."""
    vendor.answers.clear()
    leaving, staying = [asyncio.create_task(values.cached("a", vendor.fetch)) for _ in range(2)]
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    vendor.answers.set()
    assert await staying == "value 1"
    assert vendor.fetched == 1


async def test_a_failed_fetch_reaches_all_who_wait_and_is_not_kept(vendor: Vendor, values: Cache) -> None:
    """A refusal is everybody's, and the next login asks the vendor again."""
    vendor.fails = True
    results = await asyncio.gather(*(values.cached("a", vendor.fetch) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ProviderRefused] * 3
    vendor.fails = False
    assert await values.cached("a", vendor.fetch) == "value 2"


async def test_a_fetch_that_fails_when_nobody_waits_is_not_told(values: Cache) -> None:
    """Everybody left, then the fetch raised: asyncio logs no error of it, whatever its text holds."""

    async def fetch() -> tuple[str, float]:
        await asyncio.sleep(0.01)
        raise ValueError(CANARY)

    with every_record() as records:
        waiting = asyncio.create_task(values.cached("a", fetch))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0.02)
        gc.collect()
    assert CANARY not in records.text


async def test_only_the_value_called_dead_is_forgotten(vendor: Vendor, values: Cache) -> None:
    """A hundred logins that met one dead value drop it once: what was fetched since stays."""
    dead = await values.cached("a", vendor.fetch)
    await values.forget("a", dead)
    assert await values.cached("a", vendor.fetch) == "value 2"
    await values.forget("a", dead)
    await values.forget("never kept", dead)
    assert await values.cached("a", vendor.fetch) == "value 2"


async def test_what_has_ended_makes_room(vendor: Vendor, values: Cache, clock: Clock) -> None:
    """Names without end do not fill the memory."""
    for number in range(cache.MAX_VALUES):
        await values.cached(f"old {number}", vendor.fetch)
    clock.advance(7200)
    for number in range(cache.MAX_VALUES + 1):
        await values.cached(f"new {number}", vendor.fetch)
        assert len(values._values) <= cache.MAX_VALUES
    assert len(values._values) == 1


async def test_providers_do_not_see_each_others_values() -> None:
    """The same name at two providers names two values."""
    async with aclosing(HttpPool(deadline=2.0)) as pool:
        vendor = Vendor()
        first, second = pool.for_provider("acme"), pool.for_provider("other")
        assert await first.cached("token", vendor.fetch) == "value 1"
        assert await second.cached("token", vendor.fetch) == "value 2"
        await second.forget("token", "value 2")
        assert await first.cached("token", vendor.fetch) == "value 1"


async def test_a_fetch_that_hangs_ends_by_the_deadline() -> None:
    """Nobody waits for a value longer than for any other call, and the next one begins anew."""
    async with aclosing(HttpPool(deadline=0.1)) as pool:
        vendor, face = Vendor(), pool.for_provider("acme")
        vendor.answers.clear()
        with pytest.raises(ProviderTimeout):
            await face.cached("token", vendor.fetch)
        vendor.answers.set()
        assert await face.cached("token", vendor.fetch) == "value 2"


async def test_a_dead_value_is_replaced_once() -> None:
    """What the vendor calls dead is fetched anew and asked with again; a second refusal, and any other, is the end."""
    async with aclosing(HttpPool(deadline=2.0)) as pool:
        vendor, face, asked = Vendor(), pool.for_provider("acme"), list[str]()

        async def ask(value: str) -> str:
            asked.append(value)
            if value in dead:
                raise ProviderRefused("dead" if is_dead else "busy")
            return value.upper()

        def said_dead(error: ConnectError) -> bool:
            return str(error) == "dead"

        dead, is_dead = {"value 1"}, True
        assert await face.with_cached("token", vendor.fetch, ask, said_dead) == "VALUE 2"
        assert await face.with_cached("token", vendor.fetch, ask, said_dead) == "VALUE 2"
        dead, is_dead = {"value 2"}, False
        with pytest.raises(ProviderRefused, match="busy"):
            await face.with_cached("token", vendor.fetch, ask, said_dead)
        dead, is_dead = {"value 2", "value 3"}, True
        with pytest.raises(ProviderRefused, match="dead"):
            await face.with_cached("token", vendor.fetch, ask, said_dead)
        assert asked == ["value 1", "value 2", "value 2", "value 2", "value 2", "value 3"]
