"""`Claims`: where a vendor's answer has the ids and the profile of a person.

Owns the mapping from the vendor's members to ours, and which ids may be missing. Never makes a call.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connect_core.display import clean_picture, clean_text
from connect_core.errors import ProviderBadResponse
from connect_core.identity import IdKind, PersonId, Profile, exact_id
from connect_core.limits import TOKEN_LIMIT
from connect_core.providers.oauth2.responses import find_value
from connect_core.providers.oauth2.templates import find_placeholders
from connect_core.vendor_values import is_absent, read_phone, read_text

SEX = {"male": 1, "m": 1, "男": 1, "1": 1, "female": 0, "f": 0, "女": 0, "2": 0}
"""What vendors call the sexes, in lower case, with our value for it."""

SHOWN = 64
"""Characters of a text of which some must be visible, for it to be shown."""

NAMES_SHOWN = 12
"""Most names of members in a message about an answer."""
NAMES_DEPTH = 3
"""Objects in objects of which such a message names the members."""
_NAME = re.compile("[A-Za-z_][A-Za-z_]{0,30}[0-9]{0,2}")
_SETTING = re.compile(r"\{[a-z0-9_]+\}")
Path = Annotated[str, Field(min_length=1)]
Paths = Path | tuple[Path, ...]
"""A path to a member (`data.user.id`), or several paths of which the first that has a value counts."""


class Claims(BaseModel):
    """Our fields, each with the path of the vendor's member that has its value.

    A path leads through objects and lists (`data.user.id`, `data.0.id`); of several paths the first that has a value
    counts. `user_id` and `union_id` name a person vendor-wide, `open_id` for the configured client alone. Immutable;
    unknown keys are refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_id: Paths = Field(default=(), description="Path of the id that is the same for every client of the vendor.")
    union_id: Paths = Field(default=(), description="Path of the id across one developer's apps; it may be absent.")
    union_scope: Paths = Field(
        default=(),
        description="Path of what `union_id` counts in, such as a company, or a setting in braces: `{client_id}`. "
        "Default: all apps of the vendor.",
    )
    open_id: Paths = Field(default=(), description="Path of the id for this client alone.")
    nickname: Paths = Field(default=(), description="Path of the name that is shown.")
    face: Paths = Field(default=(), description="Path of the picture's https link.")
    sex: Paths = Field(default=(), description="Path of the sex: male or female, m or f, 男 or 女, 1 or 2.")
    province: Paths = Field(default=(), description="Path of the province.")
    city: Paths = Field(default=(), description="Path of the city.")
    phone: Paths = Field(
        default=(),
        description="Path of a phone number that the vendor verified, in the answer of `phone_url` and beside the "
        "profile. Leave it out for one that a person or a company's administrator may have entered.",
    )
    phone_country: Paths = Field(
        default=(), description="Path of its country code, such as 86 or +86; none means mainland China."
    )

    @classmethod
    def common(cls) -> Self:
        """Return where user-info has a person when nobody says it.

        OpenID's standard claims come first (OpenID Connect Core §5.1), then the commonest names of vendors.
        """
        return cls(
            user_id=("sub", "id"),
            nickname=(
                *("name", "nickname", "display_name", "displayName", "preferred_username"),
                *("nick", "nickName", "nick_name", "screen_name", "login", "username", "userName", "user_name"),
                *("full_name", "fullName", "given_name", "first_name"),
            ),
            face=(
                *("picture", "picture.data.url", "avatar_url", "avatarUrl", "avatar", "avatar.url", "avatar_large"),
                *("headimgurl", "profile_image_url", "profile_image", "profile_picture", "picture_url"),
                *("photo", "photo_url", "photoURL", "image", "image.url", "image_url"),
            ),
            sex=("gender", "sex"),
            province=("address.region", "province"),
            city=("address.locality", "city"),
        )

    @property
    def has_ids(self) -> bool:
        """True when at least one id is mapped."""
        return bool(self.user_id or self.union_id or self.open_id)

    def read_ids(
        self, answer: Mapping[str, Any], client_id: str, settings: Mapping[str, str] | None = None
    ) -> tuple[PersonId, ...]:
        """Return the ids in `answer`, strongest first; the scope of an open id is `client_id`.

        A union id may be missing when another id is mapped: vendors send it only to apps of one developer account.
        `settings` are those that `union_scope` may name.

        Raises `ProviderBadResponse` for any other id that is missing, for a value that is no id, and for a union id
        whose scope is missing.
        """
        ids = []
        if self.user_id:
            ids.append(PersonId.user_id(_find_id(answer, self.user_id, "user_id")))
        is_needed = not (self.user_id or self.open_id)
        if self.union_id and (is_needed or _find(answer, self.union_id) is not None):
            union_id = _find_id(answer, self.union_id, "union_id")
            ids.append(PersonId.union_id(union_id, self._read_scope(answer, settings or {"client_id": client_id})))
        if self.open_id:
            ids.append(PersonId.open_id(_find_id(answer, self.open_id, "open_id"), client_id))
        return tuple(ids)

    @property
    def scope_settings(self) -> set[str]:
        """The settings that `union_scope` names."""
        return find_placeholders({path: path for path in _get_paths(self.union_scope)})

    def _read_scope(self, answer: Mapping[str, Any], settings: Mapping[str, str]) -> str:
        if not self.union_scope:
            return ""
        if names := self.scope_settings:
            return settings[next(iter(names))]
        return exact_id(_find(answer, self.union_scope), "the scope of union_id")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        paths = _get_paths(self.union_scope)
        if paths and not self.union_id:
            raise ValueError("union_scope goes with a union_id")
        if self.scope_settings and not (len(paths) == 1 and _SETTING.fullmatch(paths[0])):
            raise ValueError("union_scope is a path, several paths, or one setting in braces")
        return self

    def read_profile(self, answer: Mapping[str, Any]) -> Profile:
        """Return the profile in `answer`; a field without a path or a value that can be shown is empty."""
        sexes = (SEX.get(read_text(value).strip().lower()) for value in _find_all(answer, self.sex))
        pictures = filter(None, map(clean_picture, _find_all(answer, self.face)))
        return Profile.of(
            nickname=_find_shown(answer, self.nickname),
            face=next(pictures, ""),
            sex=next((sex for sex in sexes if sex is not None), None),
            province=_find_shown(answer, self.province),
            city=_find_shown(answer, self.city),
            mobile=self._find_phone(answer),
        )

    def read_phone(self, answer: Mapping[str, Any]) -> str:
        """Return the phone number in `answer`: `13800000001` in mainland China, `852-61234567` elsewhere.

        Number and country code may be texts or numbers. Raises `ProviderBadResponse` for anything else.
        """
        phone = self._find_phone(answer)
        if not phone:
            raise ProviderBadResponse("phone is no phone number with a country code")
        return phone

    def _find_phone(self, answer: Mapping[str, Any]) -> str:
        return read_phone(_find(answer, self.phone), _find(answer, self.phone_country))


