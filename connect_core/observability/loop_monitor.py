"""Notices when something blocks the event loop, so that every visitor waits, and logs `event_loop_blocked`.

A plugin does that which calls a vendor without `await`, or computes for long. Measures only; never stops anything.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from connect_core.deadlines import get_providers_under_way

BLOCKED_SECONDS = 0.1
"""How late a timer runs for the log to say that the event loop was blocked."""
TICK_SECONDS = 0.04
"""Time between two timers. So short, because a block is as long as the lateness plus at most this much."""
START_SECONDS = 1.0
"""Time without timers after the start, when the service is busy with itself."""
PAUSE_SECONDS = 10.0
"""Least time between two lines."""
log = logging.getLogger("connect_login")


@contextmanager
def monitor_loop(start_after: float = START_SECONDS) -> Iterator[None]:
    """Watch the running event loop until the block ends, beginning after `start_after` seconds.

    Logs `event_loop_blocked` as a warning, in one line every `PAUSE_SECONDS` at most. Its field `seconds` says for how
    long at least the loop was blocked, and `providers` whose code was under way; it is empty when there was none.
    """
    monitor = _Monitor(start_after)
    try:
        yield
    finally:
        monitor.end()


class _Monitor:
    """A timer that sets itself again. A task would run one round later, when the culprit may have ended."""

    def __init__(self, start_after: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._silent_until = 0.0
        self._timer = self._loop.call_later(start_after, self._set)

    def end(self) -> None:
        self._timer.cancel()

    def _set(self) -> None:
        self._due = time.monotonic() + TICK_SECONDS
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        late = now - self._due
        if late > BLOCKED_SECONDS and now >= self._silent_until:
            self._silent_until = now + PAUSE_SECONDS
            fields = {"seconds": round(late, 3), "providers": ", ".join(get_providers_under_way())}
            log.warning("event_loop_blocked", extra=fields)
        self._set()
