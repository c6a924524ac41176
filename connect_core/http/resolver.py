"""Looks up the addresses of vendors' host names on threads of its own. Sends no request.

asyncio's default pool belongs to everybody in the process: a member directory or a shop that blocks its few threads, in
`asyncio.to_thread`, would stop every call to a vendor.
"""

import socket
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from connect_core.threads import DaemonThreads

LOOK_UPS = 8
"""How many look-ups run at once. aiohttp makes one of those that ask for the same name at the same time."""


class ThreadsResolver(AbstractResolver):
    """The machine's own resolver, as `socket.getaddrinfo` asks it."""

    def __init__(self) -> None:
        self._threads = DaemonThreads("host names", threads=LOOK_UPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`. Raises `socket.gaierror`, and `Unavailable` when too many look-ups wait."""
        look_up = partial(
            socket.getaddrinfo, host, port, family, type=socket.SOCK_STREAM, flags=socket.AddressInfo.AI_ADDRCONFIG
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=family_,
                proto=proto,
                flags=socket.AddressInfo.AI_NUMERICHOST | socket.AddressInfo.AI_NUMERICSERV,
            )
            for family_, _, proto, _, address in await self._threads.start(look_up)
        ]

    async def close(self) -> None:
        """Do nothing: threads without work end by themselves."""
