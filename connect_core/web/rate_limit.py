"""Where rate limits are counted in one process. The library's own store starts a thread for a hit, which costs more."""

import time

from limits.storage import Storage

MOST = 100_000
"""Counters kept at once; past that, those whose window is over are dropped, and then all."""


class CountersInMemory(Storage):
    """Counters that forget themselves when their window is over."""

    def __init__(self) -> None:
        super().__init__()
        self._counters: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing can fail here."""
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
        """Return when the current window ends, in epoch seconds."""
        return self._counters.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """It works."""
        return True

    def reset(self) -> int | None:
        """Forget every counter."""
        count = len(self._counters)
        self._counters.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one counter."""
        self._counters.pop(key, None)

    def _make_room(self, now: float) -> None:
        if len(self._counters) >= MOST:
            self._counters = {key: (count, ends) for key, (count, ends) in self._counters.items() if ends > now}
        if len(self._counters) >= MOST:
            self._counters.clear()
