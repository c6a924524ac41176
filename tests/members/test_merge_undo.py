"""A merge is undone: everything is as it was, but for what the members and the shop have decided since."""

from pathlib import Path

import pytest

from connect_core.crypto import hash_password
from connect_core.errors import (
    LastConnection,
    Unsupported,
)
from connect_core.manager import ConnectManager

from ..conftest import MakeManager
from ..kit.acme import NOW, rows
from ..kit.clock import Clock
from ..kit.merges import (
    WEEK,
    bind,
    bound,
    confirm,
    everybody,
    log_in,
    make_shop,
    manager,
    merge,
    outcome,
    prove,
    two_members,
    undo,
)

__all__ = ["make_shop", "manager"]

pytestmark = pytest.mark.usefixtures("database_url")


async def test_undoing_puts_everything_back(make_shop: MakeManager, tmp_path: Path) -> None:
    """Members, connections and ids are row for row as they were, and the sessions through what went back are over."""
    clock = Clock(NOW)
    manager = make_shop(now=clock)
    kept, _ = await two_members(manager)
    before = everybody(tmp_path)
    done = await merge(manager, kept, "beta", "lihua")
    assert everybody(tmp_path) != before
    assert [one.undo_until for one in await manager.merges.find_undoable(kept)] == [NOW + WEEK]
    clock.advance(WEEK - 1)
    through = await log_in(manager, "beta", "lihua")
    assert through.member_id == 1
    rows(tmp_path, "UPDATE es_member SET login_count = 1, last_login = ?", NOW)
    fresh = await log_in(manager, "acme", "lihua")
    rows(tmp_path, "UPDATE es_member SET login_count = 1, last_login = ?", NOW)
    assert await undo(manager, fresh, done.id) == ["BETA", "ACME"]
    assert everybody(tmp_path) == before
    assert await manager.merges.find_undoable(fresh) == []
    live = rows(tmp_path, "SELECT family FROM es_member_session WHERE revoked_time IS NULL")
    assert through.family not in {row["family"] for row in live}
    assert (await log_in(manager, "beta", "lihua")).member_id == 2


async def test_the_window_ends(make_shop: MakeManager, tmp_path: Path) -> None:
    """After it the merge is for good, and the sweep keeps who was merged into whom and nothing else."""
    clock = Clock(NOW)
    manager = make_shop(now=clock)
    kept, _ = await two_members(manager)
    done = await merge(manager, kept, "beta", "lihua")
    clock.advance(WEEK)
    assert await manager.merges.find_undoable(kept) == []
    fresh = await log_in(manager, "acme", "lihua")
    with pytest.raises(Unsupported):
        await undo(manager, fresh, done.id)
    clock.advance(1)
    await manager.sweep()
    [row] = rows(tmp_path, "SELECT * FROM es_member_merge")
    assert (row["kept_id"], row["merged_id"]) == (1, 2)
    assert (row["undo_until"], row["moved"], row["ended"]) == (None, None, None)
    assert await manager.sweep() == 0


async def test_the_sweep_goes_in_small_steps(make_shop: MakeManager, tmp_path: Path) -> None:
    """It takes so many merges at a time, the oldest first."""
    manager = make_shop(now=Clock(NOW))
    for number in range(5):
        rows(
            tmp_path,
            "INSERT INTO es_member_merge (kept_id, merged_id, create_time, undo_until, moved, ended)"
            " VALUES (1, ?, ?, ?, '[]', '[]')",
            *(100 + number, NOW - 100, NOW - 50 + number),
        )
    first = await manager.sweep(2)
    left = rows(tmp_path, "SELECT merged_id FROM es_member_merge WHERE undo_until IS NOT NULL ORDER BY id")
    assert [row["merged_id"] for row in left] == [102, 103, 104]
    assert [first, await manager.sweep(2), await manager.sweep(2), await manager.sweep(2)] == [2, 2, 1, 0]


async def test_a_shop_without_a_window_merges_for_good(make_shop: MakeManager, tmp_path: Path) -> None:
    """With `merge_undo_within = 0` nothing is kept for an undo, and the preview says so."""
    manager = make_shop(service={"merge_undo_within": 0})
    kept, _ = await two_members(manager)
    ticket = await prove(manager, kept, "beta", "lihua")
    assert (await manager.merges.preview(ticket, kept, "zh")).undo_until == 0
    done = await confirm(manager, kept, ticket)
    assert await manager.merges.find_undoable(kept) == []
    with pytest.raises(Unsupported):
        await undo(manager, kept, done.id)
    assert rows(tmp_path, "SELECT undo_until, moved FROM es_member_merge") == [{"undo_until": None, "moved": None}]


