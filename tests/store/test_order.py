"""What is listed by age is listed by time: ids do not rise with it where each node of a cluster gives out its own."""

from pathlib import Path

import pytest

from connect_core.manager import ConnectManager
from connect_core.plugin import LoginEvent, hookimpl
from connect_core.store import events

from ..conftest import MakeManager
from ..kit.acme import hand_in, rows
from ..kit.clock import Clock
from ..kit.falling_ids import turn_ids
from ..kit.merges import bind, log_in, make_shop, merge

__all__ = ["make_shop"]
pytestmark = pytest.mark.usefixtures("database_url", "sqlite_alone")
_REFERENCES = (("es_connect_alias", "connect_id"), ("es_member_session", "connect_id"))


async def make_member(make_shop: MakeManager, clock: Clock) -> tuple[ConnectManager, int]:
    """A member who was found through Gamma first and then bound Acme and Beta, a second apart."""
    manager = make_shop(now=clock)
    session = await log_in(manager, "gamma", "p")
    for provider in ("acme", "beta"):
        clock.advance(1)
        await bind(manager, session, provider, "p")
    return manager, session.member_id


async def test_connections_are_listed_in_the_order_of_binding(
    make_shop: MakeManager, clock: Clock, tmp_path: Path
) -> None:
    """On the member's page, and in an export."""
    manager, member_id = await make_member(make_shop, clock)
    turn_ids(tmp_path, "es_connect", *_REFERENCES)
    session = await log_in(manager, "gamma", "p")
    listed = await manager.self_service.find_connections(session)
    exported = await manager.personal_data.export(member_id)
    for union_types in ([row.union_type for row in listed], [row["union_type"] for row in exported["connections"]]):
        assert union_types == ["GAMMA", "ACME", "BETA"]


async def test_merges_are_listed_in_their_order(make_shop: MakeManager, clock: Clock, tmp_path: Path) -> None:
    """The oldest first."""
    manager = make_shop(now=clock)
    kept = await log_in(manager, "gamma", "kept")
    merged = [(await log_in(manager, provider, "p")).member_id for provider in ("acme", "beta")]
    for provider in ("acme", "beta"):
        clock.advance(1)
        await merge(manager, kept, provider, "p")
    turn_ids(tmp_path, "es_member_merge")
    assert [row.uid for row in await manager.merges.find_undoable(kept)] == merged
    assert [row["merged_id"] for row in (await manager.personal_data.export(kept.member_id))["merges"]] == merged


async def test_the_latest_events_are_the_last_ones(make_shop: MakeManager, clock: Clock, tmp_path: Path) -> None:
    """For an operator who looks at a member."""
    manager, member_id = await make_member(make_shop, clock)
    turn_ids(tmp_path, "es_connect_event")
    latest = await manager.database.read(lambda tx: events.find_latest(tx, member_id, 2))
    assert [(event["kind"], event["union_type"]) for event in latest] == [("bound", "BETA"), ("bound", "ACME")]


class Late:
    """A plugin that fails until the test lets it, and then keeps what it gets."""

    is_failing = True

    def __init__(self) -> None:
        self.heard: list[LoginEvent] = []

    @hookimpl
    def connect_logged_in(self, event: LoginEvent) -> None:
        if self.is_failing:
            raise RuntimeError
        self.heard.append(event)


async def test_events_are_delivered_again_in_their_order(
    make_manager: MakeManager, clock: Clock, tmp_path: Path
) -> None:
    """The oldest first; none is passed over because its id is lower than that of one that was delivered."""
    plugin = Late()
    manager = make_manager(extra=[("late", plugin)], now=clock)
    for number in range(3):
        await hand_in(manager, f"p{number}.1")
        await manager.dispatcher.drain()
        clock.advance(1)
    turn_ids(tmp_path, "es_connect_event")
    restarted = make_manager(extra=[("late", plugin)], now=clock)
    plugin.is_failing = False
    clock.advance(60)
    assert await restarted.dispatcher.redeliver() == 3
    times = [event.time for event in plugin.heard]
    assert times == sorted(times)
    assert rows(tmp_path, "SELECT id FROM es_connect_event WHERE dispatched_at IS NULL") == []
