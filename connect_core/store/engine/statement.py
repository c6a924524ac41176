"""Statements, compiled once for each database and run on the driver's own cursor.

SQLAlchemy writes the SQL of every dialect, once; executing through it would cost ten times what the query itself does.
Values go to the driver as parameters, never into the text.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Dialect, Executable, Insert, Table, bindparam, delete, insert, null, select, update
from sqlalchemy.sql.compiler import SQLCompiler

from connect_core.errors import NotThere
from connect_core.identity import is_storable
from connect_core.store.engine.backend import Backend

Row = tuple[Any, ...]
_BIGGEST = 2**63
"""The first number that a column of 64 bits cannot hold."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement's text for one database; `order` names its parameters where the driver takes them by position."""

    text: str
    order: tuple[str, ...] | None
    constants: Mapping[str, object]

    def arrange(self, values: Mapping[str, object]) -> object:
        """Return the parameters as the driver takes them: by name, or as a list in `order`.

        Raises `NotThere` for a text or number that no row can hold, on whichever engine: then there is no such row,
        and none can be written.
        """
        for value in values.values():
            if isinstance(value, str) and not is_storable(value):
                raise NotThere("no row can hold such a text")
            if isinstance(value, int) and not -_BIGGEST <= value < _BIGGEST:
                raise NotThere("no row can hold such a number")
        full = {**self.constants, **values} if self.constants else values
        return full if self.order is None else [full[name] for name in self.order]


class Transaction:
    """One unit of work on one connection.

    `cursor` is the driver's; `answered_at` is when the database last answered it, on the monotonic clock.
    """

    __slots__ = ("_prepared", "answered_at", "backend", "cursor")

    def __init__(self, cursor: Any, backend: Backend, prepared: "dict[Statement, Prepared]") -> None:
        """`prepared` caches compiled statements; all transactions of a database share it."""
        self.cursor = cursor
        self.answered_at = 0.0
        self.backend = backend
        self._prepared = prepared

    @property
    def is_alone(self) -> bool:
        """Whether no other transaction can write before this one ends: on SQLite it locks the whole database."""
        return self.backend.has_single_writer

    def prepare(self, statement: "Statement") -> Prepared:
        """Return the statement's text for this database, compiled the first time it is used."""
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = self._prepared[statement] = statement.compile(self.backend.dialect)
        return prepared


class Statement:
    """One statement of the store; every value that varies is a `bindparam`."""

    __slots__ = ("_clause",)

    def __init__(self, clause: Executable) -> None:
        self._clause = clause

    def run(self, transaction: Transaction, **values: object) -> int:
        """Execute it and return how many rows it changed."""
        prepared = transaction.prepare(self)
        transaction.cursor.execute(prepared.text, prepared.arrange(values))
        transaction.answered_at = time.monotonic()
        return int(transaction.cursor.rowcount)

    def run_many(self, transaction: Transaction, rows: Iterable[Mapping[str, object]]) -> None:
        """Execute it once for each of `rows`."""
        prepared = transaction.prepare(self)
        transaction.cursor.executemany(prepared.text, [prepared.arrange(values) for values in rows])
        transaction.answered_at = time.monotonic()

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
        """Return the text in one database's dialect."""
        compiled = self._clause.compile(dialect=dialect)  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return Prepared(compiled.string, order, constants)


class ExpiryDelete:
    """Deletes the rows of a table that have expired, oldest first; with `emptied`, sets these columns to NULL instead.

    The rows are locked with SKIP LOCKED, so that two processes that clean up at once take different rows.
    """

    __slots__ = ("_expire", "_find")

    def __init__(self, key: Column[Any], expiry_time: Column[Any], *emptied: Column[Any]) -> None:
        """`key` is the primary key, `expiry_time` a column of epoch seconds."""
        self._find = Statement(
            select(key)
            .where(expiry_time < bindparam("now"))
            .order_by(expiry_time)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
        has_key = key == bindparam("expired_key")
        nulls = {column.name: null() for column in emptied}
        self._expire = Statement(
            update(key.table).where(has_key).values(nulls) if emptied else delete(key.table).where(has_key)
        )

    def run(self, transaction: Transaction, now: int, limit: int) -> int:
        """Expire at most `limit` rows and return how many."""
        expired = self._find.all(transaction, now=now, most=limit)
        if expired:
            self._expire.run_many(transaction, [{"expired_key": key} for (key,) in expired])
        return len(expired)


def insert_into(table: Table, *columns: str) -> Insert:
    """Return an INSERT of one row; its parameters are named like the columns."""
    return insert(table).inline().values({column: bindparam(column) for column in columns})
