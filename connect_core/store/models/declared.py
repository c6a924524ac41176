"""What all declarations of tables share: the base class, and the kinds of columns.

Ids and hashes compare byte for byte: `exact_text` declares the collation for every engine.
"""

from sqlalchemy import BigInteger, Column, Computed, Integer, String, Table
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

BIG = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")


def exact_text(length: int) -> TypeEngine[str]:
    """Text of at most `length` characters, compared byte for byte, trailing blanks included."""
    return (
        String(length)
        .with_variant(String(length, collation="BINARY"), "sqlite")
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin"), "mysql", "mariadb")
    )


def key() -> Column[int]:
    """Return the column of a numeric primary key that the database fills in."""
    return Column(BIG, primary_key=True, autoincrement=True)


def display_text(length: int) -> Column[str]:
    """Return a column for what is shown, at most `length` characters; empty by default."""
    kind = String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4"), "mysql", "mariadb")
    return Column(kind, nullable=False, server_default="")


def count() -> Column[int]:
    """Return a column for a number or a time in epoch seconds; 0 by default."""
    return Column(BIG, nullable=False, server_default="0")


def active() -> Column[int | None]:
    """Return the computed column that is 1 while `unbound_time` is NULL, and NULL afterwards."""
    return Column(Integer, Computed("CASE WHEN unbound_time IS NULL THEN 1 END", persisted=True))


IDS_ARE_NEVER_REUSED = {"sqlite_autoincrement": True}  # else SQLite gives the highest id, once deleted, out again


class Declared(SQLModel, registry=registry()):
    """Base of our tables. It has a registry of its own, so that a shop may declare tables with the same names."""


def table_of(model: type[Declared]) -> Table:
    """Return the Core table behind `model`, for compiled statements: SQLModel's own `__table__` has no type."""
    return Declared.metadata.tables[str(model.__tablename__)]
