"""Statements, compiled once for an engine and run on the driver's own cursor.

SQLAlchemy writes the SQL of every dialect, once; executing through it would cost ten times what the query itself does.
Values go to the driver as parameters, never into the text.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Dialect, Executable, Insert, Table, bindparam, delete, insert, null, select, update
from sqlalchemy.sql.compiler import SQLCompiler

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement's text for one engine; `order` names its parameters where the driver counts them."""

    text: str
    order: tuple[str, ...] | None
    constants: Mapping[str, object]

    def arrange(self, values: Mapping[str, object]) -> object:
        """Return parameters as the driver takes them."""
        full = {**self.constants, **values} if self.constants else values
        return full if self.order is None else [full[name] for name in self.order]


class Transaction:
    """A unit of work on one connection. `cursor` is the driver's; `answered` the monotonic time of its last answer."""

    __slots__ = ("_dialect", "_prepared", "answered", "cursor")

    def __init__(self, cursor: Any, dialect: Dialect, prepared: "dict[Statement, Prepared]") -> None:
        """`prepared` is the engine's, and is filled as statements are met."""
        self.cursor = cursor
        self.answered = 0.0
        self._dialect = dialect
        self._prepared = prepared

    @property
    def is_alone(self) -> bool:
        """Whether nobody else writes until this unit of work ends: it has SQLite's lock."""
        return self._dialect.name == "sqlite"

    def prepare(self, statement: "Statement") -> Prepared:
        """Return the statement's text for this engine."""
        found = self._prepared.get(statement)
        if found is None:
            found = self._prepared[statement] = statement.compile(self._dialect)
        return found


class Statement:
    """One statement of the store; every value that varies is a `bindparam`."""

    __slots__ = ("_clause",)

    def __init__(self, clause: Executable) -> None:
        self._clause = clause

    def run(self, transaction: Transaction, **values: object) -> int:
        """Execute it and return how many rows it touched."""
        prepared = transaction.prepare(self)
        transaction.cursor.execute(prepared.text, prepared.arrange(values))
        transaction.answered = time.monotonic()
        return int(transaction.cursor.rowcount)

    def run_many(self, transaction: Transaction, rows: Iterable[Mapping[str, object]]) -> None:
        """Execute it once for each of `rows`."""
        prepared = transaction.prepare(self)
        transaction.cursor.executemany(prepared.text, [prepared.arrange(values) for values in rows])
        transaction.answered = time.monotonic()

    def all(self, transaction: Transaction, **values: object) -> list[Row]:
        """Execute it and return its rows."""
        self.run(transaction, **values)
        rows: list[Row] = transaction.cursor.fetchall()
        return rows

    def first(self, transaction: Transaction, **values: object) -> Row | None:
        """Execute it and return its first row, or None."""
        rows = self.all(transaction, **values)
        return rows[0] if rows else None

    def scalar(self, transaction: Transaction, **values: object) -> Any:
        """Execute it and return the first value of its first row, or None."""
        row = self.first(transaction, **values)
        return row[0] if row else None

    def compile(self, dialect: Dialect) -> Prepared:
        """Return the text for one engine."""
        compiled = self._clause.compile(dialect=dialect)  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return Prepared(compiled.string, order, constants)


class ExpiryDelete:
    """Deletes rows whose time is over by their keys, the oldest first, or makes their `emptied` columns NULL.

    Sweeps at once take different rows.
    """

    __slots__ = ("_end", "_find")

    def __init__(self, key: Column[Any], expiry_time: Column[Any], *emptied: Column[Any]) -> None:
        self._find = Statement(
            select(key)
            .where(expiry_time < bindparam("now"))
            .order_by(expiry_time)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
        is_it = key == bindparam("own")
        nothing = {column.name: null() for column in emptied}
        self._end = Statement(
            update(key.table).where(is_it).values(nothing) if emptied else delete(key.table).where(is_it)
        )

    def run(self, transaction: Transaction, now: int, limit: int) -> int:
        """End at most `limit` rows and return how many."""
        found = self._find.all(transaction, now=now, most=limit)
        if found:
            self._end.run_many(transaction, [{"own": key} for (key,) in found])
        return len(found)


def insert_into(table: Table, *columns: str) -> Insert:
    """Write one row; the values are named as the columns."""
    return insert(table).inline().values({column: bindparam(column) for column in columns})
