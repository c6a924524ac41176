"""What is noted of answers besides their content: the vendor's clock, and how many came."""

import asyncio
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from connect_core import measurements
from connect_core.http import count_answers, observation
from connect_core.measurements import Measurements

from ..kit.peers import always, http_pool, peer, whole


class Listener(Measurements):
    """Keeps the clock skews that it is told."""

    def __init__(self) -> None:
        self.skews: list[tuple[str, float]] = []

    def set_clock_skew(self, source: str, seconds: float) -> None:
        """Keep them."""
        self.skews.append((source, seconds))


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Who has the measurements meanwhile."""
    listener = Listener()
    before = measurements.listen(listener)
    yield listener
    measurements.listen(before)


def dated(seconds: float) -> bytes:
    """Return an answer of a server whose clock is so far before ours."""
    return whole(header=b"Date: %s\r\n" % formatdate(time.time() + seconds, usegmt=True).encode())


async def test_the_skew_is_kept_for_each_provider(listener: Listener) -> None:
    """Each provider has the skew of its own vendor, None before the first answer, and it is measured."""
    with peer(always(dated(3600))) as ahead, peer(always(dated(-90))) as behind:
        async with http_pool() as pool:
            first, second = pool.for_provider("first"), pool.for_provider("second")
            assert first.clock_skew is None
            await first.get(ahead.url)
            await second.get(behind.url)
    assert first.clock_skew == pytest.approx(3600, abs=2)
    assert second.clock_skew == pytest.approx(-90, abs=2)
    assert listener.skews == [("first", first.clock_skew), ("second", second.clock_skew)]


@pytest.mark.parametrize(("pause", "readings"), [(10.0, 1), (0.0, 3)])
async def test_the_clock_is_read_once_in_a_while(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, pause: float, readings: int
) -> None:
    """Within the pause further answers are not read; without one each is."""
    monkeypatch.setattr(observation, "READING_PAUSE_SECONDS", pause)
    with peer(always(dated(30))) as vendor:
        async with http_pool() as pool:
            for _ in range(3):
                await pool.for_provider("acme").get(vendor.url)
    assert len(listener.skews) == readings


DATES = ("", "yesterday", "Sat, 99 Foo 2026 99:99:99 GMT", "Sat, 28 Nov 99999999999 10:00:00 GMT")


@pytest.mark.parametrize("date", DATES)
async def test_a_date_that_is_none(listener: Listener, date: str) -> None:
    """A `Date` that nobody can read costs no call, and tells nothing."""
    with peer(always(whole(header=b"Date: %s\r\n" % date.encode()))) as vendor:
        async with http_pool() as pool:
            assert (await pool.for_provider("acme").get(vendor.url)).status == 200
            assert pool.for_provider("acme").clock_skew is None
    assert listener.skews == []


async def test_answers_are_counted_where_they_are_waited_for() -> None:
    """The calls of a block count, also those in tasks that it starts, and nobody else's at the same time."""
    with peer(always(whole())) as vendor:
        async with http_pool() as pool:
            http = pool.for_provider("acme")

            async def call(times: int) -> int:
                with count_answers() as count:
                    await asyncio.gather(*(http.get(vendor.url) for _ in range(times)))
                await http.get(vendor.url)
                return count.value

            assert await asyncio.gather(call(0), call(1), call(5)) == [0, 1, 5]