def _find(answer: Mapping[str, Any], paths: Paths) -> Any:
    """Return the first value that is there; None without one."""
    return next(_find_all(answer, paths), None)


def _find_id(answer: Mapping[str, Any], paths: Paths, key: str) -> Any:
    """Return the first value that is there. Raises `ProviderBadResponse`, with the names of members, without one."""
    value = _find(answer, paths)
    if value is None:
        names = list(islice(_list_names(answer), NAMES_SHOWN))
        missing = f"{' or '.join(_get_paths(paths))} ({key})"
        raise ProviderBadResponse(f"the answer has nothing at {missing}; it has {', '.join(names) or 'no members'}")
    return value


def _list_names(answer: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the paths of members that say something. A name that is none of a programmer's may be a value: left out."""
    for name, value in answer.items():
        if is_absent(value) or not _NAME.fullmatch(name):
            continue
        if isinstance(value, Mapping) and value and path.count(".") < NAMES_DEPTH:
            yield from _list_names(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def _find_all(answer: Mapping[str, Any], paths: Paths) -> Iterator[Any]:
    for path in _get_paths(paths):
        value = find_value(answer, path)
        if not is_absent(value):
            yield value


def _get_paths(paths: Paths) -> tuple[str, ...]:
    return (paths,) if isinstance(paths, str) else paths


def _find_shown(answer: Mapping[str, Any], paths: Paths) -> str:
    """Return the first text that shows something; the empty text without one."""
    return next((value for value in _find_all(answer, paths) if clean_text(value, SHOWN)), "")


def get_value(ids: tuple[PersonId, ...], kind: IdKind) -> str:
    """Return the value of the first id of that kind, or the empty text."""
    return next((person_id.value for person_id in ids if person_id.kind is kind), "")


def check_token(token: object) -> str:
    """Return `token` if it is printable ASCII of at most 64 KiB, as a header needs (RFC 6750 §2.1).

    Raises `ProviderBadResponse`.
    """
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_LIMIT or not (token.isascii() and token.isprintable()):
        raise ProviderBadResponse("access_token is not a token")
    return token
