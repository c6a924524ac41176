"""Kept values: what a vendor gives out seldom, such as an app token, for all logins of this process.

`Shared` is what processes may have in common besides the database; `connect_redis` has it on Redis. All of it is a
help, never a rule: what is lost here is fetched again, and nothing that may happen only once is asked of it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from limits import RateLimitItem

from connect_core.errors import SettingsError

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


class Seals(Protocol):
    """Seals what leaves the process; `connect_core.crypto.Sealer` is one."""

    def seal(self, plain: bytes, associated: str) -> str:
        """Return `plain` sealed for `associated`."""

    def open(self, text: str, associated: str) -> bytes:
        """Return what was sealed. Raises `ValueError`."""


class Shared(Protocol):
    """What processes share. It never fails: while it is out of order it finds nothing, keeps nothing and allows."""

    async def find(self, key: str) -> Kept | None:
        """Return what is kept under `key`."""

    async def keep(self, key: str, kept: Kept, seconds: float) -> None:
        """Keep a value for so many seconds."""

    async def drop(self, key: str, value: str) -> None:
        """Drop what is under `key` if it is still `value`."""

    async def hit(self, rule: RateLimitItem, who: str) -> bool:
        """Count one more of `who`, and tell whether that is within the rule."""

    async def aclose(self) -> None:
        """Close every connection."""


def connect_redis(url: str, sealer: Seals) -> Shared:
    """Return what processes share on the Redis at `url`. Raises `SettingsError`; nothing is connected yet."""
    try:
        from connect_core.cache.redis import SharedOnRedis  # noqa: PLC0415 - an extra, and a tenth of a second to load
    except ModuleNotFoundError:
        raise SettingsError(["service.redis_url: install connect-login[redis]"]) from None
    return SharedOnRedis(url, sealer)


class Cache:
    """Values of this process, and those that other processes fetched where they share them."""

    def __init__(self, shared: Shared | None = None, now: Callable[[], float] = time.time) -> None:
        """`now` answers seconds since the epoch."""
        self._shared = shared
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
            flight = self._flights[key] = asyncio.create_task(self._find_or_fetch(key, fetch))
            flight.add_done_callback(lambda ended: self._land(key, ended))
        # not awaited itself, which would cancel it for everybody when one visitor leaves
        await asyncio.wait([flight])
        return flight.result().value

    async def forget(self, key: str, value: str) -> None:
        """Drop what is under `key` if it is still `value`."""
        kept = self._kept.get(key)
        if kept is not None and kept.value == value:
            self._kept[key] = Kept(value, 0)  # remembered as dead: another process may still share it
        if self._shared is not None:
            await self._shared.drop(key, value)

    async def _find_or_fetch(self, key: str, fetch: Fetch) -> Kept:
        found = None if self._shared is None else await self._shared.find(key)
        if found is not None and found.until > self._now() and self._kept.get(key) != Kept(found.value, 0):
            self._keep(key, found)
            return found
        value, lifetime = await fetch()
        life = min(lifetime, LONGEST)
        life -= min(life / 10, EARLIEST)
        kept = Kept(value, self._now() + life)
        if life > 0:
            self._keep(key, kept)
            if self._shared is not None:
                await self._shared.keep(key, kept, life)
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
