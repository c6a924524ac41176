"""TLS towards a server of the MySQL family whose URL says nothing of it: used if the server offers it.

PyMySQL verifies no certificate then. Still it would read all CA certificates of the machine anew for each connection,
which takes longer than the login that waits for it.
"""

from functools import cache
from typing import Any


def open_connection(driver: Any, *arguments: Any, **options: Any) -> Any:
    """Return a new connection of PyMySQL, `driver`; `arguments` and `options` are those of `pymysql.connect`."""
    return _share_context(driver.connections.Connection)(*arguments, **options)


@cache
def _share_context(connection: type[Any]) -> type[Any]:
    class SharingConnection(connection):  # type: ignore[misc]
        contexts: list[Any] = []  # noqa: RUF012 - one for all connections of the process

        def _create_ssl_ctx(self, parameters: Any) -> Any:  # PyMySQL has no public way to give one that is not demanded
            if parameters:
                return super()._create_ssl_ctx(parameters)
            if not self.contexts:
                self.contexts.append(super()._create_ssl_ctx(parameters))
            return self.contexts[0]

    return SharingConnection
