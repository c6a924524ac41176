"""The stream in Redis: a second sink of the same events, in the same order, at least once."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connect_core.events.subscriptions import REDIS_ENDPOINT

from ..conftest import MakeManager, Require
from ..kit.acme import hand_in
from ..kit.clock import Clock
from ..kit.receiver import endpoint, receiving
from ..kit.redis_server import OwnRedis, own_redis

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def redis(require: Require, tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis of the test's own."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with own_redis(require, folder) as server:
        yield server


def read(redis: OwnRedis) -> list[dict[str, str]]:
    """The entries of the stream, in order."""
    with redis.client() as client:
        entries = client.xrange("shop-events")
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries]  # type: ignore[union-attr]


async def test_every_event_is_an_entry(make_manager: MakeManager, redis: OwnRedis) -> None:
    """With the id and the data that webhooks get; refused logins are none."""
    with receiving() as receiver:
        manager = make_manager(
            service={"redis_url": redis.url},
            events={"redis_stream": "shop-events"},
            webhooks={"shop": endpoint(receiver)},
        )
        await hand_in(manager, "lihua.1")
        await manager.webhooks.deliveries.deliver_due()
    entries = read(redis)
    assert [entry["type"] for entry in entries] == receiver.types()
    assert [entry["id"] for entry in entries] == [call.id for call in receiver.taken]
    assert [json.loads(entry["data"]) for entry in entries] == [call.content["data"] for call in receiver.taken]


async def test_a_redis_that_is_down_gets_the_events_later(make_manager: MakeManager, redis: OwnRedis) -> None:
    """It counts as an endpoint that fails: nothing is lost, and no login waits."""
    clock = Clock(time.time())
    manager = make_manager(service={"redis_url": redis.url}, events={"redis_stream": "shop-events"}, now=clock)
    redis.kill()
    for number in range(6):
        await hand_in(manager, f"person{number}.1")
        assert await manager.webhooks.deliveries.deliver_due() == 0
        clock.advance(60)
    [view] = await manager.webhooks.find_endpoints()
    assert (view.name, view.state, view.pending, view.last_error) == (REDIS_ENDPOINT, "failing", 18, "redis_down")
    redis.start()
    ends = time.monotonic() + 15
    while len(read(redis)) < 18 and time.monotonic() < ends:  # until the breaker closes again
        clock.advance(60)
        await manager.webhooks.deliveries.deliver_due()
        await asyncio.sleep(0.1)
    assert len({entry["id"] for entry in read(redis)}) == 18
