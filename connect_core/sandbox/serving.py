"""Serving applications on loopback from a thread, which is where sandboxes live. Never binds to another address."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from connect_core.sandbox.vendor_server import Sandbox


def sandbox_app(sandboxes: Mapping[str, Sandbox]) -> Starlette:
    """One application with every sandbox mounted under its provider's name."""
    return Starlette(routes=[Mount(f"/{name}", sandbox.app()) for name, sandbox in sandboxes.items()])


class _Server(uvicorn.Server):
    """Looks fifty times a second whether it should stop, not ten: a test suite starts and stops hundreds."""

    async def main_loop(self) -> None:
        tick = 0
        while not await self.on_tick(tick):
            tick += 1
            await asyncio.sleep(0.02)


def listen(port: int = 0) -> socket.socket:
    """Take a loopback port; 0 takes a free one."""
    return socket.create_server(("127.0.0.1", port), backlog=2048)


@contextmanager
def serving(app: ASGIApp, *, port: int = 0, listener: socket.socket | None = None) -> Iterator[str]:
    """Serve `app` on loopback, on `port` or an open `listener`, from a thread of its own; yields its base URL.

    Raises `RuntimeError` when the application does not start, `OSError` when the port is taken.
    """
    listener = listener or listen(port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
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
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
