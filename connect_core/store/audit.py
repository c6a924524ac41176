"""Queries about the audit log of operators (`es_admin_audit`). Rows are inserted and read, never changed or deleted."""

from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select

from connect_core.acts import OperatorAct
from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.models import OperatorRecord, table_of

_AUDIT = table_of(OperatorRecord)
_COLUMNS = ("create_time", "actor", "via", "action", "target", "detail", "request_id")
DETAIL_LENGTH = 255


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An act that was done; `create_time` in epoch seconds."""

    id: int
    create_time: int
    actor: str
    via: str
    action: str
    target: str
    detail: str
    request_id: str


_INSERT = Statement(insert_into(_AUDIT, *_COLUMNS))
_FIND = Statement(
    select(_AUDIT.c.id, *(_AUDIT.c[name] for name in _COLUMNS))
    .where(
        _AUDIT.c.id < bindparam("before"),
        or_(bindparam("any_target") == 1, _AUDIT.c.target == bindparam("target")),
        or_(bindparam("any_actor") == 1, _AUDIT.c.actor == bindparam("actor")),
    )
    .order_by(_AUDIT.c.id.desc())
    .limit(bindparam("most"))
)


def insert_record(
    transaction: Transaction, act: OperatorAct, action: str, target: str, now: int, detail: str = ""
) -> None:
    """Record that `act` did `action` to `target` at `now` (epoch seconds), in the transaction that does it.

    `action` is a word such as `member.disabled`, `target` a name such as `member 17` or `providers.alipay`. `detail`
    contains no secret; without it, it is the act's reason.
    """
    _INSERT.run(
        transaction,
        create_time=now,
        actor=act.operator,
        via=act.via,
        action=action,
        target=target,
        detail=(detail or act.reason)[:DETAIL_LENGTH],
        request_id=act.request_id,
    )


def find_records(
    transaction: Transaction, limit: int, before: int = 0, target: str = "", actor: str = ""
) -> list[AuditRow]:
    """Return at most `limit` acts, the latest first: below the id `before`, on `target`, by `actor`, if given."""
    rows = _FIND.all(
        transaction,
        before=before or 2**62,
        any_target=0 if target else 1,
        target=target,
        any_actor=0 if actor else 1,
        actor=actor,
        most=limit,
    )
    return [AuditRow(*row) for row in rows]
