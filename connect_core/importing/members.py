"""What the rows of Javashop's `es_member` say about members: the columns that ours has, cleaned, and no other."""

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
_FACE = re.compile(r"https?://[!#-;=?-\[\]_a-z~]{1,247}")
_UNAME_MAX = 64
_ID_MAX = 2**63
_MILLISECONDS = 10**11
"""Times from here on are milliseconds: as seconds this is the year 5138, as milliseconds 1973."""


def get_mistake(row: Mapping[str, Any]) -> Cause | None:
    """Return why a member cannot be imported, or None."""
    if not isinstance(row["id"], int) or not 0 < row["id"] < _ID_MAX:
        return Cause.MEMBER_ID_INVALID
    try:
        return Cause.UNAME_UNUSABLE if len(exact_id(row["uname"], "uname")) > _UNAME_MAX else None
    except ProviderBadResponse:
        return Cause.UNAME_UNUSABLE


def get_member(row: Mapping[str, Any]) -> dict[str, object]:
    """Return the row as ours. A member that Javashop disabled or put in its bin is disabled; times become seconds."""
    shown = Profile.of(
        nickname=_EMOJI.sub(_character, str(row["nickname"] or "")),
        sex=row["sex"],
        province=row["province"],
        city=row["city"],
        mobile=str(row["mobile"] or ""),
    )
    return {
        "id": row["id"],
        "uname": row["uname"],
        "nickname": shown.nickname or row["uname"],
        "face": row["face"] if isinstance(row["face"], str) and _FACE.fullmatch(row["face"]) else "",
        "sex": shown.sex,
        "mobile": shown.mobile,
        "province": shown.province,
        "city": shown.city,
        "disabled": int(bool(row["disabled"])),
        "create_time": _seconds(row["create_time"]),
        "last_login": _seconds(row["last_login"]),
        "login_count": max(_number(row["login_count"]), 0),
    }


def _character(match: re.Match[str]) -> str:
    """Javashop writes an emoji as its number, for tables that cannot hold it."""
    return chr(int(match[match.lastindex or 0], 16))


def _seconds(value: object) -> int:
    number = max(_number(value), 0)
    return number // 1000 if number >= _MILLISECONDS else number


def _number(value: object) -> int:
    text = str(value)
    return int(text) if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else 0
