"""What is kept long enough is deleted, in small steps, and nothing that somebody still waits for."""

from pathlib import Path

import pytest

from connect_core.acts import OperatorAct
from connect_core.manager import ConnectManager
from connect_core.runtime_settings import RequestedChange
from connect_core.store import erasure
from connect_core.store.events import OLDEST_EVENTS

from ..conftest import MakeManager
from ..kit.acme import NOW, hand_in, rows
from ..kit.clock import Clock
from ..kit.merges import make_shop, merge, two_members

__all__ = ["make_shop"]
DAY = 24 * 3600
KEEP = 30 * DAY
EVENT = (
    "INSERT INTO es_connect_event (kind, member_id, connect_id, provider, client_type, union_type, subject_hash,"
    " request_id, create_time, detail, dispatched_at)"
    " VALUES ('logged_in', 1, 1, 'acme', 'pc', 'ACME', '', 'r', {}, '', {})"
)
DELIVERY = (
    "INSERT INTO es_webhook_delivery (endpoint, event_id, member_id, state, retry_time, create_time, end_time)"
    " VALUES ('gone', {}, 1, '{}', {}, {}, {})"
)
pytestmark = pytest.mark.usefixtures("database_url")


def keeping(make_manager: MakeManager, clock: Clock, **events: object) -> ConnectManager:
    """A shop that keeps events for 30 days."""
    return make_manager(now=clock, events={"keep": KEEP, **events})


async def test_old_events_are_deleted_and_awaited_ones_stay(make_manager: MakeManager, tmp_path: Path) -> None:
    """An event stays that a plugin has not taken or an endpoint waits for; ended deliveries go with their event."""
    manager = keeping(make_manager, Clock(NOW))
    old, young = NOW - KEEP - 1, NOW - KEEP + 60
    for time_, dispatched in ((old, old), (old, "NULL"), (old, old), (old, old), (young, young)):
        rows(tmp_path, EVENT.format(time_, dispatched))
    rows(tmp_path, DELIVERY.format(3, "pending", NOW, old, "NULL"))
    rows(tmp_path, DELIVERY.format(4, "dead", old, old, NOW - 1))
    assert await manager.sweep() == 2
    assert [row["id"] for row in rows(tmp_path, "SELECT id FROM es_connect_event ORDER BY id")] == [2, 3, 5]
    assert [row["event_id"] for row in rows(tmp_path, "SELECT event_id FROM es_webhook_delivery")] == [3]
    assert await manager.sweep() == 0


async def test_a_step_deletes_no_more_than_it_may(make_manager: MakeManager, tmp_path: Path) -> None:
    """The oldest first, however many there are; and it looks at no more than the oldest."""
    manager = keeping(make_manager, Clock(NOW))
    old = NOW - KEEP - 1
    for _ in range(30):
        rows(tmp_path, EVENT.format(old, old))
    assert await manager.retention.delete_old(20) == 20
    assert rows(tmp_path, "SELECT min(id) AS first FROM es_connect_event") == [{"first": 21}]
    assert await manager.retention.delete_old(20) == 10
    assert OLDEST_EVENTS >= 200


async def test_deliveries_go_by_their_state(make_manager: MakeManager, tmp_path: Path) -> None:
    """Delivered ones after a week, dead ones like events; what waits for an endpoint that is gone dies after 3 days."""
    manager = keeping(make_manager, Clock(NOW))
    cases = [
        ("delivered", NOW - 8 * DAY, NOW - 8 * DAY),
        ("delivered", NOW - 6 * DAY, NOW - 6 * DAY),
        ("dead", NOW - 40 * DAY, NOW - 31 * DAY),
        ("dead", NOW - 40 * DAY, NOW - 29 * DAY),
        ("pending", NOW - 4 * DAY, "NULL"),
        ("pending", NOW - 2 * DAY, "NULL"),
    ]
    for place, (state, time_, end) in enumerate(cases):
        rows(tmp_path, DELIVERY.format(place, state, time_, time_, end))
    await manager.sweep()
    left = rows(tmp_path, "SELECT event_id, state, last_error FROM es_webhook_delivery ORDER BY event_id")
    assert [(row["event_id"], row["state"]) for row in left] == [
        (1, "delivered"),
        (3, "dead"),
        (4, "dead"),
        (5, "pending"),
    ]
    assert left[2]["last_error"] == "not_sent"


async def end_connection(manager: ConnectManager, folder: Path, clock: Clock, person: str, age: int) -> int:
    """Log somebody in, and end the connection so long ago; returns the member's id."""
    await hand_in(manager, f"{person}.1")
    connection = rows(folder, "SELECT id, member_id FROM es_connect ORDER BY id DESC")[0]
    ended = int(clock()) - age
    rows(folder, "UPDATE es_connect SET unbound_time = ? WHERE id = ?", ended, connection["id"])
    rows(folder, "UPDATE es_connect_alias SET unbound_time = ? WHERE connect_id = ?", ended, connection["id"])
    return int(connection["member_id"])


