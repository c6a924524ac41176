"""What the shop is asked and told of a merge, and merges of members who live in the shop's own system."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from connect_core.errors import MemberDisabled
from connect_core.harness import Visitor
from connect_core.login.values import ChoiceNeeded
from connect_core.manager import ConnectManager
from connect_core.plugin import MergeEvent, MergePlan, hookimpl

from ..conftest import MakeManager
from ..kit import web_merges as merging
from ..kit.acme import NOW, VISIT, counts, rows
from ..kit.clock import Clock
from ..kit.hook_shops import Directory
from ..kit.merges import Planner, bind, bound, confirm, fresh_code, log_in, make_shop, merge, outcome, prove, undo

__all__ = ["make_shop"]

pytestmark = pytest.mark.usefixtures("database_url")


async def test_connect_plan_merge_is_asked_for_the_preview_and_once_more_for_the_merge(make_shop: MakeManager) -> None:
    """With both numbers and the language; before the proof, for a repeated yes and for an undo nobody is asked."""
    planner = Planner()
    manager = make_shop(planner=planner)
    kept, _ = await log_in(manager, "acme", "lihua"), await log_in(manager, "beta", "lihua")
    ticket = await prove(manager, kept, "beta", "lihua")
    assert planner.requests == []
    await manager.merges.preview(ticket, kept, "zh-TW")
    for _ in range(2):
        done = await confirm(manager, kept, ticket)
    await undo(manager, kept, done.id)
    assert planner.requests == [(1, 2, "zh"), (1, 2, "en")]


async def refusal_of(manager: ConnectManager) -> str | None:
    """Why the shop refuses a merge, as the preview tells it."""
    kept, _ = await log_in(manager, "acme", "lihua"), await log_in(manager, "beta", "lihua")
    ticket = await prove(manager, kept, "beta", "lihua")
    return (await manager.merges.preview(ticket, kept, "zh")).plan.refusal


async def test_connect_plan_merge_first_answer_counts(make_shop: MakeManager) -> None:
    """A plugin that says nothing leaves it to the next; what is no plan is a refusal."""
    loud = (("loud", Planner(MergePlan(refusal="no"))),)
    assert await refusal_of(make_shop(planner=Planner(None), extra=loud)) == "no"
    nonsense = Planner()
    nonsense.plan = "yes"  # type: ignore[assignment]
    assert await refusal_of(make_shop(planner=nonsense)) == ""


def test_connect_merged_and_its_undoing_are_told_after_the_commit() -> None:
    """Once each, with both numbers, the request and a rising id."""
    planner = Planner()
    with (
        merging.planning(planner, now=lambda: NOW) as running_shop,
        Visitor(running_shop) as first,
        Visitor(running_shop) as second,
    ):
        first.log_in("wechat", "pc", "maria")
        second.log_in("alipay", "pc", "lihua")
        merging.prove(second)
        merged, undone = merging.confirm(second), merging.undo(second)
    ids = [answer.headers["x-request-id"] for answer in (merged, undone)]
    assert [MergeEvent(one.kind, 2, 1, one.request_id, NOW, one.id) for one in planner.heard] == planner.heard
    assert [(one.kind, one.request_id) for one in planner.heard] == [("merged", ids[0]), ("merge_undone", ids[1])]
    assert 0 < planner.heard[0].id < planner.heard[1].id


async def test_connect_merge_undone_names_the_merge_that_it_undoes(make_shop: MakeManager) -> None:
    """Of two merges into one member, the other number tells which."""
    planner = Planner()
    manager = make_shop(planner=planner)
    kept = await log_in(manager, "acme", "lihua")
    done = []
    for provider in ("beta", "gamma"):
        await log_in(manager, provider, "lihua")
        done.append(await merge(manager, kept, provider, "lihua"))
    await undo(manager, kept, done[0].id)
    await manager.dispatcher.drain()
    assert [(one.kind, one.merged_id) for one in planner.heard] == [("merged", 2), ("merged", 3), ("merge_undone", 2)]


# members elsewhere


class Crm(Directory):
    """A shop's own members, who are refused there once they are merged."""

    @hookimpl
    def connect_merged(self, event: MergeEvent) -> None:
        """Refuse the merged one from now on."""
        self.disabled.add(event.merged_id)

    @hookimpl
    def connect_merge_undone(self, event: MergeEvent) -> None:
        """And no longer."""
        self.disabled.discard(event.merged_id)


