"""Copies all tables of ours from one database to another, on any two engines, and compares them row by row.

Ids stay. Computed columns are left to the target. Deletes and changes no row: what is in the target already is compared
with the source, and what is missing is inserted, in pages of one transaction each. Memory holds a page of each side.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile

from sqlalchemy import BigInteger, Column, String, Table, bindparam, func, select

from connect_core.errors import SettingsError, Unavailable
from connect_core.identity import is_storable
from connect_core.store import numbering
from connect_core.store.engine.backend import Backend
from connect_core.store.engine.long_connection import LongConnection
from connect_core.store.engine.statement import Row, Statement, Transaction, insert_into
from connect_core.store.models import Declared

PAGE = 500
"""Rows that are read or written at once."""
SHOWN = 10
"""How many rows of each kind of difference are named."""
_TEXT_BYTES = 65_535
"""What a column TEXT holds on MariaDB and MySQL; on the other engines it has no limit."""

Advance = Callable[[int], None]


class RowState(StrEnum):
    """How a row of the target differs from the source."""

    MISSING = "missing"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


_MEANING = {
    RowState.MISSING: "are in the source alone",
    RowState.DIFFERENT: "differ",
    RowState.UNKNOWN: "are in the target alone",
}


@dataclass
class Difference:
    """Rows of one table that differ in one way: how many, and the keys of the first `SHOWN`."""

    table: str
    kind: RowState
    count: int = 0
    keys: list[object] = field(default_factory=list)

    def add(self, key: object) -> None:
        """Count a row."""
        self.count += 1
        if self.count <= SHOWN:
            self.keys.append(key)

    def __str__(self) -> str:
        more = ", ..." if self.count > SHOWN else ""
        return f"{self.table}: {self.count} rows {_MEANING[self.kind]}: {', '.join(map(str, self.keys))}{more}"


class CopiedTable:
    """One table with the statements that copy it. The primary key is the first column of each row."""

    def __init__(self, table: Table) -> None:
        [key] = table.primary_key.columns
        self.table = table
        self.columns: list[Column[object]] = [key, *(column for column in table.c if column is not key)]
        stored = [column.name for column in self.columns if column.computed is None]
        page = select(*self.columns).order_by(key).limit(PAGE)
        self.first_page = Statement(page)
        self.next_page = Statement(page.where(key > bindparam("last_key", type_=key.type)))
        self.last_key = Statement(select(func.max(key)))
        self.count = Statement(select(func.count()).select_from(table))
        self.insert = Statement(insert_into(table, *stored))

    @property
    def is_numbered(self) -> bool:
        """Whether the database gives new rows their keys."""
        return self.table.autoincrement_column is not None

    def get_values(self, row: Row) -> dict[str, object]:
        """Return what is inserted for `row`."""
        pairs = zip(self.columns, row, strict=True)
        return {column.name: value for column, value in pairs if column.computed is None}


TABLES = tuple(CopiedTable(table) for table in Declared.metadata.sorted_tables)
"""All tables of ours but that of the schema's version."""


class Copying:
    """The copying of one database, the source, to another, the target. Every method may raise `Unavailable`."""

    def __init__(self, source: LongConnection, target: LongConnection) -> None:
        self._source = source
        self._target = target

    def count(self) -> int:
        """Return how many rows the source has."""
        return self._source.read(_count)

    def count_in_target(self) -> int:
        """Return how many rows the target has."""
        return self._target.read(_count)

    def find_obstacles(self, advance: Advance) -> list[Difference]:
        """Return the rows of the target that an interrupted copy of this source cannot have left there.

        `advance` as in `copy`; in all it is about `count_in_target` rows.
        """
        return [difference for table in TABLES for difference in self._find_obstacles(table, advance)]

    def copy(self, advance: Advance) -> int:
        """Insert the rows that the target lacks and return how many; `advance` is called with numbers of rows read.

        Raises `SettingsError` when the target cannot hold a row: the rows before its page are committed by then.
        """
        copied = 0
        for table in TABLES:
            missing = (source for source, target in self._pair(table, advance) if source and not target)
            for page in _in_pages(missing):
                self._insert(table, page)
                copied += len(page)
            self._move_counter(table)
        self._target.write(_refresh_statistics)
        return copied

    def compare(self, advance: Advance) -> list[Difference]:
        """Return how the target differs from the source, in every column of every row; `advance` as in `copy`."""
        return [difference for table in TABLES for difference in _find_differences(table, self._pair(table, advance))]

    def _insert(self, table: CopiedTable, rows: Sequence[Row]) -> None:
        try:
            self._target.write(lambda tx: _insert(tx, table, rows))
        except Unavailable as error:
            raise Unavailable(f"{error}; while {table.table.name} {rows[0][0]} to {rows[-1][0]} was written") from None

    def _find_obstacles(self, table: CopiedTable, advance: Advance) -> list[Difference]:
        last_key = self._target.read(table.last_key.scalar)
        if last_key is None:
            return []
        pairs = takewhile(lambda pair: _get_key(pair) <= last_key, self._pair(table, advance))
        return [difference for difference in _find_differences(table, pairs) if difference.kind is not RowState.MISSING]

    def _pair(self, table: CopiedTable, advance: Advance) -> Iterator[tuple[Row | None, Row | None]]:
        """Yield each row of either side beside that of the other side with the same key, in the order of keys."""
        sources, targets = _read(self._source, table, advance), _read(self._target, table, lambda _: None)
        source, target = next(sources, None), next(targets, None)
        while source or target:
            if source and target and source[0] == target[0]:
                yield source, target
                source, target = next(sources, None), next(targets, None)
            elif source and (not target or source[0] < target[0]):
                yield source, None
                source = next(sources, None)
            else:
                yield None, target
                target = next(targets, None)

    def _move_counter(self, table: CopiedTable) -> None:
        if not table.is_numbered:
            return
        last = self._source.read(lambda tx: max(numbering.find_last(tx, table.table), table.last_key.scalar(tx) or 0))
        self._target.write(lambda tx: numbering.move_past(tx, table.table, last))


