"""Events: written with the login that made them happen, told to plugins once it is committed, and the log of refusals.

A plugin that fails to take a notice harms nobody. No id, code, token or state stands in an event or a log line.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias, TypeVar

from connect_core.errors import ConnectError, NotLoggedIn, ProviderFault, RequestRefused, Unavailable
from connect_core.identity import ClientType
from connect_core.providers.hookspecs import ErasedEvent, HookCaller, HookRelay, LoginEvent, MergeEvent, RefusedEvent
from connect_core.store import Database, Transaction, events
from connect_core.store.events import EventRow

log = logging.getLogger("connect_login")

DRAIN_SECONDS = 5
LATE_SECONDS = 60
"""What is untold for so long is told by whoever finds it."""
LATE_AT_ONCE = 100
REFUSALS_A_MINUTE = 60
"""Refusals of one code that a process logs in a minute."""
_OF_NEW_MEMBER = "new_member"
_NOT_A_LOGINS = dict.fromkeys(("provider", "client_type", "union_type"), "")
_LOGGED = {"logged_in": logging.INFO, "identity_conflict": logging.WARNING, "handover_conflict": logging.WARNING}
REGISTERED, LOGGED_IN, BOUND, UNBOUND = "registered", "logged_in", "bound", "unbound"
CONFLICT, ERASED = "identity_conflict", "erased"
HANDED_OVER, HANDOVER_CONFLICT = "handed_over", "handover_conflict"
MERGED, MERGE_UNDONE = "merged", "merge_undone"
Written = TypeVar("Written", LoginEvent, MergeEvent)
Notice: TypeAlias = LoginEvent | MergeEvent | ErasedEvent | RefusedEvent


def write_erased(transaction: Transaction, event: ErasedEvent) -> None:
    """Write that a member was erased: when, on which request, and nothing of whom it was."""
    empty = {**_NOT_A_LOGINS, "subject_hash": "", "detail": ""}
    times = dict.fromkeys(("create_time", "told_time"), event.time)
    row = {"kind": ERASED, "member_id": event.member_id, "connect_id": 0, "request_id": event.request_id}
    events.insert_events(transaction, [{**row, **empty, **times}])


class Notices:
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
        self._told: list[int] = []
        self._noting = asyncio.Lock()

    def write(
        self, transaction: Transaction, happened: Sequence[Written], connect_id: int, subject_hash: str
    ) -> list[Written]:
        """Write events beside what they tell of; returns them with their ids where a plugin listens.

        `subject_hash` is keyed: it can be compared and not guessed.
        """
        if not happened:
            return []
        rows = [_row(event, connect_id, subject_hash) for event in happened]
        if not any(self._find_listeners(event.kind) for event in happened):
            events.insert_events(transaction, [{**row, "told_time": row["create_time"]} for row in rows])
            return list(happened)
        told = [None if self._find_listeners(event.kind) else event.time for event in happened]
        ids = [events.insert_event(transaction, {**row, "told_time": at}) for row, at in zip(rows, told, strict=True)]
        return [replace(event, id=event_id) for event, event_id in zip(happened, ids, strict=True)]

    def tell(self, *happened: Notice) -> None:
        """Call `connect_<kind>` of every plugin that has it, one event after the other.

        A login is one line in the log, a conflict one more.
        """
        for event in happened:
            if isinstance(event, LoginEvent) and event.kind in _LOGGED:
                log.log(_LOGGED[event.kind], event.kind, extra=_told(event))
        if heard := [event for event in happened if self._find_listeners(_kind(event))]:
            ids = [event.id for event in heard if isinstance(event, LoginEvent | MergeEvent) and event.id]
            self._under_way.update(ids)
            running = asyncio.create_task(self._tell_now(heard, ids))
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    async def tell_late(self) -> int:
        """Tell what was committed a while ago and never told: its process ended. Returns how much it was.

        Raises `Unavailable`.
        """
        before = int(self._now()) - LATE_SECONDS
        rows = await self._database.read(lambda tx: events.find_untold(tx, before, LATE_AT_ONCE))
        late = [_event(row) for row in rows if row.id not in self._under_way]
        await self._tell(late, [event.id for event in late])
        return len(late)

    async def drain(self) -> None:
        """Wait a moment for the notices that are still being told."""
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_SECONDS)

    async def _tell_now(self, heard: Sequence[Notice], ids: Sequence[int]) -> None:
        try:
            with suppress(Unavailable):  # what cannot be noted is told again, by whoever finds it
                await self._tell(heard, ids)
        finally:
            self._under_way.difference_update(ids)

    async def _tell(self, heard: Sequence[Notice], ids: Sequence[int]) -> None:
        calls = [(caller, event) for event in heard if (caller := self._find_listeners(_kind(event)))]
        await asyncio.get_running_loop().run_in_executor(None, _call_all, calls)
        self._told.extend(ids)
        async with self._noting:  # what others tell meanwhile is noted in one go by the next
            noted, self._told = self._told, []
            now = int(self._now())
            if noted:
                await self._database.write(lambda tx: events.update_told(tx, noted, now))

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
            return ERASED
        case RefusedEvent():
            return "login_refused"


def _row(event: LoginEvent | MergeEvent, connect_id: int, subject_hash: str) -> dict[str, object]:
    if isinstance(event, MergeEvent):
        told = {"kind": event.kind, "member_id": event.kept_id, "detail": str(event.merged_id)}
        named = {"connect_id": connect_id, "subject_hash": subject_hash, "request_id": event.request_id}
        return {**_NOT_A_LOGINS, **told, **named, "create_time": event.time}
    return {
        "kind": event.kind,
        "member_id": event.member_id,
        "connect_id": connect_id,
        "provider": event.provider,
        "client_type": event.client_type,
        "union_type": event.union_type,
        "subject_hash": subject_hash,
        "request_id": event.request_id,
        "create_time": event.time,
        "detail": _OF_NEW_MEMBER if event.is_new_member else "",
    }


def _event(row: EventRow) -> LoginEvent | MergeEvent:
    if row.kind in (MERGED, MERGE_UNDONE):
        return MergeEvent(row.kind, row.member_id, int(row.detail), row.request_id, row.create_time, row.id)
    return LoginEvent(
        id=row.id,
        kind=row.kind,
        member_id=row.member_id,
        provider=row.provider,
        client_type=ClientType(row.client_type),
        union_type=row.union_type,
        is_new_member=row.detail == _OF_NEW_MEMBER,
        request_id=row.request_id,
        time=row.create_time,
    )


def _told(event: LoginEvent) -> dict[str, object]:
    names = ("member_id", "is_new_member", "provider", "client_type", "union_type", "request_id")
    return {name: getattr(event, name) for name in names}


class RefusalLog:
    """The log of refusals: each is a line, until there are so many that somebody wants to fill the disk."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` answers seconds that never go back."""
        self._now = now
        self._counted: dict[str, tuple[int, int]] = {}

    def note(self, error: ConnectError, context: Mapping[str, object]) -> None:
        """Log a refusal: a warning where the operator must act, else information.

        Of one code there are `REFUSALS_A_MINUTE` lines a minute; how many were left out stands before the next one.
        """
        minute, (of, count) = int(self._now() // 60), self._counted.get(error.code, (0, 0))
        if of != minute:
            if left_out := max(0, count - REFUSALS_A_MINUTE):
                log.warning("refusals_left_out", extra={"code": error.code, "count": left_out})
            count = 0
        self._counted[error.code] = minute, count + 1
        if count < REFUSALS_A_MINUTE:
            _log_refusal(error, context)


def _log_refusal(error: ConnectError, context: Mapping[str, object]) -> None:
    is_operators = isinstance(error, ProviderFault) or not isinstance(error, RequestRefused)
    level = logging.WARNING if is_operators else logging.DEBUG if isinstance(error, NotLoggedIn) else logging.INFO
    vendor = {f"vendor_{key}": value for key, value in error.vendor.items()}
    log.log(level, "login_refused", extra={"code": error.code, "reason": str(error), **context, **vendor})
