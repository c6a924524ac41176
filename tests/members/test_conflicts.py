"""Conflicts of identity: how they are found, what an operator may decide, and what meets a decision at that moment."""

import asyncio
from collections.abc import Awaitable

import pytest

from connect_core.acts import OperatorAct
from connect_core.errors import BadRequest, ChangedMeanwhile, ConnectError, LastConnection, NotThere
from connect_core.identity import PersonId
from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.members.conflicts import Conflict
from connect_core.store import audit, bulk, event_search, events
from connect_core.store.event_search import EventFilter

from ..conftest import MakeManager
from ..kit.acme import Acme, hand_in, provider_of
from ..kit.hook_shops import Listener

ACT = OperatorAct("li", "one person, by phone", "0123456789abcdef", via="page")
UNION = PersonId.union_id("u-li")
FIRST_APP, SECOND_APP = PersonId.open_id("o-1", "acme-1"), PersonId.open_id("o-2", "acme-2")


async def log_in(manager: ConnectManager, code: str) -> int:
    """Log in for real, and return the member's id."""
    outcome = await hand_in(manager, code)
    assert isinstance(outcome, SessionOpened)
    return outcome.opened.row.member_id


@pytest.fixture
def acme() -> Acme:
    """A vendor that knew one person by two open ids, one for each app, before it sent the union id with both."""
    people = {"first": (FIRST_APP,), "second": (SECOND_APP,), "later": (UNION, FIRST_APP), "both": (UNION, SECOND_APP)}
    return Acme(people=people)


async def conflict_of(manager: ConnectManager) -> Conflict:
    """Members 1 and 2 of one person, and the login that brings their ids together: member 1 is logged in."""
    for code in ("first.1", "second.1", "later.1", "both.1"):
        await log_in(manager, code)
    [conflict], following = await manager.conflicts.find_open()
    assert following == 0
    return conflict


async def audited(manager: ConnectManager) -> list[tuple[str, str, str, str]]:
    """What the audit log says, the latest first."""
    rows = await manager.database.read(lambda tx: audit.find_records(tx, 20))
    return [(row.via, row.action, row.target, row.detail) for row in rows]


async def test_a_conflict_shows_both_members_and_their_ids(manager: ConnectManager) -> None:
    """The one who is logged in comes first; the same conflict of the next login is no second one."""
    conflict = await conflict_of(manager)
    assert (conflict.member_ids, conflict.union_type) == ((1, 2), "ACME")
    view = await manager.conflicts.show(conflict.event_id)
    assert [set(side.ids) for side in view.sides] == [{UNION, FIRST_APP}, {SECOND_APP}]
    assert view.obstacle == ""
    await log_in(manager, "both.2")
    [again], _ = await manager.conflicts.find_open()
    assert again.subject == conflict.subject
    assert again.event_id > conflict.event_id


@pytest.mark.parametrize(("receiver", "loser"), [(1, 2), (2, 1)])
async def test_one_member_gets_the_whole_identity(manager: ConnectManager, receiver: int, loser: int) -> None:
    """Each id leads to that member, sessions through either connection end, and the log names both members."""
    conflict = await conflict_of(manager)
    with pytest.raises(LastConnection):
        await manager.conflicts.give(conflict.event_id, receiver, ACT)
    assert await audited(manager) == []
    await manager.conflicts.give(conflict.event_id, receiver, ACT, force=True)
    assert await manager.administration.find_sessions(1) == await manager.administration.find_sessions(2) == []
    assert [await log_in(manager, code) for code in ("first.2", "second.2", "both.2")] == [receiver] * 3
    assert await manager.open_id_of(receiver, "ACME", "acme-1") == "o-1"
    assert await manager.open_id_of(receiver, "ACME", "acme-2") == "o-2"
    assert (await manager.administration.show(loser))["connections"] == []
    why = ACT.reason
    assert await audited(manager) == [
        ("page", "member.unbound", f"member {loser}", f"ACME to member {receiver}: {why}"),
        ("page", "member.conflict_settled", "member 1", f"member {receiver}: {why}"),
    ]
    assert await manager.conflicts.find_open() == ([], 0)


