"""Queries for an import: they read and insert members and connections many rows at a time, by their keys.

Each looks into one table by one of its indexes. A server chooses the plan of a join by statistics, and has none of a
table that was just filled.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select

from connect_core.identity import IdKind, PersonId
from connect_core.store import numbering
from connect_core.store.engine.statement import Row, Statement, Transaction, insert_into
from connect_core.store.models import Alias, Connection, Member, table_of

_ALIAS, _CONNECT, _MEMBER = table_of(Alias), table_of(Connection), table_of(Member)

CHUNK = 500
"""Keys in one query. A shorter list is filled up with its last key, so that every query is the same statement."""


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """A connection that a member has or had.

    `ids` are pairs of scope and value: the connection's `union_id` and those of its `aliases`.
    """

    connect_id: int
    member_id: int
    union_type: str
    is_active: bool
    ids: frozenset[tuple[str, str]]
    aliases: tuple[PersonId, ...]


def find_unames(transaction: Transaction, member_ids: Sequence[int]) -> dict[int, str]:
    """Return the names of those of these members that exist, by id."""
    return {row[0]: row[1] for row in _select_by_keys(transaction, _members_by("id"), member_ids)}


def find_owners(transaction: Transaction, unames: Sequence[str]) -> dict[str, int]:
    """Return the ids of the members with these names, by name."""
    return {row[1]: row[0] for row in _select_by_keys(transaction, _members_by("uname"), unames)}


def insert_members(transaction: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert members, with their ids; the keys of each row are columns of `es_member`."""
    _INSERT_MEMBER.run_many(transaction, rows)


def move_member_ids(transaction: Transaction, highest_id: int) -> None:
    """Have new members numbered above `highest_id`, the highest id that is going to be inserted."""
    numbering.move_past_inserted(transaction, _MEMBER, highest_id)


def find_bound(transaction: Transaction, member_ids: Sequence[int]) -> list[StoredConnection]:
    """Return all connections of these members, ended ones too."""
    rows = list(_select_by_keys(transaction, _connections_by("member_id"), member_ids))
    aliases: dict[int, list[PersonId]] = {}
    for connect_id, kind, scope, value in _select_by_keys(transaction, _aliases(), [row[0] for row in rows]):
        aliases.setdefault(connect_id, []).append(PersonId(IdKind(kind), value, scope))
    return [
        StoredConnection(
            row[0],
            row[1],
            row[2],
            row[5] == 1,
            frozenset({(row[4], row[3]), *((alias.scope, alias.value) for alias in aliases.get(row[0], ()))}),
            tuple(aliases.get(row[0], ())),
        )
        for row in rows
    ]


def find_holders(
    transaction: Transaction, union_type: str, kind: IdKind, scope: str, values: Sequence[str]
) -> dict[str, int | None]:
    """Return the id of the member that each id (`kind`, `scope` and one of `values`) belongs to, by value.

    The member is None for an active alias whose connection was ended or deleted. Ids that nobody has are left out.
    """
    namespace = {"type_of_ids": union_type, "scope_of_ids": scope}
    aliases = list(_select_by_keys(transaction, _active_aliases(), values, kind_of_ids=kind.value, **namespace))
    connect_ids = sorted({row[1] for row in aliases})
    holders = {
        row[0]: row[1] for row in _select_by_keys(transaction, _connections_by("id"), connect_ids) if row[5] == 1
    }
    by_union_id = _select_by_keys(transaction, _members_by_union_id(), values, **namespace)
    return {value: holders.get(connect_id) for value, connect_id in aliases} | {row[0]: row[1] for row in by_union_id}


def refresh_statistics(transaction: Transaction) -> None:
    """Tell the server how many rows there are by now, so that it finds the next ones by an index."""
    tables = [table.name for table in (_ALIAS, _CONNECT, _MEMBER)]
    transaction.backend.refresh_statistics(transaction.cursor, tables)


def insert_connections(transaction: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert active connections; the keys of each row are columns of `es_connect`."""
    _INSERT_CONNECT.run_many(transaction, rows)


def find_connect_ids(transaction: Transaction, member_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    """Return the ids of these members' active connections, by member id and union type."""
    return {
        (row[1], row[2]): row[0]
        for row in _select_by_keys(transaction, _connections_by("member_id"), member_ids)
        if row[5] == 1
    }


def insert_ids(transaction: Transaction, rows: Sequence[tuple[int, str, PersonId]]) -> None:
    """Insert aliases; each row is a connection's id, its union type and the id of the person."""
    values = [
        {
            "connect_id": connect_id,
            "union_type": union_type,
            "kind": person_id.kind.value,
            "scope": person_id.scope,
            "value": person_id.value,
        }
        for connect_id, union_type, person_id in rows
    ]
    _INSERT_ALIAS.run_many(transaction, values)


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


def _select_by_keys(
    transaction: Transaction, query: Statement, keys: Sequence[object], **fixed: object
) -> Iterator[Row]:
    for start in range(0, len(keys), CHUNK):
        chunk = keys[start : start + CHUNK]
        filled = [*chunk, *[chunk[-1]] * (CHUNK - len(chunk))]
        yield from query.all(transaction, **fixed, **{f"key_{place}": key for place, key in enumerate(filled)})


def _is_one_of(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.in_([bindparam(f"key_{place}", type_=column.type) for place in range(CHUNK)])


@cache
def _members_by(column: str) -> Statement:
    return Statement(select(_MEMBER.c.id, _MEMBER.c.uname).where(_is_one_of(_MEMBER.c[column])))


@cache
def _connections_by(column: str) -> Statement:
    c = _CONNECT.c
    columns = (c.id, c.member_id, c.union_type, c.union_id, c.union_scope, c.active)
    return Statement(select(*columns).where(_is_one_of(c[column])))


@cache
def _aliases() -> Statement:
    return Statement(
        select(_ALIAS.c.connect_id, _ALIAS.c.kind, _ALIAS.c.scope, _ALIAS.c.value).where(
            _is_one_of(_ALIAS.c.connect_id)
        )
    )


@cache
def _active_aliases() -> Statement:
    return Statement(
        select(_ALIAS.c.value, _ALIAS.c.connect_id).where(
            _ALIAS.c.union_type == bindparam("type_of_ids"),
            _ALIAS.c.kind == bindparam("kind_of_ids"),
            _ALIAS.c.scope == bindparam("scope_of_ids"),
            _is_one_of(_ALIAS.c.value),
            _ALIAS.c.active == 1,
        )
    )


@cache
def _members_by_union_id() -> Statement:
    return Statement(
        select(_CONNECT.c.union_id, _CONNECT.c.member_id).where(
            _CONNECT.c.union_type == bindparam("type_of_ids"),
            _CONNECT.c.union_scope == bindparam("scope_of_ids"),
            _is_one_of(_CONNECT.c.union_id),
            _CONNECT.c.active == 1,
        )
    )


def find_rows(transaction: Transaction, table: str) -> list[dict[str, Any]]:
    """Return all rows of `table`, one of our tables, ordered by its first column: for the demo and for tests."""
    transaction.cursor.execute(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - the caller names a table of ours
    names = [column[0] for column in transaction.cursor.description]
    return [dict(zip(names, row, strict=True)) for row in transaction.cursor.fetchall()]
