"""`login_by_unionid`: who a verified identity is in the shop. Finds or registers the member, keeps the ids of both.

Runs inside the caller's transaction and nowhere else; two logins of one person at once lose their race in the database,
are run again, and find what the first one wrote.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, Protocol

from connect_core.errors import MemberDisabled
from connect_core.identity import STRENGTH, ClientType, Identity, PersonId, Profile
from connect_core.providers.hookspecs import MemberDirectory
from connect_core.settings import DAY
from connect_core.store import Transaction, connections
from connect_core.store import members as built_in
from connect_core.store.connections import KnownPerson
from connect_core.store.members import MemberRow

_NAME_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_KEPT = tuple(field.name for field in fields(Profile) if field.name != "mobile")
_DISPLAYED = ("nickname", "face", "sex", "province", "city")


class Members(Protocol):
    """Where members live, as seen from inside the transaction."""

    def find(self, transaction: Transaction, member_id: int) -> MemberRow | None:
        """Return the member, or None when the shop has none of that id."""

    def register(self, transaction: Transaction, profile: Profile, client_type: ClientType, now: int) -> MemberRow:
        """Register a member."""

    def note_login(
        self, transaction: Transaction, member: MemberRow, told: Profile | None, before: Mapping[str, Any], now: int
    ) -> MemberRow:
        """Count the login and take over what the vendor newly `told`; `before` is what it told last time."""


class Missing(Enum):
    """What a login lacks: the vendor's profile, or the person's word whether they are new here."""

    PROFILE = "profile"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class ResolvedMember:
    """Whose login it is. `has_conflict`: the identity's ids point at two members, and the strongest won."""

    member: MemberRow
    connect_id: int
    union_id: str
    is_new_member: bool
    has_conflict: bool
    profile: Profile


def login_by_unionid(
    transaction: Transaction,
    identity: Identity,
    members: Members,
    *,
    client_type: ClientType,
    now: int,
    profile_max_age: int,
    was_asked: bool,
    registers: bool = True,
) -> ResolvedMember | Missing:
    """Find or register the member that `identity` is, or say what is missing for it.

    `was_asked` says that the vendor was asked for the profile, with or without success; it need not be for an identity
    that came with one. Without `registers` a new person is asked first. Raises `MemberDisabled`.
    """
    found, is_told = _lock_people(transaction, identity), was_asked or identity.profile is not None
    if not found:
        if not is_told:
            return Missing.PROFILE
        if not registers:
            return Missing.CHOICE
        return _register(
            transaction, identity, members, client_type, now, _get_profile_time(identity, now, profile_max_age)
        )
    person = found[0]
    member = members.find(transaction, person.member_id)
    if member is None or member.disabled:
        raise MemberDisabled("the member is disabled" if member else "the connection's member does not exist")
    is_due = is_stale(person, now, profile_max_age)
    if is_due and not is_told:
        return Missing.PROFILE
    union_id, has_conflict = keep_ids(transaction, identity, found, now)
    before = json.loads(person.profile or "{}")
    after = {**before, **kept_profile(identity.profile)}
    is_new = was_asked or is_due
    if is_new or not person.has_aliases:
        profile_time = _get_profile_time(identity, now, profile_max_age) if is_new else now
        connections.update_stored_profile(transaction, person.connect_id, json.dumps(after), profile_time)
    member = members.note_login(transaction, member, identity.profile, before, now)
    return ResolvedMember(member, person.connect_id, union_id, False, has_conflict, _restored(after))


def is_stale(person: KnownPerson, now: int, profile_max_age: int) -> bool:
    """Tell whether the stored profile is too old; of a row that another system wrote, its age counts from today."""
    return person.has_aliases and now - person.profile_time > profile_max_age


def find_people(transaction: Transaction, identity: Identity) -> list[KnownPerson]:
    """Every connection the ids lead to, the strongest id's first."""
    found = connections.find_by_ids(transaction, identity.union_type, identity.ids)
    if len(found) < len(identity.ids):
        via = {one.via for one in found}
        rest = [one for one in identity.ids if one not in via]
        found += connections.find_unaliased(transaction, identity.union_type, rest)
    return sorted(found, key=lambda person: identity.ids.index(person.via))


