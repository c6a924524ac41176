"""Checks that text columns still compare as declared. Somebody may have converted the tables.

This matters for security: an id compared without regard to case, or by its first 191 characters alone, logs one person
in as another. Reads the database's catalogue, and changes nothing.
"""

from fnmatch import fnmatchcase

from sqlalchemy import String

from connect_core.store.engine.backend import Backend
from connect_core.store.engine.statement import Transaction
from connect_core.store.models import Declared

NAMES = frozenset(Declared.metadata.tables)
"""The names of our tables."""


def find_tables(transaction: Transaction) -> frozenset[str]:
    """Return the names of all tables in the database, ours and others."""
    return transaction.backend.find_tables(transaction.cursor)


def find_wrong_columns(transaction: Transaction) -> list[str]:
    """Return a sentence for each text column of ours whose collation differs from the declared one."""
    declared = _get_declared_collations(transaction.backend)
    collations = transaction.backend.find_collations(transaction.cursor, declared)
    return [
        f"{table}.{column} compares by {collation}, not by {declared[table, column]}: convert it back"
        for (table, column), collation in sorted(collations.items())
        if not fnmatchcase(collation, declared[table, column])
    ]


def _get_declared_collations(backend: Backend) -> dict[tuple[str, str], str]:
    """Return the collation, or a pattern for it, of each text column of ours that has to have a certain one."""
    collations = {}
    for table in Declared.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, String):
                kind = column.type.dialect_impl(backend.dialect)
                collations[table.name, column.name] = getattr(kind, "collation", None) or backend.default_collation
    return {column: collation for column, collation in collations.items() if collation}
