"""Queries about connections (`es_connect`) and the ids by which they are found (`es_connect_alias`).

Which connection a login belongs to is decided in `members`; here is only the SQL.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import ColumnElement, bindparam, func, or_, select, update

from connect_core.identity import STRENGTH, Identity, IdKind, PersonId
from connect_core.store.engine.statement import KeyedInsert, RowLock, Statement, Transaction, insert_into
from connect_core.store.identities import KnownPerson, bind_ids, has_one_of_ids, is_one_of_ids
from connect_core.store.models import Alias, Connection, Member, table_of

_ALIAS, _CONNECT, _MEMBER = table_of(Alias), table_of(Connection), table_of(Member)


@dataclass(frozen=True, slots=True)
class BoundConnection:
    """An active connection, as its member sees it. `profile` is JSON, or None when the vendor never sent one."""

    connect_id: int
    union_type: str
    union_id: str
    create_time: int
    profile: str | None

    @property
    def nickname(self) -> str:
        """The person's nickname at the vendor; empty when the vendor never sent one."""
        profile: Mapping[str, object] = json.loads(self.profile or "{}")
        return str(profile.get("nickname", ""))


def _person_id(kind: str, scope: str, value: str) -> PersonId:
    return PersonId(IdKind(kind), value, scope)


_INSERT_CONNECT = KeyedInsert(
    _CONNECT, "member_id", "union_type", "union_id", "union_scope", "create_time", "profile", "profile_time"
)
_INSERT_ALIAS = Statement(insert_into(_ALIAS, "connect_id", "union_type", "kind", "scope", "value"))


def insert_aliases(transaction: Transaction, connect_id: int, union_type: str, ids: Sequence[PersonId]) -> None:
    """Insert ids by which the connection is found from now on."""
    rows = [
        {
            "connect_id": connect_id,
            "union_type": union_type,
            "kind": person_id.kind.value,
            "scope": person_id.scope,
            "value": person_id.value,
        }
        for person_id in ids
    ]
    _INSERT_ALIAS.put_off_many(transaction, rows)


@cache
def _end_stray(count: int) -> Statement:
    has_connection = select(_CONNECT.c.id).where(_CONNECT.c.id == _ALIAS.c.connect_id, _CONNECT.c.active == 1).exists()
    return Statement(update(_ALIAS).where(is_one_of_ids(count), ~has_connection).values(unbound_time=bindparam("now")))


def end_stray_aliases(transaction: Transaction, union_type: str, ids: Sequence[PersonId], now: int) -> None:
    """End those of `ids` that are active although their connection was ended or deleted.

    Our own code ends both together; another system may have ended the connection alone.
    """
    _end_stray(len(ids)).run(transaction, **bind_ids(union_type, ids), now=now)


