"""What operators decide and what processes send, through several nodes at once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url

from connect_core.acts import OperatorAct
from connect_core.identity import PersonId
from connect_core.manager import ConnectManager
from connect_core.members.conflicts import Conflict
from connect_core.runtime_settings import RequestedChange
from connect_core.sessions import LiveSession

from ..conftest import MakeManager
from ..kit.acme import NOTE, Acme, provider_of, rows
from ..kit.galera import committing_together, meet
from ..kit.merges import bind, log_in, outcome
from ..kit.receiver import endpoint, receiving
from ..kit.senders import check_taken, send_and_be_killed

ACT = OperatorAct("li", "one person, by phone", "0123456789abcdef", via="page")
ROUNDS = 10


def people(number: int) -> dict[str, tuple[PersonId, ...]]:
    """One person with an open id in each of two apps; the union id came later, with both."""
    union = PersonId.union_id(f"u-{number}")
    first, second = PersonId.open_id(f"o-{number}", "acme-1"), PersonId.open_id(f"o-{number}", "acme-2")
    return {
        f"first{number}": (first,),
        f"second{number}": (second,),
        f"later{number}": (union, first),
        f"both{number}": (union, second),
    }


@pytest.fixture
def managers(make_shop: MakeManager, urls: list[str]) -> list[ConnectManager]:
    """Replicas of a shop, each on a node of its own; a vendor changes its ids, and settings come from the database."""
    acme = Acme(people={name: ids for number in range(ROUNDS) for name, ids in people(number).items()})
    services = [{"database_url": url, "settings": "database"} for url in urls]
    return [make_shop(provider=provider_of(acme), service=service) for service in services]


async def make_conflict(manager: ConnectManager, number: int) -> tuple[Conflict, LiveSession]:
    """Let the person be two members, and the vendor say so; returns the session of the first one too."""
    for name in ("first", "second", "later"):
        await log_in(manager, "acme", f"{name}{number}")
    session = await log_in(manager, "acme", f"both{number}")
    conflicts, _ = await manager.conflicts.find_open()
    return conflicts[0], session


async def test_of_three_decisions_on_three_nodes_one_holds(managers: list[ConnectManager], tmp_path: Path) -> None:
    """The others are told that it was decided meanwhile, and the log has one decision."""
    for number in range(ROUNDS):
        conflict, _ = await make_conflict(managers[0], number)
        first, second = conflict.member_ids
        decisions = (
            managers[0].conflicts.give(conflict.event_id, first, ACT, force=True),
            managers[1].conflicts.give(conflict.event_id, second, ACT, force=True),
            managers[2].conflicts.keep(conflict.event_id, ACT),
        )
        assert Counter(await asyncio.gather(*map(outcome, decisions))) == {"ok": 1, "changed_meanwhile": 2}
        decided = rows(tmp_path, "SELECT action FROM es_admin_audit WHERE action LIKE 'member.conflict%'")
        assert len(decided) == number + 1


Change = Callable[[ConnectManager, Conflict, LiveSession], Awaitable[object]]
CHANGES: Mapping[str, Change] = {
    "first logs in": lambda manager, *_: log_in(manager, "acme", "first0"),
    "second logs in": lambda manager, *_: log_in(manager, "acme", "second0"),
    "unbind": lambda manager, _, session: manager.administration.unbind(session.member_id, "ACME", ACT, force=True),
    "erase": lambda manager, conflict, _: manager.personal_data.erase(conflict.member_ids[1], "r"),
    "disable": lambda manager, conflict, _: manager.administration.disable(conflict.member_ids[1], ACT),
    "give": lambda manager, conflict, _: manager.conflicts.give(
        conflict.event_id, conflict.member_ids[0], ACT, force=True
    ),
}
HALF_DECIDED = """
    SELECT s.id FROM es_member_session s LEFT JOIN es_connect c ON c.id = s.connect_id AND c.unbound_time IS NULL
    WHERE c.id IS NULL AND s.connect_id <> 0 AND s.revoked_time IS NULL
    UNION ALL
    SELECT a.id FROM es_connect_alias a LEFT JOIN es_connect c ON c.id = a.connect_id AND c.unbound_time IS NULL
    WHERE c.id IS NULL AND a.unbound_time IS NULL"""
"""Sessions and ids that belong to a connection which has ended."""
WAYS_IN = "SELECT id FROM es_connect WHERE member_id = ? AND unbound_time IS NULL"


@pytest.mark.parametrize("gives_first", [True, False])
@pytest.mark.parametrize("other", [name for name in CHANGES if name != "give"])
async def test_a_decision_that_meets_a_change_on_another_node(
    managers: list[ConnectManager], tmp_path: Path, other: str, *, gives_first: bool
) -> None:
    """Each is whole: no session and no id is left that belongs to a connection which has ended."""
    conflict, session = await make_conflict(managers[0], 0)
    names = ("give", other) if gives_first else (other, "give")
    first, second = (CHANGES[name](manager, conflict, session) for name, manager in zip(names, managers, strict=False))
    place = 2 if "logs in" in names[0] else 1  # the first write of a login spends the code
    ended = await meet(managers[0], first, second, place=place)
    assert "unavailable" not in ended
    assert ended[1] == "ok"
    assert rows(tmp_path, HALF_DECIDED) == []


async def test_a_decision_that_meets_an_unbind_leaves_a_way_in(managers: list[ConnectManager], tmp_path: Path) -> None:
    """The decision takes one of two connections away while the member ends the other."""
    for number in range(ROUNDS):
        conflict, _ = await make_conflict(managers[0], number)
        await bind(managers[0], await log_in(managers[0], "acme", f"second{number}"), "beta", f"p{number}")
        loser = await log_in(managers[0], "beta", f"p{number}")
        decision = managers[0].conflicts.give(conflict.event_id, conflict.member_ids[0], ACT)
        unbind = managers[1].self_service.unbind(loser, "BETA", "r")
        with committing_together(*managers[:2]):
            ended = await asyncio.gather(outcome(decision), outcome(unbind))
        assert sorted(ended) == ["last_connection", "ok"]
        assert len(rows(tmp_path, WAYS_IN, loser.member_id)) == 1


async def test_of_three_revisions_on_three_nodes_one_becomes_active(
    managers: list[ConnectManager], tmp_path: Path
) -> None:
    """Drafts of one base, activated at once: the others are told that the settings were changed meanwhile."""
    for number in range(1, ROUNDS + 1):
        versions = [manager.setting_versions for manager in managers]
        drafts = []
        for place, each in enumerate(versions):
            assert each is not None
            change = RequestedChange("limits", "vendor_calls", 10 * number + place)
            drafts.append((each, await each.draft([change], base=await each.find_current(), act=ACT)))
        ended = await asyncio.gather(*(outcome(each.activate(draft, ACT)) for each, draft in drafts))
        assert Counter(ended) == {"ok": 1, "changed_meanwhile": 2}
        assert len(rows(tmp_path, "SELECT * FROM es_connect_setting_change WHERE state = 'active'")) == number


async def test_drafts_on_three_nodes_get_numbers_of_their_own(managers: list[ConnectManager], tmp_path: Path) -> None:
    """Each inserts the next number, which the others have taken as well."""
    for number in range(ROUNDS):
        drafting = [
            manager.setting_versions.draft([RequestedChange("limits", "vendor_calls", 10 + place)], base=0, act=ACT)
            for place, manager in enumerate(managers)
            if manager.setting_versions is not None
        ]
        assert len(set(await asyncio.gather(*drafting))) == 3
        assert len(rows(tmp_path, "SELECT * FROM es_connect_setting_change")) == 3 * (number + 1)


async def test_killed_senders_on_three_nodes_lose_nothing(
    make_shop: MakeManager, urls: list[str], tmp_path: Path
) -> None:
    """Each event is taken at least once; of each member, every one before those that came later."""
    folders = []
    for url in urls:
        folders.append(tmp_path / f"{make_url(url).port}")
        folders[-1].mkdir()
        (folders[-1] / NOTE).write_text(url, "utf-8")
    with receiving() as receiver:
        manager = make_shop(webhooks={"shop": endpoint(receiver)})
        await send_and_be_killed(manager, tmp_path, receiver, folders)
    check_taken(tmp_path, receiver)
