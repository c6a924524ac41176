"""Two changes of one member at once, each on a node of its own: no rule breaks that either of them keeps alone.

A node sees of the other's transaction only its commit. So the first change waits, ready to be committed, until the
second one has been.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from connect_core.devices import UNKNOWN_DEVICE
from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.members.administration import OperatorAct
from connect_core.sessions import NO_TOKENS, LiveSession

from ..conftest import MakeManager
from ..kit.acme import VISIT, rows
from ..kit.galera import meet
from ..kit.hook_shops import Directory
from ..kit.merges import bind, bound, confirm, fresh_code, log_in, merge, outcome, prove, undo

ACT = OperatorAct("root", "", "r")
ROUNDS = 40


@dataclass(frozen=True)
class Meeting:
    """One person is two members: `kept` has Acme; `merged` has Beta and Gamma, and two sessions.

    `token` is the refresh token of a third one; `pc` the ticket of a PC whose QR login `merged` has approved; `ticket`
    lets `kept` swallow `merged`.
    """

    kept: LiveSession
    merged: LiveSession
    second: LiveSession
    token: str
    pc: str
    ticket: str


async def set_up(manager: ConnectManager) -> Meeting:
    """Make the two members."""
    kept, merged = await log_in(manager, "acme", "p"), await log_in(manager, "beta", "p")
    await bind(manager, merged, "gamma", "p")
    second, third = await log_in(manager, "gamma", "p"), await log_in_for_tokens(manager)
    begun = await manager.qr_logins.start(UNKNOWN_DEVICE)
    await manager.qr_logins.scan(begun.id, second, "r")
    await manager.qr_logins.approve(begun.id, second)
    ticket = await prove(manager, kept, "beta", "p")
    return Meeting(kept, merged, second, third.opened.token, begun.ticket, ticket)


async def log_in_for_tokens(manager: ConnectManager) -> SessionOpened:
    """Log in with Gamma, and return the tokens too."""
    login = await manager.login_with_code("gamma", "mini", fresh_code("p"), VISIT)
    assert isinstance(login, SessionOpened)
    return login


Change = Callable[[ConnectManager, Meeting], Awaitable[object]]
CHANGES: Mapping[str, Change] = {
    "log_in": lambda manager, _: log_in(manager, "gamma", "p"),
    "refresh": lambda manager, meeting: manager.current_member.refresh(meeting.token),
    "collect": lambda manager, meeting: manager.qr_logins.collect(meeting.pc, NO_TOKENS, "r"),
    "bind": lambda manager, meeting: bind(manager, meeting.merged, "acme", "more"),
    "unbind": lambda manager, meeting: manager.self_service.unbind(meeting.merged, "GAMMA", "r"),
    "unbind_other": lambda manager, meeting: manager.self_service.unbind(meeting.merged, "BETA", "r"),
    "operator_unbinds": lambda manager, meeting: manager.administration.unbind(meeting.merged.member_id, "GAMMA", ACT),
    "disable": lambda manager, meeting: manager.administration.disable(meeting.merged.member_id, ACT),
    "log_out": lambda manager, meeting: manager.current_member.logout(meeting.token),
    "end_others": lambda manager, meeting: manager.self_service.end_other_sessions(meeting.merged),
    "end_second": lambda manager, meeting: manager.self_service.end_session(meeting.merged, meeting.second.family),
    "merge": lambda manager, meeting: confirm(manager, meeting.kept, meeting.ticket),
    "erase": lambda manager, meeting: manager.personal_data.erase(meeting.merged.member_id, "r"),
}
GUARDED = {
    "log_in": ("unbind", "operator_unbinds", "disable", "merge", "erase"),
    "refresh": ("log_out", "end_others", "unbind", "disable", "merge", "erase"),
    "collect": ("end_second", "end_others", "unbind", "disable", "merge", "erase"),
    "bind": ("disable", "merge", "erase"),
    "unbind": ("unbind_other", "merge", "erase"),
    "merge": ("unbind", "unbind_other", "disable", "erase"),
    "disable": ("erase",),
}
GUARDED_BY_CONNECTIONS = {"log_in": ("unbind", "erase"), "bind": ("merge", "erase")}
BROKEN = {
    "a live session of a member who is disabled": """
        SELECT s.id FROM es_member_session s JOIN es_member m ON m.id = s.member_id
        WHERE m.disabled <> 0 AND s.revoked_time IS NULL""",
    "a live session through a connection that has ended": """
        SELECT s.id FROM es_member_session s LEFT JOIN es_connect c ON c.id = s.connect_id AND c.unbound_time IS NULL
        WHERE c.id IS NULL AND s.connect_id <> 0 AND s.revoked_time IS NULL AND s.family NOT IN ({own})""",
    "a login that is half ended": """
        SELECT family FROM es_member_session GROUP BY family
        HAVING COUNT(revoked_time) NOT IN (0, COUNT(*))""",
    "an active connection of a member who was merged or erased": """
        SELECT c.id FROM es_connect c JOIN es_member m ON m.id = c.member_id
        WHERE c.unbound_time IS NULL AND (m.disabled = 2 OR m.uname LIKE 'erased%')""",
    "a member without a way in": """
        SELECT m.id FROM es_member m WHERE m.disabled = 0
        AND NOT EXISTS (SELECT 1 FROM es_connect c WHERE c.member_id = m.id AND c.unbound_time IS NULL)""",
}


def get_pairs(guarded: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return each pair in both orders."""
    pairs = [(name, other) for name, others in guarded.items() for other in others]
    return pairs + [(other, name) for name, other in pairs]


