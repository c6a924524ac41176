"""Two members who are one person become one: what moves, what ends, who may do it, and what is told."""

from pathlib import Path

import pytest

from connect_core.errors import (
    BelongsToAnother,
    Forbidden,
    MemberDisabled,
    NothingToMerge,
    StateExpired,
    StateInvalid,
)
from connect_core.manager import ConnectManager
from connect_core.plugin import MergeEvent, MergePlan

from ..conftest import MakeManager
from ..kit.acme import NOW, counts, rows
from ..kit.clock import Clock
from ..kit.merges import (
    WEEK,
    Planner,
    bind,
    bound,
    confirm,
    everybody,
    log_in,
    make_shop,
    manager,
    merge,
    prove,
    two_members,
    undo,
)

__all__ = ["make_shop", "manager"]

pytestmark = pytest.mark.usefixtures("database_url")


# the merge


async def test_connections_move_but_for_those_of_a_vendor_that_is_taken(
    manager: ConnectManager, tmp_path: Path
) -> None:
    """Beta's becomes the kept member's, the second Acme ends, and the merged member is disabled and logged out."""
    kept, _ = await two_members(manager)
    assert bound(tmp_path) == [(1, "ACME"), (2, "ACME"), (2, "BETA")]
    done = await merge(manager, kept, "beta", "lihua")
    assert (done.kept_id, done.merged_id, len(done.moved), len(done.ended)) == (1, 2, 1, 1)
    assert bound(tmp_path) == [(1, "ACME"), (1, "BETA")]
    assert [row["disabled"] for row in rows(tmp_path, "SELECT disabled FROM es_member ORDER BY id")] == [0, 2]
    live = rows(tmp_path, "SELECT member_id FROM es_member_session WHERE revoked_time IS NULL")
    assert [row["member_id"] for row in live] == [1]
    assert (await log_in(manager, "beta", "lihua")).member_id == 1
    assert (await log_in(manager, "acme", "lihua")).member_id == 1
    assert (await log_in(manager, "acme", "lihua-2")).member_id == 3, "an identity that ended is nobody's"


async def test_a_merge_is_asked_for_from_either_side(manager: ConnectManager, tmp_path: Path) -> None:
    """Whoever is logged in stays: the other way round the second Acme stays and the first one ends."""
    _, merged = await two_members(manager)
    await merge(manager, merged, "acme", "lihua")
    assert bound(tmp_path) == [(2, "ACME"), (2, "BETA")]
    assert (await log_in(manager, "acme", "lihua-2")).member_id == 2


async def test_a_proof_takes_nothing_over(manager: ConnectManager, tmp_path: Path) -> None:
    """To prove writes nothing, and a bind of another member's identity stays refused."""
    kept, _ = await two_members(manager)
    before, sessions = everybody(tmp_path), counts(tmp_path, "es_member_session", "es_connect_event")
    with pytest.raises(BelongsToAnother):
        await bind(manager, kept, "beta", "lihua")
    await prove(manager, kept, "beta", "lihua")
    assert everybody(tmp_path) == before
    assert counts(tmp_path, *sessions) == sessions


async def test_what_leads_to_no_second_member_cannot_be_merged(manager: ConnectManager, tmp_path: Path) -> None:
    """An identity that is nobody's, and one's own."""
    kept, _ = await two_members(manager)
    for person in ("stranger", "lihua"):
        with pytest.raises(NothingToMerge):
            await prove(manager, kept, "acme", person)
    with pytest.raises(NothingToMerge):
        await manager.merges.prove(kept, kept.member_id)
    assert counts(tmp_path, "es_member") == {"es_member": 2}


async def test_the_preview_shows_what_the_merge_does(make_shop: MakeManager) -> None:
    """Both members, what each connection becomes, the shop's lines, and until when it can be undone."""
    planner = Planner()
    manager = make_shop(planner=planner, now=Clock(NOW))
    kept, _ = await two_members(manager)
    ticket = await prove(manager, kept, "beta", "lihua")
    shown = await manager.merges.preview(ticket, kept, "en")
    assert (shown.kept.id, shown.merged.id, shown.undo_until) == (1, 2, NOW + WEEK)
    assert [[one.union_type for one in part] for part in (shown.bound, shown.moved, shown.ended)] == [
        ["ACME"],
        ["BETA"],
        ["ACME"],
    ]
    assert shown.plan.moves == ["3 orders"]
    assert planner.requests == [(1, 2, "en")]
    done = await confirm(manager, kept, ticket)
    assert (done.moved, done.ended) == (
        tuple(one.connect_id for one in shown.moved),
        tuple(one.connect_id for one in shown.ended),
    )


@pytest.mark.parametrize("plan", [MergePlan(refusal="an order is under way"), MergePlan(refusal=""), None])
async def test_the_shop_may_refuse(make_shop: MakeManager, tmp_path: Path, plan: MergePlan | None) -> None:
    """The preview tells the reason, the merge is 403, and nothing is written; a shop that says nothing refuses."""
    manager = make_shop(planner=Planner(plan))
    kept, _ = await two_members(manager)
    ticket, before = await prove(manager, kept, "beta", "lihua"), everybody(tmp_path)
    assert (await manager.merges.preview(ticket, kept, "zh")).plan.refusal == (plan.refusal if plan else "")
    with pytest.raises(Forbidden):
        await confirm(manager, kept, ticket)
    assert everybody(tmp_path) == before
    assert counts(tmp_path, "es_member_merge") == {"es_member_merge": 0}


