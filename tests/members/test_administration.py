"""What an operator does to members: over real logins, with members here and in the shop's own directory."""

from collections.abc import Callable

import pytest

from connect_core.errors import BadRequest, LastConnection, Unsupported
from connect_core.manager import ConnectManager
from connect_core.members.administration import MOST_FOUND, OperatorAct
from connect_core.store import events

from ..kit.acme import Acme, hand_in, outcome_of, provider_of
from ..kit.hook_shops import Directory, Listener

ACT = OperatorAct("li", "asked by phone", "0123456789abcdef")


@pytest.fixture
async def manager(make_manager: Callable[..., ConnectManager]) -> ConnectManager:
    """A shop where 李华 (member 1) and wang (member 2) have logged in twice each."""
    made = make_manager(provider=provider_of(Acme()))
    for code in ("lihua.1", "wang.1", "lihua.2", "wang.2"):
        await hand_in(made, code)
    return made


async def kinds_of(manager: ConnectManager, member_id: int) -> list[tuple[str, str]]:
    """The kinds and details of an operator's acts."""
    latest = await manager.database.read(lambda tx: events.find_latest(tx, member_id, 20))
    return [(row["kind"], row["detail"]) for row in latest if row["detail"].startswith("operator")]


async def find_ids(manager: ConnectManager, text: str, union_type: str = "") -> list[int]:
    """The ids of those who are found."""
    return [member["id"] for member in await manager.administration.find(text, union_type)]


async def test_members_are_found_by_whatever_an_operator_knows(manager: ConnectManager) -> None:
    """Id, user name, mobile number, beginning of a nickname, or an id at a vendor; nothing else."""
    await manager.database.write(
        lambda tx: tx.cursor.execute("UPDATE es_member SET uname = 'lihua77', mobile = '13800000001' WHERE id = 1")
    )
    for text in ("1", "lihua77", "13800000001", "lih"):
        assert await find_ids(manager, text) == [1], text
    assert await find_ids(manager, "u-wang", "ACME") == await find_ids(manager, "o-wang", "ACME") == [2]
    assert await find_ids(manager, "u-wang") == [2]
    for text in ("", "3", "hua", "l%", "l_hua", "u-wan", "99999999999999999999", "²"):
        assert await find_ids(manager, text) == [], text
    assert await find_ids(manager, "u-wang", "ALIPAY") == await find_ids(manager, "u-wan", "ACME") == []


async def test_a_nickname_with_wildcards_is_taken_literally(manager: ConnectManager) -> None:
    """The signs of LIKE, and the sign that quotes them."""
    await manager.database.write(lambda tx: tx.cursor.execute("UPDATE es_member SET nickname = '100%_!' WHERE id = 2"))
    assert await find_ids(manager, "100%_!") == await find_ids(manager, "100%") == [2]
    assert await find_ids(manager, "100_") == []


async def test_a_crowd_is_cut_off(manager: ConnectManager) -> None:
    """A prefix that many have brings no more than a screenful."""
    for number in range(MOST_FOUND + 5):
        await hand_in(manager, f"crowd{number}.1")
    assert len(await find_ids(manager, "crowd")) == MOST_FOUND


async def test_a_member_is_shown_whole(manager: ConnectManager) -> None:
    """The row, ids by vendor, live logins and the latest events first; no hash and no token."""
    shown = await manager.administration.show(1)
    assert (shown["member"]["nickname"], shown["member"]["state"]) == ("lihua", "active")
    assert {person_id["value"] for person_id in shown["connections"][0]["ids"]} == {"u-lihua", "o-lihua"}
    assert len(shown["sessions"]) == 2
    assert [event["kind"] for event in shown["events"]] == ["logged_in", "logged_in", "bound", "registered"]
    assert "hash" not in str(shown)
    with pytest.raises(Unsupported, match="no such member"):
        await manager.administration.show(9)


async def test_a_disabled_member_is_out_at_once_and_comes_back(manager: ConnectManager) -> None:
    """Sessions end, the next login is refused; enabled again it works. A second time changes nothing."""
    administration = manager.administration
    assert await administration.disable(1, ACT)
    assert not await administration.disable(1, ACT)
    assert await administration.find_sessions(1) == []
    assert await outcome_of(hand_in(manager, "lihua.3")) == "member_disabled"
    assert len(await administration.find_sessions(2)) == 2
    assert [member["state"] for member in await administration.find("1")] == ["disabled"]
    assert await administration.enable(1, ACT)
    assert not await administration.enable(1, ACT)
    assert await outcome_of(hand_in(manager, "lihua.4")) == "ok"
    said = "operator li: asked by phone"
    assert await kinds_of(manager, 1) == [("enabled", said), ("disabled", said)]


