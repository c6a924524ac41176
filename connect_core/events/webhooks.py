"""What an operator sees of endpoints and deliveries, and does about them: replay, enable, test.

Every act is recorded in the audit log, in its own transaction. Knows no page and no command.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from connect_core.acts import OperatorAct
from connect_core.errors import BadRequest, Unsupported
from connect_core.events.deliveries import Deliveries
from connect_core.events.messages import make_test
from connect_core.events.retries import Sent
from connect_core.events.sinks import Sink
from connect_core.events.subscriptions import NAMES, Subscriptions, get_events
from connect_core.settings import Settings
from connect_core.store import Database, Transaction, audit, webhooks
from connect_core.store.events import EventRow
from connect_core.store.webhooks import DEAD, DELIVERED, DISABLED, PENDING, Backlog, DeliveryRow, EndpointRow

REPLAY_STEP = 500
"""Deliveries that one transaction makes pending again."""
MOST_REPLAYED = 500
"""Most deliveries that are named in one call of `replay`."""
STATES = (PENDING, DELIVERED, DEAD)


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint as an operator sees it. Times are epoch seconds.

    `state` is `active`, `failing` (the last attempts failed), `disabled` (nothing is sent until it is enabled) or
    `removed` (the settings have no such endpoint any more). `url` has no query. `pending` and `dead` are counted up to
    `MOST_COUNTED`; `oldest_time` is that of the oldest pending event.
    """

    name: str
    url: str
    events: tuple[str, ...]
    is_enabled: bool
    state: str
    failing_since: int | None
    disabled_time: int | None
    retry_time: int
    pending: int
    oldest_time: int | None
    dead: int
    last_error: str


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery as an operator sees it. Times are epoch seconds; `create_time` is when the event happened.

    `type` is that of the event, such as `member.logged_in`; it and `request_id` are empty if the event was deleted.
    """

    id: int
    endpoint: str
    event_id: int
    member_id: int
    type: str
    state: str
    attempts: int
    retry_time: int
    create_time: int
    end_time: int | None
    last_error: str
    request_id: str


class Webhooks:
    """The endpoints, what they got and what not."""

    def __init__(
        self,
        database: Database,
        subscriptions: Subscriptions,
        deliveries: Deliveries,
        open_sink: Callable[[str], Sink | None],
        now: Callable[[], int],
    ) -> None:
        """`open_sink` returns the endpoint with a name, None if there is none; `now` the time in epoch seconds."""
        self._database, self._subscriptions = database, subscriptions
        self.deliveries = deliveries
        self._open_sink, self._now = open_sink, now

    async def find_endpoints(self) -> list[EndpointView]:
        """Return every endpoint that is configured, or that something was to be sent to. Raises `Unavailable`."""
        settings = self._subscriptions.settings

        def collect(tx: Transaction) -> list[EndpointView]:
            known = {row.name: row for row in webhooks.find_endpoints(tx)}
            names = sorted({*known, *settings.webhooks, *self._subscriptions.names})
            return [
                _view_endpoint(known.get(name) or EndpointRow(name), settings, webhooks.sum_up(tx, name))
                for name in names
            ]

        return await self._database.read(collect)

    async def find_deliveries(
        self, endpoint: str = "", state: str = "", before: int = 0, limit: int = 50
    ) -> list[DeliveryView]:
        """Return at most `limit` deliveries, the latest first; with a lower id than `before` if it is not 0.

        Raises `BadRequest` for a state that does not exist, and `Unavailable`.
        """
        if state and state not in STATES:
            raise BadRequest(f"the state is one of {', '.join(STATES)}")
        rows = await self._database.read(
            lambda tx: webhooks.find_latest(tx, limit, endpoint=endpoint, state=state, before=before)
        )
        return [_view_delivery(*row) for row in rows]

    async def replay(self, ids: Sequence[int], act: OperatorAct) -> int:
        """Send deliveries again, dead or delivered, and return how many; those that are pending are sent anyway.

        Raises `Unsupported` when none of them exists, `BadRequest` for more than `MOST_REPLAYED`, and `Unavailable`.
        """
        if len(ids) > MOST_REPLAYED:
            raise BadRequest(f"give at most {MOST_REPLAYED} deliveries")

        def replay(tx: Transaction) -> int:
            known = webhooks.find_existing(tx, ids)
            if not known:
                raise Unsupported("there is no such delivery")
            count = webhooks.replay(tx, known)
            detail = f"{count} of deliveries {', '.join(map(str, known))}"
            audit.insert_record(tx, act, "webhook.replayed", "webhooks", self._now(), _explain(detail, act))
            return count

        return await self._database.write(replay, is_long=True)

    async def replay_dead(self, endpoint: str, act: OperatorAct) -> int:
        """Send again what an endpoint never took, or for "" every endpoint; returns how many deliveries that are.

        Raises `Unsupported` for an endpoint of which nothing is known, and `Unavailable`.
        """
        names = await self._find_names()
        if endpoint and endpoint not in names:
            raise Unsupported(_no_such(endpoint, names))
        return sum([await self._replay_dead(name, act) for name in ([endpoint] if endpoint else names)])

    async def enable(self, endpoint: str, act: OperatorAct) -> bool:
        """Send at once what waits for an endpoint, also one that was disabled or is left in peace after failures.

        Returns False when it was neither, and nothing waited for another try. What is dead stays so until it is
        replayed. Raises `Unsupported` for an endpoint of which nothing is known, and
        `Unavailable`.
        """
        names = await self._find_names()
        if endpoint not in names:
            raise Unsupported(_no_such(endpoint, names))

        def enable(tx: Transaction) -> bool:
            row = webhooks.find_endpoint(tx, endpoint)
            hastened = webhooks.hasten(tx, endpoint, self._now())
            if row == webhooks.reset(row) and not hastened:
                return False
            webhooks.store_endpoint(tx, webhooks.reset(row))
            audit.insert_record(tx, act, "webhook.enabled", f"webhooks.{endpoint}", self._now())
            return True

        return await self._database.write(enable, is_long=True)

    async def send_test(self, endpoint: str, act: OperatorAct) -> Sent:
        """Send a signed event `connect.test` at once, whatever the endpoint's state, and return what became of it.

        One attempt, within 15 seconds. Raises `Unsupported` for an endpoint that is not configured, and `Unavailable`.
        """
        sink = self._open_sink(endpoint)
        if sink is None:
            raise Unsupported(_no_such(endpoint, sorted(self._subscriptions.settings.webhooks)))
        sent = await sink.send(make_test(f"test_{secrets.token_hex(12)}", endpoint, self._now()))
        detail = _explain(sent.error or "delivered", act)
        target = f"webhooks.{endpoint}"
        await self._database.write(
            lambda tx: audit.insert_record(tx, act, "webhook.tested", target, self._now(), detail)
        )
        return sent

    async def _find_names(self) -> list[str]:
        known = await self._database.read(webhooks.find_endpoints)
        return sorted(
            {*(row.name for row in known), *self._subscriptions.settings.webhooks, *self._subscriptions.names}
        )

    async def _replay_dead(self, endpoint: str, act: OperatorAct) -> int:
        """Replay in steps, each with its record: an endpoint may have missed more than one transaction should hold."""
        replayed, after = 0, 0

        def replay(tx: Transaction) -> tuple[int, int]:
            ids = webhooks.find_dead(tx, endpoint, REPLAY_STEP, after)
            count = webhooks.replay(tx, ids)
            if count:
                detail = _explain(f"{count} dead deliveries", act)
                audit.insert_record(tx, act, "webhook.replayed", f"webhooks.{endpoint}", self._now(), detail)
            return count, ids[-1] if ids else 0

        while True:
            count, after = await self._database.write(replay, is_long=True)
            replayed += count
            if not after:
                return replayed


def _explain(detail: str, act: OperatorAct) -> str:
    return f"{detail}: {act.reason}" if act.reason else detail


def _no_such(endpoint: str, names: Sequence[str]) -> str:
    return f"there is no endpoint {endpoint!r}; there are: {', '.join(names) or 'none'}"


def _view_endpoint(row: EndpointRow, settings: Settings, backlog: Backlog) -> EndpointView:
    webhook = settings.webhooks.get(row.name)
    events = get_events(settings, row.name)
    state = "failing" if row.failing_since else "active"
    if webhook is None and not events:
        state = "removed"
    elif row.state == DISABLED:
        state = DISABLED
    return EndpointView(
        name=row.name,
        url=urlsplit(webhook.url)._replace(query="").geturl() if webhook else "",
        events=tuple(name for name in NAMES.values() if name in events),
        is_enabled=bool(events),
        state=state,
        failing_since=row.failing_since,
        disabled_time=row.disabled_time,
        retry_time=row.retry_time,
        pending=backlog.pending,
        oldest_time=backlog.oldest_time,
        dead=backlog.dead,
        last_error=backlog.last_error,
    )


def _view_delivery(row: DeliveryRow, event: EventRow | None) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        endpoint=row.endpoint,
        event_id=row.event_id,
        member_id=row.member_id,
        type=NAMES.get(event.kind, "") if event else "",
        state=row.state,
        attempts=row.attempts,
        retry_time=row.retry_time,
        create_time=row.create_time,
        end_time=row.end_time,
        last_error=row.last_error,
        request_id=event.request_id if event else "",
    )
