"""`locked` in `connect.toml`: which settings stay as the file has them, with `[service] settings = "database"`.

Owns what `locked` looks like and where it may stand. Changes no setting.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connect_core.identity import ClientType

LOCK = "locked"
"""The key: `true` for the whole table, or a list of its keys."""
SINGLE_SECTIONS = ("clients", "limits", "pages")
NAMED_SECTIONS = ("accounts", "providers", "webhooks")
Locks = Mapping[str, frozenset[str] | None]
"""The locked keys of each section, such as `providers.alipay`; None for all of them."""


def take_locks(tables: dict[str, Any], mistakes: list[str]) -> dict[str, frozenset[str] | None]:
    """Take the key `locked` out of `tables`, the whole configuration, and return what it says.

    Adds a line to `mistakes` for each that is neither a boolean nor a list of keys.
    """
    locks: dict[str, frozenset[str] | None] = {}
    for section, table in _find_tables(tables):
        match table.pop(LOCK, False):
            case True:
                locks[section] = None
            case False | []:
                pass
            case list(names) if all(isinstance(name, str) for name in names):
                locks[section] = frozenset(names)
            case _:
                mistakes.append(f"{section}.{LOCK}: give true for the whole table, or a list of its keys")
    return locks


def is_locked(locks: Locks, section: str, name: str) -> bool:
    """Tell whether `name` in `section` stays as the file has it.

    A lock of a provider holds for its client types too: their tables come over the provider's.
    """
    sections = [section, section.rpartition(".")[0]] if section.count(".") == 2 else [section]
    locked = [locks[each] for each in sections if each in locks]
    return any(names is None or name in names for names in locked)


def _find_tables(tables: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for section in SINGLE_SECTIONS:
        if isinstance(table := tables.get(section), dict):
            yield section, table
    for kind in NAMED_SECTIONS:
        named = tables.get(kind)
        for name, table in named.items() if isinstance(named, dict) else ():
            if not isinstance(table, dict):
                continue
            yield f"{kind}.{name}", table
            if kind == "providers":
                clients = [(client, table.get(client)) for client in ClientType]
                yield from ((f"{kind}.{name}.{client}", each) for client, each in clients if isinstance(each, dict))