def _lock_people(transaction: Transaction, identity: Identity) -> list[KnownPerson]:
    """The same for a login: from here on it is before an erasure, unbind or merge as a whole, or comes after it."""
    found = find_people(transaction, identity)
    if transaction.is_alone:
        return found
    while found and connections.lock_connection(transaction, found[0].connect_id) != found[0].member_id:
        found = find_people(transaction, identity)
    return found


def insert_ids(transaction: Transaction, connect_id: int, union_type: str, ids: Sequence[PersonId], now: int) -> None:
    """Store ids; those that an ended connection still holds are freed first."""
    connections.end_stray_aliases(transaction, union_type, ids, now)
    connections.insert_aliases(transaction, connect_id, union_type, ids)


def _get_profile_time(identity: Identity, now: int, profile_max_age: int) -> int:
    """When the profile was told: now, or for one that was refused so long ago that it is asked for again tomorrow."""
    return now if kept_profile(identity.profile) else now - max(profile_max_age - DAY, 0)


def _register(
    transaction: Transaction,
    identity: Identity,
    members: Members,
    client_type: ClientType,
    now: int,
    profile_time: int,
) -> ResolvedMember:
    profile = identity.profile or Profile()
    member = members.register(transaction, profile, client_type, now)
    kept = json.dumps(kept_profile(profile))
    connect_id = connections.insert_connection(
        transaction, member.id, identity.union_type, identity.strongest, now, profile=kept, profile_time=profile_time
    )
    insert_ids(transaction, connect_id, identity.union_type, identity.ids, now)
    return ResolvedMember(member, connect_id, identity.strongest.value, True, False, profile)


def keep_ids(transaction: Transaction, identity: Identity, found: Sequence[KnownPerson], now: int) -> tuple[str, bool]:
    """Add the ids not yet stored, the one that led here of a row that has none, and move `union_id` up.

    Returns the `union_id` that stands now, and whether the ids contradict what is stored.
    """
    person = found[0]
    has_conflict = any(other.member_id != person.member_id for other in found)
    via = {one.via for one in found}
    new = [one for one in identity.ids if one not in via]
    if not person.has_aliases:
        insert_ids(transaction, person.connect_id, identity.union_type, [person.via], now)
    if not new:
        return person.union_id, has_conflict
    stored = connections.find_aliases(transaction, person.connect_id)
    taken = {(one.kind, one.scope) for one in stored}
    fitting = [one for one in new if (one.kind, one.scope) not in taken]
    if fitting:
        insert_ids(transaction, person.connect_id, identity.union_type, fitting, now)
    has_conflict = has_conflict or len(fitting) < len(new)
    strongest = min([*stored, *fitting], key=_rank)
    shown = [one for one in stored if (one.value, one.scope) == (person.union_id, person.union_scope)]
    if shown and _rank(strongest) >= min(map(_rank, shown)):
        return person.union_id, has_conflict
    connections.update_union_id(transaction, person.connect_id, strongest)
    return strongest.value, has_conflict


def _rank(one: PersonId) -> int:
    return STRENGTH.index(one.kind)


def kept_profile(profile: Profile | None) -> dict[str, Any]:
    """What a connection keeps of a profile: whatever was told but the phone number."""
    told = {key: getattr(profile, key) for key in _KEPT} if profile else {}
    return {key: value for key, value in told.items() if value not in ("", None)}


def _restored(stored: Mapping[str, Any]) -> Profile:
    return Profile(**{key: stored[key] for key in _KEPT if key in stored})


