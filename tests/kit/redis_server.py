"""A Redis server that a test can kill, restart and flush, and a proxy before it that a test can block."""

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from connect_core.sandbox import listen

from ..conftest import Require
from .ports import free_port


class OwnRedis:
    """A `redis-server` on a free port; nothing of it outlives it but its folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._options = options
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder]
        self._process = subprocess.Popen([*command, *self._options], stdout=subprocess.DEVNULL)
        ends = time.monotonic() + 10
        while time.monotonic() < ends:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(64):
                    return
            time.sleep(0.01)
        raise AssertionError("redis-server does not answer")

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill it and start it, empty."""
        self.kill()
        self.start()

    @contextmanager
    def client(self) -> Iterator[redis.Redis]:
        """The administrator's own connection."""
        with contextlib.closing(redis.Redis.from_url(self.url)) as client:
            yield client

    def flush(self) -> None:
        """Forget everything."""
        with self.client() as client:
            client.flushdb()

    def find_all(self) -> dict[bytes, bytes]:
        """Every text that it keeps, as it is kept."""
        with self.client() as client:
            texts = [key for key in client.scan_iter() if client.type(key) == b"string"]
            return {key: client.get(key) or b"" for key in texts}


@contextmanager
def own_redis(require: Require, folder: Path, *options: str) -> Iterator[OwnRedis]:
    """Run a Redis until the block ends."""
    require(shutil.which("redis-server"), "redis-server")
    server = OwnRedis(folder, *options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


class Way:
    """A way to a Redis. While `is_blocked` nothing that is sent arrives; connections are taken all the same."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = listen()
        self._open: list[socket.socket] = []
        self.is_blocked = False
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def block(self) -> None:
        """Let nothing through."""
        self.is_blocked = True

    def unblock(self) -> None:
        """Let through what waits, and all that follows."""
        self.is_blocked = False

    def close(self) -> None:
        """Let everything through and hang up."""
        self.unblock()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(2)
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                near.close()
                continue
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.is_blocked:
                    time.sleep(0.005)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def way_to(server: OwnRedis) -> Iterator[Way]:
    """Lay a way to a Redis."""
    way = Way(server.port)
    try:
        yield way
    finally:
        way.close()
