"""Events: written with the login that made them happen, told to plugins once it is committed, and the log of refusals.

A plugin that fails to take a notice harms nobody. No id, code, token or state stands in an event or a log line.
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
from connect_core.store import Database, Transaction, events

log = logging.getLogger("connect_login")

DRAIN_SECONDS = 5
LATE_SECONDS = 60
"""What is untold for so long is told by whoever finds it."""
LATE_AT_ONCE = 100
_LOGGED = {"logged_in": logging.INFO, "identity_conflict": logging.WARNING, "handover_conflict": logging.WARNING}
Written = TypeVar("Written", LoginEvent, MergeEvent)
Notice: TypeAlias = LoginEvent | MergeEvent | ErasedEvent | RefusedEvent


class Dispatcher:
    """Tells plugins what was committed or refused, off the event loop and never in the way of the answer.

    What a plugin listens to is told at least once: the event is untold in the database until the plugins were called.
    """

    def __init__(self, hooks: HookRelay, database: Database, now: Callable[[], float]) -> None:
        """`now` answers seconds since the epoch."""
        self._hooks = hooks
        self._database = database
        self._now = now
        self._running: set[asyncio.Task[None]] = set()
        self._under_way: set[int] = set()
        self._delivered: list[int] = []
        self._noting = asyncio.Lock()

    def write(
        self, transaction: Transaction, happened: Sequence[Written], connect_id: int, subject_hash: str
    ) -> list[Written]:
        """Write events beside what they tell of; returns them with their ids where a plugin listens.

        `subject_hash` is keyed: it can be compared and not guessed.
        """
        if not happened:
            return []
        rows = [outbox.to_row(event, connect_id, subject_hash) for event in happened]
        if not any(self._find_listeners(event.kind) for event in happened):
            events.insert_events(transaction, [{**row, "dispatched_at": row["create_time"]} for row in rows])
            return list(happened)
        told = [None if self._find_listeners(event.kind) else event.time for event in happened]
        ids = [
            events.insert_event(transaction, {**row, "dispatched_at": at}) for row, at in zip(rows, told, strict=True)
        ]
        return [replace(event, id=event_id) for event, event_id in zip(happened, ids, strict=True)]

    def dispatch(self, *happened: Notice) -> None:
        """Call `connect_<kind>` of every plugin that has it, one event after the other.

        A login is one line in the log, a conflict one more.
        """
        for event in happened:
            if isinstance(event, LoginEvent) and event.kind in _LOGGED:
                log.log(_LOGGED[event.kind], event.kind, extra=_told(event))
        if heard := [event for event in happened if self._find_listeners(_kind(event))]:
            ids = [event.id for event in heard if isinstance(event, LoginEvent | MergeEvent) and event.id]
            self._under_way.update(ids)
            running = asyncio.create_task(self._dispatch_now(heard, ids))
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    async def redeliver(self) -> int:
        """Tell what was committed a while ago and never told: its process ended. Returns how much it was.

        Raises `Unavailable`.
        """
        before = int(self._now()) - LATE_SECONDS
        rows = await self._database.read(lambda tx: events.find_undispatched(tx, before, LATE_AT_ONCE))
        late = [outbox.from_row(row) for row in rows if row.id not in self._under_way]
        await self._deliver(late, [event.id for event in late])
        return len(late)

    async def drain(self) -> None:
        """Wait a moment for the notices that are still being told."""
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_SECONDS)

    async def _dispatch_now(self, heard: Sequence[Notice], ids: Sequence[int]) -> None:
        try:
            with suppress(Unavailable):  # what cannot be noted is told again, by whoever finds it
                await self._deliver(heard, ids)
        finally:
            self._under_way.difference_update(ids)

    async def _deliver(self, heard: Sequence[Notice], ids: Sequence[int]) -> None:
        calls = [(caller, event) for event in heard if (caller := self._find_listeners(_kind(event)))]
        await asyncio.get_running_loop().run_in_executor(None, _call_all, calls)
        self._delivered.extend(ids)
        async with self._noting:  # what others tell meanwhile is noted in one go by the next
            noted, self._delivered = self._delivered, []
            now = int(self._now())
            if noted:
                await self._database.write(lambda tx: events.update_dispatched(tx, noted, now))

    def _find_listeners(self, kind: str) -> HookCaller | None:
        caller: HookCaller | None = getattr(self._hooks, f"connect_{kind}", None)
        return caller if caller is not None and caller.get_hookimpls() else None


def _call_all(calls: Sequence[tuple[HookCaller, Notice]]) -> None:
    for caller, event in calls:
        _call(caller, event)


def _call(caller: HookCaller, event: Notice) -> None:
    for plugin in reversed(caller.get_hookimpls()):  # one by one: pluggy stops at the first that raises
        try:
            plugin.function(*(event for _ in plugin.argnames))
        except BaseException as error:  # noqa: BLE001 - a stranger's hook may raise anything, and its text hold anything
            told = {"hook": caller.name, "plugin": plugin.plugin_name, "error": type(error).__name__}
            log.error("notice_failed", extra=told)


def _kind(event: Notice) -> str:
    match event:
        case LoginEvent() | MergeEvent():
            return event.kind
        case ErasedEvent():
            return kinds.ERASED
        case RefusedEvent():
            return kinds.LOGIN_REFUSED


def _told(event: LoginEvent) -> dict[str, object]:
    names = ("member_id", "is_new_member", "provider", "client_type", "union_type", "request_id")
    return {name: getattr(event, name) for name in names}
