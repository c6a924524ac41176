"""Rate limits: `Limiter` refuses a client that asks too often; the counters of one process and of the database.

Never decides what is counted or for whom: the routes do, by calling `Limiter.hit`.
"""

import time
from collections.abc import Callable
from typing import Protocol

from limits import RateLimitItem, parse

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
        self._counters = CountersInMemory()
        self._shared = shared

    def set_rule(self, rule: str) -> None:
        """Go by this rule from now on; another one begins to count anew."""
        new_rule = None if rule == "off" else parse(rule)
        if new_rule != self._rule:
            self._rule, self._counters = new_rule, CountersInMemory()

    async def hit(self, key: str) -> None:
        """Count one request for `key`. Raises `RateLimited` when it is over the limit, here or in `shared`."""
        if not await self._is_within(key):
            raise self._refusal()

    async def note(self, key: str) -> None:
        """Count one request for `key`, whether or not it is over the limit: `check` refuses the next one."""
        if not await self._is_within(key) and self._rule is not None:
            # what `shared` knows, `check` knows
            self._counters.add(key, self._rule.get_expiry(), self._rule.amount)

    def check(self, key: str) -> None:
        """Raise `RateLimited` when `key` is at its limit, as this process knows it; count nothing."""
        if self._rule is not None and self._counters.get(key) >= self._rule.amount:
            raise self._refusal()

    async def _is_within(self, key: str) -> bool:
        rule = self._rule
        if rule is None:
            return True
        # this process counts first: a flood reaches neither Redis nor the database
        is_within = self._counters.add(key, rule.get_expiry()) <= rule.amount
        if is_within and self._shared is not None:
            is_within = await self._shared.hit(rule, self._label + key)
        return is_within

    def _refusal(self) -> RateLimited:
        measurements.current.count_limited(self._name)
        # the rule may have been switched off while Redis or the database was asked
        seconds = self._rule.get_expiry() if self._rule is not None else 1
        return RateLimited("too many requests from this address", retry_after=seconds)


class CountersInMemory:
    """The counters of one process: how often each key came in its window, which its first request opens.

    Those of the library `limits` start a timer thread on a hit, which costs more than the hit itself.
    """

    def __init__(self) -> None:
        self._counters: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        """Return how many counters are kept."""
        return len(self._counters)

    def add(self, key: str, seconds: int, amount: int = 1) -> int:
        """Count `amount` more in the key's window of so many seconds, and return the sum."""
        now = time.time()
        count, ends = self._counters.get(key, (0, 0.0))
        if ends <= now:
            count, ends = 0, now + seconds
            self._make_room(now)
        self._counters[key] = count + amount, ends
        return count + amount

    def get(self, key: str) -> int:
        """Return the sum of the current window."""
        count, ends = self._counters.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    def _make_room(self, now: float) -> None:
        if len(self._counters) >= MOST:
            self._counters = {key: (count, ends) for key, (count, ends) in self._counters.items() if ends > now}
        if len(self._counters) >= MOST:
            self._counters.clear()