# the ticket


async def test_a_ticket_is_of_one_session_for_ten_minutes(make_shop: MakeManager, tmp_path: Path) -> None:
    """Another session of the same member has no use for it, nor has anybody who altered it; ten minutes on, nobody."""
    clock = Clock(NOW)
    manager = make_shop(now=clock)
    kept, merged = await two_members(manager)
    ticket = await prove(manager, kept, "beta", "lihua")
    again = await log_in(manager, "acme", "lihua")
    key, _, sealed = ticket.partition(".")
    for session, presented in ((again, ticket), (merged, ticket), (kept, f"{key[::-1]}.{sealed}"), (kept, "x")):
        with pytest.raises(StateInvalid):
            await confirm(manager, session, presented)
        with pytest.raises(StateInvalid):
            await manager.merges.preview(presented, session, "zh")
    clock.advance(600)
    with pytest.raises(StateExpired):
        await confirm(manager, kept, ticket)
    assert counts(tmp_path, "es_member_merge") == {"es_member_merge": 0}


async def test_a_ticket_is_used_once_and_a_repeated_yes_is_answered_the_same(
    make_shop: MakeManager, tmp_path: Path
) -> None:
    """The second tap is told the same merge and tells nobody; once undone, the old ticket does it no more."""
    planner = Planner()
    manager = make_shop(planner=planner)
    kept, _ = await two_members(manager)
    ticket = await prove(manager, kept, "beta", "lihua")
    first, second = [await confirm(manager, kept, ticket) for _ in range(2)]
    assert first == second
    assert counts(tmp_path, "es_member_merge") == {"es_member_merge": 1}
    await undo(manager, kept, first.id)
    with pytest.raises(StateInvalid):
        await confirm(manager, kept, ticket)
    await merge(manager, kept, "beta", "lihua")
    await manager.dispatcher.drain()
    assert [event.kind for event in planner.heard] == ["merged", "merge_undone", "merged"]


async def test_what_was_not_shown_is_not_merged(manager: ConnectManager) -> None:
    """A connection that came or went since the proof, on either side, wants a new proof."""
    kept, merged = await two_members(manager)
    for change in (
        bind(manager, merged, "gamma", "trojan"),
        bind(manager, kept, "gamma", "lihua"),
        manager.self_service.unbind(merged, "GAMMA", "r"),
    ):
        ticket = await prove(manager, kept, "beta", "lihua")
        await change
        for ask in (manager.merges.preview(ticket, kept, "zh"), confirm(manager, kept, ticket)):
            with pytest.raises(StateInvalid):
                await ask
    assert (await merge(manager, kept, "beta", "lihua")).kept_id == 1


async def test_a_disabled_member_is_not_merged(manager: ConnectManager, tmp_path: Path) -> None:
    """Neither side, whenever the shop has disabled it."""
    kept, _ = await two_members(manager)
    ticket = await prove(manager, kept, "beta", "lihua")
    for member_id in (1, 2):
        rows(tmp_path, "UPDATE es_member SET disabled = 1 WHERE id = ?", member_id)
        for ask in (manager.merges.preview(ticket, kept, "zh"), confirm(manager, kept, ticket)):
            with pytest.raises(MemberDisabled):
                await ask
        rows(tmp_path, "UPDATE es_member SET disabled = 0")


# told


async def test_each_merge_and_each_undo_is_an_event(make_shop: MakeManager, tmp_path: Path) -> None:
    """Of the kept member, with the number of the other; what a dead process left untold is told by the next."""
    planner = Planner()
    manager = make_shop(planner=planner, now=Clock(NOW))
    kept, _ = await two_members(manager)
    done = await merge(manager, kept, "beta", "lihua")
    await undo(manager, kept, done.id)
    await manager.dispatcher.drain()
    told = planner.heard.copy()
    assert [(one.kind, one.kept_id, one.merged_id, one.time) for one in told] == [
        ("merged", 1, 2, NOW),
        ("merge_undone", 1, 2, NOW),
    ]
    written = rows(tmp_path, "SELECT id, member_id, detail FROM es_connect_event WHERE kind LIKE 'merge%'")
    assert [tuple(row.values()) for row in written] == [(told[0].id, 1, "2"), (told[1].id, 1, "2")]
    rows(
        tmp_path,
        "UPDATE es_connect_event SET dispatched_at = NULL, create_time = ? WHERE kind = 'merged'",
        NOW - 61,
    )
    await manager.dispatcher.redeliver()
    assert planner.heard[2:] == [MergeEvent("merged", 1, 2, "r-1", NOW - 61, told[0].id)]


async def test_merges_that_nobody_plans_are_not_offered(manager: ConnectManager, make_manager: MakeManager) -> None:
    """A shop without the hook may hold what would be lost with the second account."""
    assert (manager.merges.are_offered, make_manager().merges.are_offered) == (True, False)
