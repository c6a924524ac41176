"""Writes whose results nobody reads, sent as one statement: PostgreSQL's data-modifying WITH.

Each statement costs a way to the server and back, so a unit of work puts such writes off until its next query or its
commit. All parts of one statement see the database as it was before it, none may change a row that another part writes,
and their order is not defined (PostgreSQL, "Data-Modifying Statements in WITH"). So an update is combined with no other
write of its table, and rows that the same INSERT inserts are one part, which keeps them in order.
"""

import re
from collections.abc import Sequence

Parts = tuple[tuple[str, int], ...]
"""The text of each part, and how many rows it inserts."""
_PARAMETER = re.compile(r"\$(\d+)")
_VALUES = " VALUES "


class PutOffWrites:
    """Writes that wait for being sent together."""

    __slots__ = ("_inserted", "_parameters", "_updated")

    def __init__(self) -> None:
        self._parameters: dict[str, list[Sequence[object]]] = {}
        self._inserted: set[str] = set()
        self._updated: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._parameters)

    def can_take(self, table: str, *, is_insert: bool) -> bool:
        """Tell whether a write of the table may be a part of the same statement."""
        return table not in self._updated and (is_insert or table not in self._inserted)

    def add(self, table: str, text: str, parameters: Sequence[object], *, is_insert: bool) -> None:
        """Put a write off; `parameters` are those of `$1`, `$2` … in `text`."""
        self._parameters.setdefault(text, []).append(parameters)
        (self._inserted if is_insert else self._updated).add(table)

    def take(self, known: dict[Parts, str]) -> tuple[str, Sequence[object]]:
        """Return all of them as one statement with its parameters, and forget them; `known` caches statements."""
        parts = tuple((text, len(rows)) for text, rows in self._parameters.items())
        parameters = [value for rows in self._parameters.values() for row in rows for value in row]
        for collection in (self._parameters, self._inserted, self._updated):
            collection.clear()
        statement = known.get(parts)
        if statement is None:
            statement = known[parts] = combine(parts)
        return statement, parameters


def combine(parts: Parts) -> str:
    """Return one statement of them all, the parameters numbered through."""
    texts, before = [], 0
    for text, row_count in parts:
        width = max((int(number) for number in _PARAMETER.findall(text)), default=0)
        head, values, row = text.rpartition(_VALUES) if row_count > 1 else ("", "", text)
        rows = [_shift(row, before + width * place) for place in range(row_count)]
        texts.append(head + values + ", ".join(rows))
        before += width * row_count
    *others, last = texts
    named = ", ".join(f"w{place} AS ({text})" for place, text in enumerate(others))
    return f"WITH {named} {last}" if named else last


def _shift(text: str, by: int) -> str:
    return _PARAMETER.sub(lambda number: f"${int(number[1]) + by}", text)
