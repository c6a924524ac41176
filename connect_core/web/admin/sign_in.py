"""Signing in to the admin page and out of it: by password and one-time password, or through a provider.

Also the page on which administrators prove who they are again, before something dangerous.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.administrators.roles import Role
from connect_core.administrators.sessions import SignedIn
from connect_core.errors import NotLoggedIn, PageNotFound, RateLimited, TooManyTries
from connect_core.web import endpoints
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.guard import answering_errors, guard, read_checked_form
from connect_core.web.admin.screens import AdminRoute
from connect_core.web.endpoints import PostedFrom
from connect_core.web.login.offered import get_title
from connect_core.web.mounting import get_root
from connect_core.web.requests import get_cookies, get_parameters

_CALLBACK = "/sign-in/openid/callback"


def sign_in_routes(admin: AdminContext) -> list[BaseRoute]:
    """Return the routes of this module: all but signing out and confirming are for everybody."""
    sign_in, prefix = _SignInEndpoints(admin), f"{admin.web.route_prefix}/admin"
    context, style = admin.web, answering_errors(admin, "/sign-in")
    guarded = (
        AdminRoute("GET", "/confirm", Role.VIEWER, sign_in.confirming_page),
        AdminRoute("POST", "/confirm", Role.VIEWER, sign_in.confirm, form_page="/confirm"),
        AdminRoute("POST", "/sign-out", Role.VIEWER, sign_in.sign_out),
    )
    return [
        endpoints.route(context, f"{prefix}/sign-in", sign_in.page, "GET", style=style),
        endpoints.route(context, f"{prefix}/sign-in", sign_in.by_password, "POST", style=style),
        endpoints.route(
            context, f"{prefix}/sign-in/openid", PostedFrom("/admin/sign-in", sign_in.start), "POST", style=style
        ),
        endpoints.route(context, f"{prefix}{_CALLBACK}", endpoints.for_visits(sign_in.finish), "GET", style=style),
        *(
            endpoints.route(
                context,
                prefix + route.path,
                PostedFrom(f"/admin{route.form_page}", guard(admin, route))
                if route.method == "POST"
                else guard(admin, route),
                route.method,
                style=answering_errors(admin, route.form_page),
            )
            for route in guarded
        ),
    ]


class _SignInEndpoints:
    def __init__(self, admin: AdminContext) -> None:
        self._admin = admin

    async def page(self, request: Request) -> Response:
        page = self._admin.check_page(get_parameters(request).get("next", ""))
        if await self._find_signed_in(request):
            return self._admin.done(page)
        return self._show(request, page)

    async def by_password(self, request: Request) -> Response:
        admin, form = self._admin, await read_checked_form(self._admin, request)
        name, page = form.get("name").strip(), admin.check_page(form.get("next"))
        admin.web.check_failures(request)
        await self._count(name)
        try:
            token = await admin.sign_in.by_password(
                name, form.get("password"), form.get("totp"), request.state.request_id
            )
        except NotLoggedIn as error:
            await admin.web.note_failure(request)
            admin.web.refusals.note(error, {"method": "POST"})
            return self._show(request, page, name=name, mistake="sign_in_wrong", status=error.status)
        return admin.start_session(token, page)

    async def start(self, request: Request) -> Response:
        """Send the browser to the provider: by a page, since our policy lets a form lead to our own origin only."""
        admin, form = self._admin, await read_checked_form(self._admin, request)
        if admin.provider_sign_in is None:
            raise PageNotFound("no provider signs administrators in")
        await admin.web.count(request)
        page, language = admin.check_page(form.get("next")), admin.get_language(request)
        service = admin.manager.settings.service
        redirect_uri = f"{service.public_url}{get_root()}{admin.web.route_prefix}/admin{_CALLBACK}"
        url, sealed = await admin.provider_sign_in.start(redirect_uri, page, language)
        response = admin.page(request, "leaving.html", address=url, host=urlsplit(url).hostname or "")
        admin.web.cookies.set(response, admin.web.cookies.admin_flow, sealed, 600)
        return response

    async def finish(self, request: Request) -> Response:
        admin = self._admin
        if admin.provider_sign_in is None:
            raise PageNotFound("no provider signs administrators in")
        await admin.web.count(request)
        sealed = get_cookies(request).get(admin.web.cookies.admin_flow, "")
        request.state.flow_cookie = admin.web.cookies.admin_flow
        claims, page = await admin.provider_sign_in.finish(sealed, get_parameters(request))
        name = admin.provider_sign_in.configured.name
        token = await admin.sign_in.by_claims(name, claims, request.state.request_id)
        response = admin.start_session(token, page)
        admin.web.cookies.drop(response, admin.web.cookies.admin_flow)
        return response

    async def confirming_page(self, request: Request) -> Response:
        return self._show_confirming(request, self._admin.check_page(get_parameters(request).get("next", "")))

    async def confirm(self, request: Request) -> Response:
        admin, form, signed_in = self._admin, self._admin.get_form(request), self._admin.get_signed_in(request)
        page = admin.check_page(form.get("next"))
        await self._count(signed_in.name)
        try:
            token = await admin.sign_in.confirm(signed_in, form.get("password"), request.state.request_id)
        except NotLoggedIn as error:
            await admin.web.note_failure(request)
            return self._show_confirming(request, page, mistake="confirm_wrong", status=error.status)
        return admin.start_session(token, page)

    async def sign_out(self, request: Request) -> Response:
        admin = self._admin
        await admin.sessions.end(admin.get_signed_in(request), admin.act(request))
        response = admin.done("/sign-in", "signed_out")
        admin.web.cookies.drop(response, admin.web.cookies.admin)
        return response

    async def _find_signed_in(self, request: Request) -> SignedIn | None:
        return await self._admin.sessions.find(get_cookies(request).get(self._admin.web.cookies.admin, ""))

    async def _count(self, name: str) -> None:
        """Count a try of a name's password, whether or not somebody has it. Raises `TooManyTries`."""
        try:
            await self._admin.limiter.hit(f"administrator {name[:64]}")
        except RateLimited as error:
            raise TooManyTries("too many tries of this administrator's name", retry_after=error.retry_after) from error

    def _show(self, request: Request, page: str, *, name: str = "", mistake: str = "", status: int = 200) -> Response:
        values = {"next": page, "name": name, "mistake": mistake, "provider": self._get_provider_title(request)}
        return self._admin.page(request, "sign_in.html", status, **values)

    def _show_confirming(self, request: Request, page: str, *, mistake: str = "", status: int = 200) -> Response:
        values = {"next": page, "mistake": mistake, "provider": self._get_provider_title(request)}
        return self._admin.page(request, "confirm.html", status, **values)

    def _get_provider_title(self, request: Request) -> str:
        sign_in = self._admin.provider_sign_in
        return get_title(sign_in.configured, self._admin.get_language(request)) if sign_in else ""