async def test_members_undo_their_own_merges_alone(manager: ConnectManager, tmp_path: Path) -> None:
    """Another's, one that never was, and one undone already are 404; nothing changes."""
    kept, _ = await two_members(manager)
    stranger = await log_in(manager, "gamma", "stranger")
    done = await merge(manager, kept, "beta", "lihua")
    before = everybody(tmp_path)
    for session, merge_id in ((stranger, done.id), (kept, done.id + 1), (kept, 0)):
        with pytest.raises(Unsupported):
            await undo(manager, session, merge_id)
    assert everybody(tmp_path) == before
    await undo(manager, kept, done.id)
    with pytest.raises(Unsupported):
        await undo(manager, kept, done.id)


# what happened in between


async def test_what_was_unbound_meanwhile_stays_unbound(manager: ConnectManager, tmp_path: Path) -> None:
    """The member decided so; the rest goes back."""
    kept, merged = await two_members(manager)
    await bind(manager, merged, "gamma", "lihua")
    done = await merge(manager, kept, "beta", "lihua")
    await manager.self_service.unbind(kept, "BETA", "r")
    assert await undo(manager, kept, done.id) == ["ACME", "GAMMA"]
    assert bound(tmp_path) == [(1, "ACME"), (2, "ACME"), (2, "GAMMA")]


async def test_what_somebody_has_bound_meanwhile_stays_theirs(manager: ConnectManager, tmp_path: Path) -> None:
    """An identity that had ended is a new member's by now; one that was unbound and bound anew is the kept one's."""
    kept, merged = await two_members(manager)
    await bind(manager, merged, "gamma", "lihua")
    done = await merge(manager, kept, "beta", "lihua")
    newcomer = await log_in(manager, "acme", "lihua-2")
    assert newcomer.member_id == 3
    await manager.self_service.unbind(kept, "BETA", "r")
    await bind(manager, kept, "beta", "lihua")
    assert await undo(manager, kept, done.id) == ["GAMMA"]
    assert bound(tmp_path) == [(1, "ACME"), (1, "BETA"), (2, "GAMMA"), (3, "ACME")]
    assert (await log_in(manager, "acme", "lihua-2")).member_id == 3


async def test_an_undo_leaves_nobody_without_a_way_in(manager: ConnectManager, tmp_path: Path) -> None:
    """Neither the kept member, whose own connection was unbound meanwhile, nor the other, whose are all gone."""
    kept = await log_in(manager, "acme", "lihua")
    await log_in(manager, "beta", "lihua")
    done = await merge(manager, kept, "beta", "lihua")
    await manager.self_service.unbind(kept, "ACME", "r")
    before = everybody(tmp_path)
    with pytest.raises(LastConnection):
        await undo(manager, kept, done.id)
    assert everybody(tmp_path) == before
    await bind(manager, kept, "acme", "lihua")
    await manager.self_service.unbind(kept, "BETA", "r")
    with pytest.raises(LastConnection):
        await undo(manager, kept, done.id)


async def test_a_password_is_a_way_in_too(make_shop: MakeManager, tmp_path: Path) -> None:
    """Where passwords are ours, a member who has one may be left without a connection."""
    manager = make_shop(service={"first_login": "choose"})
    manager.completion._chooses = False  # newcomers are registered unasked, to be brief
    kept, _ = await two_members(manager)
    done = await merge(manager, kept, "beta", "lihua")
    await manager.self_service.unbind(kept, "ACME", "r")
    rows(tmp_path, "UPDATE es_member SET password_hash = ? WHERE id = 1", hash_password("correct horse"))
    assert await undo(manager, kept, done.id) == ["BETA", "ACME"]
    assert bound(tmp_path) == [(2, "ACME"), (2, "BETA")]


async def test_a_member_whom_the_shop_disabled_meanwhile_stays_disabled(
    manager: ConnectManager, tmp_path: Path
) -> None:
    """The undo gives the connections back; what the shop decided stands."""
    kept, _ = await two_members(manager)
    done = await merge(manager, kept, "beta", "lihua")
    rows(tmp_path, "UPDATE es_member SET disabled = 1 WHERE id = 2")
    await undo(manager, kept, done.id)
    assert await outcome(log_in(manager, "beta", "lihua")) == "member_disabled"


async def test_merges_are_undone_in_a_chain(make_shop: MakeManager, tmp_path: Path) -> None:
    """Three into two into one, and back, the last merge first: row for row as it was."""
    manager = make_shop(now=Clock(NOW))
    first, second = await log_in(manager, "acme", "lihua"), await log_in(manager, "beta", "lihua")
    await log_in(manager, "gamma", "lihua")
    before = everybody(tmp_path)
    inner = await merge(manager, second, "gamma", "lihua")
    outer = await merge(manager, first, "beta", "lihua")
    assert bound(tmp_path) == [(1, "ACME"), (1, "BETA"), (1, "GAMMA")]
    with pytest.raises(Unsupported):
        await undo(manager, first, inner.id)
    assert await undo(manager, first, outer.id) == ["BETA", "GAMMA"]
    again = await log_in(manager, "beta", "lihua")
    assert await undo(manager, again, inner.id) == ["GAMMA"]
    rows(tmp_path, "UPDATE es_member SET login_count = 1")
    assert everybody(tmp_path) == before
