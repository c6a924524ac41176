"""Queries about events (`es_connect_event`): the audit log, and the outbox of events to deliver to plugins.

An event is inserted in the transaction whose changes it reports, and marked as dispatched once plugins got it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from connect_core.store.engine.statement import KeyedInsert, Statement, Transaction, insert_into
from connect_core.store.models import ConnectEvent, WebhookDelivery, table_of

_EVENT, _DELIVERY = table_of(ConnectEvent), table_of(WebhookDelivery)
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
    """The columns of an event that are delivered to plugins; `create_time` in epoch seconds."""

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
_INSERT_KEYED = KeyedInsert(_EVENT, *_COLUMNS)
_FIND_UNDISPATCHED = Statement(
    select(*(_EVENT.c[name] for name in EventRow.__dataclass_fields__))
    .where(
        _EVENT.c.dispatched_at.is_(None), _EVENT.c.create_time < bindparam("before"), _EVENT.c.id > bindparam("after")
    )
    .order_by(_EVENT.c.id)
    .limit(bindparam("most"))
)
_UNDISPATCHED = (
    select(_EVENT.c.create_time)
    .where(_EVENT.c.dispatched_at.is_(None))
    .order_by(_EVENT.c.id)
    .limit(bindparam("most"))
    .subquery()
)
_SUM_UP_UNDISPATCHED = Statement(select(func.count(), func.min(_UNDISPATCHED.c.create_time)).select_from(_UNDISPATCHED))
_SET_DISPATCHED = Statement(
    update(_EVENT).where(_EVENT.c.id == bindparam("event_id")).values(dispatched_at=bindparam("now"))
)
OLDEST_EVENTS = 1000
"""Events, the oldest by their ids, among which `delete_old` looks for those that are too old."""
_OLDEST = (
    select(_EVENT.c.id, _EVENT.c.create_time, _EVENT.c.dispatched_at).order_by(_EVENT.c.id).limit(OLDEST_EVENTS)
).subquery()
_IS_AWAITED = (
    select(_DELIVERY.c.id).where(_DELIVERY.c.event_id == _OLDEST.c.id, _DELIVERY.c.state == "pending").exists()
)
_FIND_OLD = Statement(
    select(_OLDEST.c.id)
    .where(_OLDEST.c.create_time < bindparam("before"), _OLDEST.c.dispatched_at.is_not(None), ~_IS_AWAITED)
    .order_by(_OLDEST.c.id)
    .limit(bindparam("most"))
)
_DELETE = Statement(delete(_EVENT).where(_EVENT.c.id == bindparam("key")))
_DELETE_DELIVERIES = Statement(
    delete(_DELIVERY).where(_DELIVERY.c.event_id == bindparam("key"), _DELIVERY.c.state != "pending")
)
_LATEST_COLUMNS = ("create_time", "kind", "provider", "client_type", "union_type", "request_id", "detail")
_FIND_LATEST = Statement(
    select(*(_EVENT.c[name] for name in _LATEST_COLUMNS))
    .where(_EVENT.c.member_id == bindparam("member_id"))
    .order_by(_EVENT.c.create_time.desc(), _EVENT.c.id.desc())
    .limit(bindparam("most"))
)


def insert_events(transaction: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert events; the keys of each row are columns of `es_connect_event`."""
    _INSERT.put_off_many(transaction, rows)


def insert_event(transaction: Transaction, row: Mapping[str, object]) -> int:
    """Insert one event and return its id."""
    return _INSERT_KEYED.run(transaction, **row)


def find_latest(transaction: Transaction, member_id: int, limit: int) -> list[dict[str, Any]]:
    """Return the member's last `limit` events, the latest first, each as a dictionary of what an operator reads."""
    rows = _FIND_LATEST.all(transaction, member_id=member_id, most=limit)
    return [dict(zip(_LATEST_COLUMNS, row, strict=True)) for row in rows]


def find_undispatched(transaction: Transaction, before: int, limit: int, after: int = 0) -> list[EventRow]:
    """Return at most `limit` undispatched events that are older than `before` (epoch seconds), the oldest first.

    `after` is the highest id that was returned before, to go on from there. Ids only page through the events: one that
    is committed meanwhile under a lower id is returned to whoever begins anew, as long as it is undispatched.
    """
    rows = _FIND_UNDISPATCHED.all(transaction, before=before, most=limit, after=after)
    return sorted((EventRow(*row) for row in rows), key=lambda event: (event.create_time, event.id))


def sum_up_undispatched(transaction: Transaction, limit: int) -> tuple[int, int | None]:
    """Return how many events are undispatched, at most `limit`, and when the oldest was created (epoch seconds)."""
    row = _SUM_UP_UNDISPATCHED.first(transaction, most=limit)
    assert row is not None
    return int(row[0]), row[1]


def update_dispatched(transaction: Transaction, ids: Sequence[int], now: int) -> None:
    """Mark these events as dispatched at `now` (epoch seconds)."""
    _SET_DISPATCHED.run_many(transaction, [{"event_id": event_id, "now": now} for event_id in ids])


def delete_old(transaction: Transaction, before: int, limit: int) -> int:
    """Delete at most `limit` events that are older than `before` (epoch seconds), and return how many.

    Those stay that a plugin or an endpoint is still to get. Reads the oldest `OLDEST_EVENTS` and never the whole table.
    What is remembered of their deliveries is deleted too.
    """
    ids = [row[0] for row in _FIND_OLD.all(transaction, before=before, most=limit)]
    for event_id in ids:
        _DELETE_DELIVERIES.run(transaction, key=event_id)
        _DELETE.run(transaction, key=event_id)
    return len(ids)
