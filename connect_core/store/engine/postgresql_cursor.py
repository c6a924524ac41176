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
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS

Row = tuple[Any, ...]
Wait = Callable[[PGconn, bool], None]
"""Returns once more of an answer has been read or, if the second argument says so, more of a statement can be sent."""

# OIDs from PostgreSQL's pg_type.dat; whatever is not here is text
_CONVERSIONS: dict[int, Callable[[bytes], Any]] = {
    16: b"t".__eq__,  # bool
    **dict.fromkeys((20, 21, 23, 26), int),  # int8, int2, int4, oid
    1700: lambda value: Decimal(value.decode()),  # numeric
}
Query = tuple[str, Sequence[bytes | None]]
_BEGIN: Query = ("BEGIN ISOLATION LEVEL READ COMMITTED", ())
ROWS_OF_INSERT = 500
"""Most rows that are inserted by one statement; with it, fewer than the 65,535 parameters that PostgreSQL takes."""
_VALUES = " VALUES ("
_IN_TRANSACTION = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)
"""A transaction is open, intact or failed, and no statement is under way."""
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)


class _Encoders(dict[type, Callable[[Any], bytes | None]]):
    """What makes a parameter of each type a text for the server. Raises `TypeError` for a type that no column has."""

    def __missing__(self, kind: type) -> Callable[[Any], bytes | None]:
        if not issubclass(kind, str):
            raise TypeError(f"a parameter is of the type {kind.__name__}")
        return str.encode


_ENCODERS = _Encoders(
    {
        str: str.encode,
        int: b"%d".__mod__,
        bool: lambda value: b"t" if value else b"f",
        type(None): lambda _: None,
    }
)


def wait_on_thread(connection: PGconn, is_sending: bool) -> None:  # noqa: FBT001 - as `Wait`
    """Block the calling thread, without holding Python's global interpreter lock."""
    _poll(connection, is_sending, None)


def wait_shortly(connection: PGconn, is_sending: bool) -> None:  # noqa: FBT001 - as `Wait`
    """The same; raises `OperationalError` after `RESPONSE_TIMEOUT_SECONDS`."""
    if not _poll(connection, is_sending, RESPONSE_TIMEOUT_SECONDS * 1000):
        raise errors.OperationalError("the server does not answer")


def _poll(connection: PGconn, is_sending: bool, milliseconds: float | None) -> bool:  # noqa: FBT001
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN | (select.POLLOUT if is_sending else 0))
    has_come = bool(poll.poll(milliseconds))
    connection.consume_input()
    return has_come


class PostgresqlCursor:
    """Runs statements whose parameters are `$1`, `$2` …, each with a cast in the statement where it needs a type.

    With `prepared`, the names of the statements that the connection's server knows, by their texts, each statement is
    prepared once and named (PostgreSQL, "Frontend/Backend Protocol: Extended Query"). `rowcount` and `description` are
    those of DB-API's cursors.

    If it `holds_back`, `begin` and `execute_before_commit` keep their statements for the next one, with which they are
    sent together (PostgreSQL, "Pipeline Mode"): that saves a way to the server and back.
    """

    __slots__ = ("_connection", "_held_back", "_prepared", "_result", "_unanswered", "_wait", "holds_back")

    def __init__(
        self,
        connection: PGconn,
        wait: Wait = wait_on_thread,
        prepared: dict[str, bytes] | None = None,
        *,
        holds_back: bool = False,
    ) -> None:
        self._connection, self._wait, self._prepared, self.holds_back = connection, wait, prepared, holds_back
        self._result: PGresult | None = None
        self._held_back: list[Query] = []
        self._unanswered = 0

    @property
    def is_before_commit(self) -> bool:
        """Whether a statement is under way that was sent together with a COMMIT, and no answer to it has come."""
        return self._unanswered > 1

    @property
    def is_waiting(self) -> bool:
        """Whether answers to statements that were sent together are still to come."""
        return self._unanswered > 0

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
        """Execute a statement. Raises psycopg's errors, also those of statements that were held back.

        Without parameters it may be several statements, unless it comes after `begin`.
        """
        self._result = None
        query = (text, _encode(parameters))
        if self._held_back:
            queries, self._held_back = [*self._held_back, query], []
            self._result = self._send_together(queries)
        elif parameters:
            self._send(query, self._find_name(query))
            self._result = self._fetch_result()
        else:
            self._connection.send_query(text.encode())
            self._result = self._fetch_result()

    def begin(self) -> None:
        """Start a transaction on READ COMMITTED with the next statement. Only for a cursor that `holds_back`."""
        self._held_back.append(_BEGIN)

    def execute_before_commit(self, text: str, parameters: Sequence[object]) -> None:
        """Execute the last statement of a transaction, whose result nobody reads, at the latest with `commit`.

        The first statement is executed at once: before a COMMIT is on its way, it must be known that the connection is
        still open.
        """
        if self._held_back or not self.holds_back:
            self.execute(text, parameters)
        else:
            self._held_back.append((text, _encode(parameters)))

    def commit(self) -> None:
        """Commit the transaction; one without statements was never begun."""
        if self._held_back == [_BEGIN]:
            self._held_back.clear()
        else:
            self.execute("COMMIT")

    def roll_back(self) -> None:
        """Roll the transaction back, unless there is none, or a statement is under way."""
        self._held_back.clear()
        if self._connection.transaction_status in _IN_TRANSACTION:
            self.execute("ROLLBACK")

    def _send_together(self, queries: Sequence[Query]) -> PGresult:
        connection, names = self._connection, [self._find_name(query) for query in queries]
        connection.enter_pipeline_mode()
        for query, name in zip(queries, names, strict=True):
            self._send(query, name)
        connection.pipeline_sync()
        results: list[PGresult] = []
        for self._unanswered in range(len(queries), 0, -1):
            results += self._read_results()
        self._unanswered = 0
        self._read_result()  # that all have been answered
        connection.exit_pipeline_mode()
        return _check(results)

    def _send(self, query: Query, name: bytes | None) -> None:
        text, values = query
        if name is None:
            self._connection.send_query_params(text.encode(), values)
        else:
            self._connection.send_query_prepared(name, values)

    def _find_name(self, query: Query) -> bytes | None:
        """Return the name by which the server knows a statement with parameters; None where none is prepared."""
        text, values = query
        if self._prepared is None or not values:
            return None
        return self._prepared.get(text) or self._prepare(text, self._prepared)

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
        return _check(self._read_results())

    def _read_results(self) -> list[PGresult]:
        """Wait for the results of one text that was sent."""
        while self._connection.flush():
            self._wait(self._connection, True)
        return list(iter(self._read_result, None))

    def _read_result(self) -> PGresult | None:
        while self._connection.is_busy():
            self._wait(self._connection, False)
        return self._connection.get_result()


def _check(results: Sequence[PGresult]) -> PGresult:
    """Return the last result. Raises the first error."""
    for result in results:
        if result.status in _FAILED:
            raise errors.error_from_result(result)
    return results[-1]


@lru_cache(maxsize=64)
def _repeat(insert: str, row_count: int) -> str:
    return combine(((insert, row_count),))


def _encode(parameters: Sequence[object]) -> list[bytes | None]:
    """Return the parameters as texts. Raises `TypeError`."""
    return [_ENCODERS[type(value)](value) for value in parameters]
