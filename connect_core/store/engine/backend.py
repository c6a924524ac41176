"""What differs between database engines, as one interface: connecting, locks, time limits, lists of tables.

`sqlite`, `postgresql` and `mysql_family` implement it. Knows nothing of our tables. Runs no unit of work;
`database` does.
"""

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import URL, Connection, Dialect, Engine, PoolProxiedConnection

from connect_core.store.engine.addresses import open_engine
from connect_core.store.engine.failures import find_number
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from connect_core.store.engine.postgresql_loop import LoopPool

POOL_SIZE = 10
"""Connections to a database server, and threads that use them, where the settings say nothing else."""
TABLE_LOCK_SECONDS = 1
"""How long a statement of an upgrade waits for a table that others use; logins wait for two seconds."""
LONG_THREADS = 1
"""Threads, and so connections, for long units of work, where all others run on the event loop."""
RECYCLE_SECONDS = 300
"""Age after which a server connection is replaced: firewalls silently drop connections that were idle for long."""


class Extent(StrEnum):
    """How far a transaction reaches."""

    WORK = "work"
    """Over the whole unit of work, which is committed at its end."""
    STATEMENT = "statement"
    """Over each statement, which is committed by itself; where the engine cannot do that, over the unit of work."""
    READING = "reading"
    """Over a unit of work that only reads."""