def _count(transaction: Transaction) -> int:
    return sum(int(table.count.scalar(transaction)) for table in TABLES)


def _get_key(pair: tuple[Row | None, Row | None]) -> object:
    row = pair[0] or pair[1]
    return row and row[0]


def _read(connection: LongConnection, table: CopiedTable, advance: Advance) -> Iterator[Row]:
    """Yield all rows ordered by key. Every engine orders keys as Python does: numbers, and ASCII byte for byte."""
    rows = connection.read(table.first_page.all)
    while rows:
        yield from rows
        advance(len(rows))
        last_key = rows[-1][0]
        rows = _read_after(connection, table, last_key) if len(rows) == PAGE else []


def _read_after(connection: LongConnection, table: CopiedTable, last_key: object) -> list[Row]:
    return connection.read(lambda tx: table.next_page.all(tx, last_key=last_key))


def _in_pages(rows: Iterable[Row]) -> Iterator[list[Row]]:
    page = []
    for row in rows:
        page.append(row)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def _find_differences(table: CopiedTable, pairs: Iterable[tuple[Row | None, Row | None]]) -> list[Difference]:
    differences = {kind: Difference(table.table.name, kind) for kind in RowState}
    for pair in pairs:
        source, target = pair
        if source != target:
            kind = RowState.UNKNOWN if source is None else RowState.MISSING if target is None else RowState.DIFFERENT
            differences[kind].add(_get_key(pair))
    return [difference for difference in differences.values() if difference.count]


def _insert(transaction: Transaction, table: CopiedTable, rows: Sequence[Row]) -> None:
    mistakes = [
        f"--from: {table.table.name} {row[0]}: {column.name} {mistake}"
        for row in rows
        for column, value in zip(table.columns, row, strict=True)
        if (mistake := _find_mistake(column, value, transaction.backend))
    ]
    if mistakes:
        raise SettingsError(mistakes[:SHOWN])
    table.insert.run_many(transaction, map(table.get_values, rows))


def _find_mistake(column: Column[object], value: object, backend: Backend) -> str:
    """Return why a column of the target cannot hold `value`; empty when it can. SQLite as source holds anything."""
    if value is None:
        return "" if column.nullable else "is NULL"
    if isinstance(column.type, String):
        return _find_mistake_of_text(column.type.length, value, backend)
    if not isinstance(value, int):
        return "is no whole number"
    bits = 63 if isinstance(column.type, BigInteger) else 31
    return "" if -(2**bits) <= value < 2**bits else "is too big a number"


def _find_mistake_of_text(length: int | None, value: object, backend: Backend) -> str:
    if not isinstance(value, str):
        return "is no text"
    if not is_storable(value):
        return "has a NUL, or half of a surrogate pair: correct it in the source"
    if length is not None and len(value) > length:
        return f"has {len(value)} characters, and the target holds {length}: shorten it in the source"
    if length is None and backend.dialect.name in _LIMITED and len(value.encode()) > _TEXT_BYTES:
        return f"has more than {_TEXT_BYTES} bytes, which is what the target holds: shorten it in the source"
    return ""


_LIMITED = frozenset({"mysql", "mariadb"})


def _refresh_statistics(transaction: Transaction) -> None:
    names = [table.table.name for table in TABLES]
    transaction.backend.refresh_statistics(transaction.cursor, names)
