"""Queries about whose identity it is: the active connections that the ids of a person lead to, and their locks.

What follows from it is decided in `members`. Changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, literal_column, or_, select, union_all

from connect_core.identity import Identity, PersonId
from connect_core.store.engine.statement import Row, RowLock, Statement, Transaction, made_for
from connect_core.store.members import MemberRow
from connect_core.store.models import Alias, Connection, Member, table_of

_ALIAS, _CONNECT, _MEMBER = table_of(Alias), table_of(Connection), table_of(Member)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """An active connection, found by the id `via`.

    `profile` is JSON, or None when the vendor never sent one; `profile_time` is when it did, in epoch seconds. Without
    aliases (`has_aliases` is False) another system wrote the row, and `union_id` is the only id known. `member` is the
    row of `es_member` that was read along, where there is one and it is as fresh as the connection.
    """

    via: PersonId
    has_aliases: bool
    connect_id: int
    member_id: int
    union_id: str
    union_scope: str
    profile: str | None
    profile_time: int
    member: MemberRow | None = None


_CONNECT_COLUMNS = (
    _CONNECT.c.id,
    _CONNECT.c.member_id,
    _CONNECT.c.union_id,
    _CONNECT.c.union_scope,
    _CONNECT.c.profile,
    _CONNECT.c.profile_time,
)
_ID_COLUMNS = ("kind", "scope", "value")
_MEMBER_COLUMNS = tuple(_MEMBER.c[name].label(f"member_{name}") for name in MemberRow.__dataclass_fields__)
_MEMBER_BEGINS = len(_ID_COLUMNS) + len(_CONNECT_COLUMNS)


def has_one_of_ids(count: int, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that an alias is one of `count` ids, whose values `bind_ids` binds."""
    matches = (
        and_(
            _ALIAS.c.kind == bindparam(f"kind_{place}"),
            _ALIAS.c.scope == bindparam(f"scope_{place}"),
            _ALIAS.c.value == bindparam(f"value_{place}"),
            _ALIAS.c.union_type == bindparam("type_of_ids"),
            *conditions,
        )
        for place in range(count)
    )
    return or_(*matches)


def is_one_of_ids(count: int) -> ColumnElement[bool]:
    """Return the same for active aliases."""
    return has_one_of_ids(count, _ALIAS.c.active == 1)


def bind_ids(union_type: str, ids: Sequence[PersonId]) -> dict[str, object]:
    """Return the values for the conditions above."""
    values: dict[str, object] = {"type_of_ids": union_type}
    for place, person_id in enumerate(ids):
        values |= {
            f"kind_{place}": person_id.kind.value,
            f"scope_{place}": person_id.scope,
            f"value_{place}": person_id.value,
        }
    return values


def _select_aliased(count: int) -> Select[Row]:
    return (
        select(*(_ALIAS.c[name] for name in _ID_COLUMNS), *_CONNECT_COLUMNS)
        .join_from(_ALIAS, _CONNECT, _CONNECT.c.id == _ALIAS.c.connect_id)
        .where(_CONNECT.c.active == 1, is_one_of_ids(count))
    )


_HAS_ALIAS = select(_ALIAS.c.id).where(_ALIAS.c.connect_id == _CONNECT.c.id).exists()


def _select_unaliased(count: int) -> Select[Row]:
    """The id columns are NULL: `union_id` does not say of which kind it is."""
    matches = (
        and_(
            _CONNECT.c.union_type == bindparam("type_of_ids"),
            _CONNECT.c.union_scope == bindparam(f"scope_{place}"),
            _CONNECT.c.union_id == bindparam(f"value_{place}"),
            _CONNECT.c.active == 1,
        )
        for place in range(count)
    )
    nothing: list[ColumnElement[Any]] = [literal_column("NULL").label(name) for name in _ID_COLUMNS]
    return select(*nothing, *_CONNECT_COLUMNS).where(or_(*matches), ~_HAS_ALIAS)


@made_for(1, 2)
def _find_by(count: int) -> Statement:
    return Statement(_select_aliased(count))


@made_for(1, 2)
def _find_unaliased(count: int) -> Statement:
    return Statement(_select_unaliased(count))


@made_for(1, 2)
def _find_with_members(count: int) -> Statement:
    return Statement(
        _select_aliased(count).outerjoin(_MEMBER, _MEMBER.c.id == _CONNECT.c.member_id).add_columns(*_MEMBER_COLUMNS)
    )


