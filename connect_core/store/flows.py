"""Queries about spent states and presented codes (`es_connect_used_flow`), stored as hashes.

The primary key on the hash lets each be spent once: of two requests that insert it, one gets an integrity error, its
transaction runs again, and then finds the other's row.
"""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import bindparam, or_, select, update

from connect_core.crypto import token_hash
from connect_core.store.engine.statement import ExpiryDelete, Statement, Transaction, insert_into
from connect_core.store.models import UsedFlow, table_of

DONE, PRESENTED = "done", "presented"
"""Outcomes of a flow that logged somebody in: its session was given out, and then came back from a browser."""
_USED = table_of(UsedFlow)
_INSERT = Statement(insert_into(_USED, "hash", "flow", "expiry_time"))
_FIND = Statement(select(_USED.c.flow, _USED.c.outcome).where(_USED.c.hash == bindparam("hash")))
_SET_OUTCOME = Statement(
    update(_USED)
    .where(_USED.c.hash == bindparam("spent_hash"))
    .values(outcome=bindparam("how_it_ended"), result=bindparam("sealed"))
)
_FIND_END = Statement(select(_USED.c.outcome, _USED.c.result).where(_USED.c.hash == bindparam("hash")))
_FIND_EXPIRY = Statement(select(_USED.c.expiry_time).where(_USED.c.hash == bindparam("hash")))
_PROLONG = Statement(
    update(_USED).where(_USED.c.hash == bindparam("spent_hash")).values(expiry_time=bindparam("until"))
)
_IS_OF_FAMILY = (_USED.c.hash >= bindparam("lowest"), _USED.c.hash < bindparam("above"))
_FIND_UNPRESENTED = Statement(select(_USED.c.hash).where(*_IS_OF_FAMILY, _USED.c.outcome == DONE))
_SET_PRESENTED = Statement(update(_USED).where(*_IS_OF_FAMILY, _USED.c.outcome == DONE).values(outcome=PRESENTED))
_DELETE_EXPIRED = ExpiryDelete(_USED.c.hash, _USED.c.expiry_time)


def insert_used(transaction: Transaction, hash_: str, flow: str, expiry_time: int) -> bool:
    """Spend a state or a code: insert its hash; False when it was spent before.

    `flow` is the hash of the state that a code belongs to, `expiry_time` (epoch seconds) when the row may be deleted.
    """
    if find_used(transaction, hash_):
        return False
    _INSERT.run(transaction, hash=hash_, flow=flow, expiry_time=expiry_time)
    return True


def spend_key(transaction: Transaction, key: str, expiry_time: int) -> bool:
    """Spend a one-time key that belongs to no flow, such as a ticket's; False when it was spent before."""
    return insert_used(transaction, token_hash(key), "", expiry_time)


def is_spent(transaction: Transaction, key: str) -> bool:
    """Tell whether a one-time key was spent."""
    return find_used(transaction, token_hash(key)) is not None


def keep_key(transaction: Transaction, key: str, expiry_time: int) -> None:
    """Keep a key until `expiry_time` at least, whether it is kept already or not."""
    if find_expiry(transaction, key):
        _PROLONG.run(transaction, spent_hash=token_hash(key), until=expiry_time)
    else:
        _INSERT.run(transaction, hash=token_hash(key), flow="", expiry_time=expiry_time)


def find_expiry(transaction: Transaction, key: str) -> int:
    """Return until when a key is kept, in epoch seconds; 0 when it is not."""
    return int(_FIND_EXPIRY.scalar(transaction, hash=token_hash(key)) or 0)


@cache
def _find_owners(count: int) -> Statement:
    matches = (_USED.c.hash == bindparam(f"hash_{place}") for place in range(count))
    return Statement(select(_USED.c.hash, _USED.c.flow).where(or_(*matches)))


def find_owners(transaction: Transaction, hashes: Sequence[str]) -> dict[str, str]:
    """Return those of `hashes` that are spent, each with the flow that it belongs to."""
    values = {f"hash_{place}": hash_ for place, hash_ in enumerate(hashes)}
    return dict(_find_owners(len(hashes)).all(transaction, **values))


def insert_all_used(transaction: Transaction, rows: Sequence[tuple[str, str, int]]) -> None:
    """Spend several hashes, each given with the flow that it belongs to and its expiry time; none may be spent yet."""
    _INSERT.run_many(
        transaction,
        [{"hash": hash_, "flow": flow, "expiry_time": expiry_time} for hash_, flow, expiry_time in rows],
    )


def find_used(transaction: Transaction, hash_: str) -> tuple[str, str] | None:
    """Return the flow that a spent hash belongs to and its outcome, or None when it is not spent."""
    row = _FIND.first(transaction, hash=hash_)
    return (row[0], row[1]) if row else None


def update_outcome(transaction: Transaction, hash_: str, outcome: str, result: str = "") -> None:
    """Store how the flow of a spent state ended, and sealed, what a repeat of it is answered with."""
    _SET_OUTCOME.run(transaction, spent_hash=hash_, how_it_ended=outcome, sealed=result or None)


def find_end(transaction: Transaction, hash_: str) -> tuple[str, str]:
    """Return how the flow of a spent state ended, and the sealed result; both empty for a state that is not spent."""
    row = _FIND_END.first(transaction, hash=hash_)
    return (row[0], row[1] or "") if row else ("", "")


def get_family(state_hash: str) -> str:
    """Return the family of the session that the flow of a state opens: the beginning of the state's hash."""
    return state_hash[:32]


def is_unpresented(transaction: Transaction, family: str) -> bool:
    """Tell whether a flow opened the session of this family, and nobody has come with that session yet."""
    return _FIND_UNPRESENTED.first(transaction, lowest=family, above=family + "g") is not None


def update_presented(transaction: Transaction, family: str) -> None:
    """Note that somebody came with the session of this family."""
    _SET_PRESENTED.run(transaction, lowest=family, above=family + "g")


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Delete at most `limit` expired rows and return how many."""
    return _DELETE_EXPIRED.run(transaction, now, limit)
