"""A cache for values that a vendor issues rarely and many logins share, such as an app's access token.

Each process has a `Cache`. With a `SharedCache` (`connect_redis`) processes share the values, and the counters of rate
limits. The cache only saves calls: a value that is lost is fetched again, and nothing that may happen only once depends
on it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from limits import RateLimitItem

from connect_core.errors import SettingsError

MAX_LIFETIME_SECONDS = 24 * 3600
"""How long a value is cached at most, whatever lifetime the vendor gives."""
MAX_LEAD_SECONDS = 300
"""How long before its end a value is fetched again, or a tenth of its lifetime if that is less."""
MAX_VALUES = 1000
"""Most values that a process caches."""

Fetch = Callable[[], Awaitable[tuple[str, float]]]
"""Fetches a value; returns it with its lifetime in seconds."""


@dataclass(frozen=True, slots=True)
class CachedValue:
    """A value and when to fetch it again, in epoch seconds."""

    value: str = field(repr=False)
    refresh_at: float


class ValueSealer(Protocol):
    """Seals values that leave the process; `connect_core.crypto.Sealer` is one."""

    def seal(self, plain: bytes, associated: str) -> str:
        """Return `plain` sealed for `associated`."""

    def open(self, text: str, associated: str) -> bytes:
        """Return what was sealed. Raises `ValueError`."""


class SharedCache(Protocol):
    """Values and counters that processes share. No method raises: while it is down, nothing is found or limited."""

    async def find(self, key: str) -> CachedValue | None:
        """Return the value of `key`, or None."""

    async def store(self, key: str, cached: CachedValue, seconds: float) -> None:
        """Store a value for so many seconds."""

    async def drop(self, key: str, value: str) -> None:
        """Delete the value of `key` if it is still `value`."""

    async def hit(self, rule: RateLimitItem, who: str) -> bool:
        """Count a request by `who`, and tell whether the rule allows it."""

    async def add_to_stream(self, name: str, length: int, fields: Mapping[str, str]) -> bool:
        """Add an entry to a stream that keeps about the newest `length`; False when Redis does not confirm it."""

    async def find_skew(self) -> float | None:
        """Return by how many seconds its clock is ahead of ours; None while it is down."""

    async def aclose(self) -> None:
        """Close every connection."""


def connect_redis(url: str, sealer: ValueSealer) -> SharedCache:
    """Return a shared cache on the Redis at `url`; the first use connects.

    Raises `SettingsError` for a wrong URL, or when the Redis library is not installed.
    """
    try:
        from connect_core.cache.redis import RedisCache  # noqa: PLC0415 - optional, and slow to import
    except ModuleNotFoundError:
        raise SettingsError(["service.redis_url: install connect-login[redis]"]) from None
    return RedisCache(url, sealer)


@dataclass(frozen=True, slots=True)
class RedisCondition:
    """How a Redis is. `version` begins with two numbers; `time` is its clock's, in epoch seconds."""

    version: str
    time: float
    is_replica: bool
    refuses_when_full: bool


async def fetch_redis_condition(url: str) -> RedisCondition:
    """Ask the Redis at `url` how it is, within two seconds.

    Raises `Unavailable` when it does not answer, and `SettingsError` as `connect_redis`.
    """
    try:
        from connect_core.cache.redis import fetch_condition  # noqa: PLC0415 - optional, and slow to import
    except ModuleNotFoundError:
        raise SettingsError(["service.redis_url: install connect-login[redis]"]) from None
    return await fetch_condition(url)


class Cache:
    """The values of this process and, with a shared cache, those that other processes fetched."""

    def __init__(self, shared: SharedCache | None = None, now: Callable[[], float] = time.time) -> None:
        """`now` returns seconds since the epoch."""
        self._shared = shared
        self._now = now
        self._values: dict[str, CachedValue] = {}
        self._fetches: dict[str, asyncio.Task[CachedValue]] = {}

    async def cached(self, key: str, fetch: Fetch) -> str:
        """Return the value of `key`; a missing one is fetched once for all who wait. Raises what `fetch` raises."""
        cached = self._values.get(key)
        if cached is not None and cached.refresh_at > self._now():
            return cached.value
        task = self._fetches.get(key)
        if task is None:
            task = self._fetches[key] = asyncio.create_task(self._find_or_fetch(key, fetch))
            task.add_done_callback(lambda ended: self._end_fetch(key, ended))
        # not `await task`: when one visitor leaves, that would cancel the fetch for all
        await asyncio.wait([task])
        return task.result().value

    async def forget(self, key: str, value: str) -> None:
        """Drop the value of `key` if it is still `value`, here and in the shared cache."""
        cached = self._values.get(key)
        if cached is not None and cached.value == value:
            self._values[key] = CachedValue(value, 0)  # not deleted: another process may store it in the shared cache
        if self._shared is not None:
            await self._shared.drop(key, value)

    async def _find_or_fetch(self, key: str, fetch: Fetch) -> CachedValue:
        shared = None if self._shared is None else await self._shared.find(key)
        if (
            shared is not None
            and shared.refresh_at > self._now()
            and self._values.get(key) != CachedValue(shared.value, 0)
        ):
            self._store(key, shared)
            return shared
        value, lifetime = await fetch()
        seconds = min(lifetime, MAX_LIFETIME_SECONDS)
        seconds -= min(seconds / 10, MAX_LEAD_SECONDS)
        cached = CachedValue(value, self._now() + seconds)
        if seconds > 0:
            self._store(key, cached)
            if self._shared is not None:
                await self._shared.store(key, cached, seconds)
        return cached

    def _store(self, key: str, cached: CachedValue) -> None:
        if len(self._values) >= MAX_VALUES:
            now = self._now()
            self._values = {key: cached for key, cached in self._values.items() if cached.refresh_at > now}
        if len(self._values) >= MAX_VALUES:
            self._values.clear()
        self._values[key] = cached

    def _end_fetch(self, key: str, task: asyncio.Task[CachedValue]) -> None:
        del self._fetches[key]
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio logs it when nobody waits any more