class Backend(ABC):
    """One database, reached through SQLAlchemy's `engine` in the way that its engine needs."""

    writer_threads: int
    reader_threads: ClassVar[int] = 0
    """Threads for reading alone; 0 where readers use the writers' threads."""
    has_single_writer: ClassVar[bool] = False
    """Whether a transaction that writes locks the whole database, so that rows need no locks."""
    has_local_locks: bool = False
    """Whether `SELECT … FOR UPDATE` keeps off only the transactions of the same node; known once a connection is open.
    """
    keeps_connections: ClassVar[bool] = False
    """Whether `Database` keeps its connections itself instead of returning them to SQLAlchemy's pool."""
    returns_keys: ClassVar[bool] = True
    """Whether an INSERT can return the key of its row; else the driver tells it as `lastrowid`."""
    combines_writes: ClassVar[bool] = False
    """Whether several writes may be parts of one statement."""
    reserves_keys: bool = False
    """Whether keys are taken from a sequence before they are used; known once a connection is open."""
    locks_at_once: ClassVar[bool] = False
    """Whether one statement can find rows by others, and lock all of them in an order of its own."""
    default_collation: ClassVar[str] = ""
    """Pattern that the collation of a text column matches when none is declared for it; empty: any collation."""
    analyze: ClassVar[str] = ""
    """The command that makes a server count the rows of tables; empty where it does so in time by itself."""
    race_numbers: ClassVar[frozenset[str]] = frozenset()
    """Numbers (`find_number`) of errors that say that another transaction got in the way, besides unique values."""
    clock_query: ClassVar[str] = ""
    """The query of the server's time in seconds since the epoch; empty where the database is in this process."""
    read_only_numbers: ClassVar[frozenset[str]] = frozenset()
    """Numbers of errors that say that the server takes no writes: another one has become the primary server."""

    in_use_number: ClassVar[str] = ""
    """Number of the error that says that a table could not be locked in time for an upgrade."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect = engine.dialect
        self.statement_dialect: Dialect = engine.dialect
        driver = engine.dialect.loaded_dbapi
        self.driver_error: type[Exception] = driver.Error
        self._integrity_error: type[Exception] = driver.IntegrityError

    def is_lost_race(self, error: Exception) -> bool:
        """Tell whether another transaction got in the way, so that running the same work again may succeed."""
        return isinstance(error, self._integrity_error) or find_number(error) in self.race_numbers

    def is_lost(self, error: Exception, connection: PoolProxiedConnection) -> bool:
        """Tell whether a new connection may help: the server closed this one, or takes no writes any more."""
        is_disconnect = self.dialect.is_disconnect
        if is_disconnect(error, connection.dbapi_connection, None):  # type: ignore[arg-type]
            return True
        return self.takes_no_writes(error)

    def takes_no_writes(self, error: Exception) -> bool:
        """Tell whether the server said so: another one has become the primary server."""
        return find_number(error) in self.read_only_numbers

    def make_loop_pool(self) -> "LoopPool | None":
        """Return connections for the event loop, where units of work can wait for the server there."""
        return None

    def open_cursor(self, connection: PoolProxiedConnection, wait: Any = None) -> Any:
        """Return the cursor of a transaction; `wait` is how one of a loop pool's connections waits for an answer."""
        return connection.cursor()

    @abstractmethod
    def begin(self, cursor: Any, extent: Extent) -> None:
        """Start a transaction where the driver does not do so with the first statement."""

    def end(self, connection: PoolProxiedConnection, cursor: Any, extent: Extent) -> None:
        """Commit the transaction, or roll back one that only reads."""
        connection.rollback() if extent is Extent.READING else connection.commit()

    def roll_back(self, connection: PoolProxiedConnection, cursor: Any) -> None:
        """Roll the transaction back; `cursor` is None when it did not come as far as that."""
        connection.rollback()

    @abstractmethod
    def free_locks(self, connection: PoolProxiedConnection) -> None:
        """Give up the locks of a connection that is about to be closed, where closing it may not be enough."""

    @abstractmethod
    def close_cursor(self, cursor: Any) -> None:
        """Close a cursor where leaving it to the garbage collector does harm."""

    @abstractmethod
    def cut(self, connection: Any) -> None:
        """Break the driver's `connection` while another thread waits for an answer on it."""

    @abstractmethod
    def scrub(self, connection: PoolProxiedConnection) -> None:
        """Outside a transaction: take what was erased from the files that the database keeps on this machine."""

    @abstractmethod
    def rewrite(self, connection: PoolProxiedConnection) -> None:
        """Outside a transaction: write those files anew, without what was deleted before deletions overwrote it."""

    @abstractmethod
    def begin_long_read(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that only reads and has no time limit, and return its cursor.

        The limits of `connection` stay lifted: close it afterwards, do not return it to the pool.
        """

    def begin_long_write(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that writes and has no time limit, and return its cursor; as for `begin_long_read`.

        This one is for engines whose `begin_long_read` does not forbid to write.
        """
        return self.begin_long_read(connection)

    def refresh_statistics(self, cursor: Any, tables: Collection[str]) -> None:
        """Have the server count what is in `tables`, where it would read whole tables until it gets round to that."""
        if self.analyze:
            cursor.execute(f"{self.analyze} {', '.join(tables)}")

    @abstractmethod
    def prepare_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Lift the time limits of a connection that will change the schema, before its transaction starts.

        Raises `SettingsError` where the database cannot hold our text.
        """

    def hold_upgrade_lock(
        self,
        connection: Connection,
        lock_seconds: int,
        tell: Callable[[str], object],
    ) -> AbstractContextManager[None]:
        """Return a context in which no other upgrade of this database runs, where `lock_upgrade` cannot see to it.

        `tell` is called with a line of text when it has to wait. Raises `Unavailable` after `lock_seconds`.
        """
        return nullcontext()

    @abstractmethod
    def lock_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Wait, inside the transaction, for other upgrades of this database.

        Its statements then wait `TABLE_LOCK_SECONDS` at most for a table: whoever comes later waits behind them.

        Raises `Unavailable` after `lock_seconds`.
        """

    @abstractmethod
    def find_connection_limit(self, cursor: Any) -> int | None:
        """Return how many connections the server takes of everybody; None for no limit, or behind a pooler."""

    @abstractmethod
    def find_tables(self, cursor: Any) -> frozenset[str]:
        """Return the names of all tables, ours and others."""

    @abstractmethod
    def find_collations(self, cursor: Any, columns: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return the collation of each of `columns` (table and column name) that exists."""


class ServerBackend(Backend):
    """A database server, with a bounded pool of connections."""

    def __init__(self, url: URL, pool_size: int, defaults: Mapping[str, object]) -> None:
        """`defaults` are arguments of the driver that the parameters of `url` replace. Raises as `open_engine`."""
        self.writer_threads = pool_size
        engine = open_engine(
            url,
            {"connect_timeout": RESPONSE_TIMEOUT_SECONDS, **defaults},
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=RESPONSE_TIMEOUT_SECONDS,
            pool_recycle=RECYCLE_SECONDS,
            pool_use_lifo=True,  # opens no second connection where one is enough
            pool_reset_on_return=None,
        )
        super().__init__(engine)

    def free_locks(self, connection: PoolProxiedConnection) -> None:
        """Do nothing: a server frees the locks of a connection that is closed."""

    def scrub(self, connection: PoolProxiedConnection) -> None:
        """Do nothing: how long a server keeps its log and its old rows is set there."""

    def rewrite(self, connection: PoolProxiedConnection) -> None:
        """Do nothing, as `scrub`."""

    def close_cursor(self, cursor: Any) -> None:
        """Do nothing: the connection goes back to the pool, and the cursor to the garbage collector."""


def cut_socket(holder: Any) -> None:
    """Shut down the socket whose `fileno` is `holder`'s: a thread that reads from it gets the end of the stream."""
    with suppress(Exception), socket.socket(fileno=os.dup(holder.fileno())) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)


def read_names(cursor: Any, query: str) -> frozenset[str]:
    """Run `query`, which selects one column, and return its values."""
    cursor.execute(query)
    return frozenset(name for (name,) in cursor.fetchall())


def read_collations(
    cursor: Any, query: str, columns: Collection[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], str]]:
    """Run `query`, which selects table, column and collation, and yield the rows that are about `columns`."""
    cursor.execute(query)
    for table, column, collation in cursor.fetchall():
        if (table, column) in columns:
            yield (table, column), collation
