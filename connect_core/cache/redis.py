"""The shared cache on Redis: one connection pool, a short time limit, and a circuit breaker for when Redis is down.

Values are sealed with the shop's secret keys, each for its own name. The `limits` library keeps the counters. Neither
the address of Redis nor the text of an error is logged.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError
from redis.exceptions import ConnectionError as ConnectionLost

from connect_core import measurements
from connect_core.cache import CachedValue, RedisCondition, ValueSealer
from connect_core.errors import SettingsError, Unavailable

PREFIX = "connect-login:1:"
"""Prefix of all keys; the number changes when the format of the values does."""
TIMEOUT_SECONDS = 0.25
"""Time limit of a command, including the wait for a connection."""
BREAKER_SECONDS = 5.0
"""How long Redis is not asked after a failure."""
SENTINEL_SECONDS = 0.1
"""Time limit for a Sentinel's answer, so that another one can be asked within `TIMEOUT_SECONDS`."""
CONDITION_SECONDS = 2.0
"""Time limit for the doctor's questions to Redis, connecting included."""
CONNECTIONS = 16
"""Most connections of one process."""
_DROP = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

log = logging.getLogger("connect_login")
T = TypeVar("T")


class RedisCache:
    """A `SharedCache` on Redis. Make one for each process."""

    def __init__(self, url: str, sealer: ValueSealer, *, breaker_seconds: float = BREAKER_SECONDS) -> None:
        """`breaker_seconds` is how long Redis is not asked after a failure. Raises `SettingsError` for a bad `url`."""
        self._sealer = sealer
        self._breaker_seconds = breaker_seconds
        self._pool = _make_pool(url)
        self._redis = Redis(connection_pool=self._pool)
        self._drop = self._redis.register_script(_DROP)
        self._limiter = FixedWindowRateLimiter(_make_counters(self._pool))
        self._is_down = False
        self._next_probe_at = 0.0
        self._probing: asyncio.Task[None] | None = None

    async def find(self, key: str) -> CachedValue | None:
        """Return the value of `key`; None when there is none, or it was sealed with other secret keys."""
        name = f"{PREFIX}value:{key}"
        return self._open(name, await self._ask(lambda: self._redis.get(name)))

    async def store(self, key: str, cached: CachedValue, seconds: float) -> None:
        """Store a value, sealed, for so many seconds."""
        name = f"{PREFIX}value:{key}"
        sealed = self._sealer.seal(json.dumps([cached.value, cached.refresh_at]).encode(), name)
        await self._ask(lambda: self._redis.set(name, sealed, px=max(1, int(seconds * 1000))))

    async def drop(self, key: str, value: str) -> None:
        """Delete the value of `key` if it is still `value`."""
        name = f"{PREFIX}value:{key}"
        sealed = await self._ask(lambda: self._redis.get(name))
        cached = self._open(name, sealed)
        if sealed is not None and cached is not None and cached.value == value:
            await self._ask(lambda: self._drop([name], [sealed]))

    async def hit(self, rule: RateLimitItem, who: str) -> bool:
        """Count a request by `who`, and tell whether the rule allows it; True while Redis is down."""
        return await self._ask(lambda: self._limiter.hit(rule, who)) is not False

    async def add_to_stream(self, name: str, length: int, fields: Mapping[str, str]) -> bool:
        """Add an entry with XADD and MAXLEN ~; False when Redis does not say in time that it has it."""
        entry: dict[Any, Any] = {**fields}
        return await self._ask(lambda: self._redis.xadd(name, entry, maxlen=length, approximate=True)) is not None

    async def find_skew(self) -> float | None:
        """Return by how many seconds Redis's clock is ahead of ours; None while it is down."""
        began_at = time.time()
        answer = await self._ask(self._redis.time)
        return None if answer is None else answer[0] + answer[1] / 1e6 - (began_at + time.time()) / 2

    async def aclose(self) -> None:
        """Close every connection."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])
        with suppress(Exception):  # a Redis that is down must not delay or fail the shutdown
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._pool.aclose()

    def _open(self, name: str, sealed: bytes | None) -> CachedValue | None:
        if sealed is None:
            return None
        try:
            value, refresh_at = json.loads(self._sealer.open(sealed.decode(), name))
        except ValueError:
            return None
        return CachedValue(value, refresh_at)

    async def _ask(self, command: Callable[[], Awaitable[T]]) -> T | None:
        """Return Redis's answer; None when it does not come in time, and at once while the breaker is open."""
        if self._is_down:
            self._probe_after_a_while()
            return None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await command()
        except Exception as error:  # noqa: BLE001 - no failure of the cache may fail a login
            if not self._is_down:
                log.warning("cache_down", extra={"error": type(error).__name__})
                measurements.current.set_cache_up(False)
            self._is_down, self._next_probe_at = True, time.monotonic() + self._breaker_seconds
            return None

    def _probe_after_a_while(self) -> None:
        """Probe Redis in the background once the breaker time is over, so that no visitor waits for it."""
        if time.monotonic() >= self._next_probe_at:
            self._next_probe_at = time.monotonic() + self._breaker_seconds
            self._probing = asyncio.create_task(self._probe())

    async def _probe(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._redis.set(f"{PREFIX}probe", "", px=1000)  # a write, which a replica or a full Redis refuses
        except Exception:  # noqa: BLE001 - as in `_ask`
            return
        self._is_down = False
        measurements.current.set_cache_up(True)
        log.info("cache_up")


_REFUSALS: dict[type[Exception], str] = {
    AuthenticationError: "Redis refuses the user or the password",
    NoPermissionError: "Redis does not let this user do what connect-login has to do",
    ResponseError: "Redis refuses the number of the database",
}


async def fetch_condition(url: str) -> RedisCondition:
    """Ask the Redis at `url` how it is. Raises `Unavailable`, and `SettingsError` for a bad `url`."""
    pool, reason = _make_pool(url), ""
    info: dict[str, Any] = {}
    clock = (0, 0)
    try:
        async with asyncio.timeout(CONDITION_SECONDS):
            redis = Redis(connection_pool=pool)
            info, clock = await redis.info(), await redis.time()
    except Exception as error:  # noqa: BLE001 - the library's own errors, the system's and the timeout's
        reason = _REFUSALS.get(type(error), f"Redis does not answer: {type(error).__name__}")
    finally:
        with suppress(Exception):
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await pool.aclose()
    if reason:  # raised here, so that no error hangs on it whose text has the address
        raise Unavailable(reason)
    return RedisCondition(
        version=str(info.get("redis_version", "")),
        time=clock[0] + clock[1] / 1_000_000,
        is_replica=info.get("role") == "slave",
        refuses_when_full=bool(info.get("maxmemory")) and info.get("maxmemory_policy") == "noeviction",
    )


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the master that a Sentinel names; whoever comes while all of them are in use waits."""

    async def aclose(self) -> None:
        """Close the connections to the Sentinels too."""
        await super().aclose()
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


def _make_pool(url: str) -> BlockingConnectionPool:
    options: dict[str, Any] = {
        "max_connections": CONNECTIONS,
        # no time limits here: ending at the same moment as the one in `_ask`, they make a cancellation get lost
        "timeout": None,
        "socket_timeout": None,
        "socket_connect_timeout": None,
        # try once more at once: after a restart of Redis the pool's connections are dead
        "retry": Retry(NoBackoff(), 1, (ConnectionLost,)),
    }
    try:
        if url.startswith("redis+sentinel://"):
            return _make_sentinel_pool(url, options)
        return BlockingConnectionPool.from_url(url, **options)
    except ValueError:
        # not the library's text, which repeats parts of the address, and so perhaps a password
        mistake = "give redis://, rediss://, unix:// or redis+sentinel:// with host, port and number"
    raise SettingsError([f"service.redis_url: {mistake}"])


def _make_sentinel_pool(url: str, options: dict[str, Any]) -> _SentinelPool:
    """Return the pool for `redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME/NUMBER`.

    The password is Redis's; the Sentinels have none. Raises `ValueError`.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    name, _, number = parts.path.removeprefix("/").partition("/")
    addresses = [host.rpartition(":") for host in hosts.split(",")]
    if not name or not all(host for host, _, _ in addresses):
        raise ValueError
    once = {
        "socket_timeout": SENTINEL_SECONDS,
        "socket_connect_timeout": SENTINEL_SECONDS,
        "retry": Retry(NoBackoff(), 0),  # the next Sentinel is asked instead
    }
    watching = [(host.strip("[]"), int(port)) for host, _, port in addresses]
    sentinels = Sentinel(watching, sentinel_kwargs=once)  # type: ignore[no-untyped-call]
    account = {"username": unquote(username) or None, "password": unquote(password) or None}
    return _SentinelPool(name, sentinels, db=int(number or 0), **account, **options)  # type: ignore[no-untyped-call]


def _make_counters(pool: BlockingConnectionPool) -> RedisStorage:
    return RedisStorage(
        "async+redis://",
        implementation="redispy",
        key_prefix=f"{PREFIX}limit",
        connection_pool=pool,  # type: ignore[arg-type]  # documented, but missing in the library's types
    )
