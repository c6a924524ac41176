"""Statements, compiled once for each database and run on the driver's own cursor.

SQLAlchemy writes the SQL of every dialect, once; executing through it would cost ten times what the query itself does.
Values go to the driver as parameters, never into the text.
"""

import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import (
    Column,
    Dialect,
    Executable,
    Insert,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    null,
    select,
    true,
    update,
)
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from connect_core.errors import NotThere
from connect_core.identity import is_storable
from connect_core.store.engine.backend import Backend
from connect_core.store.engine.combining import Parts, PutOffWrites

Row = tuple[Any, ...]
P = TypeVar("P", bound=Hashable)
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
            if isinstance(value, str):
                if not is_storable(value):
                    raise NotThere("no row can hold such a text")
            elif isinstance(value, int) and not -_BIGGEST <= value < _BIGGEST:
                raise NotThere("no row can hold such a number")
        full = {**self.constants, **values} if self.constants else values
        return full if self.order is None else [full[name] for name in self.order]


class Transaction:
    """One unit of work on one connection.

    `cursor` is the driver's; `answered_at` is when the database last answered it, on the monotonic clock. `is_retry`:
    the work lost a race before, and runs again.
    """

    __slots__ = ("_keys", "_put_off", "_texts", "answered_at", "backend", "cursor", "is_retry")

    def __init__(self, cursor: Any, backend: Backend, texts: "Texts") -> None:
        """`texts` caches statements; all transactions of a database share it."""
        self.cursor = cursor
        self.answered_at = 0.0
        self.backend = backend
        self.is_retry = False
        self._texts = texts
        self._put_off = PutOffWrites()
        self._keys: dict[str, int] = {}

    @property
    def is_alone(self) -> bool:
        """Whether no other transaction can write before this one ends: on SQLite it locks the whole database."""
        return self.backend.has_single_writer

    def prepare(self, statement: "Statement") -> Prepared:
        """Return the statement's text for this database, compiled the first time it is used."""
        prepared = self._texts.prepared.get(statement)
        return prepared or self._texts.prepare(statement, self.backend.statement_dialect)

    def put_off(self, statement: "Statement", values: Mapping[str, object]) -> None:
        """Run a write before the next statement of the transaction or its commit, together with others."""
        if not self.backend.combines_writes:
            statement.run(self, **values)
            return
        prepared = self.prepare(statement)
        table, is_insert = statement.target
        if not self._put_off.can_take(table, is_insert=is_insert):
            self.flush()
        parameters = prepared.arrange(values)
        assert isinstance(parameters, list)
        self._put_off.add(table, prepared.text, parameters, is_insert=is_insert)

    def flush(self) -> None:
        """Run the writes that were put off."""
        if self._put_off:
            text, parameters = self._put_off.take(self._texts.combined)
            self.cursor.execute(text, parameters)
            self.answered_at = time.monotonic()

    def end(self) -> None:
        """Run the writes that were put off, at the latest with the COMMIT; whoever commits calls it first."""
        if self._put_off:
            self.cursor.execute_before_commit(*self._put_off.take(self._texts.combined))

    def reserve_keys(self, *tables: Table) -> None:
        """Take the keys of a row that will be inserted into each of `tables`, where that saves statements."""
        if self.backend.reserves_keys:
            row = _reserve(tables).first(self) or ()
            self._keys.update(zip((table.name for table in tables), row, strict=True))

    def take_key(self, table: Table) -> int | None:
        """Return the key that was reserved for a row of `table`, once; None where there is none."""
        return self._keys.pop(table.name, None)


@dataclass(frozen=True, slots=True)
class Texts:
    """The statements of one database: each compiled, and those that were combined."""

    prepared: "dict[Statement, Prepared]" = field(default_factory=dict)
    combined: dict[Parts, str] = field(default_factory=dict)

    def prepare(self, statement: "Statement", dialect: Dialect) -> Prepared:
        """Compile a statement, keep it and return it."""
        prepared = self.prepared[statement] = statement.compile(dialect)
        return prepared


