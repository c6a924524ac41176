"""A cursor on libpq itself, through psycopg's `pq`: what `Statement` needs of a cursor, and no more.

It never blocks in libpq: `wait` decides how the time until the server's answer passes, on a thread or on the event
loop.
"""

import select
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from psycopg import errors, pq
from psycopg.pq.abc import PGconn, PGresult

from connect_core.store.engine.combining import combine

Row = tuple[Any, ...]
Wait = Callable[[PGconn, bool], None]
"""Returns once more of an answer has been read or, if the second argument says so, more of a statement can be sent."""

# OIDs from PostgreSQL's pg_type.dat; whatever is not here is text
_CONVERSIONS: dict[int, Callable[[bytes], Any]] = {
    16: b"t".__eq__,  # bool
    **dict.fromkeys((20, 21, 23, 26), int),  # int8, int2, int4, oid
    1700: lambda value: Decimal(value.decode()),  # numeric
}
ROWS_OF_INSERT = 500
"""Most rows that are inserted by one statement; with it, fewer than the 65,535 parameters that PostgreSQL takes."""
_VALUES = " VALUES ("
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)


def wait_on_thread(connection: PGconn, is_sending: bool) -> None:  # noqa: FBT001 - as `Wait`
    """Block the calling thread, without holding Python's global interpreter lock."""
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN | (select.POLLOUT if is_sending else 0))
    poll.poll()
    connection.consume_input()


class PostgresqlCursor:
    """Runs statements whose parameters are `$1`, `$2` …, each with a cast in the statement where it needs a type.

    With `prepared`, the names of the statements that the connection's server knows, by their texts, each statement is
    prepared once and named (PostgreSQL, "Frontend/Backend Protocol: Extended Query"). `rowcount` and `description` are
    those of DB-API's cursors.
    """

    __slots__ = ("_connection", "_prepared", "_result", "_wait")

    def __init__(
        self, connection: PGconn, wait: Wait = wait_on_thread, prepared: dict[str, bytes] | None = None
    ) -> None:
        self._connection, self._wait, self._prepared = connection, wait, prepared
        self._result: PGresult | None = None

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open, intact or failed, and no statement is under way."""
        status = self._connection.transaction_status
        return status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    @property
    def rowcount(self) -> int:
        """How many rows the last statement returned or changed."""
        return (self._result.command_tuples or 0) if self._result is not None else -1

    @property
    def backend_pid(self) -> int:
        """The process of the server, as the handshake told it."""
        return self._connection.backend_pid

    @property
    def description(self) -> Sequence[tuple[str]]:
        """The names of the columns of the last statement."""
        result = self._result
        return [((result.fname(place) or b"").decode(),) for place in range(result.nfields)] if result else []

    def execute(self, text: str, parameters: Sequence[object] = ()) -> None:
        """Execute a statement; without parameters it may be several. Raises psycopg's errors."""
        self._result = None
        connection, values = self._connection, [_encode(value) for value in parameters]
        if values and self._prepared is not None:
            name = self._prepared.get(text) or self._prepare(text, self._prepared)
            connection.send_query_prepared(name, values)
        elif values:
            connection.send_query_params(text.encode(), values)
        else:
            connection.send_query(text.encode())
        self._result = self._fetch_result()

    def _prepare(self, text: str, prepared: dict[str, bytes]) -> bytes:
        name = b"s%d" % len(prepared)
        self._connection.send_prepare(name, text.encode())
        self._fetch_result()
        prepared[text] = name
        return name

    def executemany(self, text: str, rows: Iterable[Sequence[object]]) -> None:
        """Execute a statement once for each of `rows`; those of an INSERT go in statements of many rows."""
        remaining = list(rows)
        while remaining and text.startswith("INSERT") and _VALUES in text:
            chunk, remaining = remaining[:ROWS_OF_INSERT], remaining[ROWS_OF_INSERT:]
            self.execute(_repeat(text, len(chunk)), [value for parameters in chunk for value in parameters])
        for parameters in remaining:
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

    def _fetch_result(self) -> PGresult:
        """Wait for the results of what was sent, one for each statement, and return the last one."""
        connection, wait = self._connection, self._wait
        while connection.flush():
            wait(connection, True)
        results: list[PGresult] = []
        while True:
            while connection.is_busy():
                wait(connection, False)
            result = connection.get_result()
            if result is None:
                break
            results.append(result)
        for result in results:
            if result.status in _FAILED:
                raise errors.error_from_result(result)
        return results[-1]


@lru_cache(maxsize=64)
def _repeat(insert: str, row_count: int) -> str:
    return combine(((insert, row_count),))


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
