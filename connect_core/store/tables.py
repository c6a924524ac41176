"""Whole tables, for demonstrations and tests; a service never reads one."""

from typing import Any

from connect_core.store.statement import Transaction


def find_rows(transaction: Transaction, table: str) -> list[dict[str, Any]]:
    """Return the rows of `table`, one of ours, in the order of their first column."""
    transaction.cursor.execute(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - the caller names a table of ours
    names = [column[0] for column in transaction.cursor.description]
    return [dict(zip(names, row, strict=True)) for row in transaction.cursor.fetchall()]
