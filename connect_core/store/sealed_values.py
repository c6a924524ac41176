"""Queries about values that are sealed with `secret_keys`, whatever their table: to seal them with another key.

A value is replaced only while it is still the one that was read, so this is safe while the service runs. Knows nothing
of keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, select, update

from connect_core.store.engine.statement import Statement, Transaction
from connect_core.store.models import Administrator, Declared, Setting, VendorSessionLink, table_of


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column with sealed values. `key` is the table's primary key; `places` are columns that a value is sealed for.

    An empty text and NULL are no sealed values.
    """

    model: type[Declared]
    name: str
    key: str
    places: tuple[str, ...]

    @property
    def path(self) -> str:
        """What messages call it, such as `es_admin.totp_secret`."""
        return f"{self.model.__tablename__}.{self.name}"


SETTING_VALUES = SealedColumn(Setting, "value", "id", ("section", "name", "revision"))
LOGOUT_HINTS = SealedColumn(VendorSessionLink, "hint", "family", ("family",))
TOTP_SECRETS = SealedColumn(Administrator, "totp_secret", "id", ("name",))


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A value: the key of its row, and the values of the column's `places` there."""

    key: Any
    sealed: str
    places: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CountedSlice:
    """How many values of some rows begin with what. `rows` is how many were read, `last` the key of the last one."""

    counts: Mapping[str, int]
    rows: int
    last: Any


def find_others(
    transaction: Transaction, column: SealedColumn, prefix: str, limit: int, after: Any | None = None
) -> list[SealedValue]:
    """Return at most `limit` sealed values that do not begin with `prefix`, by the keys of their rows.

    `after` is the key of the last row that was returned before, to go on from there.
    """
    start = _get_start(column) if after is None else after
    rows = _find(column).all(transaction, after=start, pattern=f"{prefix}%", most=limit)
    return [SealedValue(key, sealed, tuple(places)) for key, sealed, *places in rows]


def count_slice(
    transaction: Transaction, column: SealedColumn, length: int, limit: int, after: Any | None = None
) -> CountedSlice:
    """Count the sealed values of at most `limit` rows by their first `length` characters.

    Reads these rows by the primary key, and no others. `after` is the `last` of the slice before, to go on from there.
    """
    start = _get_start(column) if after is None else after
    groups = _count_slice(column).all(transaction, after=start, length=length, most=limit)
    return CountedSlice(
        {prefix: int(count) for prefix, count, _ in groups if prefix},
        sum(int(count) for _, count, _ in groups),
        max((last for *_, last in groups), default=start),
    )


def replace(transaction: Transaction, column: SealedColumn, value: SealedValue, sealed: str) -> bool:
    """Put `sealed` in the place of a value; False when the row is gone, or has another value by now."""
    return _replace(column).run(transaction, row_key=value.key, former=value.sealed, sealed=sealed) == 1


@cache
def _find(column: SealedColumn) -> Statement:
    columns = table_of(column.model).c
    key, value = columns[column.key], columns[column.name]
    return Statement(
        select(key, value, *(columns[name] for name in column.places))
        .where(key > bindparam("after"), value != "", value.not_like(bindparam("pattern")))
        .order_by(key)
        .limit(bindparam("most"))
    )


@cache
def _count_slice(column: SealedColumn) -> Statement:
    columns = table_of(column.model).c
    key, value = columns[column.key], columns[column.name]
    rows = (
        select(key.label("row_key"), func.substr(value, 1, bindparam("length")).label("prefix"))
        .where(key > bindparam("after"))
        .order_by(key)
        .limit(bindparam("most"))
        .subquery()
    )
    return Statement(select(rows.c.prefix, func.count(), func.max(rows.c.row_key)).group_by(rows.c.prefix))


@cache
def _replace(column: SealedColumn) -> Statement:
    table = table_of(column.model)
    key, value = table.c[column.key], table.c[column.name]
    return Statement(
        update(table)
        .where(key == bindparam("row_key"), value == bindparam("former"))
        .values({column.name: bindparam("sealed")})
    )


def _get_start(column: SealedColumn) -> Any:
    """Return what is less than every key of the table."""
    return 0 if column.key == "id" else ""
