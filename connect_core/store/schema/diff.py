"""What a database and a declaration of tables differ in. Reads alone; collations are `columns`' business."""

import re
from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Computed, Connection, Constraint, DefaultClause, Index, MetaData, inspect


def find_differences(connection: Connection, declared: MetaData) -> list[str]:
    """Return in words what differs: tables, columns, types, constraints, indexes, defaults, computed columns.

    Tables that `declared` does not name are not looked at.
    """

    def is_asked_for(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or name in declared.tables

    options = {
        "compare_type": True,
        "compare_server_default": False,  # it mistakes an empty text for none, and warns of every computed column
        "include_name": is_asked_for,
    }
    context = MigrationContext.configure(connection, opts=options)
    found = [" ".join(_words(one)) for one in compare_metadata(context, declared)]
    return sorted([*found, *_compare_defaults(connection, declared)])


def _words(difference: Any) -> Iterator[str]:
    """The names in a difference: what it is, and what it is about."""
    if isinstance(difference, list):  # several of one column
        for one in difference:
            yield from _words(one)
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
        for found in inspector.get_columns(name):
            column = declared.tables[name].columns.get(found["name"])
            if column is None or column.primary_key:
                continue
            if _get_default(found) != _get_declared_default(column):
                yield f"modify_default {name} {column.name}"


def _get_default(found: Any) -> str | None:
    """An engine adds its own quotes, brackets and casts, and PostgreSQL the ELSE that was left out."""
    if computed := found.get("computed"):
        return _plain(computed["sqltext"]).removesuffix("end").removesuffix("elsenull") + "end"
    default = found["default"]
    return None if default in (None, "NULL") else _plain(default)


def _get_declared_default(column: Column[Any]) -> str | None:
    default = column.server_default
    if isinstance(default, Computed):
        return _plain(str(default.sqltext))
    return _plain(str(default.arg)) if isinstance(default, DefaultClause) else None


def _plain(sql: str) -> str:
    return re.sub(r"::[a-z ]+|\W", "", sql.replace("NULL::integer END", "NULL END")).lower()
