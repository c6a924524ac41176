"""Queries about the last run of the doctor: one row among those that are remembered for a while, which all workers see.

What a run says is `doctor.last_run`'s; here it is a text.
"""

from sqlalchemy import bindparam, select, update

from connect_core.crypto import token_hash
from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.models import UsedFlow, table_of

KEPT_SECONDS = 400 * 24 * 3600
_USED = table_of(UsedFlow)
_HASH = token_hash("the last run of the doctor")
_FIND = Statement(select(_USED.c.result).where(_USED.c.hash == bindparam("hash")))
_INSERT = Statement(insert_into(_USED, "hash", "flow", "outcome", "expiry_time", "result"))
_UPDATE = Statement(
    update(_USED)
    .where(_USED.c.hash == bindparam("of_run"))
    .values(result=bindparam("content"), expiry_time=bindparam("until"))
)


def store_run(transaction: Transaction, content: str, now: int) -> None:
    """Store a run in place of the last one; `now` is in epoch seconds."""
    until = now + KEPT_SECONDS
    if find_run(transaction):
        _UPDATE.run(transaction, of_run=_HASH, content=content, until=until)
    else:
        _INSERT.run(transaction, hash=_HASH, flow="", outcome="doctor", expiry_time=until, result=content)


def find_run(transaction: Transaction) -> str:
    """Return the last run; empty if there was none."""
    return _FIND.scalar(transaction, hash=_HASH) or ""
