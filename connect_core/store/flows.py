"""Queries about spent states and presented codes: one row each, by hash, inserted by whoever comes first."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Select, bindparam, delete, insert, or_, select, update

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


@cache
def _find_owners(count: int) -> Select[tuple[str, str]]:
    matches = (_USED.c.hash == bindparam(f"hash_{place}") for place in range(count))
    return select(_USED.c.hash, _USED.c.flow).where(or_(*matches))


def find_owners(transaction: Transaction, hashes: Sequence[str]) -> dict[str, str]:
    """Return those of `hashes` that were written, each with the flow that it belongs to."""
    values = {f"hash_{place}": hash_ for place, hash_ in enumerate(hashes)}
    return {row.hash: row.flow for row in transaction.execute(_find_owners(len(hashes)), values)}


def insert_all_used(transaction: Transaction, rows: Sequence[tuple[str, str, int]]) -> None:
    """Write hashes, each with the flow it belongs to and its expiry; a loser's transaction is run again."""
    values = [{"hash": hash_, "flow": flow, "expiry_time": expiry_time} for hash_, flow, expiry_time in rows]
    transaction.execute(_INSERT, values)


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