def union_ids(folder: Path) -> list[str]:
    """The ids of all connections."""
    return [row["union_id"] for row in rows(folder, "SELECT union_id FROM es_connect ORDER BY id")]


async def test_connections_that_ended_long_ago_are_deleted(make_manager: MakeManager, tmp_path: Path) -> None:
    """With their ids, where the shop says so; younger and active ones stay."""
    clock = Clock(NOW)
    manager = keeping(make_manager, clock, keep_unbound=KEEP)
    await end_connection(manager, tmp_path, clock, "old", KEEP + DAY)
    await end_connection(manager, tmp_path, clock, "young", KEEP - DAY)
    await hand_in(manager, "active.1")
    await manager.sweep()
    assert union_ids(tmp_path) == ["u-young", "u-active"]
    values = {row["value"] for row in rows(tmp_path, "SELECT value FROM es_connect_alias")}
    assert values == {f"{kind}-{person}" for kind in "uo" for person in ("young", "active")}


async def test_a_merge_that_can_be_undone_keeps_its_connections(make_shop: MakeManager, tmp_path: Path) -> None:
    """However long ago it ended them; once it cannot be undone any more they go."""
    clock = Clock(NOW)
    events, service = {"keep": KEEP, "keep_unbound": KEEP}, {"merge_undo_within": 60 * DAY}
    manager = make_shop(now=clock, events=events, service=service)
    kept, _ = await two_members(manager)
    row = await merge(manager, kept, "beta", "lihua")
    before = union_ids(tmp_path)
    assert row.ended
    clock.advance(KEEP + DAY)
    await manager.sweep()
    assert union_ids(tmp_path) == before
    clock.advance(30 * DAY)
    await manager.sweep()
    assert len(union_ids(tmp_path)) == len(before) - len(row.ended)


async def test_connections_are_kept_unless_the_shop_says_otherwise(make_manager: MakeManager, tmp_path: Path) -> None:
    """By default nothing that a person once had here is taken away."""
    clock = Clock(NOW)
    manager = keeping(make_manager, clock)
    await end_connection(manager, tmp_path, clock, "old", 3650 * DAY)
    await manager.sweep()
    assert len(rows(tmp_path, "SELECT id FROM es_connect")) == 1


async def test_where_ends_are_counted_only_the_ids_go(make_manager: MakeManager, tmp_path: Path) -> None:
    """A shop with members elsewhere counts how often an id was ended: hashes are left to count, once and for all."""
    clock = Clock(NOW)
    manager = keeping(make_manager, clock)
    await end_connection(manager, tmp_path, clock, "old", KEEP + DAY)

    async def delete() -> int:
        count, _ = await manager.database.write(
            lambda tx: erasure.delete_ended(tx, 0, 100, before=NOW - KEEP, now=NOW, keeps_count=True)
        )
        return count

    assert await delete() == 1
    hashed = rows(tmp_path, "SELECT union_id, profile FROM es_connect") + rows(
        tmp_path, "SELECT value FROM es_connect_alias ORDER BY id"
    )
    assert "old" not in str(hashed)
    assert hashed[0]["profile"] is None
    assert hashed[0]["union_id"] == hashed[1]["value"]
    assert await delete() == 0


async def test_drafts_go_after_a_month_and_history_stays(make_manager: MakeManager, tmp_path: Path) -> None:
    """Drafts and discarded ones with their values; no active revision; and the latest number is not given out again."""
    clock = Clock(NOW - 31 * DAY)
    shop = make_manager(now=clock, service={"settings": "database"})
    versions, act = shop.setting_versions, OperatorAct("li", "", "0123456789abcdef")
    assert versions is not None

    async def draft(calls: int) -> int:
        wanted = [RequestedChange("limits", "vendor_calls", calls)]
        return await versions.draft(wanted, base=await versions.find_current(), act=act)

    await versions.activate(await draft(1), act)
    await draft(2)
    await versions.discard(await draft(3), act)
    clock.set(NOW)
    young = await draft(4)
    clock.set(NOW - 31 * DAY)
    latest = await draft(5)
    clock.set(NOW)
    assert await shop.sweep() == 2
    assert [row.revision for row in await versions.find_history()] == [latest, young, 1]
    values = rows(tmp_path, "SELECT revision FROM es_connect_setting ORDER BY revision")
    assert [row["revision"] for row in values] == [1, young, latest]
    assert await shop.retention.delete_old(100) == 0
    await versions.activate(young, act)
    assert shop.settings.limits.vendor_calls == 4
