"""How many stored values each of `secret_keys` has sealed, counted in slices: no statement reads a whole table.

A shop may have a million sessions, and each may have a sealed value. What the keys page and the management API show of
keys is made here: fingerprints, and nothing from which a key follows.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial

from connect_core.administrators import secrets_at_rest
from connect_core.crypto import Sealer
from connect_core.crypto.sealing import derive_key
from connect_core.manager import ConnectManager
from connect_core.members import vendor_sessions
from connect_core.runtime_settings import stored_settings
from connect_core.store import sealed_values
from connect_core.store.sealed_values import SealedColumn

SLICE_ROWS = 500
"""Rows that one statement reads: SQLite reads them on the event loop."""
FIRST_ROWS = 5000
"""Rows of each table that are counted without being asked for."""
SEALED: Mapping[str, tuple[SealedColumn, str]] = {
    "settings": (sealed_values.SETTING_VALUES, stored_settings.PURPOSE),
    "hints": (sealed_values.LOGOUT_HINTS, vendor_sessions.PURPOSE),
    "totp": (sealed_values.TOTP_SECRETS, secrets_at_rest.PURPOSE),
}
"""What is sealed in the database: the column and its purpose, by the name under which it is shown."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A secret key: its place in `secret_keys` from 1 on, its fingerprint, and the id of its access tokens."""

    place: int
    fingerprint: str
    token_key_id: str


@dataclass(frozen=True, slots=True)
class SealedCount:
    """Of one column, how many values each key has sealed, in the order of `secret_keys`, and how many none of them.

    `is_complete` is False while rows are left that were not read, of which `rows` were.
    """

    name: str
    by_key: tuple[int, ...]
    others: int
    rows: int
    is_complete: bool


def show_keys(manager: ConnectManager) -> list[KeyView]:
    """Return the keys of this process."""
    keys, jwks = manager.settings.service.keys, manager.sessions.access_tokens.jwks()["keys"]
    return [
        KeyView(place, get_fingerprint(key), jwk["kid"])
        for place, (key, jwk) in enumerate(zip(keys, jwks, strict=True), 1)
    ]


def get_fingerprint(key: bytes) -> str:
    """Return 16 hex digits by which two machines compare a secret key."""
    return hashlib.sha256(derive_key(key, "fingerprint")).hexdigest()[:16]


async def count_first_rows(manager: ConnectManager) -> list[SealedCount]:
    """Return the count of each of `SEALED`: complete but for a table of `FIRST_ROWS` or more."""
    return [[counted async for counted in count_sealed(manager, name, FIRST_ROWS)][-1] for name in SEALED]


async def count_sealed(manager: ConnectManager, name: str, most_rows: int | None = None) -> AsyncIterator[SealedCount]:
    """Yield the count of one of `SEALED` after each slice, until it is complete, or `most_rows` were read.

    Other requests are served in between.
    """
    column, purpose = SEALED[name]
    prefixes = [Sealer([key], purpose).prefix for key in manager.settings.service.keys]
    length, counts, rows, last = len(prefixes[0]), Counter[str](), 0, None
    is_complete = False
    while not is_complete and (most_rows is None or rows < most_rows):
        read = partial(sealed_values.count_slice, column=column, length=length, limit=SLICE_ROWS, after=last)
        counted = await manager.database.read(read)
        counts.update(counted.counts)
        rows, last, is_complete = rows + counted.rows, counted.last, counted.rows < SLICE_ROWS
        by_key = tuple(counts[prefix] for prefix in prefixes)
        yield SealedCount(
            name, by_key, counts.total() - sum(counts[prefix] for prefix in set(prefixes)), rows, is_complete
        )
        await asyncio.sleep(0)
