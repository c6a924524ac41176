"""Queries about members in the built-in table, `es_member`. Members that live elsewhere have no row here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sqlalchemy import bindparam, select, update

from connect_core.identity import Profile
from connect_core.store.engine.statement import KeyedInsert, RowLock, Statement, Transaction, made_for
from connect_core.store.models import Member, table_of

_MEMBER = table_of(Member)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A row of `es_member`; `create_time` in epoch seconds."""

    id: int
    uname: str
    nickname: str
    face: str
    sex: int | None
    mobile: str
    province: str
    city: str
    disabled: int
    create_time: int


_INSERT = KeyedInsert(
    _MEMBER,
    "uname",
    "nickname",
    "face",
    "sex",
    "mobile",
    "province",
    "city",
    "register_client",
    "create_time",
    "last_login",
    "login_count",
)
_HAS_ID = _MEMBER.c.id == bindparam("member_id")
_FIND = Statement(select(*(_MEMBER.c[name] for name in MemberRow.__dataclass_fields__)).where(_HAS_ID))
_LOCK = RowLock(select(_MEMBER.c.id).where(_HAS_ID, _MEMBER.c.disabled == 0))
_FIND_PASSWORD = Statement(select(_MEMBER.c.id, _MEMBER.c.password_hash).where(_MEMBER.c.uname == bindparam("uname")))
_HAS_PASSWORD = Statement(select(_MEMBER.c.id).where(_HAS_ID, _MEMBER.c.password_hash != ""))
_FILL_MOBILE = Statement(update(_MEMBER).where(_HAS_ID, _MEMBER.c.mobile == "").values(mobile=bindparam("number")))
_LIKE = _MEMBER.c.nickname.like(bindparam("pattern"), escape="!")
_SEARCH = {
    name: Statement(
        select(*(_MEMBER.c[column] for column in MemberRow.__dataclass_fields__))
        .where(condition)
        .order_by(_MEMBER.c.id)
        .limit(bindparam("most"))
    )
    for name, condition in (
        ("uname", _MEMBER.c.uname == bindparam("text")),
        ("mobile", _MEMBER.c.mobile == bindparam("text")),
        ("nickname", _LIKE),
    )
}


def find_named(transaction: Transaction, text: str, limit: int) -> list[MemberRow]:
    """Return at most `limit` members whose user name or mobile number is `text`, or whose nickname begins with it.

    Those with the name or number come first. Whether small and capital letters of a nickname differ is the engine's.
    """
    pattern = re.sub("[!%_]", r"!\g<0>", text) + "%"
    rows = [
        *_SEARCH["uname"].all(transaction, text=text, most=limit),
        *_SEARCH["mobile"].all(transaction, text=text, most=limit),
        *_SEARCH["nickname"].all(transaction, pattern=pattern, most=limit),
    ]
    return list({row[0]: MemberRow(*row) for row in rows}.values())[:limit]


def find_password(transaction: Transaction, uname: str) -> tuple[int, str] | None:
    """Return the id and the password hash of the member `uname`, or None; the hash is empty without a password."""
    row = _FIND_PASSWORD.first(transaction, uname=uname)
    return (row[0], row[1]) if row else None


def has_password(transaction: Transaction, member_id: int) -> bool:
    """Tell whether the member has a password."""
    return _HAS_PASSWORD.first(transaction, member_id=member_id) is not None


def lock_enabled_member(transaction: Transaction, member_id: int) -> bool:
    """Lock the member's row until the transaction ends, so that an erasure waits.

    Returns False when the member is disabled or does not exist.
    """
    return _LOCK.first(transaction, member_id=member_id) is not None


def insert_member(transaction: Transaction, uname: str, profile: Profile, client_type: str, now: int) -> int:
    """Register a member at `now` (epoch seconds) and return its id; an empty nickname becomes `uname`."""
    return _INSERT.run(
        transaction,
        uname=uname,
        nickname=profile.nickname or uname,
        face=profile.face,
        sex=profile.sex,
        mobile=profile.mobile,
        province=profile.province,
        city=profile.city,
        register_client=client_type,
        create_time=now,
        last_login=now,
        login_count=1,
    )


def find_member(transaction: Transaction, member_id: int) -> MemberRow | None:
    """Return the member, or None."""
    row = _FIND.first(transaction, member_id=member_id)
    return MemberRow(*row) if row else None


@cache
def _set(names: tuple[str, ...]) -> Statement:
    return Statement(update(_MEMBER).where(_HAS_ID).values({name: bindparam(name) for name in names}))


@made_for(())
def _count_login(names: tuple[str, ...]) -> Statement:
    values: dict[str, object] = {name: bindparam(name) for name in names}
    count = _MEMBER.c.login_count + 1
    return Statement(update(_MEMBER).where(_HAS_ID).values(last_login=bindparam("now"), login_count=count, **values))


def record_login(transaction: Transaction, member_id: int, changes: Mapping[str, object], now: int) -> None:
    """Count a login of the member at `now` (epoch seconds), and change columns; the keys of `changes` name them."""
    _count_login(tuple(sorted(changes))).put_off(transaction, member_id=member_id, now=now, **changes)


def fill_mobile(transaction: Transaction, member_id: int, mobile: str) -> None:
    """Write the mobile number of a member who has none."""
    _FILL_MOBILE.run(transaction, member_id=member_id, number=mobile)


def update_member(transaction: Transaction, member_id: int, values: Mapping[str, object]) -> None:
    """Change columns of a member's row; the keys of `values` are columns of `es_member`."""
    _set(tuple(sorted(values))).run(transaction, member_id=member_id, **values)
