"""What a process that serves adds to its counts: how busy it is now. Also lets a worker publish its counts.

A worker that publishes shows by that that its event loop is alive.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from connect_core.manager import ConnectManager
from connect_core.observability.metrics import Counts, SnapshotWriter, begin_counting, is_installed
from connect_core.observability.metrics.snapshots import WRITE_SECONDS
from connect_core.threads import DaemonThreads


def sample(manager: ConnectManager, counts: Counts) -> None:
    """Set the gauges that tell how many calls and connections there are now, and by which settings it works."""
    busy, waiting = manager.pool.count_calls()
    counts.set_gauge("provider_slots", {("busy",): busy, ("waiting",): waiting})
    busy, idle, waiting = manager.database.count_connections()
    counts.set_gauge("db_pool", {("busy",): busy, ("idle",): idle, ("waiting",): waiting})
    if (follower := manager.settings_follower) is not None:
        counts.set_gauge("settings_revision", {("active",): follower.active, ("applied",): follower.applied})


def publish_snapshots(app: Starlette, folder: Path) -> Starlette:
    """Return `app`, the service in a worker, whose lifespan now writes the counts of this process into `folder`."""
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def publishing(app: Starlette) -> AsyncIterator[Any]:
        publisher = _Publisher(app.state.manager, folder)
        async with lifespan(app) as state:
            task = asyncio.create_task(publisher.run_for_ever())
            try:
                yield state
            finally:
                task.cancel()
                await asyncio.wait([task])
        await publisher.publish()  # with what was counted while the service stopped

    app.router.lifespan_context = publishing
    return app


class _Publisher:
    """Writes snapshots on a thread, one after the other: a slow disk holds up no login."""

    def __init__(self, manager: ConnectManager, folder: Path) -> None:
        self._manager, self._writer = manager, SnapshotWriter(folder)
        self._counts = begin_counting() if is_installed() else Counts()
        self._thread = DaemonThreads("metrics", threads=1, waiting=1)
        self._writing: asyncio.Future[None] | None = None

    async def run_for_ever(self) -> None:
        while True:
            sample(self._manager, self._counts)
            await self.publish()
            await asyncio.sleep(WRITE_SECONDS)

    async def publish(self) -> None:
        """Write a snapshot, unless the last one is still being written after a while."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=WRITE_SECONDS)
        if self._writing is None or self._writing.done():
            self._writing = self._thread.start(partial(self._writer.write, self._counts.take()))
            await asyncio.wait([self._writing], timeout=WRITE_SECONDS)
