"""One document of a vendor, kept: fetched once however many wait for it, fresh for an hour, of use for a day.

Owns when to ask again. What the document is, and how it is fetched, is the caller's.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from connect_core.errors import ConnectError

FRESH = 3600.0
"""Seconds for which nobody asks again."""
USABLE = 24 * 3600.0
"""Seconds for which a document serves while the vendor is down."""
PAUSE = 30.0
"""Least seconds between two attempts to replace a document that there is."""
RENEWAL_DEADLINE = 3.0
"""Seconds for such an attempt, so that a login that could do without it is not lost."""
T = TypeVar("T")


@dataclass(slots=True)
class _Kept(Generic[T]):
    document: T
    fetched: float
    tried: float


class Cached(Generic[T]):
    """A document behind one lock: the first caller fetches it, the others wait and take what it got."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], now: Callable[[], float] = time.monotonic) -> None:
        """`fetch` raises a `ConnectError` for an answer that is none; `now` answers seconds that never go back."""
        self._fetch = fetch
        self._now = now
        self._lock = asyncio.Lock()
        self._kept: _Kept[T] | None = None

    async def get(self) -> T:
        """Return the document. Raises what fetching it raises, when there is none that can still be used."""
        kept = self._kept
        if kept is None or self._now() - kept.fetched >= FRESH:
            return await self._renew(None)
        return kept.document

    async def get_newer(self, seen: T) -> T:
        """Return the document that replaces `seen`; that one again where the vendor was asked a moment ago."""
        return await self._renew(seen)

    async def _renew(self, seen: T | None) -> T:
        async with self._lock:
            kept, now = self._kept, self._now()
            if kept is None or now - kept.fetched >= USABLE:
                return await self._replace()
            is_wanted = kept.document is seen or now - kept.fetched >= FRESH
            if not is_wanted or now - kept.tried < PAUSE:
                return kept.document
            kept.tried = now
            with suppress(ConnectError, TimeoutError):
                async with asyncio.timeout(RENEWAL_DEADLINE):
                    return await self._replace()
            return kept.document

    async def _replace(self) -> T:
        document = await self._fetch()
        now = self._now()
        self._kept = _Kept(document, now, now if self._kept else now - PAUSE)
        return document
