"""Whether the columns still compare as they were declared: somebody may have converted the tables.

An id that compares without case, or by its first 191 characters, logs one person in as another.
"""

from fnmatch import fnmatchcase

from sqlalchemy import String

from connect_core.store.engine.statement import Transaction
from connect_core.store.models import Declared

NAMES = frozenset(Declared.metadata.tables)

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
    "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
}
_COLLATIONS = {
    "postgresql": "SELECT c.relname, a.attname, l.collname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
    "JOIN pg_collation l ON l.oid = a.attcollation "
    "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND NOT a.attisdropped",
    "mysql": "SELECT table_name, column_name, collation_name FROM information_schema.columns "
    "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL",
}
_PROBE = (
    "SELECT count(*) FROM (SELECT {column} FROM {table} WHERE 0 UNION SELECT 'a' UNION SELECT 'A' UNION SELECT 'a ')"
)


def find_tables(transaction: Transaction) -> frozenset[str]:
    """Return the names of all tables beside ours, and of ours."""
    transaction.cursor.execute(_TABLES[_engine(transaction)])
    return frozenset(name for (name,) in transaction.cursor.fetchall())


def find_wrong_columns(transaction: Transaction) -> list[str]:
    """Return, in words, each text column of ours whose collation is another one than declared."""
    found = _probe(transaction) if _engine(transaction) == "sqlite" else _ask(transaction)
    return [
        f"{table}.{column} compares by {collation}, not by {wanted}: convert it back"
        for (table, column), collation in sorted(found.items())
        if (wanted := _wanted(transaction, table, column)) and not fnmatchcase(collation, wanted)
    ]


def _engine(transaction: Transaction) -> str:
    name = transaction._dialect.name
    return "mysql" if name == "mariadb" else name


def _ask(transaction: Transaction) -> dict[tuple[str, str], str]:
    transaction.cursor.execute(_COLLATIONS[_engine(transaction)])
    rows = transaction.cursor.fetchall()
    return {(table, column): collation for table, column, collation in rows if table in NAMES}


def _probe(transaction: Transaction) -> dict[tuple[str, str], str]:
    """SQLite does not tell a column's collation, but compares the rows of a UNION by that of its first column."""
    found = {}
    for table in find_tables(transaction) & NAMES:
        transaction.cursor.execute(f"PRAGMA table_xinfo({table})")
        for _, column, *_ in transaction.cursor.fetchall():
            if _wanted(transaction, table, column):
                transaction.cursor.execute(_PROBE.format(column=column, table=table))
                [differing] = transaction.cursor.fetchone()
                found[table, column] = "BINARY" if differing == 3 else "another collation"
    return found


def _wanted(transaction: Transaction, table: str, column: str) -> str:
    """The collation that is declared; for other text of MariaDB the character set, with which its collations begin."""
    declared = Declared.metadata.tables[table].columns.get(column)
    if declared is None or not isinstance(declared.type, String):
        return ""
    kind = declared.type.dialect_impl(transaction._dialect)
    default = "utf8mb4_*" if _engine(transaction) == "mysql" else ""
    return getattr(kind, "collation", None) or default
