"""Several hosts of one MariaDB or MySQL database: which is connected to, and for how long one that failed comes last.

The order of the URL is the order of preference. Never runs a statement of ours; opens connections and looks at servers.
"""

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import URL

from connect_core.store.engine.addresses import UnusableUrl

PORT = 3306
ANSWER_SECONDS = 1
"""How long each host may take for each answer until the connection is open: there has to be time for the next one."""
COOL_DOWN_SECONDS = 30
"""How long a host that failed comes after the others."""
_READ_ONLY = 1290
"""ER_OPTION_PREVENTS_STATEMENT, which a server with --read-only answers to a write."""
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^:\[\]]+))(?::([0-9]+))?")
_IS_READ_ONLY = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'innodb_read_only')"

Host = tuple[str, int]


def split_hosts(url: URL) -> tuple[URL, list[Host]]:
    """Return `url` without its parameters `host` and `port`, and the hosts that these name, in order.

    The form is SQLAlchemy's, as for PostgreSQL: `mysql+pymysql://user@/shop?host=db1:3306&host=db2:3306`. The list is
    empty for an URL that names its host before the path. Raises `UnusableUrl`.
    """
    names, ports = _get_all(url, "host"), _get_all(url, "port")
    if not names:
        return url, []
    if url.host or "unix_socket" in url.query:
        raise UnusableUrl("the parameter host goes with neither a host before the path nor with unix_socket")
    if len(ports) not in (0, 1, len(names)):
        raise UnusableUrl("give the parameter port once, or once for each host")
    ports = ports * len(names) if len(ports) == 1 else ports or [str(PORT)] * len(names)
    hosts = [_parse(name, port) for name, port in zip(names, ports, strict=True)]
    return url.difference_update_query(["host", "port"]).set(host=hosts[0][0], port=hosts[0][1]), hosts


class MysqlHosts:
    """Connects to the first of several hosts that takes writes. One for each engine; threads may share it."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._hosts = list(hosts)
        self._failed_at: dict[Host, float] = {}

    def connect(self, open_connection: Callable[..., Any], driver: Any) -> Any:
        """Return PyMySQL's connection to one of the hosts, which `open_connection` opens with the arguments it gets.

        Its `read_timeout` is `ANSWER_SECONDS`. `driver` is the DB-API module. Raises the error of the last host when
        none can be used.
        """
        limits = {"connect_timeout": ANSWER_SECONDS, "read_timeout": ANSWER_SECONDS}
        errors = []
        for host in self._get_order():
            try:
                connection = open_connection(host=host[0], port=host[1], **limits)
                _check(connection, driver)
            except driver.Error as error:
                self._failed_at[host] = time.monotonic()
                errors.append(error)
            else:
                self._failed_at.pop(host, None)
                return connection
        raise errors[-1]

    def _get_order(self) -> list[Host]:
        since = time.monotonic() - COOL_DOWN_SECONDS
        return sorted(self._hosts, key=lambda host: self._failed_at.get(host, since) > since)


def _check(connection: Any, driver: Any) -> None:
    """Raise an error of the driver's for a server that takes no writes, or answers no queries."""
    connection.rollback()  # a node of Galera without its cluster answers queries that read no table, and nothing else
    with connection.cursor() as cursor:
        cursor.execute(_IS_READ_ONLY)
        if any(value not in ("OFF", "0") for _, value in cursor.fetchall()):
            raise driver.OperationalError(_READ_ONLY, "takes no writes")


def _get_all(url: URL, name: str) -> list[str]:
    value = url.query.get(name, ())
    return [value] if isinstance(value, str) else list(value)


def _parse(name: str, port: str) -> Host:
    match = _HOST.fullmatch(name)
    number = (match and match[3]) or port
    if match is None or not number.isascii() or not number.isdecimal() or not 0 < int(number) < 65536:
        raise UnusableUrl("the parameter host has the form HOST, HOST:PORT or [IPV6]:PORT")
    return match[1] or match[2], int(number)
