"""The counters from which new rows get their ids: which id was given out last, and moving on past one.

An id that was given out stays given out, also when its row is gone: the shop's orders may still name that member.
"""

import re
from collections.abc import Sequence

from sqlalchemy import Table

from connect_core.store.engine.statement import Transaction

_COUNTER = re.compile(r"\bAUTO_INCREMENT\s*=\s*(\d+)")


def find_last(transaction: Transaction, table: Table) -> int:
    """Return the last id that the counter of `table` gave out; 0 for none, or where none is kept.

    SQLite keeps none for a table whose ids it may give out again.
    """
    cursor = transaction.cursor
    match transaction.backend.dialect.name:
        case "sqlite":
            cursor.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (table.name,))
        case "postgresql":
            cursor.execute(f"SELECT pg_sequence_last_value({_get_sequence(table)}::regclass)")
        case _:
            cursor.execute(f"SHOW CREATE TABLE {table.name}")
            counter = _COUNTER.search(cursor.fetchone()[1])
            return int(counter[1]) - 1 if counter else 0
    return (cursor.fetchone() or [None])[0] or 0


def move_past(transaction: Transaction, table: Table, last: int) -> None:
    """Make the counter of `table` go on above `last`, unless it is further already."""
    if last <= find_last(transaction, table):
        return
    match transaction.backend.dialect.name:
        case "sqlite":
            _move_on_sqlite(transaction, table, last)
        case "postgresql":
            transaction.cursor.execute(f"SELECT setval({_get_sequence(table)}, {last})")
        case _:
            transaction.cursor.execute(f"ALTER TABLE {table.name} AUTO_INCREMENT = {last + 1}")


def move_past_inserted(transaction: Transaction, table: Table, highest_id: int) -> None:
    """Make the counter of `table` go on above the ids that are inserted, `highest_id` at most.

    The sequences of PostgreSQL do not notice such ids; the other engines move their counters themselves.
    """
    if transaction.backend.dialect.name == "postgresql":
        move_past(transaction, table, highest_id)


def find_forbidden(transaction: Transaction, tables: Sequence[Table]) -> str:
    """Return the name of one of `tables` from whose counter this user may take no id; empty when there is none.

    Only PostgreSQL has a right for that, which a GRANT on all tables does not give. No id is taken.
    """
    if transaction.backend.dialect.name != "postgresql":
        return ""
    counted = [table.name for table in tables if "id" in table.c]
    rows = ", ".join(f"('{name}')" for name in counted)
    transaction.cursor.execute(
        f"SELECT name FROM (VALUES {rows}) AS counted (name)"  # noqa: S608 - names of our own tables
        " WHERE NOT has_sequence_privilege(pg_get_serial_sequence(name, 'id'), 'USAGE, UPDATE') LIMIT 1"
    )
    return str((transaction.cursor.fetchone() or [""])[0])


def _get_sequence(table: Table) -> str:
    return f"pg_get_serial_sequence('{table.name}', 'id')"


def _move_on_sqlite(transaction: Transaction, table: Table, last: int) -> None:
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return
    transaction.cursor.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, table.name))
    if not transaction.cursor.rowcount:
        transaction.cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, last))
