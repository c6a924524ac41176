"""`serve --management-port`: what answers there, beside the service in its one process, or in a process of its own.

The folder in which workers leave their counts is the main process's to make and to delete.
"""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from starlette.applications import Starlette

from connect_core.cli.listening import parse_port

ManagementPort = Annotated[
    int | None,
    typer.Option(
        parser=lambda text: parse_port(text, "--management-port"),
        metavar="PORT",
        help="Another port, for /healthz, /readyz and /metrics alone; visitors must not reach it.",
        show_default=False,
    ),
]


class BesideServer(uvicorn.Server):
    """A server beside another one in the same event loop, which alone handles signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the other server."""
        yield


def serve_beside(app: Starlette, config: uvicorn.Config, listener: socket.socket) -> Starlette:
    """Return `app`, whose lifespan now serves the management port too: from before it starts until it has stopped."""
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def serving(app: Starlette) -> AsyncIterator[Any]:
        server = BesideServer(config)
        task = asyncio.create_task(server.serve([listener]))
        # its tasks must be there before the service begins, or they would pass for a plugin's
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            async with lifespan(app) as state:
                yield state
        finally:
            server.should_exit = True
            await asyncio.wait([task])

    app.router.lifespan_context = serving
    return app


@contextmanager
def snapshot_folder() -> Iterator[Path]:
    """Make a folder that this user alone may read; it is deleted when the block ends."""
    folder = tempfile.mkdtemp(prefix="connect-login-metrics-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