async def test_the_strongest_id_becomes_the_connections(manager: ConnectManager) -> None:
    """Member 2 was known by an open id alone: with the union id, that is what the shop reads."""
    conflict = await conflict_of(manager)
    await manager.conflicts.give(conflict.event_id, 2, ACT, force=True)
    assert [member["id"] for member in await manager.administration.find("u-li", "ACME")] == [2]
    stored = await manager.database.read(lambda tx: bulk.find_rows(tx, "es_connect"))
    assert [row["union_id"] for row in stored if row["unbound_time"] is None] == ["u-li"]


async def test_a_conflict_that_is_kept_is_not_listed_again(manager: ConnectManager) -> None:
    """Nothing is moved and nobody is logged out; it comes again with the next login, and stays decided."""
    conflict = await conflict_of(manager)
    await manager.conflicts.keep(conflict.event_id, ACT)
    assert len(await manager.administration.find_sessions(1)) == 3
    assert await log_in(manager, "both.2") == 1
    assert await manager.conflicts.find_open() == ([], 0)
    assert await audited(manager) == [("page", "member.conflict_kept", "member 1", f"ACME, members 2: {ACT.reason}")]


async def test_two_accounts_of_a_vendor_are_never_joined(make_manager: MakeManager) -> None:
    """An id that contradicts another is the obstacle: whose identity it is cannot be told from here."""
    acme = Acme(people={"mixed": (PersonId.union_id("u-lihua"), PersonId.open_id("o-wang", "acme-1"))})
    manager = make_manager(provider=provider_of(acme))
    for code in ("lihua.1", "wang.1", "mixed.1"):
        await log_in(manager, code)
    [conflict], _ = await manager.conflicts.find_open()
    view = await manager.conflicts.show(conflict.event_id)
    assert "two accounts" in view.obstacle
    for member_id in (1, 2, 3):
        with pytest.raises(BadRequest, match="two accounts"):
            await manager.conflicts.give(conflict.event_id, member_id, ACT, force=True)
    assert [await log_in(manager, code) for code in ("lihua.2", "wang.2")] == [1, 2]
    assert await audited(manager) == []


async def test_a_contradiction_of_one_member_can_only_be_kept(make_manager: MakeManager) -> None:
    """The vendor sends another open id for the same app: no second member has anything to give."""
    acme = Acme(people={"moved": (PersonId.union_id("u-lihua"), PersonId.open_id("o-new", "acme-1"))})
    manager = make_manager(provider=provider_of(acme))
    for code in ("lihua.1", "moved.1"):
        await log_in(manager, code)
    [conflict], _ = await manager.conflicts.find_open()
    assert conflict.member_ids == (1,)
    with pytest.raises(BadRequest, match="no other member"):
        await manager.conflicts.give(conflict.event_id, 1, ACT)
    await manager.conflicts.keep(conflict.event_id, ACT)
    assert await manager.conflicts.find_open() == ([], 0)


async def test_what_is_no_conflict_is_not_there(manager: ConnectManager) -> None:
    """Another kind of event, a number that no event has, a stranger, and one that is resolved."""
    conflict = await conflict_of(manager)
    for event_id in (1, 10**6, 2**70):
        with pytest.raises(NotThere):
            await manager.conflicts.show(event_id)
    with pytest.raises(BadRequest, match="none of those"):
        await manager.conflicts.give(conflict.event_id, 9, ACT, force=True)
    await manager.conflicts.keep(conflict.event_id, ACT)
    with pytest.raises(NotThere, match="resolved"):
        await manager.conflicts.show(conflict.event_id)


async def test_a_view_that_is_out_of_date_decides_nothing(manager: ConnectManager) -> None:
    """What was shown has changed: the operator is told, and looks again."""
    conflict = await conflict_of(manager)
    shown = await manager.conflicts.show(conflict.event_id)
    acme_3 = PersonId.open_id("o-3", "acme-3")
    await manager.database.write(
        lambda tx: tx.cursor.execute(
            "INSERT INTO es_connect_alias (connect_id, union_type, kind, scope, value)"
            f" VALUES (2, 'ACME', 'open_id', 'acme-3', '{acme_3.value}')"
        )
    )
    with pytest.raises(ChangedMeanwhile):
        await manager.conflicts.give(conflict.event_id, 1, ACT, force=True, version=shown.version)
    fresh = await manager.conflicts.show(conflict.event_id)
    await manager.conflicts.give(conflict.event_id, 1, ACT, force=True, version=fresh.version)


