"""`preview_login` says what a login would come to: by the login's own code, and without writing anything."""

from collections.abc import Mapping, Sequence

import pytest

from connect_core.identity import ClientType, Identity, PersonId, Profile
from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.members.administration import OperatorAct
from connect_core.members.preview import LoginPreview, preview_login
from connect_core.plugin import hookimpl
from connect_core.store import bulk

from ..conftest import MakeManager
from ..kit.acme import Acme, hand_in

TABLES = ("es_member", "es_connect", "es_connect_alias", "es_member_session", "es_connect_event")
ACT = OperatorAct("tester", "a test", "0123456789abcdef")
UNION, OPEN = PersonId.union_id("u-lihua"), PersonId.open_id("o-lihua", "acme-1")


async def log_in(manager: ConnectManager, code: str) -> int:
    """Log in for real, and return the member's id."""
    outcome = await hand_in(manager, code)
    assert isinstance(outcome, SessionOpened)
    return outcome.opened.row.member_id


async def preview(manager: ConnectManager, *ids: PersonId) -> LoginPreview:
    """What a login would come to; nothing may be written by asking."""

    async def read() -> Sequence[object]:
        return [await manager.database.read(lambda tx, name=name: bulk.find_rows(tx, name)) for name in TABLES]

    before = await read()
    answer = await preview_login(manager.services, Identity("ACME", ids, "acme-1"), ClientType.PC)
    assert await read() == before
    return answer


async def test_a_known_person_is_the_member_of_a_login(manager: ConnectManager) -> None:
    """The id that decides is the strongest; each id alone leads to the same member."""
    member_id = await log_in(manager, "lihua.1")
    both = await preview(manager, UNION, OPEN)
    assert both.resolved is not None
    assert (both.resolved.member.id, both.resolved.has_conflict, both.refusal) == (member_id, False, "")
    assert [person.via for person in both.people] == [UNION, OPEN]
    alone = await preview(manager, OPEN)
    assert alone.resolved is not None
    assert alone.resolved.member.id == member_id
    assert await log_in(manager, "lihua.2") == member_id


async def test_ids_of_two_members_are_a_conflict(manager: ConnectManager, acme: Acme) -> None:
    """The strongest decides, as in the login that follows."""
    first = await log_in(manager, "lihua.1")
    acme.people["other"] = (PersonId.union_id("u-other"), PersonId.open_id("o-other", "acme-1"))
    second = await log_in(manager, "other.1")
    answer = await preview(manager, UNION, PersonId.open_id("o-other", "acme-1"))
    assert answer.resolved is not None
    assert (answer.resolved.member.id, answer.resolved.has_conflict) == (first, True)
    assert [person.member_id for person in answer.people] == [first, second]


async def test_somebody_new_is_not_registered(manager: ConnectManager) -> None:
    """Nobody is known, nobody is refused, and asking registers nobody."""
    answer = await preview(manager, PersonId.union_id("u-nobody"))
    assert (answer.people, answer.resolved, answer.refusal, answer.times_ended) == ([], None, "", 0)


async def test_a_disabled_member_is_refused(manager: ConnectManager) -> None:
    """With the reason of the refusal that a login would get."""
    member_id = await log_in(manager, "lihua.1")
    await manager.administration.disable(member_id, ACT)
    answer = await preview(manager, UNION)
    assert (answer.resolved, answer.refusal) == (None, "the member is disabled")


async def test_what_was_unbound_or_erased_is_told_as_far_as_it_is_kept(manager: ConnectManager) -> None:
    """How often, and that it was; not whose it was."""
    member_id = await log_in(manager, "lihua.1")
    await manager.administration.unbind(member_id, "ACME", ACT, force=True)
    answer = await preview(manager, UNION)
    assert (answer.people, answer.times_ended, answer.was_erased) == ([], 1, False)
    again = await log_in(manager, "lihua.2")
    await manager.personal_data.erase(again, "0123456789abcdef")
    assert (await preview(manager, UNION)).was_erased


async def test_a_preview_beside_logins_disturbs_none(manager: ConnectManager) -> None:
    """A login right after a preview finds everything as it was."""
    await preview(manager, UNION)
    member_id = await log_in(manager, "lihua.1")
    await preview(manager, UNION, OPEN)
    assert await log_in(manager, "lihua.2") == member_id


class Elsewhere:
    """A shop's own directory with one member, 7, and nobody to register."""

    is_locked = False

    @hookimpl
    def connect_member_directory(self, settings: object) -> "Elsewhere":
        """Return itself."""
        return self

    async def find(self, member_id: int) -> Mapping[str, object]:
        """Show a name."""
        return {"uname": "lihua"}

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Register the one member."""
        return 7

    async def is_disabled(self, member_id: int) -> bool:
        """Say what the test set."""
        return self.is_locked

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Take it."""
        raise AssertionError("a preview updates nobody")


@pytest.mark.breaks("connection_without_member", "session_without_member")
async def test_members_elsewhere_are_asked_and_never_registered(make_manager: MakeManager) -> None:
    """The directory says whether a known member may log in; of somebody new it is not told."""
    directory = Elsewhere()
    manager = make_manager(extra=[("elsewhere", directory)])
    assert (await preview(manager, PersonId.union_id("u-nobody"))).resolved is None
    assert await log_in(manager, "lihua.1") == 7
    known = await preview(manager, UNION)
    assert known.resolved is not None
    assert (known.resolved.member.id, known.resolved.member.uname) == (7, "lihua")
    directory.is_locked = True
    refused = await preview(manager, UNION)
    assert (refused.resolved, refused.refusal) == (None, "the member is disabled")
