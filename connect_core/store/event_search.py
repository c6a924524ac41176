"""Queries by which an operator looks through events (`es_connect_event`): by kind, by member, by request.

There is no index on the kind, the time or the request, which every login would pay for. A search by kind reads a
bounded number of events and says where the next one goes on. One by request reads the events of that time: ids rise
with it, except where each node of a cluster gives out its own; there it reads the whole table. Changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from sqlalchemy import bindparam, func, select

from connect_core.request_ids import find_times
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
_REQUEST_SPAN_SECONDS = 600
"""How far an event's time may be from that in its request's id: by the length of a request, and by wrong clocks."""
_PROBES = 64
"""Events whose times say whether ids rise with them."""
_REQUEST_COLUMNS = (
    "id",
    "create_time",
    "member_id",
    "kind",
    "provider",
    "client_type",
    "union_type",
    "request_id",
    "detail",
)
_FIND_ENDS = Statement(  # two queries: SQLite reads the whole table for both in one
    select(select(func.min(_EVENT.c.id)).scalar_subquery(), select(func.max(_EVENT.c.id)).scalar_subquery())
)
_FIND_FROM = Statement(
    select(_EVENT.c.id, _EVENT.c.create_time).where(_EVENT.c.id >= bindparam("first")).order_by(_EVENT.c.id).limit(1)
)
_FIND_OF_REQUEST = Statement(
    select(*(_EVENT.c[name] for name in _REQUEST_COLUMNS)).where(
        _EVENT.c.id >= bindparam("first"),
        _EVENT.c.id < bindparam("end"),
        _EVENT.c.request_id == bindparam("request_id"),
    )
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


def find_of_requests(transaction: Transaction, request_ids: Sequence[str], now: float) -> list[dict[str, Any]]:
    """Return the events of these requests, the oldest first. `now` is in epoch seconds."""
    lowest, highest = _FIND_ENDS.first(transaction) or (None, None)
    if lowest is None:
        return []
    ids = range(int(lowest), int(highest) + 1)
    rises = _rise_with_time(transaction, ids)
    rows = {
        tuple(row)
        for request_id in request_ids
        for place in (_find_places(transaction, ids, request_id, now) if rises else [ids])
        for row in _FIND_OF_REQUEST.all(transaction, first=place.start, end=place.stop, request_id=request_id)
    }
    names = _REQUEST_COLUMNS[1:]
    return [dict(zip(names, row[1:], strict=True)) for row in sorted(rows, key=lambda row: (row[1], row[0]))]


def _rise_with_time(transaction: Transaction, ids: range) -> bool:
    times = [_find_event_from(transaction, ids[len(ids) * probe // _PROBES])[1] for probe in range(_PROBES)]
    return all(before <= after + _REQUEST_SPAN_SECONDS for before, after in pairwise(times))


def _find_places(transaction: Transaction, ids: range, request_id: str, now: float) -> Iterator[range]:
    """Yield the ids that events of the request can have."""
    span, (_, earliest) = _REQUEST_SPAN_SECONDS, _find_event_from(transaction, ids.start)
    for second in find_times(request_id, earliest - span, now + span):
        yield range(*(_find_first_since(transaction, ids, moment) for moment in (second - span, second + span)))


def _find_first_since(transaction: Transaction, ids: range, moment: int) -> int:
    """Return the id of the first event since `moment` (epoch seconds), by bisection; the end of `ids` without one."""
    low, high = ids.start, ids.stop
    while low < high:
        middle = (low + high) // 2
        event_id, create_time = _find_event_from(transaction, middle)
        low, high = (low, middle) if create_time >= moment else (event_id + 1, high)
    return low


def _find_event_from(transaction: Transaction, first: int) -> tuple[int, int]:
    """Return id and time of the first event with this id or a higher one."""
    row = _FIND_FROM.first(transaction, first=first)
    assert row is not None
    return row[0], row[1]


def _find_kind(transaction: Transaction, kind: str, limit: int, before: int) -> tuple[list[dict[str, Any]], int]:
    rows = _FIND_KIND.all(transaction, before=before, most=WINDOW, wanted=kind, shown=limit)
    matches = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    if len(rows) == limit:
        return matches, rows[-1][0]
    lowest, count = _MEASURE_WINDOW.first(transaction, before=before, most=WINDOW) or (None, 0)
    return matches, int(lowest) if lowest is not None and count == WINDOW else 0
