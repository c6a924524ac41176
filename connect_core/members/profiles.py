"""What a connection keeps of a vendor's profile, and for how long it is good."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from connect_core.identity import Profile
from connect_core.settings import DAY
from connect_core.store.identities import KnownPerson

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
