"""Queries about webhooks: what endpoints are to get (`es_webhook_delivery`), and how they are (`es_webhook_endpoint`).

A delivery is inserted in the transaction of its event. When and how it is sent is decided in `events`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from sqlalchemy import and_, bindparam, delete, func, null, or_, select, update

from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.events import EventRow
from connect_core.store.models import ConnectEvent, WebhookDelivery, WebhookEndpoint, table_of

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"
"""Values of `es_webhook_delivery.state`."""
ACTIVE, DISABLED = "active", "disabled"
"""Values of `es_webhook_endpoint.state`."""
MOST_COUNTED = 10_000
"""Deliveries of an endpoint that are counted, at most."""
_DELIVERY, _ENDPOINT, _EVENT = table_of(WebhookDelivery), table_of(WebhookEndpoint), table_of(ConnectEvent)
_EARLIER = _DELIVERY.alias("earlier")


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery. Times are epoch seconds; `create_time` is when the event happened, `end_time` None while pending."""

    id: int
    endpoint: str
    event_id: int
    member_id: int
    state: str
    attempts: int
    retry_time: int
    create_time: int
    end_time: int | None
    last_error: str


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """What is remembered of an endpoint. Times are epoch seconds.

    `attempts` is how many attempts failed in a row, `failing_since` when the first of them did. Nothing is sent before
    `retry_time`.
    """

    name: str
    state: str = ACTIVE
    failing_since: int | None = None
    disabled_time: int | None = None
    retry_time: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many deliveries of an endpoint are pending and dead, at most `MOST_COUNTED`; `oldest_time` is of the former.

    `last_error` is why the delivery that was tried last, and is still pending or dead, failed.
    """

    pending: int
    dead: int
    oldest_time: int | None
    last_error: str


_DELIVERY_COLUMNS = tuple(_DELIVERY.c[name] for name in DeliveryRow.__dataclass_fields__)
_EVENT_COLUMNS = tuple(_EVENT.c[name].label(f"event_{name}") for name in EventRow.__dataclass_fields__)
_WITH_EVENT = select(*_DELIVERY_COLUMNS, *_EVENT_COLUMNS).join_from(
    _DELIVERY, _EVENT, _EVENT.c.id == _DELIVERY.c.event_id, isouter=True
)
_WIDTH = len(_DELIVERY_COLUMNS)
_IS_WAITING = (_DELIVERY.c.endpoint == bindparam("of_endpoint"), _DELIVERY.c.state == PENDING)
_IS_DUE = (*_IS_WAITING, _DELIVERY.c.retry_time <= bindparam("now"))
_INSERT = Statement(
    insert_into(_DELIVERY, "endpoint", "event_id", "member_id", "state", "retry_time", "create_time", "last_error")
)
_FIND_DUE = Statement(
    _WITH_EVENT.where(
        *_IS_DUE,
        or_(  # what is about nobody has no order
            _DELIVERY.c.member_id == 0,
            ~select(_EARLIER.c.id)
            .where(
                _EARLIER.c.endpoint == bindparam("of_endpoint"),
                _EARLIER.c.state == PENDING,
                _EARLIER.c.member_id == _DELIVERY.c.member_id,
                or_(
                    _EARLIER.c.create_time < _DELIVERY.c.create_time,
                    and_(
                        _EARLIER.c.create_time == _DELIVERY.c.create_time,
                        _EARLIER.c.event_id < _DELIVERY.c.event_id,
                    ),
                ),
            )
            .exists(),
        ),
    )
    .order_by(_DELIVERY.c.retry_time, _DELIVERY.c.id)
    .limit(bindparam("most"))
)
_FIND_FIRST = Statement(select(_DELIVERY.c.id).where(*_IS_DUE).limit(1))
_HAS_KEY = _DELIVERY.c.id == bindparam("key")
_SETTLE = Statement(
    update(_DELIVERY)
    .where(_HAS_KEY, _DELIVERY.c.state == PENDING)
    .values(
        state=bindparam("new_state"),
        attempts=_DELIVERY.c.attempts + 1,
        retry_time=bindparam("new_time"),
        end_time=bindparam("new_end"),
        last_error=bindparam("error"),
    )
)
_REPLAY = Statement(
    update(_DELIVERY)
    .where(_HAS_KEY, _DELIVERY.c.state != PENDING)
    .values(state=PENDING, attempts=0, retry_time=_DELIVERY.c.create_time, end_time=null(), last_error="")
)
_HASTEN = Statement(
    update(_DELIVERY)
    .where(*_IS_WAITING, _DELIVERY.c.retry_time > bindparam("now"))
    .values(retry_time=_DELIVERY.c.create_time)
)
_GIVE_UP = Statement(
    update(_DELIVERY)
    .where(_HAS_KEY, _DELIVERY.c.state == PENDING)
    .values(state=DEAD, end_time=bindparam("now"), last_error=bindparam("error"))
)
_DELETE = Statement(delete(_DELIVERY).where(_HAS_KEY, _DELIVERY.c.state != PENDING))
_FIND_ENDED = Statement(
    select(_DELIVERY.c.id)
    .where(_DELIVERY.c.state == bindparam("of_state"), _DELIVERY.c.end_time < bindparam("before"))
    .order_by(_DELIVERY.c.end_time)
    .limit(bindparam("most"))
)
_FIND_STALE = Statement(
    select(_DELIVERY.c.id)
    .where(*_IS_WAITING, _DELIVERY.c.retry_time < bindparam("before"))
    .order_by(_DELIVERY.c.retry_time)
    .limit(bindparam("most"))
)
_FIND_DEAD = Statement(
    select(_DELIVERY.c.id)
    .where(
        _DELIVERY.c.endpoint == bindparam("of_endpoint"), _DELIVERY.c.state == DEAD, _DELIVERY.c.id > bindparam("after")
    )
    .order_by(_DELIVERY.c.id)
    .limit(bindparam("most"))
)
_FIND_BY_ID = Statement(select(_DELIVERY.c.id).where(_HAS_KEY))
_FIND_NEXT_NAME = Statement(
    select(func.min(_DELIVERY.c.endpoint)).where(_DELIVERY.c.endpoint > bindparam("after_name"))
)
_ENDPOINT_COLUMNS = tuple(_ENDPOINT.c[name] for name in EndpointRow.__dataclass_fields__)
_HAS_NAME = _ENDPOINT.c.name == bindparam("key")
_FIND_ENDPOINT = Statement(select(*_ENDPOINT_COLUMNS).where(_HAS_NAME))
_FIND_LEASE = Statement(select(_ENDPOINT.c.lease_until).where(_HAS_NAME))
_FIND_ENDPOINTS = Statement(select(*_ENDPOINT_COLUMNS).order_by(_ENDPOINT.c.name))
_INSERT_ENDPOINT = Statement(insert_into(_ENDPOINT, "name", "state"))
_UPDATE_ENDPOINT = Statement(
    update(_ENDPOINT)
    .where(_HAS_NAME)
    .values(
        state=bindparam("new_state"),
        failing_since=bindparam("new_failing_since"),
        disabled_time=bindparam("new_disabled_time"),
        retry_time=bindparam("new_retry_time"),
        attempts=bindparam("new_attempts"),
    )
)
_TAKE_LEASE = Statement(
    update(_ENDPOINT)
    .where(_HAS_NAME, or_(_ENDPOINT.c.lease_owner == bindparam("owner"), _ENDPOINT.c.lease_until <= bindparam("now")))
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"))
)
_END_LEASE = Statement(
    update(_ENDPOINT).where(_HAS_NAME, _ENDPOINT.c.lease_owner == bindparam("owner")).values(lease_until=0)
)


@cache
def _count_of_state(state: str) -> Statement:
    of_state = (
        select(_DELIVERY.c.create_time)
        .where(_DELIVERY.c.endpoint == bindparam("of_endpoint"), _DELIVERY.c.state == state)
        .order_by(_DELIVERY.c.retry_time)
        .limit(MOST_COUNTED)
        .subquery()
    )
    return Statement(select(func.count(), func.min(of_state.c.create_time)).select_from(of_state))


@cache
def _find_latest(*, of_endpoint: bool, of_state: bool) -> Statement:
    conditions = [_DELIVERY.c.id < bindparam("before")]
    conditions += [_DELIVERY.c.endpoint == bindparam("of_endpoint")] if of_endpoint else []
    conditions += [_DELIVERY.c.state == bindparam("of_state")] if of_state else []
    return Statement(_WITH_EVENT.where(*conditions).order_by(_DELIVERY.c.id.desc()).limit(bindparam("most")))


_FIND_ERROR = Statement(
    select(_DELIVERY.c.last_error)
    .where(*_IS_WAITING, _DELIVERY.c.attempts > 0)
    .order_by(_DELIVERY.c.retry_time.desc())
    .limit(1)
)


def insert_delivery(transaction: Transaction, endpoint: str, event_id: int, member_id: int, create_time: int) -> None:
    """Insert a pending delivery of an event that was created at `create_time` (epoch seconds)."""
    _INSERT.put_off(
        transaction,
        endpoint=endpoint,
        event_id=event_id,
        member_id=member_id,
        state=PENDING,
        retry_time=create_time,
        create_time=create_time,
        last_error="",
    )


def find_due(
    transaction: Transaction, endpoint: str, now: int, limit: int
) -> list[tuple[DeliveryRow, EventRow | None]]:
    """Return at most `limit` deliveries that may be sent at once, each with its event, or None if that was deleted.

    That is of each member the earliest that is pending, if it is due: the later ones wait for it.
    """
    rows = _FIND_DUE.all(transaction, of_endpoint=endpoint, now=now, most=limit)
    return [_split(row) for row in rows]


def find_due_endpoints(transaction: Transaction, names: Iterable[str], now: int) -> list[str]:
    """Return those of `names` to which something may be sent at `now`, and nobody sends."""
    return [name for name in names if _is_due(transaction, name, now)]


def _is_due(transaction: Transaction, name: str, now: int) -> bool:
    row = find_endpoint(transaction, name)
    if row.state != ACTIVE or row.retry_time > now or (_FIND_LEASE.scalar(transaction, key=name) or 0) > now:
        return False
    return bool(_FIND_FIRST.first(transaction, of_endpoint=name, now=now))


def _split(row: Sequence[object]) -> tuple[DeliveryRow, EventRow | None]:
    delivery = DeliveryRow(*row[:_WIDTH])  # type: ignore[arg-type]  # the columns are those of the class
    return delivery, None if row[_WIDTH] is None else EventRow(*row[_WIDTH:])  # type: ignore[arg-type]


def find_latest(
    transaction: Transaction, limit: int, *, endpoint: str = "", state: str = "", before: int = 0
) -> list[tuple[DeliveryRow, EventRow | None]]:
    """Return at most `limit` deliveries, the latest first; of an endpoint, in a state, below the id `before` if given.

    Each comes with its event, or None if that was deleted.
    """
    values = {**({"of_endpoint": endpoint} if endpoint else {}), **({"of_state": state} if state else {})}
    statement = _find_latest(of_endpoint=bool(endpoint), of_state=bool(state))
    return [_split(row) for row in statement.all(transaction, before=before or 2**62, most=limit, **values)]


def settle(transaction: Transaction, delivery: DeliveryRow) -> bool:
    """Store what became of an attempt: state, `retry_time`, `end_time` and `last_error` of `delivery`.

    False when the delivery is not pending any more, because another process has settled it.
    """
    changed = _SETTLE.run(
        transaction,
        key=delivery.id,
        new_state=delivery.state,
        new_time=delivery.retry_time,
        new_end=delivery.end_time,
        error=delivery.last_error,
    )
    return changed == 1


def give_up_stale(transaction: Transaction, endpoint: str, before: int, now: int, limit: int) -> int:
    """Give up at most `limit` deliveries that wait since `before` for an endpoint that is sent nothing.

    Returns how many that were. Times are epoch seconds.
    """
    keys = _FIND_STALE.all(transaction, of_endpoint=endpoint, before=before, most=limit)
    return sum(_GIVE_UP.run(transaction, key=key, now=now, error="not_sent") for (key,) in keys)


def replay(transaction: Transaction, ids: Iterable[int]) -> int:
    """Make those of these deliveries pending again that have ended, and return how many that were."""
    return sum(_REPLAY.run(transaction, key=key) for key in ids)


def hasten(transaction: Transaction, endpoint: str, now: int) -> int:
    """Let an endpoint's deliveries that failed be tried again at once, and return how many waited for later."""
    return _HASTEN.run(transaction, of_endpoint=endpoint, now=now)


