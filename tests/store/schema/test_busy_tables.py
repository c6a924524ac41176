"""An upgrade that has to wait for a table lets logins pass."""

import threading
import time
from contextlib import closing

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from connect_core.store import Database, schema
from connect_core.store.schema.migrations import v0001_tables
from connect_core.store.schema.state import SchemaState
from connect_core.store.schema.upgrade import upgrade_schema


def test_a_report_that_reads_for_long_holds_up_no_login(database: Database, empty: str) -> None:
    """While the upgrade waits for the reader's table, others read it; it ends when the reader does."""
    if database.is_sqlite:
        pytest.skip("a reader does not keep SQLite's file from being changed")
    v0001_tables.TABLES.create_all(database.backend.engine)
    lines: list[str] = []
    upgrade = threading.Thread(target=upgrade_schema, args=(database, lines.append))
    with create_engine(empty, poolclass=NullPool).connect() as report:
        report.exec_driver_sql("SELECT count(*) FROM es_connect_event")
        upgrade.start()
        wait_until_told(lines, "a table is in use by others: trying again")
        with closing(Database(empty)) as login:
            for _ in range(20):
                login.read_blocking(lambda tx: tx.cursor.execute("SELECT count(*) FROM es_connect_event"))
                time.sleep(0.1)
        report.rollback()
    upgrade.join(60)
    assert schema.find_state(database) is SchemaState.CURRENT


def wait_until_told(lines: list[str], line: str) -> None:
    """Wait for a line of the upgrade's."""
    ends = time.monotonic() + 30
    while line not in lines:
        assert time.monotonic() < ends
        time.sleep(0.05)
