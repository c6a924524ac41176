"""Queries about hand-overs from a phone to a PC: every step is a conditional update, so that one of many takes it."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update

from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.models import Handover, table_of

_HANDOVER = table_of(Handover)


@dataclass(frozen=True, slots=True)
class QrLoginRow:
    """A PC that waits for a phone, as stored. Times are epoch seconds; `member_id` is 0 until somebody scanned."""

    hash: str
    secret_hash: str
    state: str
    member_id: int
    family: str
    browser: str
    system: str
    place: str
    create_time: int
    expiry_time: int


_NAMES = tuple(QrLoginRow.__dataclass_fields__)
_INSERT = Statement(insert_into(_HANDOVER, *_NAMES))
_IS_IT = (_HANDOVER.c.hash == bindparam("own"), _HANDOVER.c.expiry_time > bindparam("now"))
_FIND = Statement(select(*(_HANDOVER.c[name] for name in _NAMES)).where(*_IS_IT))
_MOVE = Statement(
    update(_HANDOVER)
    .where(*_IS_IT, _HANDOVER.c.state == bindparam("before"), _HANDOVER.c.member_id == bindparam("held_by"))
    .values(state=bindparam("after"), member_id=bindparam("by_member"), family=bindparam("by_family"))
)
_OLD = select(_HANDOVER.c.hash).where(_HANDOVER.c.expiry_time < bindparam("now")).limit(bindparam("most")).subquery()
_DELETE_EXPIRED = Statement(delete(_HANDOVER).where(_HANDOVER.c.hash.in_(select(_OLD.c.hash))))


def insert_handover(transaction: Transaction, row: QrLoginRow) -> None:
    """Write a hand-over that begins."""
    _INSERT.run(transaction, **{name: getattr(row, name) for name in _NAMES})


def find_handover(transaction: Transaction, hash_: str, now: int) -> QrLoginRow | None:
    """Return the hand-over of an id's hash, unless its time is over."""
    row = _FIND.first(transaction, own=hash_, now=now)
    return QrLoginRow(*row) if row else None


def move(transaction: Transaction, row: QrLoginRow, after: str, member_id: int, family: str, now: int) -> bool:
    """Take `row` to the state `after`, by that member and session; False when it is no longer as it was read."""
    moved = _MOVE.run(
        transaction,
        own=row.hash,
        now=now,
        before=row.state,
        held_by=row.member_id,
        after=after,
        by_member=member_id,
        by_family=family,
    )
    return moved == 1


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Sweep at most `limit` hand-overs whose time is over; returns how many."""
    return _DELETE_EXPIRED.run(transaction, now=now, most=limit)
