"""Queries about values that are sealed with `secret_keys`, whatever their table: to seal them with another key.

A value is replaced only while it is still the one that was read, so this is safe while the service runs. Knows nothing
of keys.
"""

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


def find_others(
    transaction: Transaction, column: SealedColumn, prefix: str, limit: int, after: Any | None = None
) -> list[SealedValue]:
    """Return at most `limit` sealed values that do not begin with `prefix`, by the keys of their rows.

    `after` is the key of the last row that was returned before, to go on from there.
    """
    start = (0 if column.key == "id" else "") if after is None else after
    rows = _find(column).all(transaction, after=start, pattern=f"{prefix}%", most=limit)
    return [SealedValue(key, sealed, tuple(places)) for key, sealed, *places in rows]


def count(transaction: Transaction, column: SealedColumn, prefix: str = "") -> int:
    """Return how many sealed values begin with `prefix`; all of them for an empty one."""
    return int(_count(column).scalar(transaction, pattern=f"{prefix}%"))


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
def _count(column: SealedColumn) -> Statement:
    value = table_of(column.model).c[column.name]
    return Statement(select(func.count()).where(value != "", value.like(bindparam("pattern"))))


@cache
def _replace(column: SealedColumn) -> Statement:
    table = table_of(column.model)
    key, value = table.c[column.key], table.c[column.name]
    return Statement(
        update(table)
        .where(key == bindparam("row_key"), value == bindparam("former"))
        .values({column.name: bindparam("sealed")})
    )
