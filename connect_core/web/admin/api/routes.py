"""The routes of the management API, and the OpenAPI document that is written from them."""

from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.administrators.api_tokens import ApiTokens
from connect_core.errors import ConnectError
from connect_core.web import endpoints, responses
from connect_core.web.admin.api.administrators import administrator_routes
from connect_core.web.admin.api.document import describe
from connect_core.web.admin.api.events import event_routes
from connect_core.web.admin.api.guard import answer_api_error, guard
from connect_core.web.admin.api.members import member_routes
from connect_core.web.admin.api.providers import provider_routes
from connect_core.web.admin.api.requests import ApiRoute
from connect_core.web.admin.api.service import service_routes
from connect_core.web.admin.api.settings import setting_routes
from connect_core.web.admin.context import AdminContext
from connect_core.web.context import WebContext
from connect_core.web.surfaces import Surface


def api_routes(admin: AdminContext) -> list[BaseRoute]:
    """Return the routes of the management API, below `/connect/admin/api`."""
    manager, web = admin.manager, admin.web
    tokens = ApiTokens(manager.database, manager.services.now)
    declared = list_routes(admin)
    base = f"{web.route_prefix}/admin/api"

    @cache
    def make_document() -> dict[str, Any]:
        return describe(declared)

    async def answer_document(request: Request) -> Response:
        url = f"{manager.settings.service.public_url}{admin.prefix}/api"
        return responses.json_response({**make_document(), "servers": [{"url": url}]})

    return [
        endpoints.route(web, f"{base}/openapi.json", answer_document, "GET", style=answer_api_error),
        *(
            endpoints.route(web, base + route.path, guard(web, tokens, route), route.method, style=answer_api_error)
            for route in declared
        ),
    ]


def api_surface(context: WebContext) -> Surface:
    """Return the surface of the management API, which has no pages."""

    async def answer_error(request: Request, error: ConnectError) -> Response:
        return answer_api_error(request, error)

    return Surface(f"{context.route_prefix}/admin/api", answer_error)


def list_routes(admin: AdminContext) -> list[ApiRoute]:
    """Return what the management API can do, one group after the other."""
    return [
        *member_routes(admin.manager),
        *provider_routes(admin),
        *setting_routes(admin),
        *event_routes(admin.manager),
        *administrator_routes(admin),
        *service_routes(admin),
    ]
