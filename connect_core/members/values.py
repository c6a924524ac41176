"""The values of finding out who an identity is in the shop: what is known of a login, and what comes of it."""

from dataclasses import dataclass, field
from typing import TypeAlias

from connect_core.identity import ClientType, Identity, Profile, VerifiedPhone
from connect_core.store.members import MemberRow


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A verified identity that wants to log in.

    `first` is the identity as the vendor's first answer gave it, before its profile was fetched and may have brought
    more ids. `profile_max_age` is in seconds, `now` in epoch seconds. `was_asked`: the vendor was asked for the
    profile, with or without success. Without `registers` somebody new is asked before a member is registered.
    """

    identity: Identity
    first: Identity
    client_type: ClientType
    now: int
    profile_max_age: int
    was_asked: bool = False
    registers: bool = True
    phone: VerifiedPhone | None = field(default=None, repr=False)

    @property
    def is_profile_known(self) -> bool:
        """Whether there is nothing to gain from asking the vendor for the profile."""
        return self.was_asked or self.identity.profile is not None

    @property
    def profile(self) -> Profile | None:
        """What the vendor tells of the person now, with the phone number it vouches for."""
        return self.identity.with_phone(self.phone).profile


@dataclass(frozen=True, slots=True)
class ResolvedMember:
    """Whose login it is.

    `has_conflict`: the identity's ids point at two members, and the strongest id decided, or one contradicts an id that
    is stored. `other_members` are the members that the weaker ids point at.
    """

    member: MemberRow
    connect_id: int
    union_id: str
    is_new_member: bool
    has_conflict: bool
    profile: Profile
    other_members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileNeeded:
    """The vendor has to be asked for the profile first: the person is new, or the stored profile is too old."""


@dataclass(frozen=True, slots=True)
class Unregistered:
    """Nobody is known by this identity, and nobody is registered without being asked."""


Resolution: TypeAlias = ResolvedMember | ProfileNeeded | Unregistered
