"""Queries about persons: connections, their ids, and the built-in members."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, bindparam, insert, or_, select, update

from connect_core.identity import IdKind, PersonId, Profile
from connect_core.models import Alias, Connection, Member
from connect_core.store.database import Transaction

_ALIAS, _CONNECT, _MEMBER = Alias.__table__, Connection.__table__, Member.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """An active connection that one of the asked ids led to. `profile` is JSON, None when none was ever told."""

    connect_id: int
    member_id: int
    union_id: str
    union_scope: str
    profile: str | None
    profile_time: int
    via: PersonId


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


def find_by_ids(transaction: Transaction, union_type: str, ids: Sequence[PersonId]) -> list[KnownPerson]:
    """Return the active connections that any of `ids` leads to, with the id that did."""
    statement = (
        select(*_CONNECT_COLUMNS, _ALIAS.c.kind, _ALIAS.c.scope, _ALIAS.c.value)
        .join_from(_ALIAS, _CONNECT, _CONNECT.c.id == _ALIAS.c.connect_id)
        .where(
            _ALIAS.c.active == 1,
            _CONNECT.c.active == 1,
            or_(*(_id_is(one, union_type) for one in ids)),
        )
    )
    return [KnownPerson(*row[:6], _person_id(*row[6:])) for row in transaction.execute(statement)]


def find_unaliased(transaction: Transaction, union_type: str, ids: Sequence[PersonId]) -> list[KnownPerson]:
    """The same over `es_connect.union_id`, for rows that another system wrote and that have no aliases yet."""
    has_alias = select(_ALIAS.c.id).where(_ALIAS.c.connect_id == _CONNECT.c.id).exists()
    matches = (and_(_CONNECT.c.union_scope == one.scope, _CONNECT.c.union_id == one.value) for one in ids)
    statement = select(*_CONNECT_COLUMNS).where(
        _CONNECT.c.union_type == union_type, _CONNECT.c.active == 1, ~has_alias, or_(*matches)
    )
    rows = transaction.execute(statement).all()
    by_text = {(one.scope, one.value): one for one in reversed(ids)}
    return [KnownPerson(*row, by_text[row.union_scope, row.union_id]) for row in rows]


def _id_is(one: PersonId, union_type: str) -> ColumnElement[bool]:
    return and_(
        _ALIAS.c.union_type == union_type,
        _ALIAS.c.kind == one.kind.value,
        _ALIAS.c.scope == one.scope,
        _ALIAS.c.value == one.value,
    )


def _person_id(kind: str, scope: str, value: str) -> PersonId:
    return PersonId(IdKind(kind), value, scope)


_INSERT_CONNECT = insert(_CONNECT)
_INSERT_ALIAS = insert(_ALIAS)
_INSERT_MEMBER = insert(_MEMBER)


def insert_connection(transaction: Transaction, member_id: int, union_type: str, strongest: PersonId, now: int) -> int:
    """Bind: write the connection and return its id."""
    values = {
        "member_id": member_id,
        "union_type": union_type,
        "union_id": strongest.value,
        "union_scope": strongest.scope,
    }
    return _inserted(transaction.execute(_INSERT_CONNECT, {**values, "create_time": now}).inserted_primary_key)


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


def find_aliases(transaction: Transaction, connect_id: int) -> list[PersonId]:
    """Return every id of a connection."""
    columns = (_ALIAS.c.kind, _ALIAS.c.scope, _ALIAS.c.value)
    rows = transaction.execute(select(*columns).where(_ALIAS.c.connect_id == connect_id, _ALIAS.c.active == 1))
    return [_person_id(*row) for row in rows]


def update_union_id(transaction: Transaction, connect_id: int, strongest: PersonId) -> None:
    """Write the stronger id that has become known."""
    transaction.execute(
        update(_CONNECT)
        .where(_CONNECT.c.id == connect_id)
        .values(union_id=strongest.value, union_scope=strongest.scope)
    )


def update_stored_profile(transaction: Transaction, connect_id: int, profile: str, now: int) -> None:
    """Remember what the vendor last told of the person."""
    transaction.execute(update(_CONNECT).where(_CONNECT.c.id == connect_id).values(profile=profile, profile_time=now))


def find_open_id(transaction: Transaction, member_id: int, union_type: str, app_id: str) -> str | None:
    """Return the member's open id for the vendor's app `app_id`."""
    statement = (
        select(_ALIAS.c.value)
        .join_from(_CONNECT, _ALIAS, _ALIAS.c.connect_id == _CONNECT.c.id)
        .where(
            _CONNECT.c.member_id == member_id,
            _CONNECT.c.union_type == union_type,
            _CONNECT.c.active == 1,
            _ALIAS.c.active == 1,
            _ALIAS.c.kind == "open_id",
            _ALIAS.c.scope == app_id,
        )
    )
    return transaction.execute(statement).scalar()


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
