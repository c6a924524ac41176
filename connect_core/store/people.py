"""Queries about persons: connections, their ids, and the built-in members."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Update, and_, bindparam, insert, or_, select, update

from connect_core.identity import IdKind, PersonId, Profile
from connect_core.models import Alias, Connection, Member
from connect_core.store.database import Transaction

_ALIAS, _CONNECT, _MEMBER = Alias.__table__, Connection.__table__, Member.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """An active connection that one of the asked ids led to. `profile` is JSON, None when none was ever told.

    `has_aliases` is False for a row that another system wrote: its `union_id` is all there is.
    """

    connect_id: int
    member_id: int
    union_id: str
    union_scope: str
    profile: str | None
    profile_time: int
    via: PersonId
    has_aliases: bool


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member of the built-in table."""

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


_CONNECT_COLUMNS = (
    _CONNECT.c.id,
    _CONNECT.c.member_id,
    _CONNECT.c.union_id,
    _CONNECT.c.union_scope,
    _CONNECT.c.profile,
    _CONNECT.c.profile_time,
)


def _ids_are(count: int) -> ColumnElement[bool]:
    """The condition that an alias is one of so many ids, as `_values` binds them."""
    matches = (
        and_(
            _ALIAS.c.kind == bindparam(f"kind_{place}"),
            _ALIAS.c.scope == bindparam(f"scope_{place}"),
            _ALIAS.c.value == bindparam(f"value_{place}"),
            _ALIAS.c.union_type == bindparam("type_of_ids"),
            _ALIAS.c.active == 1,
        )
        for place in range(count)
    )
    return or_(*matches)


def _values(union_type: str, ids: Sequence[PersonId]) -> dict[str, object]:
    values: dict[str, object] = {"type_of_ids": union_type}
    for place, one in enumerate(ids):
        values |= {f"kind_{place}": one.kind.value, f"scope_{place}": one.scope, f"value_{place}": one.value}
    return values


@cache
def _find_by(count: int) -> Select[Any]:
    return (
        select(*_CONNECT_COLUMNS, _ALIAS.c.kind, _ALIAS.c.scope, _ALIAS.c.value)
        .join_from(_ALIAS, _CONNECT, _CONNECT.c.id == _ALIAS.c.connect_id)
        .where(_CONNECT.c.active == 1, _ids_are(count))
    )


def find_by_ids(transaction: Transaction, union_type: str, ids: Sequence[PersonId]) -> list[KnownPerson]:
    """Return the active connections that any of `ids` leads to, with the id that did."""
    rows = transaction.execute(_find_by(len(ids)), _values(union_type, ids))
    return [_known(row, _person_id(row.kind, row.scope, row.value), has_aliases=True) for row in rows]


_HAS_ALIAS = select(_ALIAS.c.id).where(_ALIAS.c.connect_id == _CONNECT.c.id).exists()


@cache
def _find_unaliased(count: int) -> Select[Any]:
    matches = (
        and_(
            _CONNECT.c.union_type == bindparam("type_of_ids"),
            _CONNECT.c.union_scope == bindparam(f"scope_{place}"),
            _CONNECT.c.union_id == bindparam(f"value_{place}"),
            _CONNECT.c.active == 1,
        )
        for place in range(count)
    )
    return select(*_CONNECT_COLUMNS).where(or_(*matches), ~_HAS_ALIAS)


def find_unaliased(transaction: Transaction, union_type: str, ids: Sequence[PersonId]) -> list[KnownPerson]:
    """The same over `es_connect.union_id`, for rows that another system wrote and that have no aliases yet."""
    rows = transaction.execute(_find_unaliased(len(ids)), _values(union_type, ids)).all()
    by_text = {(one.scope, one.value): one for one in reversed(ids)}
    return [_known(row, by_text[row.union_scope, row.union_id], has_aliases=False) for row in rows]


def _known(row: Row[Any], via: PersonId, *, has_aliases: bool) -> KnownPerson:
    return KnownPerson(
        row.id, row.member_id, row.union_id, row.union_scope, row.profile, row.profile_time, via, has_aliases
    )


def _person_id(kind: str, scope: str, value: str) -> PersonId:
    return PersonId(IdKind(kind), value, scope)


_INSERT_CONNECT = insert(_CONNECT)
_INSERT_ALIAS = insert(_ALIAS)
_INSERT_MEMBER = insert(_MEMBER)


def insert_connection(
    transaction: Transaction,
    member_id: int,
    union_type: str,
    strongest: PersonId,
    now: int,
    *,
    profile: str,
    profile_time: int,
) -> int:
    """Bind: write the connection, with what the vendor told of the person and when, and return its id."""
    values = {
        "member_id": member_id,
        "union_type": union_type,
        "union_id": strongest.value,
        "union_scope": strongest.scope,
        "create_time": now,
        "profile": profile,
        "profile_time": profile_time,
    }
    return _inserted(transaction.execute(_INSERT_CONNECT, values).inserted_primary_key)


def insert_aliases(transaction: Transaction, connect_id: int, union_type: str, ids: Sequence[PersonId]) -> None:
    """Add ids by which the connection is found."""
    rows = [
        {
            "connect_id": connect_id,
            "union_type": union_type,
            "kind": one.kind.value,
            "scope": one.scope,
            "value": one.value,
        }
        for one in ids
    ]
    transaction.execute(_INSERT_ALIAS, rows)


