"""The settings in the database: sealed for their row and column, opened, and laid over those of the file.

Reads the database, and writes nothing. Builds no provider.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from connect_core.crypto import Sealer, SealError
from connect_core.errors import PluginError, SettingsError, Unavailable, Unsupported
from connect_core.settings import Settings
from connect_core.settings.overlay import overlay
from connect_core.store import Database, Transaction
from connect_core.store import settings as store
from connect_core.store.settings import SettingRow

NO_CHANGES: Mapping[tuple[str, str], Any | None] = MappingProxyType({})
PURPOSE = "settings"
"""What the keys of these values are derived for."""


@dataclass(frozen=True, slots=True)
class HeldSettings:
    """The settings of a revision, those of its predecessors included: a sealed row for each section and name."""

    revision: int
    base: int
    rows: Mapping[tuple[str, str], SettingRow]


class StoredSettings:
    """Reads them."""

    def __init__(self, file: Settings, database: Database) -> None:
        """`file` are the settings of connect.toml, over which those of the database come.

        `loaded_revision` is what `load_blocking` has returned the settings of.
        """
        self.file, self._database = file, database
        self.loaded_revision, self._loaded_base = 0, 0
        self._sealer = Sealer(file.service.keys, PURPOSE)

    def find(self, tx: Transaction, revision: int | None = None) -> HeldSettings:
        """Return what holds with `revision`, also a draft's; None: the active one. Raises `Unsupported` for none."""
        wanted = store.find_active(tx) if revision is None else revision
        if wanted == 0:
            return HeldSettings(0, 0, {})
        change = store.find_change(tx, wanted)
        if change is None:
            raise Unsupported(f"there is no revision {wanted} of the settings")
        rows = {(row.section, row.name): row for row in store.find_values(tx, change.base, wanted)}
        kept = {key: row for key, row in rows.items() if row.value is not None}
        return HeldSettings(wanted, change.base, kept)

    def seal(self, section: str, name: str, revision: int, value: Any | None) -> SettingRow:
        """Return the row of a setting; `value` is plain data, and None takes the setting away."""
        row = SettingRow(section, name, revision, None)
        if value is None:
            return row
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return SettingRow(
            section, name, revision, self._sealer.seal(text.encode(), describe_place(section, name, revision))
        )

    def open(self, row: SettingRow) -> Any | None:
        """Return the value of a row. Raises `SettingsError` when it does not open with our keys, or for this row."""
        if row.value is None:
            return None
        try:
            return json.loads(self._sealer.open(row.value, describe_place(row.section, row.name, row.revision)))
        except SealError:
            text = "does not open with secret_keys, or was sealed for another setting; put the former key back"
            raise SettingsError([f"{row.section}.{row.name}: its value of revision {row.revision} {text}"]) from None

    def open_all(self, held: HeldSettings) -> dict[tuple[str, str], Any]:
        """Return the values by section and name. Raises `SettingsError` with every one that does not open."""
        values: dict[tuple[str, str], Any] = {}
        mistakes: list[str] = []
        for key, row in held.rows.items():
            try:
                values[key] = self.open(row)
            except SettingsError as error:
                mistakes += error.mistakes
        if mistakes:
            raise SettingsError(mistakes)
        return values

    def merge(self, held: HeldSettings, changes: Mapping[tuple[str, str], Any | None] = NO_CHANGES) -> Settings:
        """Return what these settings, with `changes`, make of the file. Raises `SettingsError`, as for a file.

        A change of None takes a setting away. What is changed need not open.
        """
        rows = {key: row for key, row in held.rows.items() if key not in changes}
        values = self.open_all(HeldSettings(held.revision, held.base, rows))
        return overlay(self.file, values | {key: value for key, value in changes.items() if value is not None})

    def load_blocking(self) -> Settings:
        """Return the settings of the active revision, at the start of a process, on the calling thread.

        While the database does not answer, or has no tables yet, those are the file's: `Follower` comes to the active
        revision later. Raises `SettingsError` for one that cannot be used, with the remedy.
        """
        try:
            held = self._database.read_blocking(self.find)
        except Unavailable:
            return self.file
        self.loaded_revision, self._loaded_base = held.revision, held.base
        with self.blaming_revision():
            return self.merge(held)

    @contextmanager
    def blaming_revision(self) -> Iterator[None]:
        """Add to a `SettingsError` in the block which revision it comes from, and the command that goes back.

        A `PluginError` becomes a `SettingsError`. Without a revision the file is at fault, and nothing is added.
        """
        try:
            yield
        except (SettingsError, PluginError) as error:
            if not self.loaded_revision:
                raise
            remedy = f"to go back, run: connect-login settings rollback {self._loaded_base}"
            text = f"service.settings: revision {self.loaded_revision} of the database cannot be used; {remedy}"
            raise SettingsError([*str(error).splitlines(), text]) from None


def describe_place(section: str, name: str, revision: int) -> str:
    """Return what a value is sealed for: table, column, section, name and revision. It opens nowhere else."""
    return f"es_connect_setting\0value\0{section}\0{name}\0{revision}"
