"""Stores events with the changes that they report, and delivers them to plugins after the commit.

A plugin that fails or hangs harms no login. No event and no log line contains an id, code, token or state of a vendor.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias, TypeVar

from connect_core.errors import Unavailable
from connect_core.events import kinds, outbox
from connect_core.providers.hookspecs import ErasedEvent, HookCaller, HookRelay, LoginEvent, MergeEvent, RefusedEvent
from connect_core.store import Database, Transaction
from connect_core.store import events as stored_events

log = logging.getLogger("connect_login")

DRAIN_SECONDS = 5
"""How long a shutdown waits for deliveries."""
REDELIVERY_AFTER_SECONDS = 60
"""Age at which an event that was not delivered is delivered by any process that finds it."""
REDELIVERY_BATCH = 100
"""Most events that one call of `redeliver` delivers."""
_LOGGED = {"logged_in": logging.INFO, "identity_conflict": logging.WARNING, "handover_conflict": logging.WARNING}
Stored = TypeVar("Stored", LoginEvent, MergeEvent)
Event: TypeAlias = LoginEvent | MergeEvent | ErasedEvent | RefusedEvent


class Dispatcher:
    """Delivers events to the plugins that listen, on a thread, after the answer to the visitor is on its way.

    Stored events are delivered at least once: `dispatched_at` stays NULL in the database until the plugins were called.
    Make one for each process.
    """

    def __init__(self, hooks: HookRelay, database: Database, now: Callable[[], float]) -> None:
        """`now` returns seconds since the epoch."""
        self._hooks = hooks
        self._database = database
        self._now = now
        self._deliveries: set[asyncio.Task[None]] = set()
        self._ids_in_delivery: set[int] = set()
        self._delivered_ids: list[int] = []
        self._marking = asyncio.Lock()

    def write(
        self, transaction: Transaction, new_events: Sequence[Stored], connect_id: int, subject_hash: str
    ) -> list[Stored]:
        """Insert events in the transaction whose changes they report; pass what it returns to `dispatch` afterwards.

        Returns the events, with their ids where a plugin listens to any of them. `connect_id` is the connection that
        they are about; `subject_hash` is a keyed hash of the person's id, which can be compared but not guessed.
        """
        if not new_events:
            return []
        rows = [outbox.to_row(event, connect_id, subject_hash) for event in new_events]
        if not any(self._find_listeners(event.kind) for event in new_events):
            stored_events.insert_events(transaction, [{**row, "dispatched_at": row["create_time"]} for row in rows])
            return list(new_events)
        times = [None if self._find_listeners(event.kind) else event.time for event in new_events]
        ids = [
            stored_events.insert_event(transaction, {**row, "dispatched_at": time})
            for row, time in zip(rows, times, strict=True)
        ]
        return [replace(event, id=event_id) for event, event_id in zip(new_events, ids, strict=True)]

    def dispatch(self, *committed: Event) -> None:
        """Start the delivery of events whose transaction is committed: each plugin's `connect_<kind>` gets them.

        Returns at once. Events of one call are delivered in order. A login and a conflict are logged as well.
        """
        for event in committed:
            if isinstance(event, LoginEvent) and event.kind in _LOGGED:
                log.log(_LOGGED[event.kind], event.kind, extra=_log_fields(event))
        if with_listeners := [event for event in committed if self._find_listeners(_kind(event))]:
            ids = [event.id for event in with_listeners if isinstance(event, LoginEvent | MergeEvent) and event.id]
            self._ids_in_delivery.update(ids)
            delivery = asyncio.create_task(self._dispatch_now(with_listeners, ids))
            self._deliveries.add(delivery)
            delivery.add_done_callback(self._deliveries.discard)

    async def redeliver(self) -> int:
        """Deliver events that were stored a while ago and never delivered, because their process ended.

        Call it regularly, and again at once while it returns `REDELIVERY_BATCH`. Returns how many events it delivered.
        Raises `Unavailable`.
        """
        before = int(self._now()) - REDELIVERY_AFTER_SECONDS
        rows = await self._database.read(lambda tx: stored_events.find_undispatched(tx, before, REDELIVERY_BATCH))
        undelivered = [outbox.from_row(row) for row in rows if row.id not in self._ids_in_delivery]
        await self._deliver(undelivered, [event.id for event in undelivered])
        return len(undelivered)

    async def drain(self) -> None:
        """Wait for running deliveries, for `DRAIN_SECONDS` at most."""
        if self._deliveries:
            await asyncio.wait(self._deliveries, timeout=DRAIN_SECONDS)

    async def _dispatch_now(self, events: Sequence[Event], ids: Sequence[int]) -> None:
        try:
            with suppress(Unavailable):  # events that cannot be marked as dispatched are delivered again later
                await self._deliver(events, ids)
        finally:
            self._ids_in_delivery.difference_update(ids)

    async def _deliver(self, events: Sequence[Event], ids: Sequence[int]) -> None:
        calls = [(caller, event) for event in events if (caller := self._find_listeners(_kind(event)))]
        await asyncio.get_running_loop().run_in_executor(None, _call_all, calls)
        self._delivered_ids.extend(ids)
        async with self._marking:  # deliveries that end while one write runs are marked together by the next
            marked, self._delivered_ids = self._delivered_ids, []
            now = int(self._now())
            if marked:
                await self._database.write(lambda tx: stored_events.update_dispatched(tx, marked, now))

    def _find_listeners(self, kind: str) -> HookCaller | None:
        caller: HookCaller | None = getattr(self._hooks, f"connect_{kind}", None)
        return caller if caller is not None and caller.get_hookimpls() else None


def _call_all(calls: Sequence[tuple[HookCaller, Event]]) -> None:
    for caller, event in calls:
        _call(caller, event)


def _call(caller: HookCaller, event: Event) -> None:
    for plugin in reversed(caller.get_hookimpls()):  # not through pluggy, which stops at the first hook that raises
        try:
            plugin.function(*(event for _ in plugin.argnames))
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, with any text
            fields = {"hook": caller.name, "plugin": plugin.plugin_name, "error": type(error).__name__}
            log.error("notice_failed", extra=fields)


def _kind(event: Event) -> str:
    match event:
        case LoginEvent() | MergeEvent():
            return event.kind
        case ErasedEvent():
            return kinds.ERASED
        case RefusedEvent():
            return kinds.LOGIN_REFUSED


def _log_fields(event: LoginEvent) -> dict[str, object]:
    names = ("member_id", "is_new_member", "provider", "client_type", "union_type", "request_id")
    return {name: getattr(event, name) for name in names}
