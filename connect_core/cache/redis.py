"""The door to Redis: one pool, little patience, and a breaker that leaves a Redis out of order alone.

Values are sealed with the shop's keys, each for its own name. Counters are the `limits` library's. No address and no
text of an error leaves in a log.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost

from connect_core.cache import Kept, Seals
from connect_core.errors import SettingsError

PREFIX = "connect-login:1:"
"""Of every key; the number changes with what stands behind them."""
PATIENCE = 0.25
"""Seconds for an answer, with connecting and waiting for a connection."""
REST = 5.0
"""Seconds that a Redis out of order is left alone."""
CONNECTIONS = 16
_DROP = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

log = logging.getLogger("connect_login")
T = TypeVar("T")


class SharedOnRedis:
    """What processes share, on Redis."""

    def __init__(self, url: str, sealer: Seals, *, rest: float = REST) -> None:
        """`rest`: seconds that it is left alone after a failure."""
        self._sealer = sealer
        self._rest = rest
        self._pool = _make_pool(url)
        self._redis = Redis(connection_pool=self._pool)
        self._drop = self._redis.register_script(_DROP)
        self._limiter = FixedWindowRateLimiter(_make_counters(self._pool))
        self._is_down = False
        self._left_alone_until = 0.0
        self._probing: asyncio.Task[None] | None = None

    async def find(self, key: str) -> Kept | None:
        """Return what is kept under `key`, unless it was sealed with other keys."""
        name = f"{PREFIX}value:{key}"
        return self._open(name, await self._ask(lambda: self._redis.get(name)))

    async def keep(self, key: str, kept: Kept, seconds: float) -> None:
        """Keep a value, sealed, for so many seconds."""
        name = f"{PREFIX}value:{key}"
        sealed = self._sealer.seal(json.dumps([kept.value, kept.until]).encode(), name)
        await self._ask(lambda: self._redis.set(name, sealed, px=max(1, int(seconds * 1000))))

    async def drop(self, key: str, value: str) -> None:
        """Drop what is under `key` if it is still `value`."""
        name = f"{PREFIX}value:{key}"
        sealed = await self._ask(lambda: self._redis.get(name))
        kept = self._open(name, sealed)
        if sealed is not None and kept is not None and kept.value == value:
            await self._ask(lambda: self._drop([name], [sealed]))

    async def hit(self, rule: RateLimitItem, who: str) -> bool:
        """Count one more of `who`, and tell whether that is within the rule."""
        return await self._ask(lambda: self._limiter.hit(rule, who)) is not False

    async def aclose(self) -> None:
        """Close every connection."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])
        with suppress(Exception):  # one that is out of order is in nobody's way at the end either
            async with asyncio.timeout(PATIENCE):
                await self._pool.aclose()

    def _open(self, name: str, sealed: bytes | None) -> Kept | None:
        if sealed is None:
            return None
        try:
            value, until = json.loads(self._sealer.open(sealed.decode(), name))
        except ValueError:
            return None
        return Kept(value, until)

    async def _ask(self, command: Callable[[], Awaitable[T]]) -> T | None:
        """Return Redis's answer; None when it has none in time, and at once while it is left alone."""
        if self._is_down:
            self._probe_after_a_while()
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await command()
        except Exception as error:  # noqa: BLE001 - a help that fails, however it does, harms no login
            if not self._is_down:
                log.warning("cache_down", extra={"error": type(error).__name__})
            self._is_down, self._left_alone_until = True, time.monotonic() + self._rest
            return None

    def _probe_after_a_while(self) -> None:
        """Look after it in the background: no visitor waits to learn that it is still out of order."""
        if time.monotonic() >= self._left_alone_until:
            self._left_alone_until = time.monotonic() + self._rest
            self._probing = asyncio.create_task(self._probe())

    async def _probe(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._redis.set(f"{PREFIX}probe", "", px=1000)  # written: a replica or a full one is no help
        except Exception:  # noqa: BLE001 - as in `_ask`
            return
        self._is_down = False
        log.info("cache_up")


def _make_pool(url: str) -> BlockingConnectionPool:
    try:
        return BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            # `_ask` has the one time limit: theirs end at the same moment, and then one cancellation gets lost
            timeout=None,
            socket_timeout=None,
            socket_connect_timeout=None,
            # once more, at once: a Redis that was restarted leaves us with connections that are none
            retry=Retry(NoBackoff(), 1, (ConnectionLost,)),
        )
    except ValueError:
        # the library's text repeats parts of the address, which may hold a password
        mistake = "give redis://, rediss:// or unix:// with host, port and number"
    raise SettingsError([f"service.redis_url: {mistake}"])


def _make_counters(pool: BlockingConnectionPool) -> RedisStorage:
    return RedisStorage(
        "async+redis://",
        implementation="redispy",
        key_prefix=f"{PREFIX}limit",
        connection_pool=pool,  # type: ignore[arg-type]  # documented, and not in their types
    )
