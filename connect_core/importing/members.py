"""Turns rows of Javashop's `es_member` into rows of ours: the columns that both tables have, cleaned.

Never reads passwords, points or e-mail addresses; makes no query.
"""

import re
from collections.abc import Mapping
from typing import Any

from connect_core.errors import ProviderBadResponse
from connect_core.identity import Profile, exact_id
from connect_core.importing.report import Cause

COLUMNS = (
    "uname",
    "nickname",
    "face",
    "sex",
    "mobile",
    "province",
    "city",
    "disabled",
    "create_time",
    "last_login",
    "login_count",
)
TABLE = "es_member"
_EMOJI = re.compile("&4u:([0-9a-f]{4})|&5u:([0-9a-f]{5})|&6u:(10[0-9a-f]{4})")
_FACE = re.compile(r"https?://[!#-;=?-\[\]_a-z~]{1,2040}")
_UNAME_MAX = 64
_ID_MAX = 2**63
_MILLISECONDS = 10**11
"""A time from this number on is in milliseconds: read as seconds it would be in the year 5138 or later."""


def is_number(value: object) -> bool:
    """Tell whether a member may have `value` as id: a positive number of 64 bits."""
    return isinstance(value, int) and 0 < value < _ID_MAX


def get_mistake(row: Mapping[str, Any]) -> Cause | None:
    """Return why the member of this row cannot be imported; None when it can."""
    if not is_number(row["id"]):
        return Cause.MEMBER_ID_INVALID
    try:
        return Cause.UNAME_UNUSABLE if len(exact_id(row["uname"], "uname")) > _UNAME_MAX else None
    except ProviderBadResponse:
        return Cause.UNAME_UNUSABLE


def get_member(row: Mapping[str, Any]) -> dict[str, object]:
    """Return the row of our `es_member` for a row of Javashop's; every time becomes epoch seconds.

    A member that Javashop disabled, or deleted into its recycle bin (`disabled` = -1), is disabled here.
    """
    profile = Profile.of(
        nickname=_EMOJI.sub(_character, str(row["nickname"] or "")),
        sex=row["sex"],
        province=row["province"],
        city=row["city"],
        mobile=str(row["mobile"] or ""),
    )
    return {
        "id": row["id"],
        "uname": row["uname"],
        "nickname": profile.nickname or row["uname"],
        "face": row["face"] if isinstance(row["face"], str) and _FACE.fullmatch(row["face"]) else "",
        "sex": profile.sex,
        "mobile": profile.mobile,
        "province": profile.province,
        "city": profile.city,
        "disabled": int(bool(row["disabled"])),
        "create_time": _seconds(row["create_time"]),
        "last_login": _seconds(row["last_login"]),
        "login_count": max(_number(row["login_count"]), 0),
    }


def _character(match: re.Match[str]) -> str:
    """Return the emoji that Javashop wrote as its code point, for tables without four-byte UTF-8."""
    return chr(int(match[match.lastindex or 0], 16))


def _seconds(value: object) -> int:
    number = max(_number(value), 0)
    return number // 1000 if number >= _MILLISECONDS else number


def _number(value: object) -> int:
    text = str(value)
    return int(text) if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else 0
