"""Where members live: in `es_member` or in a directory of the shop's own, behind one port, `Members`.

Everything that differs between the two stands here and nowhere else. Never opens a session and never asks a vendor.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from connect_core.errors import MemberDisabled, Unavailable
from connect_core.http import TOTAL_DEADLINE
from connect_core.identity import ClientType, Profile
from connect_core.members.external_directory import RETRY_AFTER, ExternalDirectory, get_registration_key
from connect_core.members.profiles import DISPLAY_FIELDS, find_changes, is_stale
from connect_core.members.values import LoginAttempt, ProfileNeeded
from connect_core.store import Database, Transaction, connections, erasure, identities, merges
from connect_core.store import members as built_in
from connect_core.store.identities import KnownPerson
from connect_core.store.members import MemberRow

_NAME_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_GONE = "the member is disabled or gone"


class LoginMembers(Protocol):
    """The members as one login sees them, from inside its transaction."""

    def find(self, transaction: Transaction, person: KnownPerson) -> MemberRow | None:
        """Return the member that the connection leads to, or None when there is none. Raises `MemberDisabled`."""

    def reserve_keys(self, transaction: Transaction) -> None:
        """Prepare a registration: take the keys of the rows that `register` and the connection will write."""

    def register(self, transaction: Transaction, profile: Profile, client_type: ClientType, now: int) -> MemberRow:
        """Register a member. Raises `MemberDisabled` when the member is no longer who was found before."""

    def record_login(
        self,
        transaction: Transaction,
        member: MemberRow,
        profile: Profile | None,
        previous: Mapping[str, Any],
        now: int,
    ) -> MemberRow:
        """Count the login, and take over what changed from the vendor's `previous` profile to `profile`."""


