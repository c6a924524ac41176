"""Merges at the same moment as anything else: one effect, nobody lost, no row that breaks a rule."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from connect_core.devices import UNKNOWN_DEVICE
from connect_core.errors import MemberDisabled, NotLoggedIn
from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.members import merge_rules
from connect_core.sessions import NO_TOKENS, LiveSession

from ..conftest import MakeManager
from ..kit.acme import VISIT, rows
from ..kit.merges import (
    Planner,
    bind,
    bound,
    confirm,
    during,
    fresh_code,
    log_in,
    make_shop,
    manager,
    merge,
    merging_work,
    outcome,
    prove,
    undo,
)

__all__ = ["make_shop", "manager"]

pytestmark = pytest.mark.usefixtures("database_url")

ROUNDS = 6


async def pair(manager: ConnectManager, number: int) -> tuple[LiveSession, LiveSession]:
    """A member with Acme, and the same person with Beta and Gamma."""
    kept, merged = await log_in(manager, "acme", f"p{number}"), await log_in(manager, "beta", f"p{number}")
    await bind(manager, merged, "gamma", f"p{number}")
    return kept, merged


def merges(folder: Path) -> list[tuple[int, int]]:
    """Who is merged into whom: kept, merged."""
    found = rows(folder, "SELECT kept_id, merged_id FROM es_member_merge ORDER BY id")
    return [(row["kept_id"], row["merged_id"]) for row in found]


async def together(*doings: Awaitable[object]) -> list[str]:
    """What becomes of each, all begun at one moment."""
    return list(await asyncio.gather(*(outcome(one) for one in doings)))


# two merges


async def test_a_yes_that_is_given_by_a_crowd_is_one(make_shop: MakeManager, tmp_path: Path) -> None:
    """Sixteen taps on one button: each is told the same merge, one row, one notice."""
    planner = Planner()
    manager = make_shop(planner=planner)
    kept, _ = await pair(manager, 0)
    ticket = await prove(manager, kept, "beta", "p0")
    done = await asyncio.gather(*(confirm(manager, kept, ticket) for _ in range(16)))
    assert len(set(done)) == 1
    assert merges(tmp_path) == [(1, 2)]
    await manager.dispatcher.drain()
    assert [event.kind for event in planner.heard] == ["merged"]


async def test_of_two_members_who_merge_one_third_at_once_one_gets_it(manager: ConnectManager, tmp_path: Path) -> None:
    """The other is refused, and nothing is in two places."""
    for number in range(ROUNDS):
        first, _ = await pair(manager, number)
        second = await log_in(manager, "acme", f"other{number}")
        tickets = [await prove(manager, one, "beta", f"p{number}") for one in (first, second)]
        ended = await together(confirm(manager, first, tickets[0]), confirm(manager, second, tickets[1]))
        assert ended.count("ok") == 1
        assert set(ended) <= {"ok", "member_disabled", "state_invalid"}
    assert len(merges(tmp_path)) == ROUNDS


async def test_of_two_members_who_merge_each_other_at_once_one_stays(manager: ConnectManager, tmp_path: Path) -> None:
    """Each agrees to swallow the other at the same moment: one member is left with all connections."""
    for number in range(ROUNDS):
        first, second = await pair(manager, number)
        there, back = (
            await prove(manager, first, "beta", f"p{number}"),
            await prove(manager, second, "acme", f"p{number}"),
        )
        ended = await together(confirm(manager, first, there), confirm(manager, second, back))
        assert ended.count("ok") == 1
        assert set(ended) <= {"ok", "member_disabled", "not_logged_in", "state_invalid"}
        [left] = {member for member, _ in bound(tmp_path)} & {first.member_id, second.member_id}
        assert [kind for member, kind in bound(tmp_path) if member == left] == ["ACME", "BETA", "GAMMA"]


async def test_a_chain_that_is_merged_at_once_loses_nothing(manager: ConnectManager) -> None:
    """Into the middle and the middle away at one moment: whoever is left has what is theirs to have."""
    for number in range(ROUNDS):
        middle, _ = await pair(manager, number)
        last = await log_in(manager, "acme", f"last{number}")
        inner = await prove(manager, middle, "beta", f"p{number}")
        outer = await prove(manager, last, "acme", f"p{number}")
        ended = await together(confirm(manager, middle, inner), confirm(manager, last, outer))
        assert ended.count("ok") >= 1
        assert set(ended) <= {"ok", "member_disabled", "not_logged_in", "state_invalid"}


# a merge and something else


@dataclass(frozen=True)
class ContractRun:
    """What there is when two things happen at once: `merged` is about to be merged into `kept`, or has been."""

    manager: ConnectManager
    folder: Path
    number: int
    kept: LiveSession
    merged: LiveSession
    stranger: LiveSession

    @property
    def person(self) -> str:
        """Whose members they are."""
        return f"p{self.number}"

    def disable(self) -> Awaitable[object]:
        """Disable the merged member, as the shop does."""
        sql = "UPDATE es_member SET disabled = 1 WHERE id = ?"
        return asyncio.to_thread(rows, self.folder, sql, self.merged.member_id)

    async def refresh(self) -> None:
        """Log the merged member in, and refresh the tokens at once."""
        login = await self.manager.login_with_code("gamma", "mini", fresh_code(self.person), VISIT)
        assert isinstance(login, SessionOpened)
        await self.manager.current_member.refresh(login.opened.token)


async def set_up(manager: ConnectManager, folder: Path, number: int) -> ContractRun:
    """Two members of one person, and a stranger."""
    kept, merged = await pair(manager, number)
    return ContractRun(manager, folder, number, kept, merged, await log_in(manager, "acme", f"stranger{number}"))


OTHERS: Mapping[str, Callable[[ContractRun], Awaitable[object]]] = {
    "log_in": lambda one: log_in(one.manager, "gamma", one.person),
    "refresh": ContractRun.refresh,
    "bind_to_merged": lambda one: bind(one.manager, one.merged, "acme", f"more{one.number}"),
    "bind_to_kept": lambda one: bind(one.manager, one.kept, "gamma", f"more{one.number}"),
    "unbind_merged": lambda one: one.manager.self_service.unbind(one.merged, "GAMMA", "r"),
    "unbind_kept": lambda one: one.manager.self_service.unbind(one.kept, "GAMMA", "r"),
    "erase_merged": lambda one: one.manager.personal_data.erase(one.merged.member_id, "r"),
    "erase_kept": lambda one: one.manager.personal_data.erase(one.kept.member_id, "r"),
    "disable": ContractRun.disable,
    "end_sessions": lambda one: one.manager.self_service.end_other_sessions(one.merged),
    "take_over": lambda one: bind(one.manager, one.stranger, "gamma", one.person),
}
REFUSALS = {"member_disabled", "state_invalid", "not_logged_in", "unsupported", "already_bound", "last_connection"}


@pytest.mark.parametrize("other", OTHERS)
async def test_a_merge_and_something_else_at_once(manager: ConnectManager, tmp_path: Path, other: str) -> None:
    """Either comes first as a whole; what follows from that is all there is, and every rule holds afterwards."""
    for number in range(ROUNDS):
        contract_run = await set_up(manager, tmp_path, number)
        ticket = await prove(manager, contract_run.kept, "beta", contract_run.person)
        ended = await together(confirm(manager, contract_run.kept, ticket), OTHERS[other](contract_run))
        assert set(ended) <= {"ok", "token_invalid", *REFUSALS}
        check(tmp_path, contract_run.kept.member_id, contract_run.merged.member_id, was_merged=ended[0] == "ok")


def check(folder: Path, kept: int, merged: int, *, was_merged: bool) -> None:
    """A merged member has neither connection nor session; a merge that failed has moved nothing."""
    held = [member for member, _ in bound(folder)]
    live = rows(folder, "SELECT id FROM es_member_session WHERE member_id = ? AND revoked_time IS NULL", merged)
    if was_merged:
        assert merged not in held
        assert live == []
    else:
        assert (kept, merged) not in merges(folder)
        assert (kept, "BETA") not in bound(folder)


async def test_a_login_that_meets_a_merge_is_the_kept_members(manager: ConnectManager) -> None:
    """It found the old owner, waits for the merge, and looks again."""
    kept, _ = await pair(manager, 0)
    proof = await manager.merges.prove(kept, 2)
    assert (await during(manager, merging_work(manager, proof), log_in(manager, "gamma", "p0"))).member_id == 1


async def test_an_unbind_that_meets_a_merge_ends_nobody_elses_connection(
    manager: ConnectManager, tmp_path: Path
) -> None:
    """By the time it may go on the connection is the kept member's, and the merged one's session has ended."""
    kept, merged = await pair(manager, 0)
    proof = await manager.merges.prove(kept, 2)
    with pytest.raises(NotLoggedIn):
        await during(manager, merging_work(manager, proof), manager.self_service.unbind(merged, "GAMMA", "r"))
    assert bound(tmp_path) == [(1, "ACME"), (1, "BETA"), (1, "GAMMA")]


async def test_a_bind_that_meets_a_merge_binds_to_no_merged_member(manager: ConnectManager) -> None:
    """The session that it is for ends with the merge."""
    kept, merged = await pair(manager, 0)
    proof = await manager.merges.prove(kept, 2)
    with pytest.raises(NotLoggedIn):
        await during(manager, merging_work(manager, proof), bind(manager, merged, "acme", "more"))


async def test_two_unbinds_at_once_leave_a_way_in(manager: ConnectManager) -> None:
    """Of two connections one stays, however the two unbinds meet."""
    for number in range(ROUNDS):
        _, member = await pair(manager, number)
        unbinds = (manager.self_service.unbind(member, union_type, "r") for union_type in ("BETA", "GAMMA"))
        assert sorted(await together(*unbinds)) == ["last_connection", "ok"]


# an undo and something else


UNDO_OTHERS = ["log_in", "unbind_own", "erase_merged", "erase_kept", "register", "undo", "merge_away"]


@pytest.mark.parametrize("other", UNDO_OTHERS)
async def test_an_undo_and_something_else_at_once(make_shop: MakeManager, tmp_path: Path, other: str) -> None:
    """One undo, and the rest before or after it."""
    planner = Planner()
    manager = make_shop(planner=planner)
    for number in range(ROUNDS):
        contract_run = await set_up(manager, tmp_path, number)
        kept, second = contract_run.kept, f"second{number}"
        await bind(manager, contract_run.merged, "acme", second)
        done = await merge(manager, kept, "beta", contract_run.person)
        ticket = await prove(manager, contract_run.stranger, "beta", contract_run.person)
        doings = OTHERS | {
            "unbind_own": lambda one: one.manager.self_service.unbind(one.kept, "ACME", "r"),
            "register": lambda one: log_in(one.manager, "acme", f"second{one.number}"),
            "undo": partial(undo_of, merge_id=done.id),
            "merge_away": partial(merge_away, ticket=ticket),
        }
        ended = await together(undo(manager, kept, done.id), doings[other](contract_run))
        assert set(ended) <= {"ok", *REFUSALS}
        assert "ok" in ended
        if other == "undo":
            assert sorted(ended) == ["ok", "unsupported"]
    await manager.dispatcher.drain()
    undone = [event.merged_id for event in planner.heard if event.kind == "merge_undone"]
    assert len(undone) == len(set(undone))


def undo_of(contract_run: ContractRun, merge_id: int) -> Awaitable[object]:
    """The kept member undoes it."""
    return undo(contract_run.manager, contract_run.kept, merge_id)


def merge_away(contract_run: ContractRun, ticket: str) -> Awaitable[object]:
    """The stranger, who has proved to be the kept member as well, swallows that one."""
    return confirm(contract_run.manager, contract_run.stranger, ticket)


async def test_an_undo_that_meets_an_unbind_leaves_a_way_in(manager: ConnectManager, tmp_path: Path) -> None:
    """The kept member's own connection is being ended: nothing else may go."""
    kept, _ = await pair(manager, 0)
    done = await merge(manager, kept, "beta", "p0")

    def undo_it(tx: object) -> None:
        merge_rules.undo(tx, kept, done.id, manager.services.members, manager.services.now(), has_passwords=False)  # type: ignore[arg-type]

    assert await during(manager, undo_it, outcome(manager.self_service.unbind(kept, "ACME", "r"))) == "last_connection"
    assert bound(tmp_path) == [(1, "ACME"), (2, "BETA"), (2, "GAMMA")]


async def test_a_collected_login_that_meets_a_merge_opens_no_session_of_the_merged_member(
    manager: ConnectManager,
) -> None:
    """A phone of the merged member has approved a PC, which collects while the merge is under way."""
    kept, merged = await pair(manager, 0)
    begun = await manager.qr_logins.start(UNKNOWN_DEVICE)
    await manager.qr_logins.scan(begun.id, merged, "r")
    await manager.qr_logins.approve(begun.id, merged)
    proof = await manager.merges.prove(kept, 2)
    with pytest.raises(MemberDisabled):
        await during(manager, merging_work(manager, proof), manager.qr_logins.collect(begun.ticket, NO_TOKENS, "r"))
