"""Caches one document of a vendor, such as its key set: one fetch for all who wait, and a stale copy while it fails.

Owns when to fetch again. What the document is, and how to fetch it, is up to the caller.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from connect_core.errors import ConnectError

FRESH_SECONDS = 3600.0
"""How long a document is used without fetching it again."""
USABLE_SECONDS = 24 * 3600.0
"""How long a document is used while fetching it again fails."""
RETRY_PAUSE_SECONDS = 30.0
"""Shortest time between two attempts to replace a usable document."""
RENEWAL_TIMEOUT_SECONDS = 3.0
"""Time limit of such an attempt: a login waits for it that could go on with the old document."""
T = TypeVar("T")


@dataclass(slots=True)
class _Copy(Generic[T]):
    document: T
    fetched_at: float
    tried_at: float


class CachedDocument(Generic[T]):
    """One document and when it was fetched. Of several callers the first fetches; the others wait for its result."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], now: Callable[[], float] = time.monotonic) -> None:
        """`fetch` raises a `ConnectError` when it fails; `now` returns seconds on a clock that never goes back."""
        self._fetch = fetch
        self._now = now
        self._lock = asyncio.Lock()
        self._copy: _Copy[T] | None = None

    async def get(self) -> T:
        """Return the document, fetched again when it is older than `FRESH_SECONDS`.

        Raises what `fetch` raises when there is no copy younger than `USABLE_SECONDS`.
        """
        copy = self._copy
        if copy is None or self._now() - copy.fetched_at >= FRESH_SECONDS:
            return await self._renew(None)
        return copy.document

    async def get_newer(self, known: T) -> T:
        """Return a newer document than `known`, for when `known` lacks what is needed, such as a key.

        Returns `known` itself when fetching fails, or was tried less than `RETRY_PAUSE_SECONDS` ago.
        """
        return await self._renew(known)

    async def _renew(self, known: T | None) -> T:
        async with self._lock:
            copy, now = self._copy, self._now()
            if copy is None or now - copy.fetched_at >= USABLE_SECONDS:
                return await self._replace()
            is_stale = copy.document is known or now - copy.fetched_at >= FRESH_SECONDS
            if not is_stale or now - copy.tried_at < RETRY_PAUSE_SECONDS:
                return copy.document
            copy.tried_at = now
            with suppress(ConnectError, TimeoutError):
                async with asyncio.timeout(RENEWAL_TIMEOUT_SECONDS):
                    return await self._replace()
            return copy.document

    async def _replace(self) -> T:
        document = await self._fetch()
        now = self._now()
        self._copy = _Copy(document, now, now if self._copy else now - RETRY_PAUSE_SECONDS)
        return document
