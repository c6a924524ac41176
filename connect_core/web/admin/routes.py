"""The routes of the admin page, collected from its screens. A new screen is one line in `SCREENS`."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.administrators.roles import Role
from connect_core.errors import PageNotFound
from connect_core.web import endpoints, responses
from connect_core.web.admin import (
    administrators,
    audit,
    button_order,
    dashboard,
    events,
    keys,
    members,
    provider_list,
    setting_history,
)
from connect_core.web.admin.api.routes import api_routes, api_surface
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.guard import answer_unrouted, answering_errors, guard
from connect_core.web.admin.screens import AdminRoute, Screen
from connect_core.web.admin.set_up import set_up_routes
from connect_core.web.admin.sign_in import sign_in_routes
from connect_core.web.context import WebContext
from connect_core.web.endpoints import PostedFrom
from connect_core.web.surfaces import Surface

SCREENS: tuple[Screen, ...] = (
    dashboard.SCREEN,
    provider_list.SCREEN,
    button_order.SCREEN,
    setting_history.SCREEN,
    members.SCREEN,
    events.SCREEN,
    administrators.SCREEN,
    keys.SCREEN,
    audit.SCREEN,
)
"""The screens in the order of the menu; the one whose path is empty is the start page."""


def make_admin(context: WebContext) -> tuple[list[BaseRoute], list[Surface]]:
    """Return the routes and surfaces of the admin page and of its API.

    Raises `SettingsError` for an `[admin]` that cannot be used.
    """
    admin = AdminContext(context, SCREENS)
    routes = [*sign_in_routes(admin), *set_up_routes(admin), _style_route(admin)]
    if not any(screen.path == "" for screen in admin.screens):
        start_page = partial(_lead_to_first_screen, admin)
        routes.append(_route(admin, AdminRoute("GET", "", Role.VIEWER, start_page)))
    declared = [route for screen in admin.screens for route in screen.make_routes(admin)]
    surfaces = [Surface(f"{context.route_prefix}/admin", partial(answer_unrouted, admin)), api_surface(context)]
    return [*routes, *api_routes(admin), *(_route(admin, route) for route in declared)], surfaces


def _route(admin: AdminContext, route: AdminRoute) -> BaseRoute:
    guarded = guard(admin, route)
    endpoint = PostedFrom(f"/admin{route.form_page}", guarded) if route.method == "POST" else guarded
    path = f"{admin.web.route_prefix}/admin{route.path}"
    style = answering_errors(admin, route.form_page)
    return endpoints.route(admin.web, path, endpoint, route.method, style=style)


async def _lead_to_first_screen(admin: AdminContext, request: Request) -> Response:
    role = admin.get_signed_in(request).role
    first = next((screen for screen in admin.screens if role.includes(screen.role)), None)
    if first is None:
        raise PageNotFound
    return admin.done(first.path)


def _style_route(admin: AdminContext) -> BaseRoute:
    async def answer_style(request: Request) -> Response:
        is_current = request.query_params.get("v") == admin.style.version
        life = "31536000, immutable" if is_current else "3600"
        headers = {**responses.HEADERS, "cache-control": f"public, max-age={life}"}
        return Response(admin.style.content, headers=headers, media_type=admin.style.media_type)

    path = f"{admin.web.route_prefix}/admin/static/admin.css"
    return endpoints.route(admin.web, path, answer_style, "GET")
