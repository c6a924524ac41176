"""Sealed values counted in slices, on every engine: each row once, by its key, and no statement reads a whole table."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import create_engine, insert

from connect_core.store import Database, Transaction, schema, sealed_values
from connect_core.store.models import VendorSessionLink, table_of
from connect_core.store.schema.upgrade import upgrade_schema
from connect_core.store.sealed_values import LOGOUT_HINTS, SETTING_VALUES

LENGTH = 12
OLD, NEW = "v1.0000000a.", "v1.0000000b."
HINTS = [NEW, OLD, "", OLD, NEW, NEW, OLD]
"""How the hint of each row begins; an empty one is not sealed."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with our tables, and a row for each of `HINTS`."""
    with closing(Database(database_url)) as opened:
        schema.prepare(opened)
        upgrade_schema(opened)
        rows = [
            {
                "family": f"{number:032d}",
                "member_id": number,
                "provider": "acme",
                "client_type": "pc",
                "sid_hash": "",
                "hint": prefix and f"{prefix}{number:>040}",
                "expiry_time": 2**40,
            }
            for number, prefix in enumerate(HINTS)
        ]
        engine = create_engine(database_url)
        with engine.begin() as connection:
            connection.execute(insert(table_of(VendorSessionLink)), rows)
        engine.dispose()
        yield opened


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_slices_count_every_row_once(database: Database, limit: int) -> None:
    """Whatever their size; a slice that is not full is the last one."""
    counts, sizes, last = Counter[str](), list[int](), None
    while not sizes or sizes[-1] == limit:
        counted = await database.read(
            lambda tx: sealed_values.count_slice(tx, LOGOUT_HINTS, LENGTH, limit, last)  # noqa: B023 - runs at once
        )
        counts.update(counted.counts)
        sizes.append(counted.rows)
        last = counted.last
    assert counts == {NEW: 3, OLD: 3}
    assert (sum(sizes), len(sizes)) == (len(HINTS), len(HINTS) // limit + 1)


async def test_an_empty_table_has_nothing_to_count(database: Database) -> None:
    """One statement says so."""
    counted = await database.read(lambda tx: sealed_values.count_slice(tx, SETTING_VALUES, LENGTH, 10))
    assert (counted.counts, counted.rows) == ({}, 0)


async def test_a_slice_reads_no_other_row(database: Database) -> None:
    """The plan is a search by the primary key from where the slice begins, which stops after its rows."""

    def explain(tx: Transaction) -> str:
        prepared = tx.prepare(sealed_values._count_slice(LOGOUT_HINTS))
        parameters = prepared.arrange({"after": "", "length": LENGTH, "most": 3})
        tx.cursor.execute(f"EXPLAIN QUERY PLAN {prepared.text}", parameters)
        return "\n".join(str(row) for row in tx.cursor.fetchall())

    if not database.is_sqlite:
        pytest.skip("a server reads a small table as a whole, whatever its indexes")
    plan = await database.read(explain)
    assert "SEARCH es_connect_vendor_session USING" in plan
    assert "(family>?)" in plan
    assert "SCAN es_connect_vendor_session" not in plan
