"""Sends stored events to endpoints: at least once, those of one member in order, less and less often while it fails.

One process at a time sends to an endpoint, as long as its lease says; of one that was killed, the lease runs out. Each
endpoint has a task of its own, so that none waits for another, and no login waits for any.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from connect_core import measurements
from connect_core.errors import ConnectError
from connect_core.events.messages import make_message
from connect_core.events.retries import Sent, is_down, judge_delivery, judge_endpoint, wait_for_endpoint
from connect_core.events.sinks import Sink
from connect_core.events.subscriptions import Subscriptions
from connect_core.store import Database, Transaction, webhooks
from connect_core.store.events import EventRow
from connect_core.store.webhooks import ACTIVE, DEAD, DISABLED, PENDING, DeliveryRow, EndpointRow

log = logging.getLogger("connect_login")

POLL_SECONDS = 5.0
"""Time between two looks for what nobody sends: what is due again, and what a process left that was killed."""
LEASE_SECONDS = 45
"""How long a process may send without taking its lease again: longer than the slowest attempt."""
AT_ONCE = 16
"""Attempts that run at once for one endpoint, each for another member."""
DRAIN_SECONDS = 3
"""How long a shutdown waits for attempts that are under way."""
Attempt = tuple[DeliveryRow, Sent]


@dataclass(slots=True)
class _Round:
    """What one transaction did: `settled` deliveries, the endpoint before and after, and what is to be sent next."""

    before: EndpointRow
    after: EndpointRow
    settled: list[DeliveryRow] = field(default_factory=list)
    due: list[tuple[DeliveryRow, EventRow]] = field(default_factory=list)


class Deliveries:
    """Sends what is due, in one process. Make one, let `run_for_ever` run, and close it at the end."""

    def __init__(
        self,
        database: Database,
        subscriptions: Subscriptions,
        now: Callable[[], float],
        open_sink: Callable[[str], Sink | None],
        *,
        lease_seconds: int = LEASE_SECONDS,
    ) -> None:
        """`now` returns seconds since the epoch, `open_sink` the endpoint with a name, or None if there is none."""
        self._database, self._subscriptions = database, subscriptions
        self._now, self._open_sink, self._lease_seconds = now, open_sink, lease_seconds
        self._owner = secrets.token_hex(16)
        self._tasks: dict[str, asyncio.Task[int]] = {}
        self._woken: set[str] = set()
        self._resting: dict[str, int] = {}

    def wake(self, names: Collection[str]) -> None:
        """Begin to send to these endpoints, for which something was just committed. Returns at once."""
        for name in names:
            if self._resting.get(name, 0) <= self._now():
                self._start(name)

    async def run_for_ever(self) -> None:
        """Look every `POLL_SECONDS` for what is due."""
        while True:
            with suppress(ConnectError):  # the database is down, which others report
                await self.start_due()
            await asyncio.sleep(POLL_SECONDS)

    async def start_due(self) -> list[str]:
        """Begin to send what is due at whichever endpoint, and return their names. Raises `Unavailable`."""
        names, now = self._subscriptions.names, int(self._now())
        due = await self._database.read(lambda tx: webhooks.find_due_endpoints(tx, names, now)) if names else []
        for name in due:
            self._start(name)
        return due

    async def deliver_due(self) -> int:
        """Send what is due, wait for it, and return how many deliveries an endpoint took. Raises `Unavailable`."""
        await self.start_due()
        tasks = list(self._tasks.values())
        return sum(await asyncio.gather(*tasks))

    async def aclose(self) -> None:
        """Wait shortly for the attempts under way, and let other processes send what is left."""
        tasks, names = list(self._tasks.values()), list(self._tasks)
        if not tasks:
            return
        self._woken.clear()
        await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

        def end_leases(tx: Transaction) -> None:
            for name in names:
                webhooks.end_lease(tx, name, self._owner)

        with suppress(ConnectError):  # they run out by themselves
            await self._database.write(end_leases)

    def _start(self, name: str) -> None:
        if name in self._tasks:
            self._woken.add(name)
            return
        task = self._tasks[name] = asyncio.create_task(self._send_all(name))
        task.add_done_callback(lambda _: self._end(name))

    def _end(self, name: str) -> None:
        del self._tasks[name]
        if name in self._woken:
            self._woken.discard(name)
            self._start(name)

    async def _send_all(self, name: str) -> int:
        """Send until nothing is due, and return how many deliveries the endpoint took."""
        taken, attempts = 0, list[Attempt]()
        try:
            while sink := self._open_sink(name):
                now = int(self._now())
                done = await self._database.write(partial(self._settle, name, attempts, now))
                self._report(done)
                self._resting[name] = done.after.retry_time if done.after.state == ACTIVE else now + LEASE_SECONDS
                if not done.due:
                    break
                attempts = await asyncio.gather(*(_attempt(sink, *pair) for pair in done.due))
                taken += sum(sent.is_delivered for _, sent in attempts)
        except ConnectError as error:  # what was sent and not settled is sent again
            log.warning("webhooks_put_off", extra={"endpoint": name, "reason": str(error)})
        return taken

    def _settle(self, name: str, attempts: Sequence[Attempt], now: int, tx: Transaction) -> _Round:
        """Store what became of the attempts, and find out what may be sent next: nothing without the lease."""
        has_lease = webhooks.take_lease(tx, name, self._owner, now, now + self._lease_seconds)
        before = webhooks.find_endpoint(tx, name)
        after = judge_endpoint(before, [sent for _, sent in attempts], now)
        done = _Round(before, after)
        for delivery, sent in attempts:
            settled = judge_delivery(delivery, sent, now)
            if not sent.is_delivered and (is_down(after) or after.state == DISABLED):
                settled = wait_for_endpoint(settled)
            if webhooks.settle(tx, settled):
                done.settled.append(settled)
        if after != before:
            webhooks.store_endpoint(tx, after)
        if has_lease and after.state == ACTIVE and after.retry_time <= now:
            for delivery, event in webhooks.find_due(tx, name, now, 1 if is_down(after) else AT_ONCE):
                if event is None:
                    webhooks.settle(tx, replace(delivery, state=DEAD, end_time=now, last_error="event_deleted"))
                else:
                    done.due.append((delivery, event))
        if has_lease and not done.due:
            webhooks.end_lease(tx, name, self._owner)
        return done

    def _report(self, done: _Round) -> None:
        """Count and log what was committed. No line names an address or what was sent."""
        before, after = done.before, done.after
        for delivery in done.settled:
            outcome = "failed" if delivery.state == PENDING else delivery.state
            measurements.current.count_webhook(after.name, outcome)
            if delivery.state == DEAD:
                fields = {"endpoint": after.name, "event_id": delivery.event_id, "error": delivery.last_error}
                log.error("webhook_given_up", extra=fields)
        error = next((delivery.last_error for delivery in done.settled if delivery.last_error), "")
        if after.state == DISABLED and before.state != DISABLED:
            log.error("webhook_disabled", extra={"endpoint": after.name, "error": error})
        elif after.failing_since and not before.failing_since:
            log.warning("webhook_failing", extra={"endpoint": after.name, "error": error})
        elif before.failing_since and not after.failing_since:
            log.info("webhook_recovered", extra={"endpoint": after.name})


async def _attempt(sink: Sink, delivery: DeliveryRow, event: EventRow) -> Attempt:
    return delivery, await sink.send(make_message(event))
