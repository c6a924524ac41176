"""Counts tries of something that may be guessed, such as a password, for all processes of the shop together.

A counter is a row of `es_connect_used_flow`: its `outcome` is the number, its `expiry_time` the end of its window.
"""

from sqlalchemy import bindparam, select, update

from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.models import UsedFlow, table_of

_USED = table_of(UsedFlow)
_LOCK = Statement(
    select(_USED.c.outcome, _USED.c.expiry_time).where(_USED.c.hash == bindparam("wanted")).with_for_update()
)
_INSERT = Statement(insert_into(_USED, "hash", "flow", "outcome", "expiry_time"))
_SET = Statement(
    update(_USED)
    .where(_USED.c.hash == bindparam("wanted"))
    .values(outcome=bindparam("number"), expiry_time=bindparam("ends"))
)


def count_try(transaction: Transaction, hash_: str, now: int, seconds: int) -> int:
    """Count one more try in a window of `seconds`, which begins with the first, and return how many it has now.

    `hash_` stands for what is tried. Of two first tries at once one gets an integrity error, and runs again.
    """
    row = _LOCK.first(transaction, wanted=hash_)
    if row is None:
        _INSERT.run(transaction, hash=hash_, flow="", outcome="1", expiry_time=now + seconds)
        return 1
    number, ends = (int(row[0]) + 1, row[1]) if row[1] > now else (1, now + seconds)
    _SET.run(transaction, wanted=hash_, number=str(number), ends=ends)
    return number
