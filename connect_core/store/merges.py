"""Queries about merged members (`es_member_merge`): who was merged into whom, and what an undo needs to know.

Also disables merged members and moves their connections. Which merges are allowed is decided in `members`.
"""

import json
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, delete, exists, null, select, update

from connect_core.store.engine.statement import ExpiryDelete, KeyedInsert, Row, Statement, Transaction
from connect_core.store.models import Alias, Connection, Member, MemberMerge, table_of

MERGED = 2
"""The value of `es_member.disabled` for a member who was merged into another."""
_MERGE, _MEMBER = table_of(MemberMerge), table_of(Member)
_CONNECT, _ALIAS = table_of(Connection), table_of(Alias)


@dataclass(frozen=True, slots=True)
class MergeRow:
    """The merge of one member into another. Times are epoch seconds.

    `moved` and `ended` are ids of the connections that the merge moved or ended. `undo_until` is 0 when it cannot be
    undone.
    """

    kept_id: int
    merged_id: int
    create_time: int
    undo_until: int
    moved: tuple[int, ...]
    ended: tuple[int, ...]
    id: int = 0


_COLUMNS = tuple(MergeRow.__dataclass_fields__)
_VALUES = _COLUMNS[:-1]
_INSERT = KeyedInsert(_MERGE, *_VALUES)
_FIND = Statement(select(*(_MERGE.c[name] for name in _COLUMNS)).where(_MERGE.c.merged_id == bindparam("merged_id")))
_FIND_UNDOABLE = Statement(
    select(*(_MERGE.c[name] for name in _COLUMNS))
    .where(_MERGE.c.kept_id == bindparam("kept_id"), _MERGE.c.undo_until > bindparam("now"))
    .order_by(_MERGE.c.create_time, _MERGE.c.id)
)
_FIND_INTO = Statement(
    select(_MERGE.c.merged_id)
    .where(_MERGE.c.kept_id == bindparam("kept_id"))
    .order_by(_MERGE.c.create_time, _MERGE.c.id)
)
_DELETE = Statement(delete(_MERGE).where(_MERGE.c.id == bindparam("merge_id")))
_DELETE_EXPIRED = ExpiryDelete(_MERGE.c.id, _MERGE.c.undo_until, _MERGE.c.undo_until, _MERGE.c.moved, _MERGE.c.ended)
_DISABLE = Statement(
    update(_MEMBER).where(_MEMBER.c.id == bindparam("member_id"), _MEMBER.c.disabled == 0).values(disabled=MERGED)
)
_ENABLE = Statement(
    update(_MEMBER).where(_MEMBER.c.id == bindparam("member_id"), _MEMBER.c.disabled == MERGED).values(disabled=0)
)
_MOVE = Statement(
    update(_CONNECT)
    .where(
        _CONNECT.c.id == bindparam("connect_id"),
        _CONNECT.c.member_id == bindparam("from_member"),
        _CONNECT.c.active == 1,
    )
    .values(member_id=bindparam("to_member"))
)
_OTHER_CONNECT, _OTHER_ALIAS = _CONNECT.alias("other_connect"), _ALIAS.alias("other_alias")
_FIND_ENDED_TIME = Statement(
    select(_CONNECT.c.unbound_time).where(
        _CONNECT.c.id == bindparam("connect_id"),
        _CONNECT.c.unbound_time.is_not(None),
        ~exists().where(
            and_(*(_OTHER_CONNECT.c[name] == _CONNECT.c[name] for name in ("union_type", "union_scope", "union_id"))),
            _OTHER_CONNECT.c.active == 1,
        ),
        ~exists().where(
            _ALIAS.c.connect_id == _CONNECT.c.id,
            and_(*(_OTHER_ALIAS.c[name] == _ALIAS.c[name] for name in ("union_type", "kind", "scope", "value"))),
            _OTHER_ALIAS.c.active == 1,
        ),
    )
)
_REOPEN = Statement(update(_CONNECT).where(_CONNECT.c.id == bindparam("connect_id")).values(unbound_time=null()))
_REOPEN_ALIASES = Statement(
    update(_ALIAS)
    .where(_ALIAS.c.connect_id == bindparam("of_connection"), _ALIAS.c.unbound_time == bindparam("ended_time"))
    .values(unbound_time=null())
)


def _row(row: Row) -> MergeRow:
    kept_id, merged_id, create_time, undo_until, moved, ended, merge_id = row
    moved_ids, ended_ids = (tuple(json.loads(ids or "[]")) for ids in (moved, ended))
    return MergeRow(kept_id, merged_id, create_time, undo_until or 0, moved_ids, ended_ids, merge_id)


def insert_merge(transaction: Transaction, row: MergeRow) -> int:
    """Insert a merge and return its id.

    A unique constraint on `merged_id` lets a member be merged once: of two merges at once, one runs again.
    """
    values = {name: getattr(row, name) for name in _VALUES}
    can_be_undone = bool(row.undo_until)
    lists = {name: json.dumps(values[name]) if can_be_undone else None for name in ("moved", "ended")}
    return _INSERT.run(transaction, **values | lists | {"undo_until": row.undo_until or None})


def find_merge(transaction: Transaction, merged_id: int) -> MergeRow | None:
    """Return the merge of this member into another, or None."""
    row = _FIND.first(transaction, merged_id=merged_id)
    return _row(row) if row else None


def find_undoable(transaction: Transaction, kept_id: int, now: int) -> list[MergeRow]:
    """Return the merges into a member that can still be undone at `now`, oldest first."""
    return [_row(row) for row in _FIND_UNDOABLE.all(transaction, kept_id=kept_id, now=now)]


def find_merged_into(transaction: Transaction, kept_id: int) -> list[int]:
    """Return the ids of the members who were merged into this one, oldest merge first."""
    return [row[0] for row in _FIND_INTO.all(transaction, kept_id=kept_id)]


def delete_merge(transaction: Transaction, merge_id: int) -> bool:
    """Delete a merge; False when it was deleted before."""
    return _DELETE.run(transaction, merge_id=merge_id) == 1


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Set the columns that an undo needs to NULL in at most `limit` merges that can no longer be undone.

    Returns how many merges were changed.
    """
    return _DELETE_EXPIRED.run(transaction, now, limit)


def disable_merged(transaction: Transaction, member_id: int) -> None:
    """Mark a member of the built-in table as merged, which disables it; one disabled by the shop stays as it is."""
    _DISABLE.run(transaction, member_id=member_id)


def enable_merged(transaction: Transaction, member_id: int) -> None:
    """Enable a merged member again, unless the shop itself has disabled it meanwhile."""
    _ENABLE.run(transaction, member_id=member_id)


def move_connection(transaction: Transaction, connect_id: int, from_member: int, to_member: int) -> bool:
    """Give an active connection to another member; False when it has ended or is not `from_member`'s any more."""
    return _MOVE.run(transaction, connect_id=connect_id, from_member=from_member, to_member=to_member) == 1


def reopen_connection(transaction: Transaction, connect_id: int) -> bool:
    """Make an ended connection active again, with the ids that ended at the same time.

    Returns False when it is not ended, was deleted, or another active connection has its identity or one of its ids.
    """
    ended_time = _FIND_ENDED_TIME.scalar(transaction, connect_id=connect_id)
    if ended_time is None:
        return False
    _REOPEN.run(transaction, connect_id=connect_id)
    _REOPEN_ALIASES.run(transaction, of_connection=connect_id, ended_time=ended_time)
    return True
