"""Queries by which an operator looks through events (`es_connect_event`): by kind, by member, page by page.

There is no index on the kind, which every login would pay for. A search by kind reads a bounded number of events and
says where the next one goes on. Changes nothing.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, select

from connect_core.store.engine.statement import Statement, Transaction
from connect_core.store.models import ConnectEvent, table_of

WINDOW = 10_000
"""Events that one search by kind reads at most."""
_EVENT = table_of(ConnectEvent)
_COLUMNS = (
    "id",
    "create_time",
    "kind",
    "member_id",
    "connect_id",
    "provider",
    "client_type",
    "union_type",
    "request_id",
    "detail",
)
_ALL = tuple(_EVENT.c[name] for name in _COLUMNS)
_FIND = Statement(select(*_ALL).where(_EVENT.c.id == bindparam("event_id")))
_FIND_MARKED = Statement(
    select(_EVENT.c.kind, _EVENT.c.create_time).where(
        _EVENT.c.member_id == bindparam("member_id"), _EVENT.c.subject_hash == bindparam("subject")
    )
)
_LATEST = _EVENT.select().where(_EVENT.c.id < bindparam("before")).order_by(_EVENT.c.id.desc()).limit(bindparam("most"))
_WINDOW = _LATEST.subquery("latest")
_FIND_KIND = Statement(
    select(*(_WINDOW.c[name] for name in _COLUMNS))
    .where(_WINDOW.c.kind == bindparam("wanted"))
    .order_by(_WINDOW.c.id.desc())
    .limit(bindparam("shown"))
)
_MEASURE_WINDOW = Statement(select(func.min(_WINDOW.c.id), func.count()).select_from(_WINDOW))


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: of one kind, of one member, both, or all with neither."""

    kind: str = ""
    member_id: int = 0


@cache
def _find_page(*, has_member: bool, has_kind: bool) -> Statement:
    conditions = [_EVENT.c.id < bindparam("before")]
    if has_member:
        conditions.append(_EVENT.c.member_id == bindparam("member_id"))
    if has_kind:
        conditions.append(_EVENT.c.kind == bindparam("wanted"))
    return Statement(select(*_ALL).where(*conditions).order_by(_EVENT.c.id.desc()).limit(bindparam("most")))


def find_recent(
    transaction: Transaction, wanted: EventFilter, limit: int, before: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Return at most `limit` events, the latest first, and the `before` of the next page; 0 when there is none.

    A search by kind alone may return fewer, or none, although there is a next page.
    """
    before = before or 2**62
    if wanted.kind and not wanted.member_id:
        return _find_kind(transaction, wanted.kind, limit, before)
    statement = _find_page(has_member=bool(wanted.member_id), has_kind=bool(wanted.kind))
    values: dict[str, object] = {"member_id": wanted.member_id} if wanted.member_id else {}
    if wanted.kind:
        values["wanted"] = wanted.kind
    rows = statement.all(transaction, before=before, most=limit, **values)
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows], rows[-1][0] if len(rows) == limit else 0


def find_event(transaction: Transaction, event_id: int) -> dict[str, Any] | None:
    """Return an event, or None."""
    row = _FIND.first(transaction, event_id=event_id)
    return dict(zip(_COLUMNS, row, strict=True)) if row else None


def find_marked(transaction: Transaction, member_id: int, subject_hash: str) -> list[tuple[str, int]]:
    """Return kind and time (epoch seconds) of the member's events with this `subject_hash`."""
    return [(row[0], row[1]) for row in _FIND_MARKED.all(transaction, member_id=member_id, subject=subject_hash)]


def _find_kind(transaction: Transaction, kind: str, limit: int, before: int) -> tuple[list[dict[str, Any]], int]:
    rows = _FIND_KIND.all(transaction, before=before, most=WINDOW, wanted=kind, shown=limit)
    matches = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    if len(rows) == limit:
        return matches, rows[-1][0]
    lowest, count = _MEASURE_WINDOW.first(transaction, before=before, most=WINDOW) or (None, 0)
    return matches, int(lowest) if lowest is not None and count == WINDOW else 0
