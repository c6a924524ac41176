"""A temporary file for what an import must know of all rows at once: a million people do not fit into memory.

It is a temporary database of SQLite's, which nobody else can open, in the folder for temporary files (`TMPDIR`), and is
gone when it is closed. What its rows mean is decided in `importing`.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from types import TracebackType
from typing import Any, Self

from connect_core.store.engine.statement import Row

_CACHE_KIB = 16 * 1024
"""Memory for pages of the file."""
_SET_UP = f"""
PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;
CREATE TABLE old_row (row_id, member_id INTEGER, old_type TEXT, value TEXT);
CREATE TABLE id (
    member_id INTEGER, union_type TEXT, place INTEGER, row_id, kind TEXT, scope TEXT, value TEXT,
    PRIMARY KEY (member_id, union_type, place)) WITHOUT ROWID;
CREATE TABLE shared_id (
    union_type TEXT, kind TEXT, scope TEXT, value TEXT,
    PRIMARY KEY (union_type, kind, scope, value)) WITHOUT ROWID;
CREATE TABLE uname (uname TEXT PRIMARY KEY, member_id INTEGER) WITHOUT ROWID;
"""
_FIND_SHARED = """
INSERT INTO shared_id SELECT union_type, kind, scope, value FROM id
GROUP BY union_type, kind, scope, value HAVING min(member_id) <> max(member_id)
"""
_IDS = """
SELECT member_id, union_type, row_id, kind, scope, value, EXISTS (
    SELECT 1 FROM shared_id s WHERE (s.union_type, s.kind, s.scope, s.value) = (i.union_type, i.kind, i.scope, i.value))
FROM id i WHERE {where} ORDER BY member_id, union_type, place
"""
_OF_MEMBERS = _IDS.format(where="member_id IN (SELECT value FROM json_each(?))")
_ALL = _IDS.format(where="1")


class Staging:
    """The rows of an import that is under way. Use it as a context manager, which deletes them."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(_SET_UP)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add_rows(self, rows: Iterable[tuple[Any, int, str, str]]) -> None:
        """Keep rows of the old shop: each is its id, its member, its type and its value."""
        self._file.executemany("INSERT INTO old_row VALUES (?, ?, ?, ?)", rows)

    def read_rows(self) -> Iterator[list[Row]]:
        """Yield the rows of each member, ordered by the member's id."""
        cursor = self._file.execute("SELECT * FROM old_row ORDER BY member_id, row_id")
        for _, rows in groupby(cursor, key=lambda row: row[1]):
            yield list(rows)

    def add_ids(self, rows: Iterable[tuple[int, str, int, Any, str, str, str]]) -> None:
        """Keep ids of persons: each is member, union type, place among the person's ids, row, kind, scope and value."""
        self._file.executemany("INSERT INTO id VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def find_shared(self) -> None:
        """Find the ids that several members have, once all ids are here; the rows of the old shop are dropped."""
        self._file.execute("DROP TABLE old_row")
        self._file.execute(_FIND_SHARED)

    def take_ids(self, member_ids: Sequence[int]) -> list[Row]:
        """Return the ids of these members and drop them.

        Each row is member, union type, row, kind, scope, value and whether another member has the id as well.
        """
        keys = json.dumps(list(member_ids))
        rows = self._file.execute(_OF_MEMBERS, (keys,)).fetchall()
        self._file.execute("DELETE FROM id WHERE member_id IN (SELECT value FROM json_each(?))", (keys,))
        return rows

    def read_ids(self) -> Iterator[Row]:
        """Yield the ids that nobody took, in the form of `take_ids`."""
        yield from self._file.execute(_ALL)

    def add_unames(self, unames: Iterable[tuple[str, int]]) -> None:
        """Keep names, each with its member."""
        self._file.executemany("INSERT INTO uname VALUES (?, ?)", unames)

    def find_unames(self, unames: Sequence[object]) -> dict[str, int]:
        """Return those of `unames` that were added, each with its member."""
        query = "SELECT uname, member_id FROM uname WHERE uname IN (SELECT value FROM json_each(?))"
        return dict(self._file.execute(query, (json.dumps([name for name in unames if isinstance(name, str)]),)))
