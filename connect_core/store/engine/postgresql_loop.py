"""PostgreSQL on the event loop: a unit of work pauses while it waits for the server, and the loop goes on.

On a thread, each answer of the server hands Python's global interpreter lock over and back, which costs several times
as much as the query. A unit of work is a plain function, so it runs in a greenlet, which can pause inside of it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

from greenlet import getcurrent, greenlet
from psycopg import OperationalError, pq
from psycopg.pq.abc import PGconn
from sqlalchemy import PoolProxiedConnection

from connect_core.store.engine.postgresql_cursor import PostgresqlCursor
from connect_core.store.engine.workers import Deadline

T = TypeVar("T")

THREADS = 4
"""Threads that open connections, and have statements cancelled."""
CANCEL_SECONDS = 0.3
"""How long to wait for the answer of a statement that is being cancelled."""


class _End(Generic[T]):
    """How a unit of work ended."""

    __slots__ = ("_error", "_result")

    def __init__(self, work: Callable[[], T]) -> None:
        """Run the work to its end."""
        self._error: BaseException | None = None
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001 - for whoever awaits the work
            self._error = error

    def get(self) -> T:
        """Return the result of the work, or raise its error."""
        if self._error is None:
            return self._result
        try:
            raise self._error
        finally:
            self._error = None  # or the error would keep itself alive


def _run_works(work: Callable[[], Any]) -> None:
    """Run one unit of work after the other: a greenlet for each would have to get memory for its stack each time."""
    parent = getcurrent().parent
    assert parent is not None
    while True:
        work = parent.switch(_End(work))


class LoopConnection:
    """A connection whose answers the event loop waits for. `proxied` is SQLAlchemy's, taken out of its pool."""

    def __init__(self, proxied: PoolProxiedConnection, loop: asyncio.AbstractEventLoop, threads: Executor) -> None:
        self.proxied = proxied
        self.opened_at = time.monotonic()
        self._loop, self._threads = loop, threads
        self._end: asyncio.Future[_End[Any]] | None = None
        self._pause = self._pauses = 0
        self._is_sending = self._was_cancelled = False
        self._worker = greenlet(_run_works)
        driver: Any = proxied.dbapi_connection
        self._driver = driver
        self._libpq: PGconn = driver.pgconn
        self._socket = self._libpq.socket
        loop.add_reader(self._socket, self._read)

    @property
    def is_usable(self) -> bool:
        """Whether it is open, in no transaction, and no cancellation may still arrive, for another's statement."""
        return not self._was_cancelled and bool(self._libpq.transaction_status == pq.TransactionStatus.IDLE)

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work`, whose cursors wait by `wait`, and return its result.

        When the caller is cancelled, or the connection is lost, `wait` raises that inside of `work`. An answer goes to
        `work` at once: the caller, with all who await it, is woken once and not for each answer.
        """
        worker = self._worker
        worker.gr_context = getcurrent().gr_context
        ended: _End[T] | None = worker.switch(work)
        while ended is None:
            self._end = self._loop.create_future()
            try:
                ended = await self._end
            except asyncio.CancelledError as error:
                if not self._end.cancelled():  # it had ended before
                    raise
                ended = worker.throw(error)
            finally:
                self._end = None
        return ended.get()

    def wait(self, _: PGconn, is_sending: bool) -> None:  # noqa: FBT001 - as `Wait`
        """Pause the work that `run` runs until an answer has come, or more of a statement can be sent."""
        parent = getcurrent().parent
        assert parent is not None
        self._pauses += 1
        self._pause, self._is_sending = self._pauses, is_sending
        if is_sending:
            self._loop.add_writer(self._socket, self._go_on)
        try:
            parent.switch(None)
        finally:
            self._pause = 0
            if is_sending:
                self._loop.remove_writer(self._socket)

    def give_up(self) -> None:
        """Have the server cancel the statement under way; the work gets its answer, or soon none at all.

        Without that a statement that waits for a lock might take effect after its sender has given up. Never for a
        COMMIT: cancelled while it waits for a standby, it succeeds without the standby.
        """
        self._cancel()
        self._loop.call_later(CANCEL_SECONDS, self._fail, self._pause)

    def leave(self, cursor: PostgresqlCursor) -> None:
        """Let the work wait no longer for its COMMIT; what becomes of that is not known.

        A write that was sent with it is cancelled as in `give_up`. The COMMIT may begin before that arrives, so its
        sender must not be told afterwards that it succeeded.
        """
        if not cursor.is_before_commit:
            self._loop.call_soon(self._fail, self._pause)
            return
        self._cancel()
        self._loop.call_later(CANCEL_SECONDS, self._fail_waiting, cursor)

    def _cancel(self) -> None:
        self._was_cancelled = True
        # PQcancel, without the timeout, holds Python's global lock until the server has answered
        self._threads.submit(self._driver.cancel_safe, timeout=CANCEL_SECONDS)

    def _fail_waiting(self, cursor: PostgresqlCursor) -> None:
        if cursor.is_waiting:
            self._fail(self._pause)

    def _fail(self, pause: int) -> None:
        """Raise an error inside of the work, if it still waits for the same answer."""
        if pause and pause == self._pause:
            self._go_on(OperationalError("the server does not answer"))

    def close(self) -> None:
        """Close it; not from inside of `run`."""
        with suppress(Exception):  # the loop may be closed by now
            self._loop.remove_reader(self._socket)
        self.proxied.close()

    def _read(self) -> None:
        """Read what has come. What comes while nobody waits is the end of the connection, or a notice."""
        try:
            self._libpq.consume_input()
        except OperationalError as lost:
            self._loop.remove_reader(self._socket)
            self._go_on(lost)
        else:
            if self._is_sending or not self._libpq.is_busy():
                self._go_on()

    def _go_on(self, error: Exception | None = None) -> None:
        """Let the work go on, and hand its end to `run`. One whose caller was just cancelled gets that from there."""
        if self._end is None or self._end.done():
            return
        ended = self._worker.switch() if error is None else self._worker.throw(error)
        if ended is not None:
            self._end.set_result(ended)


class LoopPool:
    """At most `size` connections of one event loop; who finds none free waits in turn."""

    def __init__(self, connect: Callable[[], PoolProxiedConnection], *, size: int, recycle_seconds: int) -> None:
        """`connect` opens a connection, on a thread; one older than `recycle_seconds` is replaced."""
        self._connect, self._size, self._recycle_seconds = connect, size, recycle_seconds
        self._threads = ThreadPoolExecutor(THREADS, "connect-postgresql")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: list[LoopConnection] = []
        self._waiting: deque[asyncio.Future[LoopConnection | None]] = deque()
        self._count = 0
        self._valid_from = 0.0
        self._is_closed = False

    async def acquire(self, deadline: Deadline) -> LoopConnection:
        """Return a free connection; give it back with `release`. Raises `Unavailable`, and what opening one raises."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin(loop)
        while True:
            while self._idle:
                connection = self._idle.pop()
                if self._is_good(connection):
                    return connection
                self._drop(connection)
            if self._count < self._size:
                return await self._open(loop, deadline)
            turn: asyncio.Future[LoopConnection | None] = loop.create_future()
            self._waiting.append(turn)
            deadline.watch(turn, _end)
            try:
                handed_over = await turn
                deadline.check()
            except BaseException:
                if turn.done() and not turn.cancelled():
                    self._pass_on(turn.result())
                raise
            if handed_over is not None:
                return handed_over

    def release(self, connection: LoopConnection) -> None:
        """Take a connection back, and close it unless it can be used again.

        Whoever waits longest gets it, before anybody who comes now: a login that has got far must not keep those off
        who begin.
        """
        if self._is_good(connection):
            self._pass_on(connection)
        else:
            self._drop(connection)
            self._pass_on(None)

    def count_connections(self) -> tuple[int, int, int]:
        """Return how many connections are in use or being opened, how many are free, and how many units wait."""
        waiting = sum(not turn.done() for turn in self._waiting)
        return self._count - len(self._idle), len(self._idle), waiting

    def replace_all(self) -> None:
        """Let every connection that is open now be replaced: the server behind them has gone."""
        self._valid_from = time.monotonic()

    def close(self) -> None:
        """Close the connections that are free; one that is being opened is closed once it is open."""
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        while self._idle:
            self._drop(self._idle.pop())

    async def _open(self, loop: asyncio.AbstractEventLoop, deadline: Deadline) -> LoopConnection:
        self._count += 1
        opening, is_over = loop.run_in_executor(self._threads, self._connect_on_thread), loop.create_future()
        deadline.watch(is_over, _end)
        try:
            await asyncio.wait([opening, is_over], return_when=asyncio.FIRST_COMPLETED)
            deadline.check()
            return LoopConnection(opening.result(), loop, self._threads)
        except BaseException:
            self._count -= 1
            self._pass_on(None)
            opening.add_done_callback(_close_opened)  # nobody will use it
            raise

    def _connect_on_thread(self) -> PoolProxiedConnection:
        connection = self._connect()
        if self._is_closed:
            connection.close()
            raise OperationalError("the pool was closed meanwhile")
        return connection

    def _is_good(self, connection: LoopConnection) -> bool:
        is_young = time.monotonic() - connection.opened_at < self._recycle_seconds
        return is_young and connection.opened_at >= self._valid_from and connection.is_usable

    def _drop(self, connection: LoopConnection) -> None:
        self._count -= 1
        connection.close()

    def _pass_on(self, connection: LoopConnection | None) -> None:
        """Hand a connection over to the next who waits, or with None the right to open one."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        if connection is not None:
            self._idle.append(connection)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin anew on another event loop: the connections of the last one belong to it."""
        while self._idle:
            self._drop(self._idle.pop())
        self._loop, self._count = loop, 0
        self._waiting.clear()


def _end(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_result(None)


def _close_opened(opening: "asyncio.Future[PoolProxiedConnection]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