def find_existing(transaction: Transaction, ids: Iterable[int]) -> list[int]:
    """Return those of `ids` that are deliveries."""
    return [key for key in ids if _FIND_BY_ID.first(transaction, key=key)]


def find_dead(transaction: Transaction, endpoint: str, limit: int, after: int = 0) -> list[int]:
    """Return at most `limit` ids of deliveries that an endpoint never took, in order, above `after`."""
    return [row[0] for row in _FIND_DEAD.all(transaction, of_endpoint=endpoint, after=after, most=limit)]


def delete_ended(transaction: Transaction, state: str, before: int, limit: int) -> int:
    """Delete at most `limit` deliveries that reached `state` before that time (epoch seconds); returns how many."""
    keys = _FIND_ENDED.all(transaction, of_state=state, before=before, most=limit)
    return sum(_DELETE.run(transaction, key=key) for (key,) in keys)


def find_endpoint(transaction: Transaction, name: str) -> EndpointRow:
    """Return what is remembered of an endpoint; of one that is new, that it is active."""
    row = _FIND_ENDPOINT.first(transaction, key=name)
    return EndpointRow(*row) if row else EndpointRow(name)


def find_endpoints(transaction: Transaction) -> list[EndpointRow]:
    """Return what is remembered of every endpoint, also of those that are configured no longer."""
    known = {row[0]: EndpointRow(*row) for row in _FIND_ENDPOINTS.all(transaction)}
    name = _FIND_NEXT_NAME.scalar(transaction, after_name="")
    while name is not None:
        known.setdefault(name, EndpointRow(name))
        name = _FIND_NEXT_NAME.scalar(transaction, after_name=name)
    return [known[name] for name in sorted(known)]