@made_for(1, 2)
def _lock(count: int) -> Statement:
    """Return the query that finds and locks in one statement: connections first, then members, each by their ids.

    All rows are as they are once they are locked, even if the query had to wait for them: of what it finds without a
    lock, such as an alias, only what cannot change is used.
    """
    aliased, unaliased = (
        query.order_by(_CONNECT.c.id).with_for_update(of=_CONNECT).cte(name)
        for query, name in ((_select_aliased(count), "aliased"), (_select_unaliased(count), "unaliased"))
    )
    people = union_all(select(aliased), select(unaliased)).cte("people")
    members = (
        select(*_MEMBER_COLUMNS)
        .where(_MEMBER.c.id.in_(select(people.c.member_id)))
        .order_by(_MEMBER.c.id)
        .with_for_update()
        .cte("members")
    )
    return Statement(select(people, members).outerjoin_from(people, members, members.c.member_id == people.c.member_id))


def _get_person(row: Row, ids: Sequence[PersonId]) -> KnownPerson:
    """Return the person of a row: the id columns, the connection's and, where they were selected, the member's."""
    connect_id, member_id, union_id, union_scope, profile, profile_time = row[len(_ID_COLUMNS) : _MEMBER_BEGINS]
    member_columns = row[_MEMBER_BEGINS:]
    has_aliases = row[0] is not None
    via = next(
        person_id
        for person_id in ids
        if (
            (person_id.kind.value, person_id.scope, person_id.value) == row[: len(_ID_COLUMNS)]
            if has_aliases
            else (person_id.value, person_id.scope) == (union_id, union_scope)
        )
    )
    member = MemberRow(*member_columns) if member_columns and member_columns[0] is not None else None
    connection = (connect_id, member_id, union_id, union_scope, profile, profile_time)
    return KnownPerson(via, has_aliases, *connection, member)


def _find(
    transaction: Transaction, statement: Statement, union_type: str, ids: Sequence[PersonId]
) -> list[KnownPerson]:
    return [_get_person(row, ids) for row in statement.all(transaction, **bind_ids(union_type, ids))]


def find_by_ids(transaction: Transaction, union_type: str, ids: Sequence[PersonId]) -> list[KnownPerson]:
    """Return the active connections that have any of `ids` as an alias; one for each id that matches."""
    return _find(transaction, _find_by(len(ids)), union_type, ids)


def find_unaliased(transaction: Transaction, union_type: str, ids: Sequence[PersonId]) -> list[KnownPerson]:
    """Return the active connections without aliases whose `union_id` is one of `ids`: another system wrote them."""
    return _find(transaction, _find_unaliased(len(ids)), union_type, ids)


def find_people(transaction: Transaction, identity: Identity) -> list[KnownPerson]:
    """Return every active connection that the identity's ids lead to, the strongest id's first."""
    people = _find(transaction, _find_with_members(len(identity.ids)), identity.union_type, identity.ids)
    if len(people) < len(identity.ids):
        via = {person.via for person in people}
        other_ids = [person_id for person_id in identity.ids if person_id not in via]
        people += find_unaliased(transaction, identity.union_type, other_ids)
    return _sort(people, identity)


def find_person(transaction: Transaction, identity: Identity) -> KnownPerson | None:
    """Return the active connection that the strongest known id leads to."""
    people = find_people(transaction, identity)
    return people[0] if people else None


_LOCK_CONNECTION = RowLock(
    select(_CONNECT.c.member_id, _CONNECT.c.active).where(_CONNECT.c.id == bindparam("connect_id"))
)


def lock_connection(transaction: Transaction, connect_id: int) -> int | None:
    """Lock the connection's row until the transaction ends: other transactions that lock or change it wait.

    Returns the id of its member; 0 when the connection was ended, None when it does not exist.
    """
    row = _LOCK_CONNECTION.first(transaction, connect_id=connect_id)
    return (row[0] if row[1] else 0) if row else None


def lock_people(transaction: Transaction, identity: Identity) -> list[KnownPerson]:
    """Return the same as `find_people`, with the first connection locked until the transaction ends.

    An erasure, unbind or merge that runs at the same time has then either committed or waits for this login.
    """
    if transaction.backend.locks_at_once:
        return _sort(_find(transaction, _lock(len(identity.ids)), identity.union_type, identity.ids), identity)
    people = find_people(transaction, identity)
    if transaction.is_alone:
        return people
    while people and lock_connection(transaction, people[0].connect_id) != people[0].member_id:
        people = find_people(transaction, identity)
    # a member who was read before the lock may have been disabled meanwhile
    return [replace(person, member=None) for person in people]


def _sort(people: list[KnownPerson], identity: Identity) -> list[KnownPerson]:
    """Put the strongest id's connection first; of an id that has both, the one with aliases counts alone."""
    if len(people) < 2:
        return people
    by_alias = {person.via for person in people if person.has_aliases}
    people = [person for person in people if person.has_aliases or person.via not in by_alias]
    return sorted(people, key=lambda person: identity.ids.index(person.via))
