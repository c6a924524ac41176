"""Settings that change while the service runs: which there are, and how they come over those of `connect.toml`.

A value is taken literally: `env:NAME` and `file:PATH` mean something in the file alone, so that nobody who may change
settings can read the environment or the files of the server. The result is checked as a file is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from connect_core.errors import SettingsError
from connect_core.identity import ClientType
from connect_core.settings.loading import cross_check, explain
from connect_core.settings.locks import LOCK, NAMED_SECTIONS, SINGLE_SECTIONS
from connect_core.settings.model import Settings

Values = Mapping[tuple[str, str], Any]
"""Plain values, as `tomllib` returns them, by section and name: `("providers.alipay", "app_id")`."""

PAGE_NAMES = (
    "name",
    "terms_url",
    "privacy_url",
    "terms_version",
    "consent",
    "languages",
    "default_language",
    "time_zone",
)
"""The settings of `[pages]` that change at run time; the others are paths on the machine."""
_CLIENTS = frozenset(ClientType)
_OVERLAID = {*SINGLE_SECTIONS, *NAMED_SECTIONS}
_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,63}")
_KEY = re.compile("[A-Za-z][A-Za-z0-9_]{0,63}")
_INDIRECT = ("env:", "file:")


def overlay(settings: Settings, values: Values) -> Settings:
    """Return `settings`, those of the file, with `values` over them, but for those that the file has locked.

    Raises `SettingsError` with all mistakes, as for a file.
    """
    tables = settings.model_dump(include=_OVERLAID, exclude_unset=True)
    for (section, name), value in values.items():
        if not settings.is_locked(section, name):
            _find_table(tables, section)[name] = value
    mistakes = list(cross_check(tables))
    kept = {name: getattr(settings, name) for name in Settings.model_fields if name not in _OVERLAID}
    try:
        merged = Settings.model_validate({**tables, **kept})
    except ValidationError as error:
        raise SettingsError([*explain(error, Settings), *mistakes]) from None
    if mistakes:
        raise SettingsError(mistakes)
    return merged.with_locks(settings.locks)


def find_faults(section: str, name: str, value: Any) -> Iterator[str]:
    """Yield why this cannot be set at run time, whatever else is set: the section, the name, or the form of `value`.

    Each fault is a line `section.name: what is wrong`. A `value` of None takes a setting away.
    """
    path = f"{section}.{name}"
    kind, _, rest = section.partition(".")
    if kind in SINGLE_SECTIONS and not rest:
        is_known = True
    else:
        names = rest.split(".")
        is_client = len(names) == 2 and kind == "providers" and names[1] in _CLIENTS
        is_known = kind in NAMED_SECTIONS and bool(_NAME.fullmatch(names[0])) and (len(names) == 1 or is_client)
    if not is_known:
        yield f"{path}: this stays in connect.toml; at run time change {', '.join(_list_sections())}"
    elif kind == "pages" and name not in PAGE_NAMES:
        yield f"{path}: this stays in connect.toml; at run time change {', '.join(PAGE_NAMES)}"
    elif not _KEY.fullmatch(name) or name == LOCK or (kind == "providers" and name in _CLIENTS):
        yield f"{path}: this is no setting; give the name of a key"
    elif value is not None:
        yield from _find_value_faults(path, value)


def _list_sections() -> Iterator[str]:
    yield from SINGLE_SECTIONS
    yield from (f"{kind}.NAME" for kind in NAMED_SECTIONS)
    yield "providers.NAME.CLIENT"


def _find_value_faults(path: str, value: Any) -> Iterator[str]:
    match value:
        case str() if value.strip().startswith(_INDIRECT):
            yield f"{path}: env: and file: work in connect.toml alone; give the value itself"
        case str() if value != value.strip() and "\n" not in value and not path.endswith(".scope_separator"):
            yield f"{path}: remove the blanks around the value"
        case str() | bool() | int() | float():
            pass
        case list():
            for place, item in enumerate(value):
                yield from _find_value_faults(f"{path}.{place}", item)
        case dict() if all(isinstance(key, str) for key in value):
            for key, item in value.items():
                yield from _find_value_faults(f"{path}.{key}", item)
        case _:
            yield f"{path}: give a text, a number, true or false, a list or a table"


def _find_table(tables: dict[str, Any], section: str) -> dict[str, Any]:
    """Return the table of a section, made where there is none."""
    table = tables
    for part in section.split("."):
        table = table.setdefault(part, {})
    return table
