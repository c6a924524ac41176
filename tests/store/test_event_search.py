"""The events of a request, which are found without an index on it."""

import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from connect_core.store import Database, event_search, events

from ..kit.falling_ids import turn_ids

DAY = 86400
NOW = int(time.time())


def make_id(second: int, number: int = 0) -> str:
    """The id of a request that came at `second`."""
    return f"{second % 2**26 << 38 | number:016x}"


@dataclass
class History:
    """The events of a shop."""

    database: Database

    async def add(self, requests: Iterable[tuple[str, int]]) -> None:
        """Store an event for each request id and time."""
        shared = {"kind": "logged_in", "member_id": 7, "connect_id": 1, "provider": "alipay", "client_type": "pc"}
        shared |= {"union_type": "ALIPAY", "subject_hash": "", "detail": "", "dispatched_at": 1}
        rows = [{**shared, "request_id": request_id, "create_time": second} for request_id, second in requests]
        await self.database.write(lambda tx: events.insert_events(tx, rows))

    def find(self, *request_ids: str) -> list[str]:
        """The requests of the events that are found."""
        with self.database.open_long() as connection:
            rows = connection.read(lambda tx: event_search.find_of_requests(tx, request_ids, NOW))
        return [row["request_id"] for row in rows]


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    """A shop with no events yet."""
    with closing(Database(database_url)) as database:
        yield History(database)


async def test_events_are_found_by_the_time_in_the_id(history: History) -> None:
    """Of the first, the last and any other request; several in the order in which they came."""
    times = sorted(random.Random(1).randrange(NOW - 300 * DAY, NOW) for _ in range(2000))
    ids = [make_id(second, number) for number, second in enumerate(times)]
    await history.add(zip(ids, times, strict=True))
    for request_id in ids[:3] + ids[700:703] + ids[-3:]:
        assert history.find(request_id) == [request_id]
    assert history.find(ids[1900], ids[100]) == [ids[100], ids[1900]]
    assert history.find(make_id(times[700], 99_999), "ffffffffffffffff", "0000000000000000") == []


async def test_only_events_of_that_time_are_read(history: History) -> None:
    """Else a shop with many of them waits for minutes."""
    await history.add(
        (make_id(NOW - 90 * DAY + place * 60, place), NOW - 90 * DAY + place * 60) for place in range(2000)
    )
    await history.add([(make_id(NOW - 2 * DAY), NOW - DAY)])
    assert history.find(make_id(NOW - 2 * DAY)) == []


async def test_clocks_may_differ(history: History) -> None:
    """Three processes, of which one is five minutes late and one early, and the slowest request of all."""
    requests = []
    for number in range(900):
        second = NOW - 10 * DAY + number * 40 + (number % 3 - 1) * 300
        requests.append((make_id(second, number), second + 30 * (number % 2)))
    await history.add(requests)
    for request_id, _ in requests[::50]:
        assert history.find(request_id) == [request_id]


async def test_ids_need_not_rise_with_time(history: History, sqlite_alone: None, tmp_path: Path) -> None:
    """In a cluster whose nodes give out their own, every event is read."""
    requests = [(make_id(NOW - DAY + number * 60, number), NOW - DAY + number * 60) for number in range(1000)]
    await history.add(requests)
    turn_ids(tmp_path, "es_connect_event")
    for request_id, _ in requests[::99]:
        assert history.find(request_id) == [request_id]


async def test_a_shop_without_events(history: History) -> None:
    """It is new, or keeps none."""
    assert history.find(make_id(NOW)) == []
    await history.add([(make_id(NOW - 5), NOW - 5)])
    assert history.find(make_id(NOW - 5)) == [make_id(NOW - 5)]
