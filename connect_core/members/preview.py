"""What a login of an identity would come to, told without logging anybody in.

Runs the code of a login itself, `resolution.login_by_unionid`, in a transaction that is rolled back. It registers
nobody, where members live in the shop's own directory neither, and fetches no profile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from connect_core.errors import MemberDisabled
from connect_core.identity import ClientType, Identity
from connect_core.members.directory import LoginMembers
from connect_core.members.resolution import login_by_unionid
from connect_core.members.services import Services
from connect_core.members.values import LoginAttempt, ProfileNeeded, ResolvedMember
from connect_core.store import Transaction, connections, erasure, identities
from connect_core.store.identities import KnownPerson

_NEVER = 100 * 365 * 24 * 3600
"""Seconds: no stored profile is that old, so the vendor would not be asked for another."""


@dataclass(frozen=True, slots=True)
class LoginPreview:
    """What a login would come to.

    `people` are the active connections that the ids lead to, that of the strongest id first. `resolved` is the member
    who would be logged in, None where nobody would: then `refusal` says why, or it is empty and nobody is known by
    these ids. `times_ended` is how often one of the ids was unbound, `was_erased` whether one was erased a short time
    ago; nothing else is kept of either.
    """

    people: Sequence[KnownPerson]
    resolved: ResolvedMember | None
    refusal: str
    times_ended: int
    was_erased: bool


async def preview_login(services: Services, identity: Identity, client_type: ClientType) -> LoginPreview:
    """Return what a login of `identity` would come to now. Raises `Unavailable`."""
    attempt = LoginAttempt(
        identity, identity, client_type, services.now(), profile_max_age=_NEVER, was_asked=True, registers=False
    )
    members, refusal = await _prepare(services, attempt)

    def resolve(tx: Transaction) -> None:
        people = identities.find_people(tx, identity)
        resolved, reason = _resolve(tx, attempt, members) if members else (None, refusal)
        times_ended = connections.count_ended(tx, identity.union_type, *identity.ids)
        was_erased = erasure.was_erased_since(tx, identity.union_type, identity.ids, attempt.now)
        raise _RolledBack(LoginPreview(people, resolved, reason, times_ended, was_erased))

    try:
        await services.database.write(resolve)
    except _RolledBack as rolled_back:
        return rolled_back.preview
    raise AssertionError("the transaction was committed")


async def _prepare(services: Services, attempt: LoginAttempt) -> tuple[LoginMembers | None, str]:
    try:
        members = await services.members.prepare_login(attempt)
    except MemberDisabled as error:
        return None, str(error)
    assert not isinstance(members, ProfileNeeded)
    return members, ""


def _resolve(tx: Transaction, attempt: LoginAttempt, members: LoginMembers) -> tuple[ResolvedMember | None, str]:
    try:
        resolution = login_by_unionid(tx, attempt, members)
    except MemberDisabled as error:
        return None, str(error)
    return (resolution, "") if isinstance(resolution, ResolvedMember) else (None, "")


class _RolledBack(Exception):
    """Ends the transaction without a commit, and carries out what was read in it."""

    def __init__(self, preview: LoginPreview) -> None:
        super().__init__()
        self.preview = preview
