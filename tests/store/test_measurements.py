"""What the store tells about itself, on each engine: clock, connections, durations, retries, waiting notices."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connect_core import measurements
from connect_core.errors import NotLoggedIn
from connect_core.observability.metrics import Counts
from connect_core.store import Database, Transaction, clock, events

from ..conftest import Require
from ..kit.acme import NOW, execute
from ..kit.databases import ENGINES, fresh_database, is_answering, server_of

EVENT = (
    "INSERT INTO es_connect_event (kind, member_id, connect_id, provider, client_type, union_type, subject_hash, "
    "request_id, create_time, detail, dispatched_at) VALUES ('logged_in', 1, 1, 'a', 'pc', 'A', '', '', ?, '', ?)"
)


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path, require: Require) -> Iterator[str]:
    """A database with our tables, on each engine in turn."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    with fresh_database(server, tmp_path) as address:
        yield address


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """The same, opened."""
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def counts() -> Iterator[Counts]:
    """The counts of this process during the test."""
    listener = Counts()
    before = measurements.listen(listener)
    yield listener
    measurements.listen(before)


async def test_the_servers_clock_is_compared(database: Database) -> None:
    """On this machine it is ours; a file has none of its own."""
    skew = await database.read(clock.find_skew)
    assert skew is None if database.is_sqlite else abs(skew or 0) < 5


async def test_undispatched_events_are_summed_up(database: Database, url: str) -> None:
    """How many wait, up to a limit, and since when; none is no error."""
    assert await database.read(lambda tx: events.sum_up_undispatched(tx, 10)) == (0, None)
    for number, dispatched in enumerate((None, NOW, None, None)):
        execute(url, EVENT, NOW + number, dispatched)
    assert await database.read(lambda tx: events.sum_up_undispatched(tx, 10)) == (3, NOW)
    assert await database.read(lambda tx: events.sum_up_undispatched(tx, 2)) == (2, NOW)


async def test_units_of_work_are_measured_once(database: Database, counts: Counts) -> None:
    """By kind, whatever they raise."""

    def refuse(tx: Transaction) -> None:
        raise NotLoggedIn

    await database.read(lambda _: None)
    await database.write(lambda _: None)
    await database.write(lambda _: None, commits_each=True)
    await database.write(lambda _: None, is_long=True)
    with pytest.raises(NotLoggedIn):
        await database.write(refuse)
    numbers = {key[1]: sum(numbers[1:]) for key, numbers in counts.take().histograms.items()}
    assert numbers == {"read": 1, "write": 2, "statement": 1, "long": 1}


async def test_connections_are_counted(database: Database) -> None:
    """One is in use while a unit of work runs; afterwards it is free."""
    seen: list[tuple[int, int, int]] = []
    await database.write(lambda _: seen.append(database.count_connections()))
    assert seen[0][0] == 1
    busy, idle, waiting = database.count_connections()
    assert (busy, waiting) == (0, 0)
    assert idle == 1 or database.is_sqlite


async def test_a_lost_race_is_counted(database: Database, counts: Counts) -> None:
    """A unit of work that ran again counts once, as `race`."""
    if database.is_sqlite:
        pytest.skip("nobody races for a file that one writer locks")
    error = database.backend._integrity_error

    def race(tx: Transaction) -> float:
        if not tx.is_retry:
            raise error
        return time.time()

    await database.write(race)
    assert counts.take().counters == {("db_retries", "race"): 1}
