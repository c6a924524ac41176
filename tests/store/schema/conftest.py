"""A database without tables, and one with ours, on each engine in turn."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from connect_core.store import Database
from connect_core.store.schema.upgrade import upgrade_schema


@pytest.fixture
def database(empty: str) -> Iterator[Database]:
    """A database without tables, on each engine in turn."""
    with closing(Database(empty)) as one:
        yield one


@pytest.fixture
def upgraded(database: Database) -> Database:
    """The same with our tables."""
    upgrade_schema(database)
    return database
