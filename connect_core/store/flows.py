"""Queries about spent states and presented codes: one row each, by hash, inserted by whoever comes first."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import bindparam, or_, select, update

from connect_core.crypto import token_hash
from connect_core.store.engine.statement import ExpiryDelete, Statement, Transaction, insert_into
from connect_core.store.models import UsedFlow, table_of

_USED = table_of(UsedFlow)
_INSERT = Statement(insert_into(_USED, "hash", "flow", "expiry_time"))
_FIND = Statement(select(_USED.c.flow, _USED.c.outcome).where(_USED.c.hash == bindparam("hash")))
_CLOSE = Statement(update(_USED).where(_USED.c.hash == bindparam("own")).values(outcome=bindparam("ended")))
_DELETE_EXPIRED = ExpiryDelete(_USED.c.hash, _USED.c.expiry_time)


def insert_used(transaction: Transaction, hash_: str, flow: str, expiry_time: int) -> bool:
    """Write the hash; False when it was there already. Of two at one moment the loser's transaction is run again."""
    if find_used(transaction, hash_):
        return False
    _INSERT.run(transaction, hash=hash_, flow=flow, expiry_time=expiry_time)
    return True


def spend_key(transaction: Transaction, key: str, expiry_time: int) -> bool:
    """Spend a one-time key that is none of a flow's; False when it was spent already."""
    return insert_used(transaction, token_hash(key), "", expiry_time)


@cache
def _find_owners(count: int) -> Statement:
    matches = (_USED.c.hash == bindparam(f"hash_{place}") for place in range(count))
    return Statement(select(_USED.c.hash, _USED.c.flow).where(or_(*matches)))


def find_owners(transaction: Transaction, hashes: Sequence[str]) -> dict[str, str]:
    """Return those of `hashes` that were written, each with the flow that it belongs to."""
    values = {f"hash_{place}": hash_ for place, hash_ in enumerate(hashes)}
    return dict(_find_owners(len(hashes)).all(transaction, **values))


def insert_all_used(transaction: Transaction, rows: Sequence[tuple[str, str, int]]) -> None:
    """Write hashes, each with the flow it belongs to and its expiry; a loser's transaction is run again."""
    _INSERT.run_many(
        transaction,
        [{"hash": hash_, "flow": flow, "expiry_time": expiry_time} for hash_, flow, expiry_time in rows],
    )


def find_used(transaction: Transaction, hash_: str) -> tuple[str, str] | None:
    """Return the flow that a hash belongs to and how it ended, or None when it was never written."""
    row = _FIND.first(transaction, hash=hash_)
    return (row[0], row[1]) if row else None


def update_outcome(transaction: Transaction, hash_: str, outcome: str) -> None:
    """Note how a spent state ended."""
    _CLOSE.run(transaction, own=hash_, ended=outcome)


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Sweep at most `limit` rows whose time is over; returns how many."""
    return _DELETE_EXPIRED.run(transaction, now, limit)
