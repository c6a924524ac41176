"""A cursor on libpq itself, through psycopg's `pq`: what `Statement` needs of a cursor, and no more.

It never blocks in libpq: `wait` decides how the time until the server's answer passes, on a thread or on the event
loop.
"""

import re
import select
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from psycopg import errors, pq
from psycopg.pq.abc import PGconn, PGresult

Row = tuple[Any, ...]
Wait = Callable[[PGconn], None]
"""Returns once more of an answer has been read from the connection."""

# OIDs from PostgreSQL's pg_type.dat; whatever is not here is text
_CONVERSIONS: dict[int, Callable[[bytes], Any]] = {
    16: b"t".__eq__,  # bool
    **dict.fromkeys((20, 21, 23, 26), int),  # int8, int2, int4, oid
    1700: lambda value: Decimal(value.decode()),  # numeric
}
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)
_PARAMETER = re.compile(r"\$(\d+)")


def wait_on_thread(connection: PGconn) -> None:
    """Block the calling thread, without holding Python's global interpreter lock."""
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN)
    poll.poll()
    connection.consume_input()


class PostgresqlCursor:
    """Runs statements whose parameters are `$1`, `$2` …, each with a cast in the statement where it needs a type.

    With `around`, SQL that opens a transaction and SQL that ends it, each statement is sent with them in one message.
    `rowcount` and `description` are those of DB-API's cursors.
    """

    __slots__ = ("_connection", "_result", "_wait", "around")

    def __init__(self, connection: PGconn, wait: Wait = wait_on_thread) -> None:
        self._connection, self._wait = connection, wait
        self._result: PGresult | None = None
        self.around: tuple[str, str] | None = None

    @property
    def rowcount(self) -> int:
        """How many rows the last statement returned or changed."""
        return (self._result.command_tuples or 0) if self._result is not None else -1

    @property
    def description(self) -> Sequence[tuple[str]]:
        """The names of the columns of the last statement."""
        result = self._result
        return [((result.fname(place) or b"").decode(),) for place in range(result.nfields)] if result else []

    def execute(self, text: str, parameters: Sequence[object] = ()) -> None:
        """Execute a statement; without parameters it may be several. Raises psycopg's errors."""
        self._result = None
        connection = self._connection
        if self.around is not None:
            begin, end = self.around
            connection.send_query(f"{begin}; {self._fill_in(text, parameters)}; {end}".encode())
        elif parameters:
            connection.send_query_params(text.encode(), [_encode(value) for value in parameters])
        else:
            connection.send_query(text.encode())
        results = self._fetch_results()
        for result in results:
            if result.status in _FAILED:
                raise errors.error_from_result(result)
        self._result = results[-1 if self.around is None else -2]

    def executemany(self, text: str, rows: Iterable[Sequence[object]]) -> None:
        """Execute a statement once for each of `rows`."""
        for parameters in rows:
            self.execute(text, parameters)

    def fetchall(self) -> list[Row]:
        """Return all rows that the last statement returned."""
        result = self._result
        if result is None or not result.ntuples:
            return []
        read = result.get_value
        columns = [(place, _CONVERSIONS.get(result.ftype(place), bytes.decode)) for place in range(result.nfields)]
        return [
            tuple(None if (value := read(row, place)) is None else convert(value) for place, convert in columns)
            for row in range(result.ntuples)
        ]

    def fetchone(self) -> Row | None:
        """Return the first row that the last statement returned."""
        rows = self.fetchall()
        return rows[0] if rows else None

    def close(self) -> None:
        """Forget the last result."""
        self._result = None

    def _fetch_results(self) -> list[PGresult]:
        """Wait for the results of what was sent: one for each statement."""
        connection, wait = self._connection, self._wait
        while connection.flush():
            wait(connection)
        results: list[PGresult] = []
        while True:
            while connection.is_busy():
                wait(connection)
            result = connection.get_result()
            if result is None:
                return results
            results.append(result)

    def _fill_in(self, text: str, parameters: Sequence[object]) -> str:
        """Return the statement with its parameters as literals: a message of several statements takes no others."""
        if not parameters:
            return text
        escape = pq.Escaping(self._connection).escape_literal
        values = [_encode(value) for value in parameters]
        literals = ["NULL" if value is None else bytes(escape(value)).decode() for value in values]
        pieces = _split(text)
        filled = [piece if not number else literals[number - 1] for piece, number in pieces]
        return "".join(filled)


@cache
def _split(text: str) -> tuple[tuple[str, int], ...]:
    """Return the pieces of a statement: texts with the number 0, and the numbers of parameters with an empty text."""
    return tuple(
        (piece, 0) if place % 2 == 0 else ("", int(piece)) for place, piece in enumerate(_PARAMETER.split(text))
    )


def _encode(value: object) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    if value is None:
        return None
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"%d" % value
    raise TypeError(f"a parameter is of the type {type(value).__name__}")
