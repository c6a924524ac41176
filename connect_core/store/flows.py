"""Queries about spent states and presented codes (`es_connect_used_flow`), stored as hashes.

The primary key on the hash lets each be spent once: of two requests that insert it, one gets an integrity error, its
transaction runs again, and then finds the other's row.
"""

from sqlalchemy import BindParameter, and_, bindparam, insert, or_, select, union_all, update

from connect_core.crypto import token_hash
from connect_core.store.engine.statement import ExpiryDelete, Statement, Transaction, insert_into, made_for
from connect_core.store.models import UsedFlow, table_of

DONE, PRESENTED = "done", "presented"
"""Outcomes of a flow that logged somebody in: its session was given out, and then came back from a browser."""
_USED = table_of(UsedFlow)
_SPENT = ("hash", "flow", "expiry_time")
_INSERT = Statement(insert_into(_USED, *_SPENT))
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


@made_for(1, 2)
def _spend(count: int) -> Statement:
    """Return the INSERT of `count` hashes, unless the first was spent, or another flow presented one of the others."""
    given = union_all(
        *(
            select(*(bindparam(f"{name}_{place}", type_=_USED.c[name].type).label(name) for name in _SPENT))
            for place in range(count)
        )
    ).subquery("given")
    known, same = _USED.alias("known"), _USED.alias("same")
    first: BindParameter[str] = bindparam("hash_0")
    refuses = or_(
        known.c.hash == first,
        *(and_(known.c.hash == bindparam(f"hash_{place}"), known.c.flow != first) for place in range(1, count)),
    )
    return Statement(
        insert(_USED).from_select(
            list(_SPENT),
            select(given).where(
                ~select(known.c.hash).where(refuses).exists(),
                ~select(same.c.hash).where(same.c.hash == given.c.hash).exists(),
            ),
        )
    )


def insert_used(transaction: Transaction, *rows: tuple[str, str, int]) -> bool:
    """Spend a state, a code, or a state with the codes that came back to it: one statement, all or nothing.

    Each row is a hash, the hash of the state that a code belongs to (empty for a state), and until when it is kept, in
    epoch seconds. Returns False when the first hash was spent before, or another one by another state than the first.
    """
    values = {
        f"{name}_{place}": value for place, row in enumerate(rows) for name, value in zip(_SPENT, row, strict=True)
    }
    return _spend(len(rows)).run(transaction, **values) > 0


def spend_key(transaction: Transaction, key: str, expiry_time: int) -> bool:
    """Spend a one-time key that belongs to no flow, such as a ticket's; False when it was spent before."""
    return insert_used(transaction, (token_hash(key), "", expiry_time))


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


def find_used(transaction: Transaction, hash_: str) -> tuple[str, str] | None:
    """Return the flow that a spent hash belongs to and its outcome, or None when it is not spent."""
    row = _FIND.first(transaction, hash=hash_)
    return (row[0], row[1]) if row else None


def update_outcome(transaction: Transaction, hash_: str, outcome: str, result: str = "") -> None:
    """Store how the flow of a spent state ended, and sealed, what a repeat of it is answered with."""
    _SET_OUTCOME.put_off(transaction, spent_hash=hash_, how_it_ended=outcome, sealed=result or None)


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
