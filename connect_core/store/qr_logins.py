"""Queries about QR logins (`es_connect_handover`): a PC shows a code, a phone that is logged in approves it.

Each step is an UPDATE that names the state it expects, so that of several requests at once exactly one succeeds.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update

from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.models import Handover, table_of

_HANDOVER = table_of(Handover)


@dataclass(frozen=True, slots=True)
class QrLoginRow:
    """A QR login. Times are epoch seconds; `member_id` is 0 until a logged-in member has scanned the code."""

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
    location: str


_NAMES = tuple(QrLoginRow.__dataclass_fields__)
_INSERT = Statement(insert_into(_HANDOVER, *_NAMES))
_IS_LIVE = (_HANDOVER.c.hash == bindparam("id_hash"), _HANDOVER.c.expiry_time > bindparam("now"))
_FIND = Statement(select(*(_HANDOVER.c[name] for name in _NAMES)).where(*_IS_LIVE))
_MOVE = Statement(
    update(_HANDOVER)
    .where(*_IS_LIVE, _HANDOVER.c.state == bindparam("before"), _HANDOVER.c.member_id == bindparam("member_before"))
    .values(state=bindparam("after"), member_id=bindparam("by_member"), family=bindparam("by_family"))
)
_EXPIRED = (
    select(_HANDOVER.c.hash).where(_HANDOVER.c.expiry_time < bindparam("now")).limit(bindparam("most")).subquery()
)
_DELETE_EXPIRED = Statement(delete(_HANDOVER).where(_HANDOVER.c.hash.in_(select(_EXPIRED.c.hash))))


def insert_handover(transaction: Transaction, row: QrLoginRow) -> None:
    """Insert a QR login that begins."""
    _INSERT.run(transaction, **{name: getattr(row, name) for name in _NAMES})


def find_handover(transaction: Transaction, hash_: str, now: int) -> QrLoginRow | None:
    """Return the QR login whose id has this hash, or None when there is none or it has expired at `now`."""
    row = _FIND.first(transaction, id_hash=hash_, now=now)
    return QrLoginRow(*row) if row else None


def move(transaction: Transaction, row: QrLoginRow, after: str, member_id: int, family: str, now: int) -> bool:
    """Move the QR login to the state `after`, for the member and the session `family`.

    Returns False when its state or member is no longer that of `row`, or it has expired: another request was first.
    """
    moved = _MOVE.run(
        transaction,
        id_hash=row.hash,
        now=now,
        before=row.state,
        member_before=row.member_id,
        after=after,
        by_member=member_id,
        by_family=family,
    )
    return moved == 1


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Delete at most `limit` expired QR logins and return how many."""
    return _DELETE_EXPIRED.run(transaction, now=now, most=limit)
