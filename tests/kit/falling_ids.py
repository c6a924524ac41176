"""Ids that fall while time rises, as they may where each node of a cluster gives out its own: on SQLite."""

from pathlib import Path

from .acme import rows

_HIGHEST = 1_000_000


def let_ids_fall(folder: Path, table: str) -> None:
    """Give each row that is inserted from now on a lower id than all before it.

    For a table whose ids the code does not ask for when it inserts.
    """
    lowest = f"SELECT COALESCE(MIN(id), {_HIGHEST}) - 1 FROM {table} WHERE id <> NEW.id"
    update = f"UPDATE {table} SET id = ({lowest}) WHERE id = NEW.id"
    rows(folder, f"CREATE TRIGGER falling AFTER INSERT ON {table} BEGIN {update}; END")


def turn_ids(folder: Path, table: str, *references: tuple[str, str]) -> None:
    """Turn the order of the ids in a table round, and in the `references` to it, which are tables and columns."""
    for name, column in ((table, "id"), *references):
        rows(folder, f"UPDATE {name} SET {column} = {_HIGHEST} - {column}")
