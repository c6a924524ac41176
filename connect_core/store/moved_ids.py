"""Queries for ids that a vendor replaced: which namespaces of ids there are, and the end of a single id."""

from sqlalchemy import bindparam, select, update

from connect_core.identity import IdKind, PersonId
from connect_core.store.engine.statement import Statement, Transaction
from connect_core.store.models import Alias, Connection, table_of

_ALIAS, _CONNECT = table_of(Alias), table_of(Connection)
_HAS_ALIAS = select(_ALIAS.c.id).where(_ALIAS.c.connect_id == _CONNECT.c.id).exists()
_NAMESPACES = Statement(
    select(_ALIAS.c.union_type, _ALIAS.c.kind, _ALIAS.c.scope).where(_ALIAS.c.active == 1).distinct()
)
_UNALIASED = Statement(
    select(_CONNECT.c.union_type, _CONNECT.c.union_scope).where(_CONNECT.c.active == 1, ~_HAS_ALIAS).distinct()
)
_END = Statement(
    update(_ALIAS)
    .where(
        _ALIAS.c.connect_id == bindparam("of_connection"),
        _ALIAS.c.kind == bindparam("kind_of_id"),
        _ALIAS.c.scope == bindparam("scope_of_id"),
        _ALIAS.c.value == bindparam("value_of_id"),
        _ALIAS.c.active == 1,
    )
    .values(unbound_time=bindparam("now"))
)


def find_namespaces(transaction: Transaction) -> set[tuple[str, IdKind, str]]:
    """Return union type, kind and scope of every sort of id that an active connection has; reads both tables whole.

    Rows of another system, which have no aliases, do not say their kind: with a scope it counts as an open id.
    """
    aliased = {(row[0], IdKind(row[1]), row[2]) for row in _NAMESPACES.all(transaction)}
    unaliased = {(row[0], IdKind.OPEN_ID if row[1] else IdKind.UNION_ID, row[1]) for row in _UNALIASED.all(transaction)}
    return aliased | unaliased


def end_id(transaction: Transaction, connect_id: int, person_id: PersonId, now: int) -> None:
    """End one of a connection's ids at `now` (epoch seconds); the row stays as history."""
    _END.run(
        transaction,
        of_connection=connect_id,
        kind_of_id=person_id.kind.value,
        scope_of_id=person_id.scope,
        value_of_id=person_id.value,
        now=now,
    )
