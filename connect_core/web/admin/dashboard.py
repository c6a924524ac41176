"""The start page of the admin page: how logins go, what is refused, how vendors answer, and what waits or is broken.

Also runs the doctor, in a process of its own: an examination that hangs or parses keys holds up no login.
"""

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.doctor.last_run import find_last_run
from connect_core.observability.metrics import begin_counting, is_installed
from connect_core.observability.metrics.summary import Funnel
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.dashboard_figures import collect_figures
from connect_core.web.admin.doctor_runner import DOCTOR_SECONDS, find_config
from connect_core.web.admin.messages.dashboard import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen
from connect_core.web.requests import get_parameters

RELOAD_SECONDS = 3
"""How often the page that waits for the doctor loads itself again."""


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of this screen; from here on the process counts what it does."""
    begin_counting()
    began = admin.manager.services.now()

    async def page(request: Request) -> Response:
        shown = await collect_figures(admin.manager, request)
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


def _get_share(funnel: Funnel) -> int:
    """Return how many of 100 logins that were started ended with a session."""
    started, settled = funnel.counts[0], funnel.counts[-1]
    return min(100, round(100 * settled / started)) if started else 0
