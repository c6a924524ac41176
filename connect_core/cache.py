"""Kept values: what a vendor gives out seldom, such as an app token, and what all of this process's logins may share.

A value is a help, never a rule: whatever is lost here is fetched again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

LONGEST = 24 * 3600
"""Seconds that a value is kept at most, whatever the vendor says."""
EARLIEST = 300
"""Seconds before its end, at most, that a value is fetched anew; a tenth of its life where that is less."""
MOST = 1000
"""Values kept at once."""

Fetch = Callable[[], Awaitable[tuple[str, float]]]
"""Fetches a value; answers it with its lifetime in seconds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A value and when it is to be fetched anew, in epoch seconds."""

    value: str = field(repr=False)
    until: float


class Cache:
    """Values of this process."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """`now` answers seconds since the epoch."""
        self._now = now
        self._kept: dict[str, Kept] = {}
        self._flights: dict[str, asyncio.Task[Kept]] = {}

    async def cached(self, key: str, fetch: Fetch) -> str:
        """Return the value under `key`, fetched once for all who wait. Raises what `fetch` raises, to each of them."""
        kept = self._kept.get(key)
        if kept is not None and kept.until > self._now():
            return kept.value
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._fetch(key, fetch))
            flight.add_done_callback(lambda ended: self._land(key, ended))
        # not awaited itself, which would cancel it for everybody when one visitor leaves
        await asyncio.wait([flight])
        return flight.result().value

    async def forget(self, key: str, value: str) -> None:
        """Drop what is under `key` if it is still `value`."""
        kept = self._kept.get(key)
        if kept is not None and kept.value == value:
            del self._kept[key]

    async def _fetch(self, key: str, fetch: Fetch) -> Kept:
        value, lifetime = await fetch()
        life = min(lifetime, LONGEST)
        kept = Kept(value, self._now() + life - min(life / 10, EARLIEST))
        if life > 0:
            self._keep(key, kept)
        return kept

    def _keep(self, key: str, kept: Kept) -> None:
        if len(self._kept) >= MOST:
            now = self._now()
            self._kept = {key: kept for key, kept in self._kept.items() if kept.until > now}
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = kept

    def _land(self, key: str, flight: asyncio.Task[Kept]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # looked at, for nobody may be waiting any more
