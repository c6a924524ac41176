"""Seals everything that is sealed in the database with the first of `secret_keys`, beside the running service.

A page of rows is one transaction, and only rows of other keys are read, so a run that was killed goes on where it was.
Reads no configuration and prints nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from connect_core.administrators import secrets_at_rest
from connect_core.crypto import Sealer, SealError
from connect_core.members import vendor_sessions
from connect_core.runtime_settings import stored_settings
from connect_core.store import Database, Transaction, sealed_values
from connect_core.store.engine.long_connection import LongConnection
from connect_core.store.sealed_values import SealedColumn, SealedValue

PAGE_ROWS = 200
"""Rows that one transaction seals: so few that no login waits for it."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """How the values of a column are sealed: for which `purpose`, and with which associated data."""

    column: SealedColumn
    purpose: str
    get_associated: Callable[[SealedValue], str]


@dataclass(frozen=True, slots=True)
class ResealedColumn:
    """What became of a column: how many values were sealed anew, and how many open with none of the keys."""

    path: str
    resealed: int
    unopened: int


SEALINGS = (
    Sealing(
        sealed_values.SETTING_VALUES,
        stored_settings.PURPOSE,
        lambda value: stored_settings.describe_place(*value.places),
    ),
    Sealing(sealed_values.LOGOUT_HINTS, vendor_sessions.PURPOSE, lambda value: str(value.places[0])),
    Sealing(
        sealed_values.TOTP_SECRETS,
        secrets_at_rest.PURPOSE,
        lambda value: secrets_at_rest.get_associated(value.places[0]),
    ),
)


def reseal_all(database: Database, keys: Sequence[bytes], advance: Callable[[str, int], None]) -> list[ResealedColumn]:
    """Seal the values of every column with the first of `keys`, 32 bytes each, and return what became of them.

    `advance` is called after each page, with the column and how many of its values are sealed anew. Raises
    `Unavailable`; the pages until then stay.
    """
    with database.open_long() as connection:
        return [_reseal(connection, sealing, Sealer(keys, sealing.purpose), advance) for sealing in SEALINGS]


def _reseal(
    connection: LongConnection, sealing: Sealing, sealer: Sealer, advance: Callable[[str, int], None]
) -> ResealedColumn:
    column, resealed, unopened, after = sealing.column, 0, 0, None
    while True:
        find = partial(sealed_values.find_others, column=column, prefix=sealer.prefix, limit=PAGE_ROWS, after=after)
        page = connection.read(find)
        if not page:
            return ResealedColumn(column.path, resealed, unopened)
        opened = [(value, _open(sealer, sealing, value)) for value in page]
        unopened += sum(plain is None for _, plain in opened)
        texts = [
            (value, sealer.seal(plain, sealing.get_associated(value))) for value, plain in opened if plain is not None
        ]

        def write(tx: Transaction, texts: Sequence[tuple[SealedValue, str]] = texts) -> int:
            return sum(sealed_values.replace(tx, column, value, text) for value, text in texts)

        resealed += connection.write(write)
        advance(column.path, resealed)
        after = page[-1].key


def _open(sealer: Sealer, sealing: Sealing, value: SealedValue) -> bytes | None:
    try:
        return sealer.open(value.sealed, sealing.get_associated(value))
    except SealError:
        return None
