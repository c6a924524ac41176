"""Keys of `connect.toml` that have a new name: the old one is read for one release.

Owns the table of old and new names, the only place where an old name stands. Reads no file and checks no value.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

log = logging.getLogger("connect_login")

RENAMED_KEYS = {
    ("limits", "per_account"): "per_username",
    ("service", "merge_undo"): "merge_undo_within",
    ("service", "unbind_cooldown"): "unbind_after",
    ("sessions", "recent"): "reauth_after",
}
"""The new name of a key, by its section and old name."""

Report = Callable[[str, str], None]
"""Called with the old and the new path of a key, such as `sessions.recent` and `sessions.reauth_after`."""


def log_renamed(old: str, new: str) -> None:
    """Log the event `setting_renamed`, a warning, with both paths."""
    log.warning("setting_renamed", extra={"old": old, "new": new})


def rename_keys(raw: Mapping[str, Any], report: Report) -> tuple[dict[str, Any], list[str]]:
    """Move the values of old keys to the new ones, before anything else looks at the configuration.

    Returns a copy of `raw` without old keys, and a line for each key that has a value under both names: which of them
    holds would be a guess. Calls `report` once for every other old key. What is no table is left for pydantic.
    """
    tables, mistakes = dict(raw), []
    for (section, old), new in RENAMED_KEYS.items():
        table = tables.get(section)
        if not isinstance(table, dict) or old not in table:
            continue
        rest = {key: value for key, value in table.items() if key != old}
        if new in table:
            mistakes.append(f"{section}.{old}: is now called `{new}`, which is given too; remove `{old}`")
        else:
            rest[new] = table[old]
            report(f"{section}.{old}", f"{section}.{new}")
        tables[section] = rest
    return tables, mistakes
