"""Who a person is, as a provider asserts it: client types, ids, profile, `Identity`.

Values only: nothing here crosses the network, touches the database or knows a provider.
"""

import re
import unicodedata
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from connect_core.errors import ProviderBadResponse

ID_MAX = 255
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
Language = Literal["zh", "en"]
"""What members can be spoken to in."""


class ClientType(StrEnum):
    """Where the visitor is. Not RFC 6749's client type."""

    PC = "pc"
    H5 = "h5"
    APP = "app"
    MINI = "mini"


class IdKind(StrEnum):
    """What an id is: across a vendor's apps, vendor-wide, or for one app only."""

    UNION_ID = "union_id"
    USER_ID = "user_id"
    OPEN_ID = "open_id"


def exact_id(value: object, key: str) -> str:
    """Return `value` as id text, byte for byte; whole JSON numbers keep their digits.

    Raises `ProviderBadResponse` naming `key` for anything that is no non-blank text of at most 255 characters.
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**ID_MAX:
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > ID_MAX or _UNSTORABLE.search(value):
        raise ProviderBadResponse(f"{key} is not an id")
    return value


@dataclass(frozen=True, slots=True)
class PersonId:
    """One id of a person. `scope` is the app id (or issuer) it holds in; empty for ids that hold vendor-wide."""

    kind: IdKind
    value: str = field(repr=False)
    scope: str = ""

    def __post_init__(self) -> None:
        exact_id(self.value, self.kind)

    @classmethod
    def user_id(cls, value: object) -> "PersonId":
        """A vendor-wide id."""
        return cls(IdKind.USER_ID, exact_id(value, "user_id"))

    @classmethod
    def union_id(cls, value: object, scope: str = "") -> "PersonId":
        """An id across a vendor's apps, vendor-wide unless `scope` says of whose apps."""
        return cls(IdKind.UNION_ID, exact_id(value, "union_id"), scope)

    @classmethod
    def open_id(cls, value: object, app_id: str) -> "PersonId":
        """An id for the one app `app_id`."""
        return cls(IdKind.OPEN_ID, exact_id(value, "open_id"), app_id)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a vendor tells about a person, cleaned for display. Never proof of anything.

    `sex` is 1 (male), 0 (female) or None (unknown); `face` an https URL; `mobile` set only when the vendor verified it.
    """

    nickname: str = ""
    face: str = ""
    sex: int | None = None
    province: str = ""
    city: str = ""
    mobile: str = field(default="", repr=False)
    is_certified: bool | None = None

    @classmethod
    def of(
        cls,
        *,
        nickname: object = "",
        face: object = "",
        sex: int | None = None,
        province: object = "",
        city: object = "",
        mobile: str = "",
        is_certified: bool | None = None,
    ) -> "Profile":
        """Build a profile from a vendor's raw values: texts lose control characters and length, others become empty."""
        return cls(
            nickname=_display_text(nickname, 64),
            face=_https_url(face),
            sex=sex if sex in (0, 1) else None,
            province=_display_text(province, 32),
            city=_display_text(city, 32),
            mobile=_display_text(mobile, 32),
            is_certified=is_certified,
        )


@dataclass(frozen=True, slots=True)
class VerifiedPhone:
    """A phone number that the vendor vouches for.

    `number` is as the vendor writes it. `proof` is the vendor's signature over the number, or whatever else stands for
    this one answer alone; the core remembers its hash and accepts it once.
    """

    number: str = field(repr=False)
    proof: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider asserts about a person, verified.

    `ids` stand strongest first and are never empty; `app_id` is the registration that vouches for them. `profile` is
    None until it was asked for. `grant` is whatever `fetch_profile` needs (an access token); it is never stored.
    """

    union_type: str
    ids: tuple[PersonId, ...]
    app_id: str
    profile: Profile | None = None
    grant: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.ids:
            raise ProviderBadResponse("no id in the answer")

    @property
    def strongest(self) -> PersonId:
        """The id that stands in `es_connect.union_id`."""
        return self.ids[0]

    def with_profile(self, profile: Profile, ids: tuple[PersonId, ...] = ()) -> "Identity":
        """Return the identity with `profile` and the further `ids` its answer named: user id, union id, open id.

        Raises `ProviderBadResponse` when an id of `ids` contradicts one that is already known.
        """
        known = {(one.kind, one.scope): one.value for one in self.ids}
        for one in ids:
            if known.setdefault((one.kind, one.scope), one.value) != one.value:
                raise ProviderBadResponse(f"the profile names another {one.kind}")
        new = dict.fromkeys(one for one in ids if one not in self.ids)
        ordered = sorted([*self.ids, *new], key=lambda one: STRENGTH.index(one.kind)) if new else self.ids
        return replace(self, profile=profile, ids=tuple(ordered))

    def with_phone(self, phone: VerifiedPhone | None) -> "Identity":
        """Return the identity with the number of `phone` as its profile's `mobile`; unchanged for None."""
        if phone is None:
            return self
        return replace(self, profile=replace(self.profile or Profile(), mobile=phone.number))


STRENGTH = (IdKind.USER_ID, IdKind.UNION_ID, IdKind.OPEN_ID)
"""Kinds of ids, strongest first."""


def _display_text(value: object, limit: int) -> str:
    """Drop what must not reach a page or a log line: control, format, surrogate and unassigned characters."""
    if not (isinstance(value, str) and value):
        return ""
    kept = value[: limit * 8]
    if not kept.isprintable():
        kept = "".join(c for c in kept if unicodedata.category(c) not in _UNPRINTABLE or c == _JOINER)
    return kept.strip()[:limit].strip(_MARGIN)


_JOINER = "\u200d"  # holds emoji of several parts together
_MARGIN = f" {_JOINER}"
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


def _https_url(value: object) -> str:
    """Return `value` when it is a plain https link of at most 255 characters, else the empty text."""
    if not isinstance(value, str) or not value.startswith("https://") or len(value) > 255:
        return ""
    return value if value.isascii() and value.isprintable() and not set(value) & set(" \"'<>\\`") else ""