async def test_who_was_merged_or_erased_stays_out(manager: ConnectManager) -> None:
    """Enabling would bring back an account without its person."""
    await manager.personal_data.erase(1, "0" * 16)
    await manager.database.write(lambda tx: tx.cursor.execute("UPDATE es_member SET disabled = 2 WHERE id = 2"))
    for member_id, state in ((1, "erased"), (2, "merged")):
        for change in (manager.administration.enable, manager.administration.disable):
            with pytest.raises(BadRequest, match=state):
                await change(member_id, ACT)
    with pytest.raises(Unsupported):
        await manager.administration.disable(9, ACT)
    assert await kinds_of(manager, 1) == await kinds_of(manager, 2) == []
    await manager.database.write(lambda tx: tx.cursor.execute("UPDATE es_member SET disabled = 0 WHERE id = 2"))


async def test_sessions_end_one_by_one_or_all(manager: ConnectManager) -> None:
    """Another member's session is none of them; ending none writes no event."""
    administration = manager.administration
    first, _ = await administration.find_sessions(1)
    [others, *_] = await administration.find_sessions(2)
    with pytest.raises(Unsupported, match="no such session"):
        await administration.end_sessions(1, others["id"], ACT)
    assert await administration.end_sessions(1, first["id"], ACT) == 1
    assert len(await administration.find_sessions(1)) == 1
    assert await administration.end_sessions(1, None, ACT) == 1
    assert await administration.end_sessions(1, None, ACT) == 0
    assert [kind for kind, _ in await kinds_of(manager, 1)] == ["sessions_ended"] * 2
    assert len(await administration.find_sessions(2)) == 2


async def test_the_last_connection_wants_force(manager: ConnectManager) -> None:
    """Without it nothing changes; with it the sessions that came through it end and plugins hear of it."""
    administration = manager.administration
    with pytest.raises(LastConnection):
        await administration.unbind(1, "ACME", ACT)
    assert len(await administration.find_sessions(1)) == 2
    await administration.unbind(1, "ACME", ACT, force=True)
    shown = await administration.show(1)
    assert shown["connections"] == shown["sessions"] == []
    assert (shown["events"][0]["kind"], shown["events"][0]["union_type"]) == ("unbound", "ACME")
    with pytest.raises(Unsupported):
        await administration.unbind(1, "ACME", ACT, force=True)


async def test_plugins_hear_who_unbound(make_manager: Callable[..., ConnectManager]) -> None:
    """The hook's event says that it was an operator."""
    listener = Listener()
    manager = make_manager(provider=provider_of(Acme()), extra=[("listener", listener)])
    await hand_in(manager, "lihua.1")
    await manager.administration.unbind(1, "ACME", ACT, force=True)
    await manager.dispatcher.aclose()
    [event] = [event for name, event in listener.heard if name == "unbound"]
    assert getattr(event, "detail", None) == "operator li: asked by phone"


@pytest.mark.breaks("session_without_member", "connection_without_member")
async def test_members_elsewhere_are_disabled_there(make_manager: Callable[..., ConnectManager]) -> None:
    """Found by id or by a vendor's id and shown from the directory; connections and sessions are here."""
    directory = Directory()
    manager = make_manager(provider=provider_of(Acme()), extra=[("directory", directory)])
    await hand_in(manager, "lihua.1")
    [member_id] = directory.members
    administration = manager.administration
    assert await find_ids(manager, str(member_id)) == await find_ids(manager, "u-lihua", "ACME") == [member_id]
    for change in (administration.disable, administration.enable):
        with pytest.raises(Unsupported, match="the shop's own directory"):
            await change(member_id, ACT)
    directory.disabled.add(member_id)
    assert (await administration.show(member_id))["member"]["state"] == "disabled"
    assert await administration.end_sessions(member_id, None, ACT) == 1
    await administration.unbind(member_id, "ACME", ACT, force=True)
    assert (await administration.show(member_id))["connections"] == []


@pytest.mark.parametrize(
    ("operator", "reason"), [("li", "x" * 161), ("x" * 65, ""), ("li", "two\nlines"), ("l\x1bi", "")]
)
def test_an_act_fits_into_a_line(operator: str, reason: str) -> None:
    """What would not fit into the column, or would move a terminal's cursor, is refused before anything is done."""
    with pytest.raises(BadRequest, match="visible characters"):
        OperatorAct(operator, reason, "")
