"""The forms of the JSON answers that older front ends read, as `connect_core.web.answers` has those of ours."""

from typing import Literal

from typing_extensions import TypedDict  # pydantic reads the one of `typing` from Python 3.12 on only

from connect_core.web.answers import ChoiceTicket


class LegacyTokens(TypedDict):
    """The tokens of a login, as older front ends read them."""

    access_token: str
    refresh_token: str
    uid: int


class LegacyBound(LegacyTokens):
    """The identity is linked, and the member logged in."""

    result: Literal["bind_success"]


class LegacyProblem(TypedDict):
    """Why a request was refused, as older front ends read it."""

    code: str
    """Their code, such as `E131`."""
    message: str


class LegacyLink(TypedDict):
    """Whether a vendor is linked."""

    union_type: str
    is_bind: bool


class LegacyMiniMember(TypedDict):
    """A member as older mini programs read it."""

    id: int
    uname: str
    nickname: str
    face: str
    sex: int | None
    """1, 0 or null (unknown)."""
    alipayUserId: str
    faceImage: str
    isCertified: Literal["T", "F"] | None
    registTime: str
    """In UTC, such as `2026-11-21 09:52:46`."""


class LegacyMiniLogin(TypedDict):
    """The end of an older mini program's login."""

    status: Literal[200]
    msg: Literal["OK"]
    data: LegacyMiniMember | ChoiceTicket
