"""Where a vendor's answer says who a person is: our fields, each with the vendor's path to it.

Owns the mapping and its strictness about ids. Never makes a call.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from connect_core.errors import ProviderBadResponse
from connect_core.identity import IdKind, PersonId, Profile
from connect_core.providers.oauth2.responses import find_value

SEX = {"male": 1, "m": 1, "男": 1, "1": 1, "female": 0, "f": 0, "女": 0, "2": 0}
"""What vendors call the sexes, in lower case."""


Path = Annotated[str, Field(min_length=1)]
Paths = Path | tuple[Path, ...]
"""A path, or several of which the first that is there counts."""


class Claims(BaseModel):
    """Our field = the vendor's path to it, or several paths. Frozen; unknown keys are refused.

    `user_id` and `union_id` hold vendor-wide, `open_id` for the configured client alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_id: Paths = Field(default=(), description="Path of the id that is the same for every client of the vendor.")
    union_id: Paths = Field(default=(), description="Path of the id across one developer's apps; it may be absent.")
    open_id: Paths = Field(default=(), description="Path of the id for this client alone.")
    nickname: Paths = Field(default=(), description="Path of the name that is shown.")
    face: Paths = Field(default=(), description="Path of the picture's https link.")
    sex: Paths = Field(default=(), description="Path of the sex: male or female, m or f, 男 or 女, 1 or 2.")
    province: Paths = Field(default=(), description="Path of the province.")
    city: Paths = Field(default=(), description="Path of the city.")

    @property
    def has_ids(self) -> bool:
        """Whether an id is mapped at all."""
        return bool(self.user_id or self.union_id or self.open_id)

    def read_ids(self, found: Mapping[str, Any], client_id: str) -> tuple[PersonId, ...]:
        """Return the mapped ids, strongest first. Raises `ProviderBadResponse` for one that is missing or no id.

        A union id may be absent beside another id: vendors give it only to apps that were bound together.
        """
        ids = []
        if self.user_id:
            ids.append(PersonId.user_id(_find(found, self.user_id)))
        union_id = _find(found, self.union_id)
        if self.union_id and (union_id is not None or not (self.user_id or self.open_id)):
            ids.append(PersonId.union_id(union_id))
        if self.open_id:
            ids.append(PersonId.open_id(_find(found, self.open_id), client_id))
        return tuple(ids)

    def read_profile(self, found: Mapping[str, Any]) -> Profile:
        """Return what is shown of a person."""
        return Profile.of(
            nickname=_find(found, self.nickname, absent=_EMPTY),
            face=_find(found, self.face, absent=_EMPTY),
            sex=SEX.get(str(_find(found, self.sex)).lower()),
            province=_find(found, self.province, absent=_EMPTY),
            city=_find(found, self.city, absent=_EMPTY),
        )


_EMPTY = (None, "")


def _find(found: Mapping[str, Any], paths: Paths, *, absent: tuple[object, ...] = (None,)) -> Any:
    for path in (paths,) if isinstance(paths, str) else paths:
        if (value := find_value(found, path)) not in absent:
            return value
    return None


def get_value(ids: tuple[PersonId, ...], kind: IdKind) -> str:
    """Return the id of that kind, or the empty text."""
    return next((one.value for one in ids if one.kind is kind), "")


def check_token(token: object) -> str:
    """Return `token` if it can travel in a header. Raises `ProviderBadResponse`."""
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise ProviderBadResponse("access_token is not a token")
    return token