def store_endpoint(transaction: Transaction, row: EndpointRow) -> None:
    """Store what is known of an endpoint. Its lease stays as it is."""
    if _FIND_LEASE.first(transaction, key=row.name) is None:
        _INSERT_ENDPOINT.run(transaction, name=row.name, state=ACTIVE)
    _UPDATE_ENDPOINT.run(
        transaction,
        key=row.name,
        new_state=row.state,
        new_failing_since=row.failing_since,
        new_disabled_time=row.disabled_time,
        new_retry_time=row.retry_time,
        new_attempts=row.attempts,
    )


def take_lease(transaction: Transaction, name: str, owner: str, now: int, until: int) -> bool:
    """Let `owner` alone send to an endpoint until then; False when another process may. Times are epoch seconds.

    Whoever has the lease takes it again before it ends. The row stays locked until the transaction ends.
    """
    if _FIND_LEASE.first(transaction, key=name) is None:
        _INSERT_ENDPOINT.run(transaction, name=name, state=ACTIVE)
    return _TAKE_LEASE.run(transaction, key=name, owner=owner, now=now, until=until) == 1


def end_lease(transaction: Transaction, name: str, owner: str) -> None:
    """Let another process send, if the lease is still the owner's."""
    _END_LEASE.run(transaction, key=name, owner=owner)


def sum_up(transaction: Transaction, endpoint: str) -> Backlog:
    """Return how much an endpoint has not got."""
    counted = [
        _count_of_state(state).first(transaction, of_endpoint=endpoint) or (0, None) for state in (PENDING, DEAD)
    ]
    error = _FIND_ERROR.scalar(transaction, of_endpoint=endpoint)
    return Backlog(int(counted[0][0]), int(counted[1][0]), counted[0][1], error or "")


def reset(row: EndpointRow) -> EndpointRow:
    """Return the endpoint as it is when nothing is wrong."""
    return replace(row, state=ACTIVE, failing_since=None, disabled_time=None, retry_time=0, attempts=0)
