"""The start page of the admin page: how logins go, what is refused, how vendors answer, and what waits or is broken.

The numbers are those that the metrics count, of this process or of all workers; the extra `metrics` is not needed. Also
runs the doctor, in a process of its own: an examination that hangs or parses keys holds up no login.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.doctor.last_run import DoctorRun, find_last_run
from connect_core.observability.metrics import Counts, Snapshots, begin_counting, is_installed
from connect_core.observability.metrics.summary import Funnel, Summary, summarise
from connect_core.store import Transaction, events
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.doctor_runner import DOCTOR_SECONDS, find_config
from connect_core.web.admin.messages.dashboard import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen
from connect_core.web.requests import get_parameters

RELOAD_SECONDS = 3
"""How often the page that waits for the doctor loads itself again."""
MOST_WAITING = 10_000
"""Events waiting for plugins that are counted, at most."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the page shows. `workers` is how many there are, `counts_all` whether all of them were counted."""

    summary: Summary
    workers: int
    counts_all: bool
    waiting: int
    oldest_wait: int
    doctor: DoctorRun | None


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of this screen; from here on the process counts what it does."""
    counts, began = begin_counting(), admin.manager.services.now()

    async def page(request: Request) -> Response:
        shown = await _collect(admin, request, counts)
        return admin.page(
            request,
            "dashboard.html",
            shown=shown,
            began=began,
            has_metrics=is_installed(),
            shares={funnel: _get_share(funnel) for funnel in shown.summary.funnels},
            endpoints=await admin.manager.webhooks.find_endpoints(),
            can_run=find_config(request) is not None,
        )

    return [AdminRoute("GET", "", Role.VIEWER, page), *_doctor_routes(admin)]


def _doctor_routes(admin: AdminContext) -> list[AdminRoute]:
    async def run(request: Request) -> Response:
        now = await admin.doctor.start(request, admin.act(request))
        return admin.done(f"/doctor?since={now}")

    async def show(request: Request) -> Response:
        since = get_parameters(request).get("since", "")
        began_at = int(since) if since.isascii() and since.isdecimal() and len(since) < 12 else 0
        last = await admin.manager.database.read(find_last_run)
        is_missing = began_at > 0 and (last is None or last.time < began_at)
        has_failed = is_missing and admin.manager.services.now() - began_at > DOCTOR_SECONDS
        is_running = is_missing and not has_failed
        response = admin.page(request, "doctor.html", run=last, is_running=is_running, has_failed=has_failed)
        if is_running:
            response.headers["refresh"] = str(RELOAD_SECONDS)
        return response

    return [
        AdminRoute("POST", "/doctor", Role.OPERATOR, run, form_page=""),
        AdminRoute("GET", "/doctor", Role.VIEWER, show),
    ]


SCREEN = Screen("dashboard", "", Role.VIEWER, TEXTS, make_routes)


async def _collect(admin: AdminContext, request: Request, counts: Counts) -> Dashboard:
    state = request.app.state
    folder: Path | None = getattr(state, "snapshots", None)
    workers: int = getattr(state, "workers", 1)
    sums = await asyncio.to_thread(Snapshots(folder).look) if folder else counts.take()
    sums.declare((configured.name, configured.client_type) for configured in admin.manager.registry)
    now = admin.manager.services.now()

    def read(tx: Transaction) -> tuple[int, int | None, DoctorRun | None]:
        return *events.sum_up_undispatched(tx, MOST_WAITING), find_last_run(tx)

    waiting, oldest, run = await admin.manager.database.read(read)
    return Dashboard(
        summary=summarise(sums),
        workers=workers,
        counts_all=folder is not None or workers == 1,
        waiting=waiting,
        oldest_wait=0 if oldest is None else max(0, now - oldest),
        doctor=run,
    )


def _get_share(funnel: Funnel) -> int:
    """Return how many of 100 logins that were started ended with a session."""
    started, settled = funnel.counts[0], funnel.counts[-1]
    return min(100, round(100 * settled / started)) if started else 0
