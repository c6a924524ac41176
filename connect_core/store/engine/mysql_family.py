"""MySQL, MariaDB, OceanBase and their relatives through PyMySQL: connections, time limits, locks, catalogue queries.

What differs between them is in `mysql_engine`; the server's version decides at the first connection.
"""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, PoolProxiedConnection, event, make_url

from connect_core.errors import SettingsError, Unavailable
from connect_core.store.engine import galera, group_replication, mysql_tls
from connect_core.store.engine.addresses import UnusableUrl
from connect_core.store.engine.backend import (
    TABLE_LOCK_SECONDS,
    Extent,
    ServerBackend,
    cut_socket,
    read_collations,
    read_names,
)
from connect_core.store.engine.mysql_choice import check_settings, choose_engine
from connect_core.store.engine.mysql_dialect import adapt_dialect
from connect_core.store.engine.mysql_engine import EXACT_COLLATION, MysqlEngine
from connect_core.store.engine.mysql_hosts import MysqlHosts, split_hosts
from connect_core.store.engine.mysql_upgrade import UpgradeLock
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS, WORK_TIMEOUT_SECONDS

CHARSET = "utf8mb4"
"""The only character set of the family that holds every character."""
_LOCK_LIMITS = ("lock_wait_timeout", "innodb_lock_wait_timeout")
_PATIENT_SECONDS = 60
_LONG_SECONDS = 24 * 3600
_TLS_ERROR = 2026
"""CR_SSL_CONNECTION_ERROR, "Client Error Codes"."""
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""REPEATABLE READ, the default, locks gaps between index entries: two first logins would block each other."""
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
_COLLATIONS = (
    "SELECT table_name, column_name, COALESCE(collation_name, data_type) FROM information_schema.columns "
    "WHERE table_schema = DATABASE() AND (collation_name IS NOT NULL OR data_type = 'varbinary')"
)
_EXACT = frozenset({"varbinary", "utf8mb4_0900_bin"})
"""How the engines compare byte for byte that lack `EXACT_COLLATION`."""
_TEXT_TYPES = (253, 254)
"""VAR_STRING and STRING, "Column Definition Flags"."""


class MysqlFamilyBackend(ServerBackend):
    """A server of the MySQL family."""

    clock_query = "SELECT unix_timestamp(sysdate(6))"
    returns_keys = False  # only MariaDB has INSERT … RETURNING
    default_collation = "utf8mb4_*"
    # a record has changed since it was read; a wait for a lock, which may be a deadlock on OceanBase; a deadlock
    race_numbers = frozenset({"1020", "1205", "1213", group_replication.ROLLED_BACK})
    in_use_number = "1205"
    # --read-only, a transaction that is read-only, read-only mode, InnoDB in read-only mode
    read_only_numbers = frozenset({"1290", "1792", "1836", "1874", galera.NOT_READY}) | group_replication.NOT_READY

    def __init__(self, url: str, pool_size: int) -> None:
        """`url` is SQLAlchemy's form. Raises as `open_engine`, also for another character set than utf8mb4."""
        address, hosts = split_hosts(make_url(url))
        self._hosts = MysqlHosts(hosts) if len(hosts) > 1 else None
        if str(address.query.get("charset", CHARSET)).lower() != CHARSET:
            raise UnusableUrl(f"the parameter charset must be {CHARSET}: names are in any script")
        own_command = [str(address.query["init_command"])] if "init_command" in address.query else []
        collation = str(address.query.get("collation", ""))
        if not re.fullmatch(r"\w*", collation):
            raise UnusableUrl("the parameter collation has a value that cannot be used")
        if collation:  # SQLAlchemy leaves it out when it names the character set
            own_command.insert(0, f"SET NAMES {CHARSET} COLLATE {collation}")
        if "sql_mode" not in address.query:
            own_command.insert(0, "SET sql_mode = 'TRADITIONAL'")
        self.mysql_engine: MysqlEngine | None = None
        # the URL's own init_command comes after our limits, and the isolation level after both
        self._set_up = [*own_command, _ISOLATION]
        timeouts = {"read_timeout": WORK_TIMEOUT_SECONDS, "write_timeout": WORK_TIMEOUT_SECONDS}
        super().__init__(address.difference_update_query(["init_command"]), pool_size, timeouts)
        if self.dialect.driver != "pymysql":
            raise UnusableUrl(f"the driver {self.dialect.driver} is not known: give mysql+pymysql://")
        event.listen(self.engine, "do_connect", self._connect)
        event.listen(self.engine, "connect", self._set_up_session)

    def begin(self, cursor: Any, extent: Extent) -> None:
        """Do nothing: the driver starts a transaction with the first statement."""

    def _connect(self, dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
        """Connect as SQLAlchemy does; a certificate that PyMySQL cannot read is an error of the driver's too."""
        driver = dialect.loaded_dbapi

        def connect(**host: Any) -> Any:
            try:
                return mysql_tls.open_connection(driver, *arguments, **{**options, **host})
            except OSError as error:
                raise driver.OperationalError(_TLS_ERROR, type(error).__name__) from None

        if self._hosts is None:
            return connect()
        connection = self._hosts.connect(connect, driver)
        _set_read_timeout(connection, options["read_timeout"])
        return connection

    def _set_up_session(self, connection: Any, record: Any) -> None:
        """Set limits and isolation level. Raises `SettingsError`, the first time, for a server that is unfit."""
        with connection.cursor() as cursor:
            is_new = self.mysql_engine is None
            engine = self.mysql_engine or self._recognize(cursor)
            limits = dict(engine.get_statement_limits(RESPONSE_TIMEOUT_SECONDS))
            _set(cursor, limits | dict.fromkeys(_LOCK_LIMITS, RESPONSE_TIMEOUT_SECONDS))
            wait = _find_wait(cursor, engine)
            self.has_local_locks = bool(wait)
            for statement in [wait, *self._set_up] if wait else self._set_up:
                cursor.execute(statement)
            if is_new:
                cursor.execute("SELECT @@sql_mode, @@default_storage_engine")
                check_settings(*cursor.fetchone())
        if _may_hold_bytes(engine):
            connection.decoders.update(dict.fromkeys(_TEXT_TYPES, _decode))
        self.mysql_engine = engine

    def _recognize(self, cursor: Any) -> MysqlEngine:
        cursor.execute("SELECT VERSION(), @@version_comment")
        engine = choose_engine(*cursor.fetchone())
        adapt_dialect(self.dialect, engine)
        return engine

    def cut(self, connection: Any) -> None:
        """Shut down the connection's socket."""
        cut_socket(getattr(connection, "_sock", None))

    def begin_long_read(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that only reads and has no time limit, and return its cursor."""
        cursor = connection.cursor()
        self._lift_limits(connection.dbapi_connection, cursor)
        return cursor

    def begin_long_write(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that writes, without a time limit, and return its cursor; a lock may take a minute."""
        cursor = self.begin_long_read(connection)
        _set(cursor, dict.fromkeys(_LOCK_LIMITS, _PATIENT_SECONDS))
        return cursor

    def prepare_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Let statements take as long as they need, and wait `TABLE_LOCK_SECONDS` for tables that others use.

        Raises `SettingsError` for a database whose character set is not utf8mb4.
        """
        cursor: Any = connection.connection.cursor()
        self._lift_limits(connection.connection.dbapi_connection, cursor)
        _set(cursor, {"lock_wait_timeout": TABLE_LOCK_SECONDS})
        cursor.execute("SELECT @@character_set_database")
        [charset] = cursor.fetchone()
        if charset != CHARSET:
            mistake = f"the database's character set is {charset}: run: ALTER DATABASE CHARACTER SET {CHARSET}"
            raise SettingsError([f"service.database_url: {mistake}"])

    @contextmanager
    def hold_upgrade_lock(
        self, connection: Connection, lock_seconds: int, tell: Callable[[str], object]
    ) -> Iterator[None]:
        """Keep other upgrades away with a row, since statements that change a schema commit by themselves."""
        driver_connection: Any = connection.connection.dbapi_connection
        lock = UpgradeLock(self.open_unlimited(), self, lambda: self.cut(driver_connection))
        try:
            lock.acquire(lock_seconds, tell)
            yield
        except Exception:
            if lock.is_lost:
                raise Unavailable("another upgrade has taken over; see what it says") from None
            raise
        finally:
            lock.release()

    def open_unlimited(self) -> Any:
        """Return a connection of PyMySQL's that is in no pool and has no time limits."""
        connection = self.engine.raw_connection()
        driver_connection: Any = connection.dbapi_connection
        connection.detach()
        with driver_connection.cursor() as cursor:
            self._lift_limits(driver_connection, cursor)
            _set(cursor, dict.fromkeys(_LOCK_LIMITS, _LONG_SECONDS))
        return driver_connection

    def lock_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Do nothing: `hold_upgrade_lock` keeps others away."""

    def find_connection_limit(self, cursor: Any) -> int | None:
        """Return the server's limit, or the user's own where it is lower; None behind a pooler."""
        cursor.execute("SELECT @@max_connections, @@max_user_connections, CONNECTION_ID()")
        limit, own_limit, connection_id = cursor.fetchone()
        return min(limit, own_limit or limit) if connection_id == cursor.connection.thread_id() else None

    def find_tables(self, cursor: Any) -> frozenset[str]:
        """Return the names of all tables of the database."""
        return read_names(cursor, _TABLES)

    def find_collations(self, cursor: Any, columns: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return the collation of each of `columns` that exists, in MariaDB's word where it is exact."""
        assert self.mysql_engine is not None
        exact = _EXACT if _may_hold_bytes(self.mysql_engine) else frozenset()
        collations = read_collations(cursor, _COLLATIONS, columns)
        return {column: EXACT_COLLATION if collation in exact else collation for column, collation in collations}

    def _lift_limits(self, connection: Any, cursor: Any) -> None:
        _set_read_timeout(connection, None)
        assert self.mysql_engine is not None
        _set(cursor, dict(self.mysql_engine.get_statement_limits(0)))


def _find_wait(cursor: Any, engine: MysqlEngine) -> str:
    """Return the statement that makes transactions wait for the other servers which take writes; empty without any."""
    if galera.is_node(cursor):
        return galera.WAIT
    if engine.has_group_replication and group_replication.is_multi_primary(cursor, engine.version):
        return group_replication.WAIT
    return ""


def _may_hold_bytes(engine: MysqlEngine) -> bool:
    """Tell whether ids may be in VARBINARY columns, as also MySQL 8 has them after an upgrade from 5.7."""
    return engine.exact_collation != EXACT_COLLATION


def _set_read_timeout(connection: Any, seconds: int | None) -> None:
    connection._read_timeout = seconds  # PyMySQL has no public way to change it once connected


def _set(cursor: Any, variables: dict[str, int]) -> None:
    cursor.execute("SET " + ", ".join(f"{name} = {value}" for name, value in variables.items()))


def _decode(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