class AnyBody:
    """A shop's own check that takes everybody at their word."""

    @hookimpl
    def connect_check_credentials(self, credentials: Mapping[str, str]) -> int | None:
        """Answer the number that was sent."""
        return int(credentials["id"]) if "id" in credentials else None


elsewhere = pytest.mark.breaks("connection_without_member", "session_without_member")


@elsewhere
async def test_members_elsewhere_are_merged_and_undone(make_shop: MakeManager, tmp_path: Path) -> None:
    """Their logins move as others' do, the directory names both, and the shop hears whom to refuse."""
    crm = Crm()
    manager = make_shop(extra=(("crm", crm),), now=Clock(NOW))
    kept, merged = await log_in(manager, "acme", "lihua"), await log_in(manager, "beta", "lihua")
    await bind(manager, merged, "acme", "lihua-2")
    ticket = await prove(manager, kept, "beta", "lihua")
    shown = await manager.merges.preview(ticket, kept, "zh")
    assert (shown.kept.uname, shown.merged.uname, shown.merged.nickname) == ("crm-1", "crm-2", "lihua")
    done = await confirm(manager, kept, ticket)
    await manager.dispatcher.drain()
    assert crm.disabled == {merged.member_id}
    assert (await log_in(manager, "beta", "lihua")).member_id == kept.member_id
    assert (await log_in(manager, "acme", "lihua-2")).member_id not in {kept.member_id, merged.member_id}
    assert [one.name for one in await manager.merges.find_undoable(kept)] == ["lihua"]
    assert await undo(manager, kept, done.id) == ["BETA"]
    await manager.dispatcher.drain()
    assert (await log_in(manager, "beta", "lihua")).member_id == merged.member_id
    assert counts(tmp_path, "es_member", "es_member_merge") == {"es_member": 0, "es_member_merge": 0}


@elsewhere
async def test_a_merged_member_elsewhere_is_joined_by_nobody(make_shop: MakeManager, tmp_path: Path) -> None:
    """Though the shop's check proves it and its directory knows nothing of merges."""
    crm = Directory()
    manager = make_shop(extra=(("crm", crm), ("check", AnyBody())))
    kept, merged = await log_in(manager, "acme", "lihua"), await log_in(manager, "beta", "lihua")
    await merge(manager, kept, "beta", "lihua")
    manager.completion._chooses = manager.chooses = True
    login = await manager.login_with_code("gamma", "mini", fresh_code("newcomer"), VISIT)
    assert isinstance(login, ChoiceNeeded)
    ticket = manager.first_login_tickets.seal(login.pending)
    joined = await outcome(manager.finish_first_login(ticket, VISIT, {"id": str(merged.member_id)}))
    assert {member for member, _ in bound(tmp_path)} == {kept.member_id}
    assert joined == MemberDisabled.code


@elsewhere
async def test_a_directory_that_refuses_or_fails_stops_the_merge(make_shop: MakeManager, tmp_path: Path) -> None:
    """A member disabled there is not merged; a directory out of order is 503; nothing is written either way."""
    crm = Crm()
    manager = make_shop(extra=(("crm", crm),))
    kept, merged = await log_in(manager, "acme", "lihua"), await log_in(manager, "beta", "lihua")
    ticket = await prove(manager, kept, "beta", "lihua")
    crm.disabled.add(merged.member_id)
    ended = [await outcome(confirm(manager, kept, ticket))]
    crm.disabled = None  # type: ignore[assignment]
    ended.append(await outcome(confirm(manager, kept, ticket)))
    assert rows(tmp_path, "SELECT id FROM es_member_merge") == []
    assert ended == ["member_disabled", "unavailable"]
