"""Rows in every table of ours, with what engines store in their own ways: NULLs, emoji, blanks, big numbers."""

from typing import Any

from sqlalchemy import BigInteger, Column, Select, String, Table, create_engine, insert, select

from connect_core.store.models import Declared

EMOJI = "李😀 "


def fill(url: str, numbers: range) -> None:
    """Insert a row for each of `numbers` into every table; those of an even number have NULL wherever they may."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in Declared.metadata.sorted_tables:
            rows = [
                {column.name: value_of(column, number) for column in table.c if column.computed is None}
                for number in numbers
            ]
            connection.execute(insert(table), rows)
    engine.dispose()


def value_of(column: Column[Any], number: int) -> object:
    """A value for a row: unlike that of every other number, and as long or as big as the column allows."""
    if column.nullable and number % 2 == 0:
        return None
    if column.name == "disabled":
        return 0
    if not isinstance(column.type, String):
        return number if column.primary_key or not isinstance(column.type, BigInteger) else 2**62 + number
    ending = f"{number:06d}"
    if column.primary_key:  # keys that are texts are hashes
        return ending
    length = min(column.type.length or 300, 300)
    return (EMOJI * 100)[: length - len(ending)] + ending if length > len(ending) + 2 else ending[-length:]


def rows_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, in the order of their keys; texts that an engine keeps as bytes are texts."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {
            table.name: [tuple(map(as_text, row)) for row in connection.execute(_select_all(table))]
            for table in Declared.metadata.sorted_tables
        }
    engine.dispose()
    return rows


def _select_all(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key)


def as_text(value: object) -> object:
    """The value of a column: a text also where the engine keeps texts as bytes."""
    return value.decode() if isinstance(value, bytes) else value