async def outcome(doing: Awaitable[object]) -> str:
    """`ok`, or the code of what it raised."""
    try:
        await doing
    except ConnectError as error:
        return error.code
    return "ok"


async def test_of_two_operators_one_decides(manager: ConnectManager) -> None:
    """The other is told that it was decided meanwhile; there is one decision in the log."""
    conflict = await conflict_of(manager)
    decisions = await asyncio.gather(
        outcome(manager.conflicts.give(conflict.event_id, 1, ACT, force=True)),
        outcome(manager.conflicts.give(conflict.event_id, 2, ACT, force=True)),
        outcome(manager.conflicts.keep(conflict.event_id, ACT)),
    )
    assert sorted(decisions) == ["changed_meanwhile", "changed_meanwhile", "ok"]
    decided = [action for _, action, *_ in await audited(manager) if "conflict" in action]
    assert len(decided) == 1


async def test_logins_that_meet_a_decision_find_one_member(manager: ConnectManager) -> None:
    """They come before it or after it: nobody is registered anew, and afterwards every id leads to member 1."""
    conflict = await conflict_of(manager)
    logins = [log_in(manager, f"{person}.{turn}") for turn in range(5, 9) for person in ("first", "second", "both")]
    decision = manager.conflicts.give(conflict.event_id, 1, ACT, force=True)
    results = await asyncio.gather(*logins[:6], decision, *logins[6:])
    assert {result for result in results if result is not None} <= {1, 2}
    assert [await log_in(manager, code) for code in ("first.9", "second.9", "both.9")] == [1, 1, 1]


async def test_an_erasure_ends_a_conflict(manager: ConnectManager) -> None:
    """Without one of the two there is nothing left to decide."""
    conflict = await conflict_of(manager)
    await manager.personal_data.erase(2, "r")
    assert await manager.conflicts.find_open() == ([], 0)
    with pytest.raises(ChangedMeanwhile):
        await manager.conflicts.give(conflict.event_id, 1, ACT, force=True)


async def test_plugins_hear_that_the_other_lost_it(make_manager: MakeManager, acme: Acme) -> None:
    """`connect_unbound` is called for the member whose connection ended."""
    listener = Listener()
    manager = make_manager(provider=provider_of(acme), extra=[("listener", listener)])
    conflict = await conflict_of(manager)
    await manager.conflicts.give(conflict.event_id, 1, ACT, force=True)
    await manager.dispatcher.drain()
    assert [getattr(event, "member_id", 0) for name, event in listener.heard if name == "unbound"] == [2]


async def test_events_are_searched_page_by_page(manager: ConnectManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """By kind, by member, by both: each event once, the latest first, also where a page's window holds no match."""
    await conflict_of(manager)
    everything = [row["kind"] for row in await manager.database.read(lambda tx: events.find_latest(tx, 1, 50))]
    monkeypatch.setattr(event_search, "WINDOW", 3)
    for wanted in (EventFilter(), EventFilter("bound"), EventFilter(member_id=1), EventFilter("logged_in", 1)):
        matches, before = await manager.database.read(lambda tx, w=wanted: event_search.find_recent(tx, w, 2))
        while before:
            find = lambda tx, w=wanted, b=before: event_search.find_recent(tx, w, 2, b)  # noqa: E731
            more, before = await manager.database.read(find)
            matches += more
        ids = [row["id"] for row in matches]
        assert ids == sorted(set(ids), reverse=True)
        if wanted == EventFilter(member_id=1):
            assert [row["kind"] for row in matches] == everything
        if wanted == EventFilter("bound"):
            assert {row["member_id"] for row in matches} == {1, 2}
