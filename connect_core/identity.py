"""Who a person is, as a provider asserts it: client types, ids, profile and `Identity`.

Values only. Never calls a vendor, and never reads or writes the database.
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from connect_core.display import clean_picture, clean_text
from connect_core.errors import ContradictingAnswer, ProviderBadResponse

ID_MAX = 255
"""Most characters of an id."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, which PostgreSQL does not take, and halves of surrogate pairs, which have no UTF-8."""
Language = str
"""The language of a page or text: a BCP 47 tag, such as `zh-CN`, `zh-TW`, `en`, `ja`."""


class ClientType(StrEnum):
    """Where the visitor is: a PC's browser, a mobile browser, an app or a mini program. Not RFC 6749's client type."""

    PC = "pc"
    H5 = "h5"
    APP = "app"
    MINI = "mini"


class IdKind(StrEnum):
    """Where an id is valid: `union_id` in several apps, `user_id` in everything of the vendor, `open_id` in one app."""

    UNION_ID = "union_id"
    USER_ID = "user_id"
    OPEN_ID = "open_id"


def is_storable(text: str) -> bool:
    """Tell whether a row can hold `text`, on every engine."""
    if text.isascii():  # most are; a search costs several times as much, for each parameter of each statement
        return "\0" not in text
    return not _UNSTORABLE.search(text)


def exact_id(value: object, key: str) -> str:
    """Return `value` unchanged as the text of an id; a whole number from JSON becomes its digits.

    Raises `ProviderBadResponse`, which names `key`, unless it is a non-blank text of at most 255 characters.
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**ID_MAX:
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > ID_MAX or not is_storable(value):
        raise ProviderBadResponse(f"{key} is not an id")
    return value


@dataclass(frozen=True, slots=True)
class PersonId:
    """One id of a person. `scope` is the app id or issuer in which it is valid; empty when that is the whole vendor.

    The constructors `user_id`, `union_id` and `open_id` raise `ProviderBadResponse` for a value that is no id.
    """

    kind: IdKind
    value: str = field(repr=False)
    scope: str = ""

    def __post_init__(self) -> None:
        exact_id(self.value, self.kind)

    @classmethod
    def user_id(cls, value: object) -> "PersonId":
        """Return an id that is valid everywhere at the vendor."""
        return cls(IdKind.USER_ID, exact_id(value, "user_id"))

    @classmethod
    def union_id(cls, value: object, scope: str = "") -> "PersonId":
        """Return an id that is valid in several of the vendor's apps: those of `scope`, or all when it is empty."""
        return cls(IdKind.UNION_ID, exact_id(value, "union_id"), scope)

    @classmethod
    def open_id(cls, value: object, app_id: str) -> "PersonId":
        """Return an id that is valid in the one app `app_id`."""
        return cls(IdKind.OPEN_ID, exact_id(value, "open_id"), app_id)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a vendor says about a person, cleaned for display. It proves nothing. Build one with `Profile.of`.

    `sex` is 1 (male), 0 (female) or None (unknown). `face` is an https URL or empty. `mobile` is set only when the
    vendor has verified the number.
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
        """Build a profile from a vendor's raw values.

        Texts and the picture's link are cleaned as `clean_text` and `clean_picture` say; a `sex` other than 1 or 0
        becomes None. Nothing is a reason to refuse.
        """
        return cls(
            nickname=clean_text(nickname, 64),
            face=clean_picture(face),
            sex=sex if sex in (0, 1) else None,
            province=clean_text(province, 32),
            city=clean_text(city, 32),
            mobile=clean_text(mobile, 32),
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
class VendorSession:
    """The person's session at the vendor, for a vendor that ends logins of ours or wants to be told of their end.

    `sid` is the vendor's id of it, at most 255 characters, empty where the vendor names none. `hint` is what
    `EndsVendorSession.get_logout_url` needs later, such as the ID token; it is stored sealed until the login ends.
    """

    sid: str = field(default="", repr=False)
    hint: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider asserts about a person, after every check. Return one from `login_callback`.

    `ids` are ordered strongest first and are never empty; `app_id` is the app for which the vendor issued them.
    `profile` is None until it was fetched. `grant` is whatever `fetch_profile` needs, such as an access token; it is
    never stored. Neither is `session_key`, with which the vendor encrypts what its mini program hands in.
    `vendor_session` is None where the vendor has nothing to do with the end of the login. Raises `ProviderBadResponse`
    without an id.
    """

    union_type: str
    ids: tuple[PersonId, ...]
    app_id: str
    profile: Profile | None = None
    grant: str = field(default="", repr=False, compare=False)
    vendor_session: VendorSession | None = field(default=None, repr=False, compare=False)
    session_key: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.ids:
            raise ProviderBadResponse("no id in the answer")

    @property
    def strongest(self) -> PersonId:
        """The id that is stored in `es_connect.union_id`."""
        return self.ids[0]

    def with_profile(self, profile: Profile, ids: tuple[PersonId, ...] = ()) -> "Identity":
        """Return the identity with `profile`, and with the `ids` that the vendor sent along with it.

        Raises `ContradictingAnswer` when one of `ids` contradicts an id that is already known: it is another person's.
        """
        known = {(person_id.kind, person_id.scope): person_id.value for person_id in self.ids}
        for person_id in ids:
            if known.setdefault((person_id.kind, person_id.scope), person_id.value) != person_id.value:
                raise ContradictingAnswer(f"the profile names another {person_id.kind}")
        new = dict.fromkeys(person_id for person_id in ids if person_id not in self.ids)
        ordered = sorted([*self.ids, *new], key=lambda added: STRENGTH.index(added.kind)) if new else self.ids
        return replace(self, profile=profile, ids=tuple(ordered))

    def with_phone(self, phone: VerifiedPhone | None) -> "Identity":
        """Return the identity with the number of `phone` as its profile's `mobile`; unchanged for None."""
        if phone is None:
            return self
        return replace(self, profile=replace(self.profile or Profile(), mobile=phone.number))


STRENGTH = (IdKind.USER_ID, IdKind.UNION_ID, IdKind.OPEN_ID)
"""Kinds of ids, strongest first."""
