"""Queries about spent states and presented codes: one row each, by hash, inserted by whoever comes first."""

from sqlalchemy import bindparam, delete, insert, select, update

from connect_core.models import UsedFlow
from connect_core.store.database import Transaction

_USED = UsedFlow.__table__  # type: ignore[attr-defined]
_INSERT = insert(_USED)
_FIND = select(_USED.c.flow, _USED.c.outcome).where(_USED.c.hash == bindparam("hash_"))
_CLOSE = update(_USED).where(_USED.c.hash == bindparam("hash_")).values(outcome=bindparam("outcome_"))


def insert_used(transaction: Transaction, hash_: str, flow: str, expiry_time: int) -> bool:
    """Write the hash; False when it was there already. Of two at one moment the loser's transaction is run again."""
    if transaction.execute(_FIND, {"hash_": hash_}).first():
        return False
    transaction.execute(_INSERT, {"hash": hash_, "flow": flow, "expiry_time": expiry_time})
    return True


def find_used(transaction: Transaction, hash_: str) -> tuple[str, str] | None:
    """Return the flow that a hash belongs to and how it ended, or None when it was never written."""
    row = transaction.execute(_FIND, {"hash_": hash_}).first()
    return (row.flow, row.outcome) if row else None


def update_outcome(transaction: Transaction, hash_: str, outcome: str) -> None:
    """Note how a spent state ended."""
    transaction.execute(_CLOSE, {"hash_": hash_, "outcome_": outcome})


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Sweep at most `limit` rows whose time is over; returns how many."""
    old = transaction.execute(select(_USED.c.hash).where(_USED.c.expiry_time < now).limit(limit)).scalars().all()
    if old:
        transaction.execute(delete(_USED).where(_USED.c.hash.in_(old)))
    return len(old)
