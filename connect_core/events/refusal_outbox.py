"""Stores refused logins for the endpoints that want `login.refused`; without such an endpoint none is stored.

A refusal has no transaction of its own, so it is written shortly afterwards, many at once. At most
`MOST_WAITING` wait; further ones, and those that the database does not take, are lost.
"""

import asyncio
import logging
from functools import partial

from connect_core.errors import ConnectError
from connect_core.events import kinds
from connect_core.events.subscriptions import Subscriptions
from connect_core.providers.hookspecs import RefusedEvent
from connect_core.store import Database, Transaction, webhooks
from connect_core.store import events as stored_events

log = logging.getLogger("connect_login")

MOST_WAITING = 1000
"""Refusals that wait to be written; further ones are lost."""


class RefusalOutbox:
    """Writes the refusals of one process, in a task that ends when none waits."""

    def __init__(self, database: Database, subscriptions: Subscriptions) -> None:
        self._database, self._subscriptions = database, subscriptions
        self._waiting: list[RefusedEvent] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, event: RefusedEvent) -> None:
        """Have a refusal written. Returns at once."""
        if len(self._waiting) >= MOST_WAITING:
            return
        self._waiting.append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_all())

    async def drain(self, seconds: float) -> None:
        """Wait until all are written, for so many seconds at most."""
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=seconds)

    async def _write_all(self) -> None:
        while self._waiting:
            events, self._waiting = self._waiting, []
            names = self._subscriptions.find(kinds.LOGIN_REFUSED)
            try:
                await self._database.write(partial(_insert, events, names))
            except ConnectError as error:
                log.warning("refusals_not_stored", extra={"count": len(events), "reason": str(error)})
            else:
                self._subscriptions.announce(names)


def _insert(events: list[RefusedEvent], names: tuple[str, ...], transaction: Transaction) -> None:
    for event in events:
        row = {
            "kind": kinds.LOGIN_REFUSED,
            "member_id": 0,
            "connect_id": 0,
            "provider": event.provider,
            "client_type": event.client_type,
            "union_type": "",
            "subject_hash": "",
            "request_id": event.request_id,
            "create_time": event.time,
            "detail": event.code,
            "dispatched_at": event.time,  # plugins were called without it
        }
        event_id = stored_events.insert_event(transaction, row)
        for name in names:
            webhooks.insert_delivery(transaction, name, event_id, 0, event.time)
