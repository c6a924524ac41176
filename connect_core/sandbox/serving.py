"""Serving ASGI applications from threads: on loopback, unless the caller brings a socket of its own."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from connect_core.limits import KEEP_ALIVE_SECONDS
from connect_core.sandbox.vendor_server import Sandbox


def sandbox_app(sandboxes: Mapping[str, Sandbox]) -> Starlette:
    """Return one application that has each sandbox under `/NAME`; `sandboxes` maps provider names to sandboxes."""
    return Starlette(routes=[Mount(f"/{name}", sandbox.app()) for name, sandbox in sandboxes.items()])


class _Server(uvicorn.Server):
    """Stops within milliseconds, where uvicorn takes 0.2 seconds: a test suite starts and stops thousands."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let it end; from any thread. Returns at once."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        self._loop, tick = asyncio.get_running_loop(), 0
        while not await self.on_tick(tick):
            tick += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Do what uvicorn does, without its pause before it looks whether connections are closed."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                await self._wait_tasks_to_complete()
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


def listen(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1; port 0 takes a free one. Raises `OSError` when the port is taken."""
    return socket.create_server(("127.0.0.1", port), backlog=2048)


def get_url(listener: socket.socket) -> str:
    """Return the base URL of what listens on a socket, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"


@contextmanager
def serving(app: ASGIApp, *, port: int = 0, listener: socket.socket | None = None) -> Iterator[str]:
    """Serve `app` from a thread until the block ends; yields its base URL, without a slash at the end.

    It listens on 127.0.0.1 and `port` (0: a free one), or on `listener`, an open socket such as from `listen`. The
    application's lifespan runs. The end of the block waits at most 10 seconds for requests that are under way.

        with serving(sandbox_app({"acme": AcmeSandbox()})) as base_url:
            httpx.get(f"{base_url}/acme/authorize")

    Raises `RuntimeError` when the application does not start, and `OSError` when the port is taken.
    """
    listener = listener or listen(port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        if not server.started:
            raise RuntimeError("the application did not start; its log says why")
        yield get_url(listener)
    finally:
        server.stop()
        thread.join(10)
        listener.close()
