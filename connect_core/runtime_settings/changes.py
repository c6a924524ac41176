"""What a revision changes: judging the requests, and writing them down for the history, without secrets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from connect_core.errors import SettingsError
from connect_core.runtime_settings.secrecy import Secrecy
from connect_core.runtime_settings.stored_settings import HeldSettings, StoredSettings
from connect_core.runtime_settings.values import ChangedSetting, RequestedChange, SettingRevision, State
from connect_core.settings import Settings
from connect_core.settings.overlay import find_faults
from connect_core.store.settings import ChangeRow

SHOWN_LENGTH = 160
"""Characters of an old or new value that the history shows."""
VALUE_LENGTH = 32_000
"""Bytes of a value as JSON at most: sealed, it has to fit into a column of 64 KiB."""
MOST_CHANGES = 500
"""Settings that one revision changes at most."""
Changes = Mapping[tuple[str, str], Any | None]
"""The new values by section and name; None takes one away."""


def check_requests(file: Settings, requests: Sequence[RequestedChange]) -> dict[tuple[str, str], Any | None]:
    """Return the requested values by section and name.

    Raises `SettingsError` with a line for each that cannot be set at run time, is `locked` in `file`, comes twice, or
    is too long.
    """
    changes: dict[tuple[str, str], Any | None] = {}
    mistakes: list[str] = []
    if len(requests) > MOST_CHANGES:
        raise SettingsError([f"settings: one revision changes at most {MOST_CHANGES} of them; make several"])
    for request in requests:
        path, key = f"{request.section}.{request.name}", (request.section, request.name)
        faults = list(find_faults(*key, request.value))
        if not faults and file.is_locked(*key):
            faults.append(f"{path}: is locked in connect.toml; change it there, or take it out of `locked`")
        if not faults and len(json.dumps(request.value, ensure_ascii=False).encode()) > VALUE_LENGTH:
            faults.append(f"{path}: has more than {VALUE_LENGTH} bytes; give less, or put it into connect.toml")
        if key in changes:
            faults.append(f"{path}: comes twice")
        mistakes += faults
        changes[key] = request.value.strip() if isinstance(request.value, str) and not faults else request.value
    if mistakes:
        raise SettingsError(mistakes)
    return changes


def drop_unchanged(stored: StoredSettings, held: HeldSettings, changes: Changes) -> dict[tuple[str, str], Any | None]:
    """Return those changes that give a setting another value than it has in the database now."""
    return {key: value for key, value in changes.items() if _open(stored, held, key) != value}


def compare(
    stored: StoredSettings, secrecy: Secrecy, held: HeldSettings, changes: Changes, after: Settings
) -> tuple[ChangedSetting, ...]:
    """Return what `changes` do to the settings `held` now, for the history; `after` are the settings with them."""
    return tuple(
        _describe(secrecy, after, key, _open(stored, held, key), value) for key, value in sorted(changes.items())
    )


def write_changes(changes: Iterable[ChangedSetting]) -> str:
    """Return the column `changes` of a revision: JSON."""
    return json.dumps([asdict(change) for change in changes], ensure_ascii=False)


def read_revision(row: ChangeRow) -> SettingRevision:
    """Return a row as history shows it."""
    state: dict[str, State] = {"draft": "draft", "active": "active", "discarded": "discarded"}
    return SettingRevision(
        revision=row.revision,
        base=row.base,
        state=state[row.state],
        actor=row.actor,
        comment=row.comment,
        changes=tuple(ChangedSetting(**change) for change in json.loads(row.changes)),
        request_id=row.request_id,
        create_time=row.create_time,
        active_time=row.active_time,
    )


def _open(stored: StoredSettings, held: HeldSettings, key: tuple[str, str]) -> Any | None:
    row = held.rows.get(key)
    try:
        return stored.open(row) if row else None
    except SettingsError:  # sealed with a key that is gone: whatever replaces it is a change
        return object()


def _describe(
    secrecy: Secrecy, after: Settings, key: tuple[str, str], old: Any | None, new: Any | None
) -> ChangedSetting:
    section, name = key
    if any(secrecy.is_secret(after, section, name, value) for value in (old, new)):
        return ChangedSetting(section, name, is_secret=True, old=None, new=None)
    return ChangedSetting(section, name, is_secret=False, old=_show(old), new=_show(new))


def _show(value: Any | None) -> str | None:
    if value is None:
        return None
    if type(value) is object:
        return "?"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"
