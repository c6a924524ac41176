"""What a connection keeps of a vendor's profile, for how long it is good, and what of it a member's row takes over."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from connect_core.identity import Profile
from connect_core.settings import DAY
from connect_core.store.identities import KnownPerson
from connect_core.store.members import MemberRow

DISPLAY_FIELDS = ("nickname", "face", "sex", "province", "city")
"""Fields of a profile that a member's row shows, and that the member may edit."""
_STORED_FIELDS = tuple(field.name for field in fields(Profile) if field.name != "mobile")


def dump_profile(profile: Profile | None) -> dict[str, Any]:
    """Return what a connection keeps of a profile: every field that has a value, but for the phone number."""
    values = {name: getattr(profile, name) for name in _STORED_FIELDS} if profile else {}
    return {name: value for name, value in values.items() if value not in ("", None)}


def load_profile(stored: Mapping[str, Any]) -> Profile:
    """Return the profile that `dump_profile` stored."""
    return Profile(**{name: stored[name] for name in _STORED_FIELDS if name in stored})


def parse_stored(person: KnownPerson) -> dict[str, Any]:
    """Return what is stored of a known person's profile."""
    stored: dict[str, Any] = json.loads(person.profile or "{}")
    return stored


def is_stale(person: KnownPerson, now: int, profile_max_age: int) -> bool:
    """Tell whether the stored profile is too old; of a row that another system wrote, its age counts from today."""
    return person.has_aliases and now - person.profile_time > profile_max_age


def get_profile_time(profile: Profile | None, now: int, profile_max_age: int) -> int:
    """Return the time that is stored with a profile: `now`.

    For a profile that the vendor refused it is so long ago that a login asks again tomorrow.
    """
    return now if dump_profile(profile) else now - max(profile_max_age - DAY, 0)


def find_changes(member: MemberRow, profile: Profile, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of `es_member` that follow a vendor's newer profile; `previous` is what it said before.

    A field that the member edited stays as it is, and so does a phone number that is there.
    """
    changes = {
        field: getattr(profile, field)
        for field in DISPLAY_FIELDS
        if getattr(profile, field) not in ("", None, getattr(member, field)) and _is_unedited(member, field, previous)
    }
    if profile.mobile and not member.mobile:
        changes["mobile"] = profile.mobile
    return changes


def _is_unedited(member: MemberRow, field: str, previous: Mapping[str, Any]) -> bool:
    value = getattr(member, field)
    return value == previous[field] if field in previous else value in ("", None, member.uname)
