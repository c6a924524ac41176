"""Queries that bring members and connections of another system in: many rows at a time, asked for by their keys."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql

from connect_core.identity import IdKind, PersonId
from connect_core.store.engine.statement import Row, Statement, Transaction, insert_into
from connect_core.store.models import Alias, Connection, Member, table_of

_ALIAS, _CONNECT, _MEMBER = table_of(Alias), table_of(Connection), table_of(Member)

CHUNK = 500
"""Keys that are asked for at once; fewer are filled up, so that every question is one prepared statement."""


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """A connection that a member has or had. `ids` are those of its aliases, and `union_id` where it has none."""

    connect_id: int
    member_id: int
    union_type: str
    is_active: bool
    ids: frozenset[tuple[str, str]]
    aliases: tuple[PersonId, ...]


def find_unames(transaction: Transaction, member_ids: Sequence[int]) -> dict[int, str]:
    """Return the name of every one of these members that there is."""
    return {row[0]: row[1] for row in _ask(transaction, _members_by("id"), member_ids)}


def find_owners(transaction: Transaction, unames: Sequence[str]) -> dict[str, int]:
    """Return whose each of these names is."""
    return {row[1]: row[0] for row in _ask(transaction, _members_by("uname"), unames)}


def insert_members(transaction: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Write members with their ids; the names are columns of `es_member`."""
    _INSERT_MEMBER.run_many(transaction, rows)


def find_bound(transaction: Transaction, member_ids: Sequence[int]) -> list[StoredConnection]:
    """Return every connection of these members, ended ones too."""
    rows = list(_ask(transaction, _bound(), member_ids))
    aliases: dict[int, list[PersonId]] = {}
    for connect_id, kind, scope, value in _ask(transaction, _bound_aliases(), member_ids):
        aliases.setdefault(connect_id, []).append(PersonId(IdKind(kind), value, scope))
    return [
        StoredConnection(
            row[0],
            row[1],
            row[2],
            row[5] == 1,
            frozenset({(row[4], row[3]), *((one.scope, one.value) for one in aliases.get(row[0], ()))}),
            tuple(aliases.get(row[0], ())),
        )
        for row in rows
    ]


def find_holders(
    transaction: Transaction, union_type: str, kind: IdKind, scope: str, values: Sequence[str]
) -> dict[str, int | None]:
    """Return which member each of these ids leads to; None for an id whose connection was ended or is gone."""
    whose = {"type_of_ids": union_type, "scope_of_ids": scope}
    found = {row[0]: row[1] for row in _ask(transaction, _holders(), values, kind_of_ids=kind.value, **whose)}
    return found | {row[0]: row[1] for row in _ask(transaction, _shown_holders(), values, **whose)}


def insert_connections(transaction: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Write active connections; the names are columns of `es_connect`."""
    _INSERT_CONNECT.run_many(transaction, rows)


def find_connect_ids(transaction: Transaction, member_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    """Return the active connections of these members, by member and union type."""
    return {(row[1], row[2]): row[0] for row in _ask(transaction, _bound(), member_ids) if row[5] == 1}


def insert_ids(transaction: Transaction, rows: Sequence[tuple[int, str, PersonId]]) -> None:
    """Write the ids by which connections are found: the connection, its union type, the id."""
    values = [
        {
            "connect_id": connect_id,
            "union_type": union_type,
            "kind": one.kind.value,
            "scope": one.scope,
            "value": one.value,
        }
        for connect_id, union_type, one in rows
    ]
    _INSERT_ALIAS.run_many(transaction, values)


def move_sequence(transaction: Transaction, highest_id: int) -> None:
    """Let PostgreSQL number new members after `highest_id`; the other engines see to it by themselves."""
    _MOVE_SEQUENCE.run(transaction, highest_id=highest_id)


_INSERT_MEMBER = Statement(
    insert_into(
        _MEMBER,
        "id",
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
)
_INSERT_CONNECT = Statement(
    insert_into(_CONNECT, "member_id", "union_type", "union_id", "union_scope", "create_time", "profile_time")
)
_INSERT_ALIAS = Statement(insert_into(_ALIAS, "connect_id", "union_type", "kind", "scope", "value"))
_SEQUENCE = func.pg_get_serial_sequence(_MEMBER.name, "id")
_HIGHEST = bindparam("highest_id", type_=BigInteger)
_MOVE_SEQUENCE = Statement(
    select(func.setval(_SEQUENCE, _HIGHEST)).where(
        func.coalesce(func.pg_sequence_last_value(cast(_SEQUENCE, postgresql.REGCLASS)), 0) < _HIGHEST
    )
)


def _ask(transaction: Transaction, query: Statement, keys: Sequence[object], **more: object) -> Iterator[Row]:
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        filled = [*part, *[part[-1]] * (CHUNK - len(part))]
        yield from query.all(transaction, **more, **{f"key_{place}": key for place, key in enumerate(filled)})


def _is_one_of(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.in_([bindparam(f"key_{place}", type_=column.type) for place in range(CHUNK)])


@cache
def _members_by(column: str) -> Statement:
    return Statement(select(_MEMBER.c.id, _MEMBER.c.uname).where(_is_one_of(_MEMBER.c[column])))


@cache
def _bound() -> Statement:
    c = _CONNECT.c
    columns = (c.id, c.member_id, c.union_type, c.union_id, c.union_scope, c.active)
    return Statement(select(*columns).where(_is_one_of(c.member_id)))


@cache
def _bound_aliases() -> Statement:
    return Statement(
        select(_ALIAS.c.connect_id, _ALIAS.c.kind, _ALIAS.c.scope, _ALIAS.c.value)
        .join_from(_CONNECT, _ALIAS, _ALIAS.c.connect_id == _CONNECT.c.id)
        .where(_is_one_of(_CONNECT.c.member_id))
    )


@cache
def _holders() -> Statement:
    return Statement(
        select(_ALIAS.c.value, _CONNECT.c.member_id)
        .join_from(_ALIAS, _CONNECT, (_ALIAS.c.connect_id == _CONNECT.c.id) & (_CONNECT.c.active == 1), isouter=True)
        .where(
            _ALIAS.c.union_type == bindparam("type_of_ids"),
            _ALIAS.c.kind == bindparam("kind_of_ids"),
            _ALIAS.c.scope == bindparam("scope_of_ids"),
            _is_one_of(_ALIAS.c.value),
            _ALIAS.c.active == 1,
        )
    )


@cache
def _shown_holders() -> Statement:
    return Statement(
        select(_CONNECT.c.union_id, _CONNECT.c.member_id).where(
            _CONNECT.c.union_type == bindparam("type_of_ids"),
            _CONNECT.c.union_scope == bindparam("scope_of_ids"),
            _is_one_of(_CONNECT.c.union_id),
            _CONNECT.c.active == 1,
        )
    )


def find_rows(transaction: Transaction, table: str) -> list[dict[str, Any]]:
    """Return the rows of `table`, one of ours, in the order of their first column: for demonstrations and tests."""
    transaction.cursor.execute(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - the caller names a table of ours
    names = [column[0] for column in transaction.cursor.description]
    return [dict(zip(names, row, strict=True)) for row in transaction.cursor.fetchall()]
