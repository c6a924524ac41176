"""Stores events with the changes that they report, and delivers them to plugins after the commit.

What endpoints (webhooks, the Redis stream) are to get is stored in the same transaction, and sent by `deliveries`.

A plugin that fails or hangs harms no login. An event that a plugin did not take is delivered to it again, less and less
often, for a week. No event and no log line contains an id, code, token or state of a vendor.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from connect_core.errors import Unavailable
from connect_core.events import kinds, outbox
from connect_core.events.notices import NOTICE_SECONDS, Event, Notices, PluginCalls
from connect_core.events.subscriptions import Subscriptions
from connect_core.providers.hookspecs import ErasedEvent, HookCaller, HookRelay, LoginEvent, MergeEvent, RefusedEvent
from connect_core.store import Database, Transaction
from connect_core.store import events as stored_events

if TYPE_CHECKING:
    from connect_core.events.refusal_outbox import RefusalOutbox

log = logging.getLogger("connect_login")

DRAIN_SECONDS = 5
"""How long a shutdown waits for deliveries."""
REDELIVERY_AFTER_SECONDS = 60
"""Age at which an event that was not delivered is delivered by any process that finds it."""
REDELIVERY_BATCH = 100
"""Most events that are read and delivered at once by `redeliver`."""
LONGEST_PAUSE_SECONDS = 3600
"""Longest pause before an event is delivered again to a plugin that did not take it; the first is a minute."""
DELIVERY_DAYS = 7
"""Age in days at which an event is given up that a plugin still does not take."""
_WARNED = (kinds.CONFLICT, kinds.HANDOVER_CONFLICT)
"""Kinds whose log line is a warning: an operator should look at both members."""
Stored = TypeVar("Stored", LoginEvent, MergeEvent, ErasedEvent)
StoredEvent = LoginEvent | MergeEvent | ErasedEvent


@dataclass(slots=True)
class _Attempts:
    """What this process remembers of an event that a plugin did not take: `due` is when it is delivered again."""

    count: int = 0
    due: float = 0.0
    plugins_that_took_it: set[str] = field(default_factory=set)


class Dispatcher:
    """Delivers events to the plugins that listen, on threads of theirs, after the answer to the visitor is on its way.

    Stored events are delivered at least once: `dispatched_at` stays NULL in the database until every plugin that
    listens has taken the event, which is to return from its hook.
    Make one for each process.
    """

    def __init__(
        self,
        hooks: HookRelay,
        database: Database,
        now: Callable[[], float],
        subscriptions: Subscriptions | None = None,
    ) -> None:
        """`now` returns seconds since the epoch; without `subscriptions` no endpoint gets events."""
        self._hooks = hooks
        self._subscriptions = subscriptions
        self._refusals: RefusalOutbox | None = None
        self._database = database
        self._now = now
        self._deliveries: set[asyncio.Task[int]] = set()
        self._ids_in_delivery: set[int] = set()
        self._delivered_ids: list[int] = []
        self._attempts: dict[int, _Attempts] = {}
        self._notices = Notices()
        self._marking = asyncio.Lock()

    def write(
        self, transaction: Transaction, new_events: Sequence[Stored], connect_id: int, subject_hash: str
    ) -> list[Stored]:
        """Insert events in the transaction whose changes they report; pass what it returns to `dispatch` afterwards.

        Returns the events, with their ids where a plugin or an endpoint wants any of them. `connect_id` is the
        connection that they are about; `subject_hash` is a keyed hash of the person's id, which can be compared but not
        guessed.
        """
        if not new_events:
            return []
        rows = [outbox.to_row(event, connect_id, subject_hash) for event in new_events]
        endpoints = [self._find_endpoints(_kind(event)) for event in new_events]
        if not any(endpoints) and not any(self._find_listeners(_kind(event)) for event in new_events):
            stored_events.insert_events(transaction, [{**row, "dispatched_at": row["create_time"]} for row in rows])
            return list(new_events)
        times = [None if self._find_listeners(_kind(event)) else event.time for event in new_events]
        ids = [
            stored_events.insert_event(transaction, {**row, "dispatched_at": time})
            for row, time in zip(rows, times, strict=True)
        ]
        if any(endpoints):
            _insert_deliveries(transaction, zip(ids, rows, endpoints, strict=True))
        return [replace(event, id=event_id) for event, event_id in zip(new_events, ids, strict=True)]

    def dispatch(self, *committed: Event) -> None:
        """Start the delivery of events whose transaction is committed: each plugin's `connect_<kind>` gets them.

        Returns at once. Events of one call are delivered in order. What happened to a member is logged as well, a line
        for each event that is named like its kind.
        """
        for event in committed:
            if not isinstance(event, RefusedEvent):  # `RefusalLog` logs those
                level = logging.WARNING if _kind(event) in _WARNED else logging.INFO
                log.log(level, _kind(event), extra=_log_fields(event))
        if with_listeners := [event for event in committed if self._find_listeners(_kind(event))]:
            _ = self._start_delivery(with_listeners)
        if self._subscriptions is not None and self._subscriptions.names:
            self._announce(committed, self._subscriptions)

    async def redeliver(self) -> int:
        """Deliver events that were stored a while ago and not taken: their process ended, or a hook raised.

        Call it regularly. Does not wait for a hook that hangs. Returns how many events were taken. Raises
        `Unavailable`.
        """
        before, after, taken = int(self._now()) - REDELIVERY_AFTER_SECONDS, 0, 0
        while True:
            find = partial(stored_events.find_undispatched, before=before, limit=REDELIVERY_BATCH, after=after)
            rows = await self._database.read(find)
            if events := [outbox.from_row(row) for row in rows if self._is_due(row.id)]:
                delivery = self._start_delivery(events)
                await asyncio.wait([delivery], timeout=NOTICE_SECONDS)
                taken += delivery.result() if delivery.done() else 0
            if len(rows) < REDELIVERY_BATCH:
                return taken
            after = max(row.id for row in rows)

    async def drain(self) -> None:
        """Wait for running deliveries, for `DRAIN_SECONDS` at most."""
        if self._refusals is not None:
            await self._refusals.drain(DRAIN_SECONDS)
        if self._deliveries:
            await asyncio.wait(self._deliveries, timeout=DRAIN_SECONDS)

    async def aclose(self) -> None:
        """Drain, and leave the deliveries behind that do not end; their stored events are delivered another time."""
        await self.drain()
        for delivery in self._deliveries:
            delivery.cancel()

    def _start_delivery(self, events: Sequence[Event]) -> "asyncio.Task[int]":
        ids = [event.id for event in events if isinstance(event, StoredEvent) and event.id]
        self._ids_in_delivery.update(ids)
        delivery = asyncio.create_task(self._deliver(events, ids))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)
        return delivery

    async def _deliver(self, events: Sequence[Event], ids: Sequence[int]) -> int:
        """Call the plugins, and mark what they took. Returns how many of `ids` were taken by every plugin."""
        try:
            plugins = self._get_calls(events)
            await self._notices.call(plugins)
            taken = self._note_failures(events, plugins)
            with suppress(Unavailable):  # events that cannot be marked as dispatched are delivered again later
                await self._mark(taken)
            return len(taken)
        finally:
            self._ids_in_delivery.difference_update(ids)

    def _get_calls(self, events: Sequence[Event]) -> dict[str, PluginCalls]:
        plugins: dict[str, PluginCalls] = {}
        for event in events:
            attempts = self._attempts.get(getattr(event, "id", 0))
            caller = self._find_listeners(_kind(event))
            for implementation in reversed(caller.get_hookimpls() if caller else []):
                name = implementation.plugin_name
                if caller and not (attempts and name in attempts.plugins_that_took_it):
                    plugins.setdefault(name, PluginCalls(name)).calls.append((caller.name, implementation, event))
        return plugins

    def _note_failures(self, events: Sequence[Event], plugins: dict[str, PluginCalls]) -> list[int]:
        """Remember who did not take what, and return the ids of the events that need no further attempt."""
        taken = []
        for event in events:
            if not (isinstance(event, StoredEvent) and event.id):
                continue
            if not any(event in calls.failed for calls in plugins.values()):
                self._attempts.pop(event.id, None)
            elif self._now() - event.time < DELIVERY_DAYS * 24 * 3600:
                self._put_off(event.id, {name for name, calls in plugins.items() if event not in calls.failed})
                continue
            else:
                self._attempts.pop(event.id, None)
                log.error("notice_given_up", extra={"kind": _kind(event), "event_id": event.id})
            taken.append(event.id)
        return taken

    def _put_off(self, event_id: int, plugins_that_took_it: set[str]) -> None:
        attempts = self._attempts.setdefault(event_id, _Attempts())
        pause = min(REDELIVERY_AFTER_SECONDS * 2**attempts.count, LONGEST_PAUSE_SECONDS)
        attempts.count, attempts.due = attempts.count + 1, self._now() + pause
        attempts.plugins_that_took_it |= plugins_that_took_it

    def _is_due(self, event_id: int) -> bool:
        if event_id in self._ids_in_delivery:
            return False
        attempts = self._attempts.get(event_id)
        return attempts is None or attempts.due <= self._now()

    async def _mark(self, ids: Sequence[int]) -> None:
        self._delivered_ids.extend(ids)
        async with self._marking:  # deliveries that end while one write runs are marked together by the next
            marked, self._delivered_ids = self._delivered_ids, []
            now = int(self._now())
            if marked:
                await self._database.write(lambda tx: stored_events.update_dispatched(tx, marked, now))

    def _announce(self, committed: Sequence[Event], subscriptions: Subscriptions) -> None:
        """Have refusals stored that an endpoint wants, and what was stored sent."""
        for event in committed:
            if isinstance(event, RefusedEvent) and subscriptions.find(kinds.LOGIN_REFUSED):
                self._outbox(subscriptions).add(event)
        stored = [event for event in committed if not isinstance(event, RefusedEvent)]
        subscriptions.announce({name for event in stored for name in subscriptions.find(_kind(event))})

    def _outbox(self, subscriptions: Subscriptions) -> "RefusalOutbox":
        from connect_core.events.refusal_outbox import RefusalOutbox  # noqa: PLC0415 - few shops need it

        self._refusals = self._refusals or RefusalOutbox(self._database, subscriptions)
        return self._refusals

    def _find_endpoints(self, kind: str) -> tuple[str, ...]:
        return () if self._subscriptions is None else self._subscriptions.find(kind)

    def _find_listeners(self, kind: str) -> HookCaller | None:
        caller: HookCaller | None = getattr(self._hooks, f"connect_{kind}", None)
        return caller if caller is not None and caller.get_hookimpls() else None


def _insert_deliveries(
    transaction: Transaction, events: Iterable[tuple[int, Mapping[str, object], Sequence[str]]]
) -> None:
    """Insert what endpoints are to get: of each event its id, its row, and their names."""
    from connect_core.store import webhooks  # noqa: PLC0415 - only shops with an endpoint need it

    for event_id, row, names in events:
        member_id, create_time = row["member_id"], row["create_time"]
        assert isinstance(member_id, int)
        assert isinstance(create_time, int)
        for name in names:
            webhooks.insert_delivery(transaction, name, event_id, member_id, create_time)


def _kind(event: Event) -> str:
    match event:
        case LoginEvent() | MergeEvent():
            return event.kind
        case ErasedEvent():
            return kinds.ERASED
        case RefusedEvent():
            return kinds.LOGIN_REFUSED


def _log_fields(event: StoredEvent) -> dict[str, object]:
    match event:
        case MergeEvent():
            return {"member_id": event.kept_id, "merged_id": event.merged_id, "request_id": event.request_id}
        case ErasedEvent():
            return {"member_id": event.member_id, "request_id": event.request_id}
    names = ("member_id", "is_new_member", "provider", "client_type", "union_type", "request_id")
    return {name: getattr(event, name) for name in names}