_FIND_ALIASES = Statement(
    select(_ALIAS.c.kind, _ALIAS.c.scope, _ALIAS.c.value).where(
        _ALIAS.c.connect_id == bindparam("connect_id"), _ALIAS.c.active == 1
    )
)
_HAS_ID = _CONNECT.c.id == bindparam("connect_id")
_SET_UNION_ID = Statement(
    update(_CONNECT).where(_HAS_ID).values(union_id=bindparam("value"), union_scope=bindparam("scope"))
)
_SET_PROFILE = Statement(
    update(_CONNECT).where(_HAS_ID).values(profile=bindparam("new_profile"), profile_time=bindparam("now"))
)
_FIND_OPEN_ID = Statement(
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
_FIND_BOUND = Statement(
    select(_CONNECT.c.id, _CONNECT.c.union_type, _CONNECT.c.union_id, _CONNECT.c.create_time, _CONNECT.c.profile)
    .where(_CONNECT.c.member_id == bindparam("member_id"), _CONNECT.c.active == 1)
    .order_by(_CONNECT.c.create_time, _CONNECT.c.id)
)


def _find_holders(*, of_type: bool) -> Statement:
    is_alias = [_ALIAS.c.active == 1, _ALIAS.c.value == bindparam("value")]
    is_connection: list[ColumnElement[bool]] = [_CONNECT.c.active == 1]
    if of_type:
        is_alias.append(_ALIAS.c.union_type == bindparam("type_of_id"))
        is_connection.append(_CONNECT.c.union_type == bindparam("type_of_id"))
    has_value = or_(
        _CONNECT.c.union_id == bindparam("value"), _CONNECT.c.id.in_(select(_ALIAS.c.connect_id).where(*is_alias))
    )
    members = select(_CONNECT.c.member_id).where(*is_connection, has_value).distinct()
    return Statement(members.order_by(_CONNECT.c.member_id).limit(bindparam("most")))


_FIND_HOLDERS, _FIND_HOLDERS_OF_TYPE = _find_holders(of_type=False), _find_holders(of_type=True)
_END = Statement(update(_CONNECT).where(_HAS_ID, _CONNECT.c.active == 1).values(unbound_time=bindparam("now")))
_END_ALIASES = Statement(
    update(_ALIAS)
    .where(_ALIAS.c.connect_id == bindparam("ended"), _ALIAS.c.active == 1)
    .values(unbound_time=bindparam("now"))
)


@cache
def _count_ended(count: int) -> Statement:
    return Statement(
        select(func.count()).select_from(_ALIAS).where(has_one_of_ids(count), _ALIAS.c.unbound_time.is_not(None))
    )


def count_ended(transaction: Transaction, union_type: str, *ids: PersonId) -> int:
    """Return how often one of these ids was ended, whoever's it was."""
    return int(_count_ended(len(ids)).scalar(transaction, **bind_ids(union_type, ids)))


def find_aliases(transaction: Transaction, connect_id: int) -> list[PersonId]:
    """Return the active ids of a connection."""
    return [_person_id(*row) for row in _FIND_ALIASES.all(transaction, connect_id=connect_id)]


def update_union_id(transaction: Transaction, connect_id: int, strongest: PersonId) -> None:
    """Store a stronger id, which has become known, as the connection's `union_id`."""
    _SET_UNION_ID.run(transaction, connect_id=connect_id, value=strongest.value, scope=strongest.scope)


def update_stored_profile(transaction: Transaction, connect_id: int, profile: str, now: int) -> None:
    """Store what the vendor now says about the person (JSON), and when it did (`now`, epoch seconds)."""
    _SET_PROFILE.put_off(transaction, connect_id=connect_id, new_profile=profile, now=now)


def find_open_id(transaction: Transaction, member_id: int, union_type: str, app_id: str) -> str | None:
    """Return the member's open id for the vendor's app `app_id`, or None."""
    open_id: str | None = _FIND_OPEN_ID.scalar(transaction, member_id=member_id, union_type=union_type, app_id=app_id)
    return open_id


def find_holders(transaction: Transaction, union_type: str, value: str, limit: int) -> list[int]:
    """Return the ids of at most `limit` members who have a vendor's id, of whichever kind and scope, in order.

    An empty `union_type` means whichever vendor's: no index helps, and all connections are read.
    """
    if union_type:
        rows = _FIND_HOLDERS_OF_TYPE.all(transaction, type_of_id=union_type, value=value, most=limit)
    else:
        rows = _FIND_HOLDERS.all(transaction, value=value, most=limit)
    return [row[0] for row in rows]


def find_bound(transaction: Transaction, member_id: int) -> list[BoundConnection]:
    """Return the member's active connections, oldest first."""
    return [BoundConnection(*row) for row in _FIND_BOUND.all(transaction, member_id=member_id)]


@cache
def _lock_all(count: int) -> RowLock:
    owners = (_CONNECT.c.member_id == bindparam(f"member_{place}") for place in range(count))
    return RowLock(select(_CONNECT.c.id).where(or_(*owners)).order_by(_CONNECT.c.id))


def lock_connections(transaction: Transaction, *member_ids: int) -> list[int]:
    """Lock all connections of the members, ended ones too, in the order of their ids; returns these ids.

    A login through any of them waits until the transaction ends.
    """
    values = {f"member_{place}": member_id for place, member_id in enumerate(member_ids)}
    return [row[0] for row in _lock_all(len(member_ids)).all(transaction, **values)]


def end_connection(transaction: Transaction, connect_id: int, now: int) -> None:
    """End a connection and its ids at `now` (epoch seconds); the rows stay as history."""
    _END.run(transaction, connect_id=connect_id, now=now)
    _END_ALIASES.run(transaction, ended=connect_id, now=now)


def take_over(transaction: Transaction, connection: BoundConnection, other: BoundConnection, now: int) -> None:
    """End `other` at `now` (epoch seconds), and let all of its ids lead to `connection` from then on.

    Both have aliases, and none contradicts another. A stronger id becomes the connection's `union_id`. The caller has
    locked both.
    """
    own_ids = find_aliases(transaction, connection.connect_id)
    new_ids = find_aliases(transaction, other.connect_id)
    end_connection(transaction, other.connect_id, now)
    _add_ids(transaction, connection.connect_id, connection.union_type, new_ids, now)
    strongest = min([*own_ids, *new_ids], key=_get_rank)
    if strongest not in own_ids:
        update_union_id(transaction, connection.connect_id, strongest)


def reserve_keys(transaction: Transaction, *, with_member: bool) -> None:
    """Before a registration: take the key of the connection, and that of the member, where that saves statements."""
    transaction.reserve_keys(_CONNECT, *([_MEMBER] if with_member else []))


def register(
    transaction: Transaction, member_id: int, identity: Identity, now: int, *, profile: str, profile_time: int
) -> int:
    """Write a connection of the member with all ids of `identity`, and return its id.

    `profile` is JSON; `profile_time` says, in epoch seconds, when the vendor was asked for it, 0 for never.
    """
    strongest = identity.strongest
    connect_id = _INSERT_CONNECT.run(
        transaction,
        member_id=member_id,
        union_type=identity.union_type,
        union_id=strongest.value,
        union_scope=strongest.scope,
        create_time=now,
        profile=profile,
        profile_time=profile_time,
    )
    _add_ids(transaction, connect_id, identity.union_type, identity.ids, now)
    return connect_id


def complete(transaction: Transaction, identity: Identity, people: Sequence[KnownPerson], now: int) -> tuple[str, bool]:
    """Bring a known person's connection up to what the vendor says now, and return its `union_id` and a conflict.

    `people` are those of `find_people`, not empty; the first one's connection gets the ids that it lacks, and its
    `union_id` moves up when a stronger id has become known. It is a conflict when the ids lead to two members, or when
    one contradicts an id of the same kind and scope that is stored; what is stored stays.
    """
    person = people[0]
    has_conflict = any(other.member_id != person.member_id for other in people)
    via = {known.via for known in people}
    new_ids = [person_id for person_id in identity.ids if person_id not in via]
    if not person.has_aliases:
        _add_ids(transaction, person.connect_id, identity.union_type, [person.via], now)
    if not new_ids:
        return person.union_id, has_conflict
    stored_ids = find_aliases(transaction, person.connect_id)
    stored_kinds = {(stored.kind, stored.scope) for stored in stored_ids}
    added_ids = [new for new in new_ids if (new.kind, new.scope) not in stored_kinds]
    if added_ids:
        _add_ids(transaction, person.connect_id, identity.union_type, added_ids, now)
    has_conflict = has_conflict or len(added_ids) < len(new_ids)
    strongest = min([*stored_ids, *added_ids], key=_get_rank)
    current = [stored for stored in stored_ids if (stored.value, stored.scope) == (person.union_id, person.union_scope)]
    if current and _get_rank(strongest) >= min(map(_get_rank, current)):
        return person.union_id, has_conflict
    update_union_id(transaction, person.connect_id, strongest)
    return strongest.value, has_conflict


def _add_ids(transaction: Transaction, connect_id: int, union_type: str, ids: Sequence[PersonId], now: int) -> None:
    """Store ids. If an ended connection still holds one, that loses a race; then they are freed first."""
    if transaction.is_retry:
        end_stray_aliases(transaction, union_type, ids, now)
    insert_aliases(transaction, connect_id, union_type, ids)


def _get_rank(person_id: PersonId) -> int:
    return STRENGTH.index(person_id.kind)
