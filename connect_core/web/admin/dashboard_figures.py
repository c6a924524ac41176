"""What the start page and the management API show of the service: how logins go, how vendors answer, what waits.

The numbers are those that the metrics count, of this process or of all workers; the extra `metrics` is not needed.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from connect_core.doctor.last_run import DoctorRun, find_last_run
from connect_core.manager import ConnectManager
from connect_core.observability.metrics import Snapshots, begin_counting
from connect_core.observability.metrics.summary import Summary, summarise
from connect_core.store import Transaction, events

MOST_WAITING = 10_000
"""Events waiting for plugins that are counted, at most."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What is shown. `workers` is how many there are, `counts_all` whether all of them were counted."""

    summary: Summary
    workers: int
    counts_all: bool
    waiting: int
    oldest_wait: int
    doctor: DoctorRun | None


async def collect_figures(manager: ConnectManager, request: Request) -> Dashboard:
    """Return the figures of now; the first call, at the latest, makes the process count what it does."""
    state = request.app.state
    folder: Path | None = getattr(state, "snapshots", None)
    workers: int = getattr(state, "workers", 1)
    sums = await asyncio.to_thread(Snapshots(folder).look) if folder else begin_counting().take()
    sums.declare((configured.name, configured.client_type) for configured in manager.registry)
    now = manager.services.now()

    def read(tx: Transaction) -> tuple[int, int | None, DoctorRun | None]:
        return *events.sum_up_undispatched(tx, MOST_WAITING), find_last_run(tx)

    waiting, oldest, run = await manager.database.read(read)
    return Dashboard(
        summary=summarise(sums),
        workers=workers,
        counts_all=folder is not None or workers == 1,
        waiting=waiting,
        oldest_wait=0 if oldest is None else max(0, now - oldest),
        doctor=run,
    )
