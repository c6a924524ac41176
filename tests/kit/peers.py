"""Servers on sockets that answer with any bytes, and calls to them through a pool of their own."""

import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from connect_core.http import Answer, HttpPool

Talk = Callable[["Peer", socket.socket], None]


@dataclass
class Peer:
    """A server below HTTP. `requests` are those it read; `closed` is set once the other side hung up."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def wait_for(self, count: int) -> None:
        """Return once `count` requests were read; fails after two seconds."""
        end = time.monotonic() + 2
        while len(self.requests) < count:
            assert time.monotonic() < end
            time.sleep(0.005)

    def read(self, connection: socket.socket) -> bool:
        """Take one request; False when the other side hung up."""
        request = connection.recv(65536)
        if request:
            self.requests.append(request)
        else:
            self.closed.set()
        return bool(request)


@contextmanager
def peer(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Run `talk` for every connection, each in a thread; the connection closes when it returns."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = Peer(f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}")

    def serve(connection: socket.socket) -> None:
        try:
            with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
                talk(server, stream)
        except OSError:
            server.closed.set()

    def accept() -> None:
        while listener.fileno() >= 0:
            try:
                server.connections.append(listener.accept()[0])
            except OSError:
                return
            threading.Thread(target=serve, args=server.connections[-1:], daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(2)
        listener.close()


def never(server: Peer, connection: socket.socket) -> None:
    """Read and never answer."""
    while server.read(connection):
        pass


def always(answer: bytes) -> Talk:
    """Give every request the same `answer`, byte for byte."""

    def talk(server: Peer, connection: socket.socket) -> None:
        while server.read(connection):
            connection.sendall(answer)

    return talk


def whole(body: bytes = b"{}", header: bytes = b"") -> bytes:
    """A complete 200 answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), header) + body


@asynccontextmanager
async def http_pool(**options: Any) -> AsyncIterator[HttpPool]:
    """A pool with a deadline of two seconds; `options` are those of `HttpPool`."""
    pool = HttpPool(**{"deadline": 2.0, **options})
    try:
        yield pool
    finally:
        await pool.aclose()


async def get(
    url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **options: Any
) -> Answer:
    """One GET through a fresh pool."""
    async with http_pool(**options) as pool:
        return await pool.for_provider("acme").get(url, params=params, headers=headers)


async def post(url: str, **request: Any) -> Answer:
    """One POST through a fresh pool."""
    async with http_pool() as pool:
        return await pool.for_provider("acme").post(url, **request)
