"""The screen *audit log*: what operators did, on this page, through the API and by commands. It is only read."""

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.store import audit
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages.audit import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen
from connect_core.web.pages.links import with_query
from connect_core.web.requests import get_parameters

PATH = "/audit"
ROWS = 50
"""Records on one page."""


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the route of this screen."""

    async def page(request: Request) -> Response:
        parameters = get_parameters(request)
        target, actor = parameters.get("target", "").strip(), parameters.get("actor", "").strip()
        before = _parse_number(parameters.get("before", ""))
        records = await admin.manager.database.read(lambda tx: audit.find_records(tx, ROWS + 1, before, target, actor))
        shown = records[:ROWS]
        earlier = (
            with_query(f"{admin.prefix}{PATH}", target=target, actor=actor, before=str(shown[-1].id)) if shown else ""
        )
        return admin.page(
            request,
            "audit.html",
            records=shown,
            target=target,
            actor=actor,
            earlier=earlier if len(records) > ROWS else "",
        )

    return [AdminRoute("GET", PATH, Role.VIEWER, page)]


SCREEN = Screen("audit", PATH, Role.VIEWER, TEXTS, make_routes)


def _parse_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
