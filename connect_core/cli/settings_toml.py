"""The file of `settings export` and `settings import`: settings that change at run time, as TOML.

Secrets may be left out: in their place is the text `SECRET`, which leaves them as they are on import.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connect_core.errors import SettingsError
from connect_core.identity import ClientType

SECRET = "(secret)"  # noqa: S105 - what is shown in place of one
_CLIENTS = frozenset(ClientType)
Values = Mapping[tuple[str, str], Any]


def write_toml(values: Values) -> str:
    """Return settings, by section and name, as TOML: a table for each section, in alphabetical order."""
    sections: dict[str, list[str]] = {}
    for (section, name), value in sorted(values.items()):
        sections.setdefault(section, []).append(f"{name} = {_write(value)}")
    return "\n\n".join("\n".join([f"[{section}]", *lines]) for section, lines in sections.items()) + "\n"


def read_toml(path: Path) -> dict[tuple[str, str], Any]:
    """Return the settings of a file by section and name.

    Raises `SettingsError` for a file that cannot be read, and for what is no table.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        mistake = error.strerror if isinstance(error, OSError) else str(error)
    else:
        return dict(_walk(tables))
    # raised outside the handler: as a cause, a decoding error would bring the whole file along in its repr
    raise SettingsError([f"{path}: {mistake}"])


def _walk(tables: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    for kind, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError([f"{kind}: give a table, such as [limits]"])
        if kind not in ("accounts", "providers", "webhooks"):
            yield from (((kind, name), value) for name, value in table.items())
            continue
        for name, inner in table.items():
            if not isinstance(inner, dict):
                raise SettingsError([f"{kind}.{name}: give a table, such as [{kind}.NAME]"])
            yield from _walk_named(f"{kind}.{name}", inner)


def _walk_named(section: str, table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    for name, value in table.items():
        if section.startswith("providers.") and name in _CLIENTS and isinstance(value, dict):
            yield from (((f"{section}.{name}", key), item) for key, item in value.items())
        else:
            yield (section, name), value


def _write(value: Any) -> str:
    """Return a value as TOML; JSON's texts, numbers and booleans are TOML's too, but for the character DEL."""
    match value:
        case list():
            return f"[{', '.join(map(_write, value))}]"
        case dict():
            return f"{{{', '.join(f'{json.dumps(key)} = {_write(item)}' for key, item in value.items())}}}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
