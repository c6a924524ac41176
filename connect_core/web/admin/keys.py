"""The screen *keys*: which of `secret_keys` this process has, how much is sealed with each, and how to replace one.

Shows fingerprints; no key, and nothing from which one follows.
"""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.growing_page import send_in_parts
from connect_core.web.admin.key_counts import SEALED, SealedCount, count_first_rows, count_sealed, show_keys
from connect_core.web.admin.messages.keys import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen

PATH = "/keys"
PROGRESS_ROWS = 50_000
"""After so many rows the page that counts says how far it is."""


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of this screen."""
    manager = admin.manager

    async def page(request: Request) -> Response:
        counts = await count_first_rows(manager)
        return admin.page(request, "keys.html", keys=show_keys(manager), counts=counts)

    async def count_all(request: Request) -> Response:
        return send_in_parts(admin.page(request, "key_count.html"), count(request))

    async def count(request: Request) -> AsyncIterator[Response]:
        counts: list[SealedCount] = []
        for name in SEALED:
            async for counted in count_sealed(manager, name):
                if counted.is_complete:
                    counts.append(counted)
                elif counted.rows % PROGRESS_ROWS == 0:
                    yield admin.page(request, "key_count_progress.html", counted=counted)
        yield admin.page(request, "key_table.html", keys=show_keys(manager), counts=counts)

    return [
        AdminRoute("GET", PATH, Role.VIEWER, page),
        AdminRoute("GET", f"{PATH}/count", Role.VIEWER, count_all),
    ]


SCREEN = Screen("keys", PATH, Role.VIEWER, TEXTS, make_routes)