@cache
def _end_stray(count: int) -> Update:
    is_held = select(_CONNECT.c.id).where(_CONNECT.c.id == _ALIAS.c.connect_id, _CONNECT.c.active == 1).exists()
    return update(_ALIAS).where(_ids_are(count), ~is_held).values(unbound_time=bindparam("now"))


def end_stray_aliases(transaction: Transaction, union_type: str, ids: Sequence[PersonId], now: int) -> None:
    """End those of `ids` that are still active though their connection was ended, or is gone."""
    transaction.execute(_end_stray(len(ids)), {**_values(union_type, ids), "now": now})


_FIND_ALIASES = select(_ALIAS.c.kind, _ALIAS.c.scope, _ALIAS.c.value).where(
    _ALIAS.c.connect_id == bindparam("connect_id"), _ALIAS.c.active == 1
)
_SET_UNION_ID = (
    update(_CONNECT)
    .where(_CONNECT.c.id == bindparam("connect_id"))
    .values(union_id=bindparam("value"), union_scope=bindparam("scope"))
)
_SET_PROFILE = (
    update(_CONNECT)
    .where(_CONNECT.c.id == bindparam("connect_id"))
    .values(profile=bindparam("told"), profile_time=bindparam("now"))
)
_FIND_OPEN_ID = (
    select(_ALIAS.c.value)
    .join_from(_CONNECT, _ALIAS, _ALIAS.c.connect_id == _CONNECT.c.id)
    .where(
        _CONNECT.c.member_id == bindparam("member_id"),
        _CONNECT.c.union_type == bindparam("union_type"),
        _CONNECT.c.active == 1,
        _ALIAS.c.active == 1,
        _ALIAS.c.kind == IdKind.OPEN_ID.value,
        _ALIAS.c.scope == bindparam("app_id"),
    )
)


def find_aliases(transaction: Transaction, connect_id: int) -> list[PersonId]:
    """Return every id of a connection."""
    return [_person_id(*row) for row in transaction.execute(_FIND_ALIASES, {"connect_id": connect_id})]


def update_union_id(transaction: Transaction, connect_id: int, strongest: PersonId) -> None:
    """Write the stronger id that has become known."""
    values = {"connect_id": connect_id, "value": strongest.value, "scope": strongest.scope}
    transaction.execute(_SET_UNION_ID, values)


def update_stored_profile(transaction: Transaction, connect_id: int, profile: str, now: int) -> None:
    """Remember what the vendor last told of the person."""
    transaction.execute(_SET_PROFILE, {"connect_id": connect_id, "told": profile, "now": now})


def find_open_id(transaction: Transaction, member_id: int, union_type: str, app_id: str) -> str | None:
    """Return the member's open id for the vendor's app `app_id`."""
    values = {"member_id": member_id, "union_type": union_type, "app_id": app_id}
    return transaction.execute(_FIND_OPEN_ID, values).scalar()


_UNION_TYPES = (
    select(_CONNECT.c.union_type)
    .where(_CONNECT.c.member_id == bindparam("member_id"), _CONNECT.c.active == 1)
    .order_by(_CONNECT.c.id)
)


def find_union_types(transaction: Transaction, member_id: int) -> list[str]:
    """Return the union types that the member is bound to, in the order of binding."""
    return list(transaction.execute(_UNION_TYPES, {"member_id": member_id}).scalars())


def insert_member(transaction: Transaction, uname: str, profile: Profile, client_type: str, now: int) -> int:
    """Register a member and return its id."""
    result = transaction.execute(
        _INSERT_MEMBER,
        {
            "uname": uname,
            "nickname": profile.nickname or uname,
            "face": profile.face,
            "sex": profile.sex,
            "mobile": profile.mobile,
            "province": profile.province,
            "city": profile.city,
            "register_client": client_type,
            "create_time": now,
            "last_login": now,
            "login_count": 1,
        },
    )
    return _inserted(result.inserted_primary_key)


_MEMBER_COLUMNS = tuple(_MEMBER.c[name] for name in MemberRow.__dataclass_fields__)
_FIND_MEMBER = select(*_MEMBER_COLUMNS).where(_MEMBER.c.id == bindparam("member_id"))
_COUNT_LOGIN = (
    update(_MEMBER)
    .where(_MEMBER.c.id == bindparam("member_id"))
    .values(last_login=bindparam("now"), login_count=_MEMBER.c.login_count + 1)
)


def find_member(transaction: Transaction, member_id: int) -> MemberRow | None:
    """Return a member of the built-in table."""
    row = transaction.execute(_FIND_MEMBER, {"member_id": member_id}).first()
    return MemberRow(*row) if row else None


def count_login(transaction: Transaction, member_id: int, now: int) -> None:
    """Note that the member logged in."""
    transaction.execute(_COUNT_LOGIN, {"member_id": member_id, "now": now})


def update_member(transaction: Transaction, member_id: int, values: dict[str, object]) -> None:
    """Write display fields of a member; the names are columns of `es_member`."""
    transaction.execute(update(_MEMBER).where(_MEMBER.c.id == member_id).values(**values))


def _inserted(key: Sequence[object] | None) -> int:
    return int(str(key[0])) if key else 0