class BuiltInMembers:
    """Members in `es_member`."""

    def find(self, transaction: Transaction, member_id: int) -> MemberRow | None:
        """Return the member."""
        return built_in.find_member(transaction, member_id)

    def register(self, transaction: Transaction, profile: Profile, client_type: ClientType, now: int) -> MemberRow:
        """Register a member named `m_` and ten random letters, without a password."""
        uname = _new_name()
        member_id = built_in.insert_member(transaction, uname, profile, client_type, now)
        shown = {key: getattr(profile, key) for key in _DISPLAYED}
        return MemberRow(
            **{**shown, "nickname": profile.nickname or uname},
            id=member_id,
            uname=uname,
            mobile=profile.mobile,
            disabled=0,
            create_time=now,
        )

    def note_login(
        self, transaction: Transaction, member: MemberRow, told: Profile | None, before: Mapping[str, Any], now: int
    ) -> MemberRow:
        """Count the login; a display field follows the vendor only as long as the member never edited it."""
        built_in.count_login(transaction, member.id, now)
        if told is None:
            return member
        changes = {
            key: getattr(told, key)
            for key in _DISPLAYED
            if getattr(told, key) not in ("", None, getattr(member, key)) and _is_untouched(member, key, before)
        }
        if told.mobile and not member.mobile:
            changes["mobile"] = told.mobile
        if changes:
            built_in.update_member(transaction, member.id, changes)
        return replace(member, **changes)


def _new_name() -> str:
    number, letters = secrets.randbelow(len(_NAME_ALPHABET) ** 10), ""
    for _ in range(10):
        number, place = divmod(number, len(_NAME_ALPHABET))
        letters += _NAME_ALPHABET[place]
    return f"m_{letters}"


def _is_untouched(member: MemberRow, key: str, before: Mapping[str, Any]) -> bool:
    shown = getattr(member, key)
    return shown == before[key] if key in before else shown in ("", None, member.uname)


class ExternalMembers:
    """A member that the shop's own directory answered for, before the transaction began."""

    def __init__(self, member: MemberRow, *, was_known: bool) -> None:
        self._member = member
        self._was_known = was_known

    def find(self, transaction: Transaction, member_id: int) -> MemberRow | None:
        """Return the member the directory answered for."""
        if self._was_known and member_id != self._member.id:
            raise MemberDisabled("the identity has become another member's meanwhile")
        return replace(self._member, id=member_id)

    def register(self, transaction: Transaction, profile: Profile, client_type: ClientType, now: int) -> MemberRow:
        """Return the member that the directory registered."""
        if self._was_known:
            raise MemberDisabled("the member's connection has ended meanwhile")
        return self._member

    def note_login(
        self, transaction: Transaction, member: MemberRow, told: Profile | None, before: Mapping[str, Any], now: int
    ) -> MemberRow:
        """Leave it to the directory."""
        return member


async def look_elsewhere(
    directory: MemberDirectory, member_id: int | None, key: str, profile: Profile | None, client_type: ClientType
) -> ExternalMembers:
    """Ask the shop's directory for the member, or to register one under the idempotency `key`.

    Raises `MemberDisabled`.
    """
    was_known = member_id is not None
    if member_id is None:
        member_id, profile = await directory.register(key, profile or Profile(), client_type), None
    # asked of one just registered too: an earlier login may have, whose answer was lost
    if await directory.is_disabled(member_id):
        raise MemberDisabled("the member is disabled")
    if profile is not None:
        await directory.update_profile(member_id, profile)
    return ExternalMembers(await find_elsewhere(directory, member_id), was_known=was_known)


async def find_elsewhere(directory: MemberDirectory, member_id: int) -> MemberRow:
    """Return what the shop's directory shows of a member. Raises `MemberDisabled` when it has none of that id."""
    shown = await directory.find(member_id)
    if shown is None:
        raise MemberDisabled("the connection's member does not exist")
    text = {key: str(shown.get(key) or "") for key in ("uname", "nickname", "face", "mobile", "province", "city")}
    sex, created = shown.get("sex"), shown.get("create_time")
    return MemberRow(
        id=member_id,
        sex=sex if sex in (0, 1) else None,
        disabled=0,
        create_time=created if isinstance(created, int) else 0,
        **text,
    )


def find_person(transaction: Transaction, identity: Identity) -> KnownPerson | None:
    """Return the connection that the strongest known id of `identity` leads to."""
    found = find_people(transaction, identity)
    return found[0] if found else None
