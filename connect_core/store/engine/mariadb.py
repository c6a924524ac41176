"""MariaDB through PyMySQL: connection settings, time limits, locks and catalogue queries."""

import re
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, PoolProxiedConnection, event, make_url, text

from connect_core.errors import SettingsError, Unavailable
from connect_core.store.engine.addresses import UnusableUrl
from connect_core.store.engine.backend import Extent, ServerBackend, cut_socket, read_collations, read_names
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS, WORK_TIMEOUT_SECONDS

CHARSET = "utf8mb4"
"""The only character set of MariaDB that holds every character."""
_LIMITS = ("max_statement_time", "lock_wait_timeout", "innodb_lock_wait_timeout")
_TLS_ERROR = 2026
"""CR_SSL_CONNECTION_ERROR, "Client Error Codes"."""
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""REPEATABLE READ, the default, locks gaps between index entries: two first logins would block each other."""
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
_COLLATIONS = (
    "SELECT table_name, column_name, collation_name FROM information_schema.columns "
    "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL"
)
_LOCK = "SELECT GET_LOCK(CONCAT('es_connect ', MD5(DATABASE())), :seconds), @@character_set_database"


class MariadbBackend(ServerBackend):
    """A MariaDB server."""

    default_collation = "utf8mb4_*"
    returns_keys = False  # MariaDB can; MySQL and OceanBase cannot
    race_numbers = frozenset({"1020", "1213"})  # a record has changed since it was read; a deadlock
    # --read-only, a transaction that is read-only, read-only mode, InnoDB in read-only mode
    read_only_numbers = frozenset({"1290", "1792", "1836", "1874"})

    def __init__(self, url: str) -> None:
        """`url` is SQLAlchemy's form. Raises as `open_engine`, also for another character set than utf8mb4."""
        address = make_url(url)
        if str(address.query.get("charset", CHARSET)).lower() != CHARSET:
            raise UnusableUrl(f"the parameter charset must be {CHARSET}: names are in any script")
        settings = dict.fromkeys(_LIMITS, str(RESPONSE_TIMEOUT_SECONDS))
        if "sql_mode" not in address.query:
            settings["sql_mode"] = "'TRADITIONAL'"
        set_up = "SET " + ", ".join(f"{name} = {value}" for name, value in settings.items())
        own_command = [str(address.query["init_command"])] if "init_command" in address.query else []
        collation = str(address.query.get("collation", ""))
        if not re.fullmatch(r"\w*", collation):
            raise UnusableUrl("the parameter collation has a value that cannot be used")
        if collation:  # SQLAlchemy leaves it out when it names the character set
            own_command.insert(0, f"SET NAMES {CHARSET} COLLATE {collation}")
        # the URL's own init_command comes after our limits, and the isolation level after both
        self._set_up = [set_up, *own_command, _ISOLATION]
        timeouts = {"read_timeout": WORK_TIMEOUT_SECONDS, "write_timeout": WORK_TIMEOUT_SECONDS}
        super().__init__(address.difference_update_query(["init_command"]), timeouts)
        event.listen(self.engine, "do_connect", self._connect)
        event.listen(self.engine, "connect", self._set_up_session)

    def begin(self, cursor: Any, extent: Extent) -> None:
        """Do nothing: the driver starts a transaction with the first statement."""

    def _connect(self, dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
        """Connect as SQLAlchemy does; a certificate that PyMySQL cannot read is an error of the driver's too."""
        try:
            return dialect.connect(*arguments, **options)
        except OSError as error:
            raise dialect.loaded_dbapi.OperationalError(_TLS_ERROR, type(error).__name__) from None

    def _set_up_session(self, connection: Any, record: Any) -> None:
        with connection.cursor() as cursor:
            for statement in self._set_up:
                cursor.execute(statement)

    def cut(self, connection: Any) -> None:
        """Shut down the connection's socket."""
        cut_socket(getattr(connection, "_sock", None))

    def begin_long_read(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that only reads and has no time limit, and return its cursor."""
        _lift_read_timeout(connection.dbapi_connection)
        cursor = connection.cursor()
        cursor.execute("SET max_statement_time = 0")
        return cursor

    def begin_long_write(self, connection: PoolProxiedConnection) -> Any:
        """Start a transaction that writes, without a time limit, and return its cursor; a lock may take a minute."""
        cursor = self.begin_long_read(connection)
        cursor.execute("SET innodb_lock_wait_timeout = 60")
        return cursor

    def prepare_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Let the driver wait for as long as a statement takes."""
        _lift_read_timeout(connection.connection.dbapi_connection)

    def lock_upgrade(self, connection: Connection, lock_seconds: int) -> None:
        """Wait for other upgrades with a named lock, which lasts until the connection is closed.

        Names of locks belong to the server, so the name contains the database's. Raises `Unavailable` after
        `lock_seconds`, and `SettingsError` for a database whose character set is not utf8mb4.
        """
        connection.execute(text(f"SET max_statement_time = 0, lock_wait_timeout = {lock_seconds}"))
        has_lock, charset = connection.execute(text(_LOCK), {"seconds": lock_seconds}).one()
        if not has_lock:
            raise Unavailable("another upgrade holds the lock")
        if charset != "utf8mb4":
            mistake = f"the database's character set is {charset}: run: ALTER DATABASE CHARACTER SET utf8mb4"
            raise SettingsError([f"service.database_url: {mistake}"])

    def find_tables(self, cursor: Any) -> frozenset[str]:
        """Return the names of all tables of the database."""
        return read_names(cursor, _TABLES)

    def find_collations(self, cursor: Any, columns: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return the collation of each of `columns` that exists."""
        return dict(read_collations(cursor, _COLLATIONS, columns))


def _lift_read_timeout(connection: Any) -> None:
    connection._read_timeout = None  # PyMySQL has no public way to change it once connected
