"""Members who merged and leave, or take along what is held: the two are one person."""

from pathlib import Path

import pytest

from connect_core.errors import Unsupported
from connect_core.manager import ConnectManager
from connect_core.plugin import ErasedEvent, MergeEvent, hookimpl
from connect_core.sessions import LiveSession
from connect_core.store.models import Declared

from ..conftest import MakeManager
from ..kit.acme import NOW, counts, rows
from ..kit.clock import Clock
from ..kit.hook_shops import Erasing
from ..kit.merges import WEEK, bind, bound, log_in, make_shop, manager, merge, outcome, undo

__all__ = ["make_shop", "manager"]

pytestmark = pytest.mark.usefixtures("database_url")

HOLDING = ("es_connect", "es_connect_alias", "es_member_session", "es_member_merge")


class Hearing:
    """A shop that hears who was erased."""

    def __init__(self) -> None:
        self.erased: list[int] = []
        self.merged: list[MergeEvent] = []

    @hookimpl
    def connect_erased(self, event: ErasedEvent) -> None:
        """Listen."""
        self.erased.append(event.member_id)

    @hookimpl
    def connect_merged(self, event: MergeEvent) -> None:
        """Listen."""
        self.merged.append(event)


async def merged_pair(manager: ConnectManager) -> tuple[LiveSession, int]:
    """Anna, member 1, into whom member 2 was merged, and a stranger; returns her session and the merge."""
    kept, second = await log_in(manager, "acme", "anna-one"), await log_in(manager, "beta", "anna-two")
    await bind(manager, second, "acme", "anna-three")
    await bind(manager, second, "gamma", "anna-four")
    await manager.self_service.unbind(second, "GAMMA", "r")
    await log_in(manager, "gamma", "stranger")
    return kept, (await merge(manager, kept, "beta", "anna-two")).id


def everything(folder: Path) -> str:
    """All that stands in the database, as one text."""
    return "\n".join(str(row) for table in Declared.metadata.tables for row in rows(folder, f"SELECT * FROM {table}"))


@pytest.mark.parametrize("later", [0, WEEK + 1])
async def test_whoever_leaves_takes_the_merged_member_along(make_shop: MakeManager, tmp_path: Path, later: int) -> None:
    """Within the window and after it: of both nothing is left but two empty rows; the shop hears of both."""
    clock, hearing = Clock(NOW), Hearing()
    manager = make_shop(extra=(("hearing", hearing),), now=clock)
    kept, _ = await merged_pair(manager)
    assert "anna" in everything(tmp_path)
    clock.advance(later)
    await manager.sweep()
    assert await manager.personal_data.erase(kept.member_id, "r")
    assert "anna" not in everything(tmp_path)
    members = rows(tmp_path, "SELECT uname, nickname, disabled FROM es_member WHERE id < 3 ORDER BY id")
    assert [(row["uname"][:7], row["nickname"], row["disabled"]) for row in members] == [("erased_", "", 1)] * 2
    assert bound(tmp_path) == [(3, "GAMMA")]
    assert counts(tmp_path, "es_member_merge") == {"es_member_merge": 0}
    subjects = rows(tmp_path, "SELECT subject_hash FROM es_connect_event WHERE member_id < 3")
    assert {row["subject_hash"] for row in subjects} == {""}
    assert not await manager.personal_data.erase(kept.member_id, "r")
    await manager.dispatcher.drain()
    assert sorted(hearing.erased) == [1, 2]


async def test_the_merged_member_alone_can_be_erased(manager: ConnectManager, tmp_path: Path) -> None:
    """By the operator: the merge cannot be undone any more, and what moved stays the kept member's."""
    kept, merge_id = await merged_pair(manager)
    assert await manager.personal_data.erase(2, "r")
    assert bound(tmp_path) == [(1, "ACME"), (1, "BETA"), (3, "GAMMA")]
    assert rows(tmp_path, "SELECT id FROM es_connect WHERE member_id = 2") == []
    assert await manager.merges.find_undoable(kept) == []
    with pytest.raises(Unsupported):
        await undo(manager, kept, merge_id)
    assert not await manager.personal_data.erase(2, "r")
    assert (await log_in(manager, "beta", "anna-two")).member_id == 1


async def test_a_chain_is_erased_as_a_whole(manager: ConnectManager, tmp_path: Path) -> None:
    """Who was merged into who was merged is the same person too."""
    first, second = await log_in(manager, "acme", "anna-one"), await log_in(manager, "beta", "anna-two")
    await log_in(manager, "gamma", "anna-three")
    await merge(manager, second, "gamma", "anna-three")
    await merge(manager, first, "beta", "anna-two")
    await manager.personal_data.erase(1, "r")
    assert "anna" not in everything(tmp_path)
    assert set(counts(tmp_path, *HOLDING).values()) == {0}


async def test_an_undone_merge_binds_nobody(manager: ConnectManager, tmp_path: Path) -> None:
    """After the undo they are two again: one leaves, the other stays as they are."""
    kept, merge_id = await merged_pair(manager)
    await undo(manager, kept, merge_id)
    await manager.personal_data.erase(1, "r")
    assert bound(tmp_path) == [(2, "ACME"), (2, "BETA"), (3, "GAMMA")]
    assert await outcome(log_in(manager, "beta", "anna-two")) == "ok"


async def test_the_export_tells_of_the_merge_and_of_the_merged_member(make_shop: MakeManager) -> None:
    """Who was merged into whom and until when it can be undone; the other's rows as one's own; no other member's."""
    manager = make_shop(now=Clock(NOW))
    await merged_pair(manager)
    held = await manager.personal_data.export(1)
    [told] = held["merges"]
    assert (told["kept_id"], told["merged_id"], told["undo_until"]) == (1, 2, NOW + WEEK)
    [other] = held["merged"]
    assert (other["member"]["id"], [one["union_type"] for one in other["connections"]]) == (2, ["ACME", "GAMMA"])
    assert [one["union_type"] for one in held["connections"]] == ["ACME", "BETA"]
    assert held["events"][-1]["kind"] == "merged"
    assert (await manager.personal_data.export(2))["merges"] == [told]
    assert (await manager.personal_data.export(3))["merges"] == []


@pytest.mark.breaks("connection_without_member", "session_without_member")
async def test_members_elsewhere_leave_together(make_shop: MakeManager, tmp_path: Path) -> None:
    """The directory erases both; the export shows what it tells of both."""
    directory = Erasing()
    manager = make_shop(extra=(("directory", directory),))
    kept, _ = await merged_pair(manager)
    held = await manager.personal_data.export(kept.member_id)
    assert [held["member"]["uname"], held["merged"][0]["member"]["uname"]] == ["crm-1", "crm-2"]
    await manager.personal_data.erase(kept.member_id, "r")
    assert len(directory.erased) == 2
    assert "anna" not in everything(tmp_path)
