"""Queries about events: what happened, written with what made it happen, and which of it plugins still have to hear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.models import ConnectEvent, table_of

_EVENT = table_of(ConnectEvent)
_COLUMNS = (
    "kind",
    "member_id",
    "connect_id",
    "provider",
    "client_type",
    "union_type",
    "subject_hash",
    "request_id",
    "create_time",
    "detail",
    "dispatched_at",
)


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as plugins are told of it."""

    id: int
    kind: str
    member_id: int
    provider: str
    client_type: str
    union_type: str
    request_id: str
    create_time: int
    detail: str


_INSERT = Statement(insert_into(_EVENT, *_COLUMNS))
_INSERT_ONE = Statement(insert_into(_EVENT, *_COLUMNS).returning(_EVENT.c.id))
_FIND_UNTOLD = Statement(
    select(*(_EVENT.c[name] for name in EventRow.__dataclass_fields__))
    .where(_EVENT.c.dispatched_at.is_(None), _EVENT.c.create_time < bindparam("before"))
    .order_by(_EVENT.c.id)
    .limit(bindparam("most"))
)
_TOLD = Statement(update(_EVENT).where(_EVENT.c.id == bindparam("own")).values(dispatched_at=bindparam("now")))


def insert_events(transaction: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Write events; the names are columns of `es_connect_event`."""
    _INSERT.run_many(transaction, rows)


def insert_event(transaction: Transaction, row: Mapping[str, object]) -> int:
    """Write one event and return its id."""
    event_id: int = _INSERT_ONE.scalar(transaction, **row)
    return event_id


def find_undispatched(transaction: Transaction, before: int, limit: int) -> list[EventRow]:
    """Return at most `limit` events from `before` that plugins were not told of, the oldest first."""
    return [EventRow(*row) for row in _FIND_UNTOLD.all(transaction, before=before, most=limit)]


def update_dispatched(transaction: Transaction, ids: Sequence[int], now: int) -> None:
    """Note that plugins were told of these events."""
    _TOLD.run_many(transaction, [{"own": event_id, "now": now} for event_id in ids])