class Members(Protocol):
    """Where members live.

    A method takes the transaction where its answer comes from our own tables; an `async` one asks, where members live
    outside, before or after the transaction.
    """

    keeps_passwords: bool
    """Whether a password in `es_member` can prove a member."""
    keeps_members: bool
    """Whether a member is a row of `es_member`, which is searched and disabled here."""
    counts_unbinds: bool
    """Whether it matters for a registration how often an identity was unbound; then an erasure leaves the number."""

    async def prepare_login(self, attempt: LoginAttempt) -> LoginMembers | ProfileNeeded:
        """Return the members for the transaction of a login, or say that the vendor's profile is needed first.

        Raises `MemberDisabled`, and `Unavailable` when the directory fails.
        """

    async def check_first(self, find_member_id: Callable[[Transaction], int | None]) -> None:
        """Before a transaction: refuse a disabled member where only the directory knows. Raises `MemberDisabled`.

        `find_member_id` says inside a transaction of its own which member it will be about.
        """

    def check(self, transaction: Transaction, member_id: int) -> None:
        """Inside the transaction: refuse a member who is disabled or gone. Raises `MemberDisabled`."""

    def lock(self, transaction: Transaction, *member_ids: int) -> None:
        """Let nobody disable, erase or merge these members until the transaction ends. Raises `MemberDisabled`."""

    def exists(self, transaction: Transaction, member_id: int) -> bool:
        """Tell whether there is such a member, disabled or not."""

    def count_login(self, transaction: Transaction, member_id: int, now: int) -> None:
        """Count a login that came without an identity: a QR login."""

    def find_stored(self, transaction: Transaction, member_id: int) -> MemberRow | None:
        """Return what our own tables say of a member, to be completed by `find_enabled` or `find_name`."""

    async def find_enabled(self, member_id: int, stored: MemberRow | None) -> MemberRow | None:
        """Return the member that `find_stored` began with, or None for one who is disabled or gone."""

    async def find_name(self, member_id: int, stored: MemberRow | None) -> str:
        """Return what the member is called on a page; empty for one who is gone."""

    async def get_enabled(self, member_id: int) -> MemberRow:
        """Return a member. Raises `MemberDisabled`."""

    async def check_enabled(self, member_id: int) -> None:
        """Refuse a member who is disabled or gone. Raises `MemberDisabled`."""

    async def add_phone(self, member_id: int, mobile: str) -> None:
        """Note a verified phone number for a member who has none. Raises `Unavailable`."""

    async def export(self, member_id: int, stored: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return what is held of a member as such; `stored` is the row of `es_member`."""

    async def erase(self, member_id: int) -> None:
        """Have the directory erase its member; our own rows are erased elsewhere. Raises `Unavailable`."""

    async def aclose(self) -> None:
        """Close what the directory holds."""


class BuiltInMembers:
    """Members in `es_member`."""

    keeps_passwords = True
    keeps_members = True
    counts_unbinds = False

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare_login(self, attempt: LoginAttempt) -> LoginMembers | ProfileNeeded:
        """Return these members: nothing has to be asked outside the transaction."""
        return self

    async def check_first(self, find_member_id: Callable[[Transaction], int | None]) -> None:
        """Do nothing: `check` reads the row inside the transaction."""

    def check(self, transaction: Transaction, member_id: int) -> None:
        """Read the row."""
        member = built_in.find_member(transaction, member_id)
        if member is None or member.disabled:
            raise MemberDisabled(_GONE)

    def lock(self, transaction: Transaction, *member_ids: int) -> None:
        """Lock the rows in the order of their ids, so that two who lock the same members cannot block each other."""
        if not all(built_in.lock_enabled_member(transaction, member_id) for member_id in sorted(member_ids)):
            raise MemberDisabled(_GONE)

    def exists(self, transaction: Transaction, member_id: int) -> bool:
        """Look for the row."""
        return built_in.find_member(transaction, member_id) is not None

    def count_login(self, transaction: Transaction, member_id: int, now: int) -> None:
        """Write the count and the time."""
        built_in.record_login(transaction, member_id, {}, now)

    def find_stored(self, transaction: Transaction, member_id: int) -> MemberRow | None:
        """Return the row."""
        return built_in.find_member(transaction, member_id)

    async def find_enabled(self, member_id: int, stored: MemberRow | None) -> MemberRow | None:
        """Return the row, unless the member is disabled."""
        return None if stored is None or stored.disabled else stored

    async def find_name(self, member_id: int, stored: MemberRow | None) -> str:
        """Return the nickname, or else the user name."""
        return stored.nickname or stored.uname if stored else ""

    async def get_enabled(self, member_id: int) -> MemberRow:
        """Read the row."""
        member = await self._database.read(lambda tx: built_in.find_member(tx, member_id))
        if member is None or member.disabled:
            raise MemberDisabled(_GONE)
        return member

    async def check_enabled(self, member_id: int) -> None:
        """Read the row."""
        await self.get_enabled(member_id)

    async def add_phone(self, member_id: int, mobile: str) -> None:
        """Write the column, if it is empty."""
        await self._database.write(lambda tx: built_in.fill_mobile(tx, member_id, mobile))

    async def export(self, member_id: int, stored: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return the row: no other table describes a member."""
        return stored

    async def erase(self, member_id: int) -> None:
        """Do nothing: there is no directory."""

    async def aclose(self) -> None:
        """Do nothing: there is no directory."""

    def find(self, transaction: Transaction, person: KnownPerson) -> MemberRow | None:
        """Return the row that was read with the connection, or else read it."""
        return person.member or built_in.find_member(transaction, person.member_id)

    def reserve_keys(self, transaction: Transaction) -> None:
        """Take a member's key and a connection's at once."""
        connections.reserve_keys(transaction, with_member=True)

    def register(self, transaction: Transaction, profile: Profile, client_type: ClientType, now: int) -> MemberRow:
        """Write a member named `m_` and ten random letters, without a password."""
        uname = _new_name()
        member_id = built_in.insert_member(transaction, uname, profile, client_type, now)
        displayed = {field: getattr(profile, field) for field in DISPLAY_FIELDS}
        return MemberRow(
            **{**displayed, "nickname": profile.nickname or uname},
            id=member_id,
            uname=uname,
            mobile=profile.mobile,
            disabled=0,
            create_time=now,
        )

    def record_login(
        self,
        transaction: Transaction,
        member: MemberRow,
        profile: Profile | None,
        previous: Mapping[str, Any],
        now: int,
    ) -> MemberRow:
        """Count the login; a display field follows the vendor only as long as the member never edited it."""
        changes = find_changes(member, profile, previous) if profile else {}
        built_in.record_login(transaction, member.id, changes, now)
        return replace(member, **changes) if changes else member


def _new_name() -> str:
    number, letters = secrets.randbelow(len(_NAME_ALPHABET) ** 10), ""
    for _ in range(10):
        number, place = divmod(number, len(_NAME_ALPHABET))
        letters += _NAME_ALPHABET[place]
    return f"m_{letters}"


class ExternalMembers:
    """Members in the shop's own directory."""

    keeps_passwords = False
    keeps_members = False
    counts_unbinds = True

    def __init__(self, database: Database, directory: ExternalDirectory) -> None:
        self._database = database
        self._directory = directory

    async def prepare_login(self, attempt: LoginAttempt) -> LoginMembers | ProfileNeeded:
        """Have the directory know the member before the transaction begins."""
        identity, first = attempt.identity, attempt.first.strongest
        person, times_unbound = await self._database.read(
            lambda tx: (
                identities.find_person(tx, identity),
                connections.count_ended(tx, identity.union_type, first, erasure.hash_id(identity.union_type, first)),
            )
        )
        if not attempt.is_profile_known and (person is None or is_stale(person, attempt.now, attempt.profile_max_age)):
            return ProfileNeeded()
        if person is None and not attempt.registers:
            return _PreparedMember(None, was_known=False)
        try:
            async with asyncio.timeout(TOTAL_DEADLINE):
                return await self._prepare(attempt, person, times_unbound)
        except TimeoutError:
            raise Unavailable("the member directory does not answer", retry_after=RETRY_AFTER) from None

    async def _prepare(self, attempt: LoginAttempt, person: KnownPerson | None, times_unbound: int) -> LoginMembers:
        profile = attempt.profile
        if person is None:
            # of the ids that the vendor gave first: the key is the same whether it then tells a profile or refuses one
            key = get_registration_key(attempt.first, times_unbound)
            member_id = await self._directory.register(key, profile or Profile(), attempt.client_type)
            profile = None
        else:
            member_id = person.member_id
        # asked for a member just registered too: an earlier login, whose answer was lost, may have registered them
        await self.check_enabled(member_id)
        if profile is not None:
            await self._directory.update_profile(member_id, profile)
        return _PreparedMember(await self._get_displayed(member_id), was_known=person is not None)

    async def check_first(self, find_member_id: Callable[[Transaction], int | None]) -> None:
        """Ask the directory."""
        member_id = await self._database.read(find_member_id)
        if member_id is not None:
            await self.check_enabled(member_id)

    def check(self, transaction: Transaction, member_id: int) -> None:
        """Do nothing: `check_first` has asked the directory."""

    def lock(self, transaction: Transaction, *member_ids: int) -> None:
        """Lock the members' connections, which an erasure and a merge lock first."""
        connections.lock_connections(transaction, *member_ids)
        if any(merges.find_merge(transaction, member_id) for member_id in member_ids):
            raise MemberDisabled("the member was merged into another")

    def exists(self, transaction: Transaction, member_id: int) -> bool:
        """Return True: only the directory knows, and it is asked when the member logs in."""
        return True

    def count_login(self, transaction: Transaction, member_id: int, now: int) -> None:
        """Do nothing: the directory learns of logins from the hooks."""

    def find_stored(self, transaction: Transaction, member_id: int) -> MemberRow | None:
        """Return None: our own tables do not describe the member."""
        return None

    async def find_enabled(self, member_id: int, stored: MemberRow | None) -> MemberRow | None:
        """Ask the directory."""
        try:
            return await self.get_enabled(member_id)
        except MemberDisabled:
            return None

    async def find_name(self, member_id: int, stored: MemberRow | None) -> str:
        """Ask the directory."""
        displayed = await self._directory.find(member_id) or {}
        return str(displayed.get("nickname") or displayed.get("uname") or "")

    async def get_enabled(self, member_id: int) -> MemberRow:
        """Ask the directory."""
        await self.check_enabled(member_id)
        return await self._get_displayed(member_id)

    async def check_enabled(self, member_id: int) -> None:
        """Ask the directory."""
        if await self._directory.is_disabled(member_id):
            raise MemberDisabled("the member is disabled")

    async def add_phone(self, member_id: int, mobile: str) -> None:
        """Tell the directory, which leaves alone what the member edited."""
        await self._directory.update_profile(member_id, Profile(mobile=mobile))

    async def export(self, member_id: int, stored: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Ask the directory."""
        displayed = await self._directory.find(member_id)
        return None if displayed is None else {"id": member_id, **displayed}

    async def erase(self, member_id: int) -> None:
        """Ask the directory."""
        await self._directory.erase(member_id)

    async def aclose(self) -> None:
        """Close the directory."""
        await self._directory.aclose()

    async def _get_displayed(self, member_id: int) -> MemberRow:
        displayed = await self._directory.find(member_id)
        if displayed is None:
            raise MemberDisabled("the connection's member does not exist")
        texts = ("uname", "nickname", "face", "mobile", "province", "city")
        sex, create_time = displayed.get("sex"), displayed.get("create_time")
        return MemberRow(
            id=member_id,
            sex=sex if sex in (0, 1) else None,
            disabled=0,
            create_time=create_time if isinstance(create_time, int) else 0,
            **{name: str(displayed.get(name) or "") for name in texts},
        )


class _PreparedMember:
    """The one member that the directory answered for before the transaction; None when nobody is to be registered."""

    def __init__(self, member: MemberRow | None, *, was_known: bool) -> None:
        self._member = member
        self._was_known = was_known

    def find(self, transaction: Transaction, person: KnownPerson) -> MemberRow | None:
        """Return the member, unless the identity has become another one's since."""
        if self._member is None or (self._was_known and person.member_id != self._member.id):
            raise MemberDisabled("the identity has become another member's meanwhile")
        return replace(self._member, id=person.member_id)

    def reserve_keys(self, transaction: Transaction) -> None:
        """Take a connection's key."""
        connections.reserve_keys(transaction, with_member=False)

    def register(self, transaction: Transaction, profile: Profile, client_type: ClientType, now: int) -> MemberRow:
        """Return the member that the directory has registered."""
        if self._member is None or self._was_known:
            raise MemberDisabled("the member's connection has ended meanwhile")
        return self._member

    def record_login(
        self,
        transaction: Transaction,
        member: MemberRow,
        profile: Profile | None,
        previous: Mapping[str, Any],
        now: int,
    ) -> MemberRow:
        """Leave the member to the directory, which was told of the profile."""
        return member
