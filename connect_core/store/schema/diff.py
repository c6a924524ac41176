"""Compares the tables of a database with their declaration. Only reads; `collation` compares collations."""

import re
from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Computed, Connection, Constraint, DefaultClause, Index, MetaData, inspect


def find_differences(connection: Connection, declared: MetaData) -> list[str]:
    """Return a line for each difference: tables, columns, types, constraints, indexes, defaults, computed columns.

    Tables that are not in `declared` are ignored.
    """

    def is_declared(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or name in declared.tables

    options = {
        "compare_type": True,
        "compare_server_default": False,  # Alembic takes an empty text for none, and warns of each computed column
        "include_name": is_declared,
    }
    context = MigrationContext.configure(connection, opts=options)
    differences = [" ".join(_words(difference)) for difference in compare_metadata(context, declared)]
    return sorted([*differences, *_compare_defaults(connection, declared)])


def _words(difference: Any) -> Iterator[str]:
    """Yield the names in one of Alembic's differences: its kind, then the table, column or constraint."""
    if isinstance(difference, list):  # several differences of one column
        for part in difference:
            yield from _words(part)
        return
    for part in difference:
        if isinstance(part, str):
            yield part
        elif name := getattr(part, "name", None):
            table = part.table if isinstance(part, Constraint | Index) else None
            yield str(name) if table is None else f"{table.name}.{name}"


def _compare_defaults(connection: Connection, declared: MetaData) -> Iterator[str]:
    inspector = inspect(connection)
    for name in sorted(set(inspector.get_table_names()) & set(declared.tables)):
        for reflected in inspector.get_columns(name):
            column = declared.tables[name].columns.get(reflected["name"])
            if column is None or column.primary_key:
                continue
            if _get_default(reflected) != _get_declared_default(column):
                yield f"modify_default {name} {column.name}"


def _get_default(reflected: Any) -> str | None:
    """Return a column's default or expression without what the engine adds: quotes, brackets, casts, an ELSE NULL."""
    if computed := reflected.get("computed"):
        return _plain(computed["sqltext"]).removesuffix("end").removesuffix("elsenull") + "end"
    default = reflected["default"]
    return None if default in (None, "NULL") else _plain(default)


def _get_declared_default(column: Column[Any]) -> str | None:
    default = column.server_default
    if isinstance(default, Computed):
        return _plain(str(default.sqltext))
    return _plain(str(default.arg)) if isinstance(default, DefaultClause) else None


def _plain(sql: str) -> str:
    return re.sub(r"::[a-z ]+|\W", "", sql.replace("NULL::integer END", "NULL END")).lower()
