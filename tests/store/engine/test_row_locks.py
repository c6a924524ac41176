"""Locks of rows hold in a whole cluster: each is a `RowLock`, or its transaction changes the rows that it locks."""

from pathlib import Path

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import mysql

import connect_core
from connect_core.store.engine.statement import RowLock
from connect_core.store.models import Connection, table_of

STORE = Path(connect_core.__file__).parent / "store"
OWN_LOCKS = {
    "engine/statement.py": 2,  # RowLock itself, and an ExpiryDelete deletes what it locks
    "identities.py": 2,  # for PostgreSQL alone
    "tries.py": 1,  # the number is raised afterwards
}


def test_no_query_locks_by_itself() -> None:
    """FOR UPDATE alone would keep off the transactions of one node."""
    counts = {
        path.relative_to(STORE).as_posix(): path.read_text("utf-8").count("with_for_update")
        for path in STORE.rglob("*.py")
    }
    assert {name: count for name, count in counts.items() if count} == OWN_LOCKS


def test_a_row_lock_changes_the_rows_that_it_returns() -> None:
    """The count is raised under the very condition of the query, since a change to the same value is none."""
    table = table_of(Connection)
    lock = RowLock(select(table.c.id).where(table.c.member_id == bindparam("member")).order_by(table.c.id))
    text = lock._raise_count.compile(mysql.dialect()).text
    assert text == "UPDATE es_connect SET lock_count=(es_connect.lock_count + %s) WHERE es_connect.member_id = %s"
