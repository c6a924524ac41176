"""Rate limits: `Limiter` refuses a client that asks too often; the counters of one process and of the database.

Never decides what is counted or for whom: the routes do, by calling `Limiter.hit`.
"""

import time
from collections.abc import Callable
from typing import Protocol

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from connect_core import measurements
from connect_core.crypto import keyed_hash
from connect_core.errors import RateLimited
from connect_core.store import Database, tries

MOST = 100_000
"""Counters kept at once. Past that, those whose window is over are dropped; if none is, all of them."""


class SharedCounters(Protocol):
    """Counters that several processes share: a Redis, or the database."""

    async def hit(self, rule: RateLimitItem, who: str) -> bool:
        """Count a request by `who`, and tell whether the rule allows it."""


class CountersInDatabase:
    """The counters of all processes of the shop, for what is asked rarely and must be counted exactly."""

    def __init__(self, database: Database, key: bytes, now: Callable[[], int]) -> None:
        """`key` keys the hashes under which it counts; `now` answers seconds since the epoch."""
        self._database, self._key, self._now = database, key, now

    async def hit(self, rule: RateLimitItem, who: str) -> bool:
        """Count a request by `who`, and tell whether the rule allows it. Raises `Unavailable`."""
        hash_, now, seconds = keyed_hash(self._key, "tries", who), self._now(), rule.get_expiry()
        number = await self._database.write(lambda tx: tries.count_try(tx, hash_, now, seconds))
        return number <= rule.amount


class Limiter:
    """Counts requests by a key such as the client's address: in this process, and across all that share counters."""

    def __init__(
        self, rule: str, shared: SharedCounters | None = None, label: str = "", name: str = "per_address"
    ) -> None:
        """`rule` is a number per period, such as `60/minute`, or `off`; `shared` are further counters.

        `label` keeps the counts of equal keys apart; `name` is that of the rule in `[limits]`. Raises `ValueError` for
        a rule that cannot be read.
        """
        self._label, self._name = label, name
        self._rule = None if rule == "off" else parse(rule)
        self._limiter = FixedWindowRateLimiter(CountersInMemory())
        self._shared = shared

    def set_rule(self, rule: str) -> None:
        """Go by another rule from now on, which begins to count anew."""
        self._rule = None if rule == "off" else parse(rule)

    async def hit(self, key: str) -> None:
        """Count one request for `key`. Raises `RateLimited` when it is over the limit, here or in `shared`."""
        if not await self._is_within(key):
            raise self._refusal()

    async def note(self, key: str) -> None:
        """Count one request for `key`, whether or not it is over the limit: `check` refuses the next one."""
        if not await self._is_within(key) and self._rule is not None:
            # what `shared` knows, `check` knows
            self._limiter.hit(self._rule, self._label + key, cost=self._rule.amount)

    def check(self, key: str) -> None:
        """Raise `RateLimited` when `key` is at its limit, as this process knows it; count nothing."""
        if self._rule is not None and not self._limiter.test(self._rule, self._label + key):
            raise self._refusal()

    async def _is_within(self, key: str) -> bool:
        rule = self._rule
        if rule is None:
            return True
        # this process counts first: a flood reaches neither Redis nor the database
        is_within = self._limiter.hit(rule, self._label + key)
        if is_within and self._shared is not None:
            is_within = await self._shared.hit(rule, self._label + key)
        return is_within

    def _refusal(self) -> RateLimited:
        measurements.current.count_limited(self._name)
        # the rule may have been switched off while Redis or the database was asked
        seconds = self._rule.get_expiry() if self._rule is not None else 1
        return RateLimited("too many requests from this address", retry_after=seconds)


class CountersInMemory(Storage):
    """The counters of one process, in a dictionary.

    The library's own `MemoryStorage` starts a timer thread on a hit, which costs more than the hit itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counters: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library may catch of this storage; it raises nothing."""
        return Exception

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more in the window of `expiry` seconds, and return the sum."""
        now = time.time()
        count, ends = self._counters.get(key, (0, 0.0))
        if ends <= now:
            count, ends = 0, now + expiry
            self._make_room(now)
        self._counters[key] = count + amount, ends
        return count + amount

    def get(self, key: str) -> int:
        """Return the count of the current window."""
        count, ends = self._counters.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the current window ends, in seconds since the epoch."""
        return self._counters.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """Tell whether the storage can be reached: always."""
        return True

    def reset(self) -> int | None:
        """Drop every counter, and return how many there were."""
        count = len(self._counters)
        self._counters.clear()
        return count

    def clear(self, key: str) -> None:
        """Drop one counter."""
        self._counters.pop(key, None)

    def _make_room(self, now: float) -> None:
        if len(self._counters) >= MOST:
            self._counters = {key: (count, ends) for key, (count, ends) in self._counters.items() if ends > now}
        if len(self._counters) >= MOST:
            self._counters.clear()
