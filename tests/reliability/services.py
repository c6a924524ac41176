"""What the reliability tests run on: sizes, shops as processes, and a way to a server that can be made bad."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.request import urlopen

import pytest
from sqlalchemy import make_url

from connect_core.cli.keys import new_key
from connect_core.errors import Unavailable
from tests.benchmarks.processes import COMMAND

from ..kit.ports import free_port

TESTS = Path(__file__).parents[1]
FULL = os.environ.get("CONNECT_RELIABILITY") == "full"
LIMITS = '[limits]\nper_address = "off"'
FIGURES: list[tuple[str, str, str, str]] = []


class Tell(Protocol):
    """Notes a figure."""

    def __call__(self, name: str, measured: object, bound: str) -> None:
        """`measured` against `bound`, which the test has asserted."""


def sized(short: int, full: int) -> int:
    """A size: small in every run, large where `CONNECT_RELIABILITY=full`."""
    return full if FULL else short


@dataclass(frozen=True, slots=True)
class Service:
    """`connect-login serve` as an operator runs it."""

    url: str
    process: subprocess.Popen[str]
    folder: Path

    def workers(self) -> list[int]:
        """The processes that serve; the first of a family is their supervisor, which is not among them."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
        return [int(pid) for pid in children.split()]


def is_at_work(pid: int) -> bool:
    """Tell whether a worker has had something to do: then it has threads besides its first and its sign of life."""
    with suppress(OSError):
        return len(list(Path(f"/proc/{pid}/task").iterdir())) > 2
    return False


@contextmanager
def running_service(
    folder: Path, database_url: str, vendors: str, *, workers: int = 2, limits: str = LIMITS, **environment: str
) -> Iterator[Service]:
    """Run a shop on `database_url` that talks to the `sandboxes`; `environment` is added to ours.

    `limits` is the end of `[service]` and the section `[limits]`.
    """
    port = free_port()
    folder.mkdir(exist_ok=True)
    url, config = f"http://127.0.0.1:{port}", folder / "connect.toml"
    config.write_text(_CONFIG.format(url=url, database=database_url, key=new_key(), limits=limits) + vendors, "utf-8")
    with (folder / "shop.log").open("w", encoding="utf-8") as log:
        call = [*COMMAND, "serve", "--config", str(config), "--port", str(port), "--workers", str(workers)]
        process = subprocess.Popen(call, stderr=log, text=True, env={**os.environ, **environment})
    try:
        wait_until_ready(url, process)
        yield Service(url, process, folder)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait_until_ready(url: str, process: subprocess.Popen[str]) -> None:
    """Wait for the first answer."""
    while True:
        with suppress(OSError), urlopen(f"{url}/readyz"):
            return
        assert process.poll() is None, "the shop did not start; its folder holds shop.log"
        time.sleep(0.02)


class Proxy:
    """A way to a server on loopback. Its modes: `pass`, `refuse`, `hang` (takes all and says nothing)."""

    def __init__(self, database_url: str) -> None:
        self._url = make_url(database_url)
        assert self._url.host
        self._target = (self._url.host, self._url.port or 5432)
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def database_url(self) -> str:
        """The address of the database that leads through the proxy."""
        return self._url.set(host="127.0.0.1", port=self.port).render_as_string(hide_password=False)

    def start(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        self._call(self._listen())

    def set(self, mode: str) -> None:
        """Change the mode; to refuse ends every connection."""
        self._loop.call_soon_threadsafe(self._flowing.clear if mode == "hang" else self._flowing.set)
        if mode == "refuse":
            self._call(self._close_server())
            self.reset()
        elif not self._server.is_serving():
            self._call(self._listen())

    def reset(self) -> None:
        """Drop every connection, as a server does that is restarted."""
        self._call(self._drop())

    def stop(self) -> None:
        """End it."""
        self.set("refuse")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close_server(self) -> None:
        self._server.close()

    async def _drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        with suppress(OSError):
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        for end in (writer, back):
            self._writers.discard(end)
            end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    """A proxy to the server of a database address."""
    proxy = Proxy(url)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


def script(name: str, *arguments: str) -> dict[str, Any]:
    """What runs a script of this folder in a process of its own, with Acme at hand."""
    command = [sys.executable, str(TESTS / "reliability" / f"{name}.py"), *arguments]
    return {"args": command, "env": {**os.environ, "PYTHONPATH": str(TESTS)}, "text": True}


def memory_of(pid: int) -> float:
    """A process's resident set in MiB."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines() if "VmRSS" in line]
    return int(line.split()[1]) / 1024


def percentile(values: list[float], percent: int) -> float:
    """A percentile of values in any order."""
    return sorted(values)[(len(values) - 1) * percent // 100]


_CONFIG = """\
[service]
public_url = "{url}"
database_url = "{database}"
secret_keys = ["{key}"]
{limits}
[clients]
pc = ["wechat"]
"""

BOUND = 2.5
"""Seconds in which whoever asks is told."""


async def told_after(work: Awaitable[object]) -> float:
    """Seconds until the work is told that the database is unavailable."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        await work
    assert caught.value.status == 503
    assert caught.value.retry_after
    return time.monotonic() - began


async def recover(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds until the work succeeds again."""
    began = time.monotonic()
    while time.monotonic() < began + 10:
        try:
            await work()
        except Unavailable:
            await asyncio.sleep(0.05)
        else:
            return time.monotonic() - began
    raise AssertionError("it does not recover")
