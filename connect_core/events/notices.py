"""Calls plugins' hooks after a commit, each plugin on threads of its own, and says which events a plugin did not take.

A plugin that hangs keeps its own threads and nobody else's. Knows nothing of the database.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from connect_core import measurements
from connect_core.errors import Unavailable
from connect_core.providers.hookspecs import ErasedEvent, LoginEvent, MergeEvent, RefusedEvent
from connect_core.threads import DaemonThreads

log = logging.getLogger("connect_login")

NOTICE_SECONDS = 10.0
"""How long a hook may take before the log says that it is slow."""
THREADS_PER_PLUGIN = 4
"""How many deliveries to one plugin run at once."""
WAITING_PER_PLUGIN = 1000
"""How many deliveries to one plugin wait for a thread; with more, stored events are delivered later."""
PUT_OFF_SECONDS = 60
"""Least time between two lines that say so."""
Event: TypeAlias = LoginEvent | MergeEvent | ErasedEvent | RefusedEvent


@dataclass(slots=True)
class PluginCalls:
    """The calls of one plugin's hooks that a delivery consists of: hook implementations of pluggy, with their events.

    `failed` are the events that the plugin did not take; `running` is the hook that runs, and since when.
    """

    plugin: str
    calls: list[tuple[str, Any, Event]] = field(default_factory=list)
    failed: list[Event] = field(default_factory=list)
    running: tuple[str, float] | None = None

    def run(self) -> None:
        """Call the hooks in turn; one that raises keeps none of the others from being called."""
        for hook, implementation, event in self.calls:
            began_at = time.monotonic()
            self.running = hook, began_at
            try:
                implementation.function(*(event for _ in implementation.argnames))
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, with any text
                fields = {"hook": hook, "plugin": self.plugin, "error": type(error).__name__}
                log.error("notice_failed", extra={**fields, "event_id": getattr(event, "id", 0)})
                self.failed.append(event)
            measurements.current.observe_notice(self.plugin, hook, time.monotonic() - began_at)
        self.running = None


class Notices:
    """The threads of every plugin that listens. Make one for each process."""

    def __init__(self) -> None:
        self._threads: dict[str, DaemonThreads] = {}
        self._silent_until: dict[str, float] = {}

    async def call(self, plugins: Mapping[str, PluginCalls]) -> None:
        """Call the hooks of all `plugins`, and return when every one has returned or raised.

        What did not take an event is in `PluginCalls.failed` then; a plugin for which too many deliveries wait fails
        all of them. A hook that takes longer than `NOTICE_SECONDS` is logged as `notice_slow`.
        """
        await asyncio.gather(*map(self._call_plugin, plugins.values()))

    async def _call_plugin(self, calls: PluginCalls) -> None:
        threads = self._threads.get(calls.plugin)
        if threads is None:
            threads = self._threads[calls.plugin] = DaemonThreads(
                "notices", threads=THREADS_PER_PLUGIN, waiting=WAITING_PER_PLUGIN
            )
        try:
            delivery = threads.start(calls.run)
        except Unavailable:
            calls.failed += [event for _, _, event in calls.calls]
            self._log_put_off(calls.plugin)
            return
        await _watch(delivery, calls)

    def _log_put_off(self, plugin: str) -> None:
        if time.monotonic() >= self._silent_until.get(plugin, 0):
            self._silent_until[plugin] = time.monotonic() + PUT_OFF_SECONDS
            log.error("notices_put_off", extra={"plugin": plugin})


async def _watch(delivery: "asyncio.Future[None]", calls: PluginCalls) -> None:
    """Wait for the delivery, and log each of its hooks that takes too long, once."""
    slow: Sequence[object] = ()
    while not delivery.done():
        running = calls.running
        seconds = time.monotonic() - running[1] if running else 0.0
        if running and running is not slow and seconds >= NOTICE_SECONDS:
            slow = running
            log.error("notice_slow", extra={"hook": running[0], "plugin": calls.plugin, "seconds": round(seconds, 3)})
        left = NOTICE_SECONDS - seconds
        await asyncio.wait([delivery], timeout=left if left > 0 else NOTICE_SECONDS)
    delivery.result()
