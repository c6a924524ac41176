"""Queries that delete connections: what an erasure takes beyond one member, and what ended so long ago that it goes.

An erasure takes the ended connections of others with an identity that is erased. An identity is one person at the
vendor, whichever members it led to. Active connections of other members stay.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, delete, null, or_, select, update

from connect_core.crypto import token_hash
from connect_core.identity import IdKind, PersonId
from connect_core.store import flows, sessions
from connect_core.store.engine.statement import Statement, Transaction
from connect_core.store.models import Alias, ConnectEvent, Connection, MemberMerge, table_of

_ALIAS, _CONNECT, _EVENT = table_of(Alias), table_of(Connection), table_of(ConnectEvent)
_MERGE = table_of(MemberMerge)
_IS_ID = (
    _ALIAS.c.union_type == bindparam("type_of_id"),
    _ALIAS.c.kind == bindparam("kind"),
    _ALIAS.c.scope == bindparam("scope"),
    _ALIAS.c.value == bindparam("value"),
)
_IS_UNION_ID = (
    _CONNECT.c.union_type == bindparam("type_of_id"),
    _CONNECT.c.union_scope == bindparam("scope"),
    _CONNECT.c.union_id == bindparam("value"),
)
_FIND_ALIASES = Statement(
    select(_ALIAS.c.union_type, _ALIAS.c.kind, _ALIAS.c.scope, _ALIAS.c.value)
    .where(_ALIAS.c.connect_id == bindparam("key"))
    .distinct()
)
_FIND_UNION_ID = Statement(
    select(_CONNECT.c.union_type, _CONNECT.c.union_scope, _CONNECT.c.union_id).where(_CONNECT.c.id == bindparam("key"))
)
_FIND_BY_ALIAS = Statement(
    select(_CONNECT.c.id, _CONNECT.c.member_id)
    .join_from(_ALIAS, _CONNECT, _CONNECT.c.id == _ALIAS.c.connect_id)
    .where(*_IS_ID, _CONNECT.c.unbound_time.is_not(None))
    .distinct()
)
_FIND_BY_UNION_ID = Statement(
    select(_CONNECT.c.id, _CONNECT.c.member_id).where(*_IS_UNION_ID, _CONNECT.c.unbound_time.is_not(None))
)
_IS_ENDED = (_CONNECT.c.id == bindparam("key"), _CONNECT.c.unbound_time.is_not(None))
_DELETE = Statement(delete(_CONNECT).where(*_IS_ENDED))
_DELETE_ALIASES = Statement(delete(_ALIAS).where(_ALIAS.c.connect_id == bindparam("key")))
_DELETE_STRAY = Statement(delete(_ALIAS).where(*_IS_ID, _ALIAS.c.unbound_time.is_not(None)))
_HASH = Statement(update(_CONNECT).where(*_IS_ENDED).values(union_id=bindparam("hash"), profile=null()))
_HASH_ALIASES = Statement(
    update(_ALIAS).where(*_IS_ID, _ALIAS.c.unbound_time.is_not(None)).values(value=bindparam("hash"))
)
_FORGET_SUBJECT = Statement(
    update(_EVENT)
    .where(_EVENT.c.member_id == bindparam("of_member"), _EVENT.c.connect_id == bindparam("key"))
    .values(subject_hash="")
)
_FIND_FOLLOWING = Statement(
    select(_CONNECT.c.id, _CONNECT.c.member_id, _CONNECT.c.unbound_time, _CONNECT.c.profile, _CONNECT.c.union_id)
    .where(_CONNECT.c.id > bindparam("after"))
    .order_by(_CONNECT.c.id)
    .limit(bindparam("most"))
)
_FIND_UNDOABLE = Statement(
    select(_MERGE.c.id)
    .where(
        or_(_MERGE.c.kept_id == bindparam("of_member"), _MERGE.c.merged_id == bindparam("of_member")),
        _MERGE.c.undo_until > bindparam("now"),
    )
    .limit(1)
)
_FIND_OWN_ALIASES = Statement(
    select(_ALIAS.c.id, _ALIAS.c.union_type, _ALIAS.c.kind, _ALIAS.c.scope, _ALIAS.c.value).where(
        _ALIAS.c.connect_id == bindparam("key")
    )
)
_HASH_OWN_ALIAS = Statement(
    update(_ALIAS)
    .where(_ALIAS.c.id == bindparam("key"), _ALIAS.c.unbound_time.is_not(None))
    .values(value=bindparam("hash"))
)
_HASHED = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredId:
    """An id as it is stored; `kind` is None for the `union_id` of a connection, which does not say what it is."""

    union_type: str
    kind: IdKind | None
    scope: str
    value: str

    @property
    def mark(self) -> str:
        """Return the key by which `was_erased_since` finds the id; without the kind, which may be unknown."""
        return f"erased\0{self.union_type}\0{self.scope}\0{self.value}"


def hash_id(union_type: str, person_id: PersonId) -> PersonId:
    """Return the id with a hash for its value: it can be counted, and leads to nobody."""
    return replace(person_id, value=token_hash(f"{union_type}\0{person_id.scope}\0{person_id.value}"))


def find_ids(transaction: Transaction, connect_id: int) -> list[StoredId]:
    """Return the ids of a connection, active or ended, with its `union_id`."""
    ids = [
        StoredId(union_type, IdKind(kind), scope, value)
        for union_type, kind, scope, value in _FIND_ALIASES.all(transaction, key=connect_id)
    ]
    return ids + [StoredId(row[0], None, row[1], row[2]) for row in _FIND_UNION_ID.all(transaction, key=connect_id)]


def erase_ended(transaction: Transaction, ids: list[StoredId], *, keeps_count: bool) -> None:
    """Erase every ended connection that has one of `ids`, whoever's it was.

    With `keeps_count` their ids become hashes, for `connections.count_ended`; else they are deleted.
    """
    for connect_id, member_id in _find_ended(transaction, ids):
        own_ids = find_ids(transaction, connect_id)
        if keeps_count:
            for stored in own_ids:
                _hash(transaction, connect_id, stored)
        elif _DELETE.run(transaction, key=connect_id):
            _DELETE_ALIASES.run(transaction, key=connect_id)
        sessions.leave_connection(transaction, member_id, connect_id)
        _FORGET_SUBJECT.run(transaction, of_member=member_id, key=connect_id)
    if not keeps_count:
        for stored in ids:
            if stored.kind is not None:
                _DELETE_STRAY.run(transaction, kind=stored.kind.value, **_values(stored))


def delete_ended(
    transaction: Transaction, after: int, limit: int, *, before: int, now: int, keeps_count: bool
) -> tuple[int, int]:
    """Delete connections with their ids that ended before that time, among the `limit` that follow the id `after`.

    Returns how many those were, and the id to go on after: 0 at the end of the table. With `keeps_count` their ids
    become hashes, as in `erase_ended`. Connections stay that the undoing of a merge may need at `now`. Times are epoch
    seconds.
    """
    rows = _FIND_FOLLOWING.all(transaction, after=after, most=limit)
    ended = [row for row in rows if row[2] is not None and row[2] < before]
    count = 0
    for connect_id, member_id, _, profile, union_id in ended:
        if _FIND_UNDOABLE.first(transaction, of_member=member_id, now=now):
            continue
        if not keeps_count:
            count += _DELETE.run(transaction, key=connect_id)
            _DELETE_ALIASES.run(transaction, key=connect_id)
            sessions.leave_connection(transaction, member_id, connect_id)
        elif profile is not None or not _HASHED.fullmatch(union_id):  # else it was hashed before
            count += 1
            _hash_own_ids(transaction, connect_id)
    return count, rows[-1][0] if len(rows) == limit else 0


def _hash_own_ids(transaction: Transaction, connect_id: int) -> None:
    """Hash the ids of one connection; other ended connections of the same person keep theirs."""
    for alias_id, union_type, kind, scope, value in _FIND_OWN_ALIASES.all(transaction, key=connect_id):
        hashed = hash_id(union_type, PersonId(IdKind(kind), value, scope)).value
        _HASH_OWN_ALIAS.run(transaction, key=alias_id, hash=hashed)
    [row] = _FIND_UNION_ID.all(transaction, key=connect_id)
    _HASH.run(transaction, key=connect_id, hash=hash_id(row[0], PersonId(IdKind.UNION_ID, row[2], row[1])).value)


def mark_erased(transaction: Transaction, ids: list[StoredId], until: int) -> None:
    """Remember, as hashes and until then (epoch seconds), that these ids were erased."""
    for mark in {stored.mark for stored in ids}:
        flows.keep_key(transaction, mark, until)


def was_erased_since(transaction: Transaction, union_type: str, ids: tuple[PersonId, ...], until: int) -> bool:
    """Tell whether one of `ids` was erased and is remembered for longer than `until` (epoch seconds)."""
    marks = (StoredId(union_type, None, person_id.scope, person_id.value).mark for person_id in ids)
    return any(flows.find_expiry(transaction, mark) > until for mark in marks)


def _find_ended(transaction: Transaction, ids: list[StoredId]) -> Iterator[tuple[int, int]]:
    ended = {
        (row[0], row[1])
        for stored in ids
        for row in (
            _FIND_BY_UNION_ID.all(transaction, **_values(stored))
            if stored.kind is None
            else _FIND_BY_ALIAS.all(transaction, kind=stored.kind.value, **_values(stored))
        )
    }
    return iter(sorted(ended))


def _hash(transaction: Transaction, connect_id: int, stored: StoredId) -> None:
    hashed = hash_id(stored.union_type, PersonId(stored.kind or IdKind.UNION_ID, stored.value, stored.scope)).value
    if stored.kind is None:
        _HASH.run(transaction, key=connect_id, hash=hashed)
    else:
        _HASH_ALIASES.run(transaction, kind=stored.kind.value, hash=hashed, **_values(stored))


def _values(stored: StoredId) -> dict[str, str]:
    return {"type_of_id": stored.union_type, "scope": stored.scope, "value": stored.value}