def find_broken(folder: Path, meeting: Meeting) -> list[str]:
    """Return the rules that rows break; the session that did the unbinding itself may stay."""
    own = f"'{meeting.kept.family}', '{meeting.merged.family}'"
    return [rule for rule, query in BROKEN.items() if rows(folder, query.format(own=own))]


async def check_pair(managers: list[ConnectManager], folder: Path, name: str, other: str) -> None:
    """Have the change `other` committed on one node while `name` waits on another, and look at what is left."""
    meeting = await set_up(managers[0])
    place = 2 if name in ("log_in", "bind") else 1  # the first write spends the code
    change = CHANGES[name](managers[0], meeting)
    ended = await meet(managers[0], change, CHANGES[other](managers[1], meeting), place=place)
    assert "unavailable" not in ended
    assert ended[1] == "ok"
    assert find_broken(folder, meeting) == []
    is_gone = any(
        change in ("merge", "erase") and end == "ok" for change, end in zip((name, other), ended, strict=True)
    )
    assert not (is_gone and meeting.merged.member_id in dict(bound(folder)))


@pytest.mark.parametrize(("name", "other"), get_pairs(GUARDED))
async def test_of_two_changes_one_comes_first(
    managers: list[ConnectManager], tmp_path: Path, name: str, other: str
) -> None:
    """Whatever was ready to be committed on another node, what is left looks as if one had waited for the other."""
    await check_pair(managers, tmp_path, name, other)


@pytest.mark.breaks("connection_without_member", "session_without_member")
@pytest.mark.parametrize(("name", "other"), get_pairs(GUARDED_BY_CONNECTIONS))
async def test_members_who_live_elsewhere_have_nothing_to_be_locked_but_connections(
    make_shop: MakeManager, urls: list[str], tmp_path: Path, name: str, other: str
) -> None:
    """The rules hold without a row in `es_member`."""
    extra = (("directory", Directory()),)
    managers = [make_shop(service={"database_url": url}, extra=extra) for url in urls]
    await check_pair(managers, tmp_path, name, other)


async def test_an_undo_that_meets_an_unbind_leaves_a_way_in(managers: list[ConnectManager], tmp_path: Path) -> None:
    """The undo would take away all but the connection that is being ended."""
    meeting = await set_up(managers[0])
    done = await merge(managers[0], meeting.kept, "beta", "p")
    unbind = managers[1].self_service.unbind(meeting.kept, "ACME", "r")
    ended = await meet(managers[0], undo(managers[0], meeting.kept, done.id), unbind, place=1)
    assert ended == ["last_connection", "ok"]
    assert find_broken(tmp_path, meeting) == []


async def test_two_unbinds_at_once_leave_a_way_in(managers: list[ConnectManager], tmp_path: Path) -> None:
    """Of two connections one stays, however the two unbinds meet."""
    for number in range(ROUNDS):
        member = await log_in(managers[0], "beta", f"p{number}")
        await bind(managers[0], member, "gamma", f"p{number}")
        unbinds = [
            manager.self_service.unbind(member, union_type, "r")
            for manager, union_type in zip(managers[:2], ("BETA", "GAMMA"), strict=True)
        ]
        assert sorted(await asyncio.gather(*map(outcome, unbinds))) == ["last_connection", "ok"]
    assert len(bound(tmp_path)) == ROUNDS