class Statement:
    """One statement of the store; every value that varies is a `bindparam`."""

    __slots__ = ("__weakref__", "_clause")

    def __init__(self, clause: Executable) -> None:
        self._clause = clause
        _statements.add(self)

    @property
    def target(self) -> tuple[str, bool]:
        """The table that it writes, and whether it inserts."""
        assert isinstance(self._clause, UpdateBase)
        assert isinstance(self._clause.table, Table)
        return self._clause.table.name, isinstance(self._clause, Insert)

    def put_off(self, transaction: Transaction, **values: object) -> None:
        """Execute a write whose result nobody reads: at the latest before the next statement, or before the commit."""
        transaction.put_off(self, values)

    def run(self, transaction: Transaction, **values: object) -> int:
        """Execute it and return how many rows it changed."""
        transaction.flush()
        prepared = transaction.prepare(self)
        transaction.cursor.execute(prepared.text, prepared.arrange(values))
        transaction.answered_at = time.monotonic()
        return int(transaction.cursor.rowcount)

    def put_off_many(self, transaction: Transaction, rows: Iterable[Mapping[str, object]]) -> None:
        """The same for each of `rows`."""
        if not transaction.backend.combines_writes:
            self.run_many(transaction, rows)
            return
        for values in rows:
            transaction.put_off(self, values)

    def run_many(self, transaction: Transaction, rows: Iterable[Mapping[str, object]]) -> None:
        """Execute it once for each of `rows`."""
        transaction.flush()
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


_statements: WeakSet[Statement] = WeakSet()
_makers: list[tuple[Callable[[Any], Statement], tuple[Any, ...]]] = []


def made_for(*usual: Any) -> Callable[[Callable[[P], Statement]], Callable[[P], Statement]]:
    """Return a decorator for a function that makes a statement for its argument: each statement is made once.

    `usual` are the arguments that most logins use; `list_statements` makes the statements for them in advance.
    """

    def decorate(make: Callable[[P], Statement]) -> Callable[[P], Statement]:
        make_once = cache(make)
        _makers.append((make_once, usual))
        return make_once

    return decorate


def list_statements() -> list[Statement]:
    """Return every statement of the modules that have been imported, those that are made for usual arguments too."""
    for make, usual in _makers:
        for argument in usual:
            make(argument)
    return list(_statements)


class RowLock(Statement):
    """A query of one table that locks the rows it returns until the transaction ends, in a whole cluster.

    Where `SELECT … FOR UPDATE` keeps off only the transactions of the same node, the rows' `lock_count` is raised as
    well. Of two transactions that change one row, on whichever nodes, one loses the race and is run again. What the
    lock protects has to be read after it.
    """

    __slots__ = ("_raise_count",)

    def __init__(self, query: Select[Any]) -> None:
        """`query` selects from a table that has the column `lock_count`; it is locked with FOR UPDATE here."""
        super().__init__(query.with_for_update())
        [table] = query.get_final_froms()
        assert isinstance(table, Table)
        condition = true() if query.whereclause is None else query.whereclause
        self._raise_count = Statement(update(table).where(condition).values(lock_count=table.c.lock_count + 1))

    def all(self, transaction: Transaction, **values: object) -> list[Row]:
        """Lock the rows and return them."""
        if transaction.backend.has_local_locks:
            self._raise_count.run(transaction, **values)
        return super().all(transaction, **values)


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


class KeyedInsert:
    """An INSERT of one row whose key the database chooses."""

    __slots__ = ("_insert", "_insert_returning", "_insert_with_key", "_table")

    def __init__(self, table: Table, *columns: str) -> None:
        """`columns` are those that get a value, besides the key `id`."""
        self._table = table
        plain = insert_into(table, *columns)
        self._insert, self._insert_returning = Statement(plain), Statement(plain.returning(table.c.id))
        self._insert_with_key = Statement(insert_into(table, "id", *columns))

    def run(self, transaction: Transaction, **values: object) -> int:
        """Insert the row and return its key; with a reserved key the row is written later (`Statement.put_off`)."""
        key = transaction.take_key(self._table)
        if key is None and transaction.backend.returns_keys:
            return int(self._insert_returning.scalar(transaction, **values))
        if key is None:
            self._insert.run(transaction, **values)
            return int(transaction.cursor.lastrowid)
        self._insert_with_key.put_off(transaction, id=key, **values)
        return key


@cache
def _reserve(tables: tuple[Table, ...]) -> Statement:
    """Return the query that takes a key from the sequence of each table: PostgreSQL's."""
    return Statement(select(*(func.nextval(func.pg_get_serial_sequence(table.name, "id")) for table in tables)))


def insert_into(table: Table, *columns: str) -> Insert:
    """Return an INSERT of one row; its parameters are named like the columns."""
    return insert(table).inline().values({column: bindparam(column) for column in columns})
