"""A PostgreSQL primary is lost under load, and its standby takes over: what is lost, and when logins go on."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.processes import running_vendors
from tests.kit.acme import execute
from tests.kit.databases import check
from tests.reliability.services import Service, running_service
from tests.reliability.traffic import Traffic, flowing

from ..conftest import Require
from .pair import STANDBY, Pair, find_programs, running_pair

SECONDS = 4
"""Time of load before the failover, and after it."""
RECOVERY_SECONDS = 15
"""Time in which logins must go on once the standby takes writes."""


@pytest.fixture
def pair(require: Require) -> Iterator[Pair]:
    """A primary and a synchronous standby, with our tables."""
    require(find_programs(), "the programs of a PostgreSQL server are not installed")
    with running_pair() as pair:
        yield pair


@pytest.fixture
def service(pair: Pair, tmp_path: Path) -> Iterator[Service]:
    """A shop with two workers that names both servers."""
    with running_vendors() as vendors, running_service(tmp_path, pair.database_url, vendors) as service:
        yield service


async def go_on(traffic: Traffic) -> float:
    """Wait until logins succeed again; returns the seconds that it took."""
    began, before = time.monotonic(), len(traffic.tokens)
    await traffic.flow_until(lambda: len(traffic.tokens) > before, RECOVERY_SECONDS)
    return time.monotonic() - began


async def test_a_killed_primary_loses_no_acknowledged_login(pair: Pair, service: Service) -> None:
    """Each login whose session was given out is on the standby, and the service needs no restart."""
    async with flowing(service.url) as traffic:
        before = await traffic.flow(SECONDS)
        await asyncio.to_thread(pair.primary.kill)
        await traffic.flow(1)
        await asyncio.to_thread(pair.standby.promote)
        await go_on(traffic)
        traffic.failures.clear()
        after = await traffic.flow(SECONDS)
        failed_afterwards = list(traffic.failures)
    assert traffic.count_lost(pair.database_url) == 0
    assert min(before, after) > SECONDS
    assert [failure for failure in failed_afterwards if "503" not in failure and "unavailable" not in failure] == []
    check(pair.database_url)


async def test_a_planned_switch_is_followed(pair: Pair, service: Service) -> None:
    """The old primary goes on answering and takes no writes (25006): its connections are left for the new one."""
    async with flowing(service.url) as traffic:
        await traffic.flow(SECONDS)
        pair.primary.configure("default_transaction_read_only = on")
        await wait_until_replayed(pair)
        await asyncio.to_thread(pair.standby.promote)
        await go_on(traffic)
        traffic.failures.clear()
        assert await traffic.flow(SECONDS) > SECONDS
        assert traffic.failures == []
    assert traffic.count_lost(pair.database_url) == 0
    assert execute(pair.database_url, "SELECT pg_is_in_recovery() AS n") == [{"n": False}]
    check(pair.database_url)


async def wait_until_replayed(pair: Pair) -> None:
    """Wait until nobody writes any more, and the standby has all of it."""
    query = "SELECT pg_current_wal_lsn() = replay_lsn AS n FROM pg_stat_replication WHERE application_name = ?"
    async with asyncio.timeout(30):
        while execute(pair.primary.address, query, STANDBY) != [{"n": True}]:  # noqa: ASYNC110 - a server's
            await asyncio.sleep(0.1)


async def test_without_the_standby_nothing_is_acknowledged(pair: Pair, service: Service) -> None:
    """Else the tests above would prove luck: a session is given out once it is on both servers."""
    async with flowing(service.url) as traffic:
        await traffic.flow(SECONDS)
        await asyncio.to_thread(pair.standby.kill)
        await traffic.flow(1)  # what had been committed before is answered meanwhile
        assert await traffic.flow(SECONDS) == 0
        await asyncio.to_thread(pair.standby.start)
        await go_on(traffic)
    assert traffic.count_lost(pair.database_url) == 0
