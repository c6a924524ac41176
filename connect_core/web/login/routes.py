"""The routes of a login: start, callback, login URL, tokens, refresh, logout, and who is logged in.

Reads the request, calls the manager, writes the response; `delivery` has what the steps have in common.
"""

from collections.abc import Mapping
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import BadRequest, ConnectError, MethodNotAllowed, NotLoggedIn, PageNotFound, Unsupported
from connect_core.login.start import IN_APP, Start, StartOptions
from connect_core.login.values import Delivery
from connect_core.providers import calls
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.web import endpoints, responses
from connect_core.web.answers import BegunLogin, Me
from connect_core.web.context import WebContext
from connect_core.web.error_pages import answer_error
from connect_core.web.logged_in import find_logged_in
from connect_core.web.login.delivery import deliver, finish_flow, keep_flow, set_token_cookies, token_body
from connect_core.web.login.held_back import answer_start
from connect_core.web.login.oauth_errors import UnsupportedGrantType, answer_oauth_error
from connect_core.web.login.offered import describe, find_shown, get_title
from connect_core.web.login.opening_app import open_app
from connect_core.web.login.qr_code import code_response
from connect_core.web.requests import (
    check_origin,
    get_cookies,
    get_parameters,
    get_visit,
    is_form,
    read_fields,
    read_form,
    wants_page,
)

_OLD_IN_APP = "awake"
"""What `IN_APP` was called in the release before; links made by it may still be opened."""
_NOT_CARRIED = frozenset({"access_token", "id_token", "refresh_token"})
"""What a posted response may have beside the code, no callback reads, and no address must hold."""


def login_routes(context: WebContext) -> list[BaseRoute]:
    """Return the routes of this module."""
    login = _LoginEndpoints(context)
    route = partial(endpoints.route, context)
    prefix, path = context.prefix, f"{context.prefix}/{{provider}}/{{client}}"
    return [
        route(f"{path}/login", endpoints.for_visits(login.start), "GET", style=partial(answer_start, context)),
        route(f"{path}/login/code.svg", login.code, "GET"),
        route(f"{path}/callback", endpoints.for_visits(login.callback), "GET", "POST"),
        route(f"{path}/login-url", login.login_url, "POST", cross_origin=True),
        route(f"{path}/token", login.token, "POST", cross_origin=True),
        route(f"{prefix}/providers", login.providers, "GET", cross_origin=True),
        route(f"{prefix}/me", login.me, "GET", cross_origin=True),
        route(f"{prefix}/logout", login.ask_to_log_out, "GET"),
        route(f"{prefix}/logout", login.logout, "POST", cross_origin=True),
        route(f"{prefix}/token/refresh", login.refresh, "POST", cross_origin=True, style=login.refuse_refresh),
        route(f"{prefix}/.well-known/jwks.json", login.jwks, "GET"),
        route(f"{prefix}/static/{{name}}", login.static, "GET"),
    ]


class _LoginEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def start(self, request: Request) -> Response:
        await self._context.count(request)
        start = await self._begin(request, get_parameters(request))
        if start.flow is None and wants_page(request):
            configured = self._manager.registry.find(request.path_params["provider"], request.path_params["client"])
            return await open_app(self._context, request, start, get_title(configured, get_visit(request).language))
        if start.flow and not _is_web(start.login_url):
            raise Unsupported("this client type begins with login-url")
        return keep_flow(self._context, request, responses.redirect(start.login_url), start)

    async def code(self, request: Request) -> Response:
        """Answer the QR code with which a phone begins the login that a deep link begins on the phone itself."""
        await self._context.count(request)
        start = await self._begin(request, get_parameters(request))
        if not start.start_url:
            raise Unsupported("this login opens no app here")
        return code_response(start.start_url)

    async def callback(self, request: Request) -> Response:
        if request.method == "POST":
            return await self._park(request)
        await self._context.count(request)
        outcome = await finish_flow(self._context, request, get_parameters(request))
        return deliver(self._context, request, outcome, request.path_params["provider"])

    async def _park(self, request: Request) -> Response:
        """Redirect a form_post response to the same address by GET.

        Another site's POST comes without our cookies, which are SameSite=Lax; the GET that follows has them.
        """
        configured = self._manager.registry.find(request.path_params["provider"], request.path_params["client"])
        if not is_form(request):
            raise BadRequest("the response is no form")
        fields = await read_form(request)
        for name in ("state", *calls.get_code_names(configured.provider)):
            fields.get(name)  # raises where it is malformed; what nobody reads stays behind
        carried = {name: value for name, value in fields.items() if name not in _NOT_CARRIED}
        # not from request.url, which contains the Host header that the client sent
        return responses.redirect(
            f"{self._context.prefix}/{configured.name}/{configured.client_type}/callback?{urlencode(carried)}"
        )

    async def login_url(self, request: Request) -> Response:
        await self._context.count(request)
        configured = self._find_configured(request)
        start = await self._begin(request, await read_fields(request))
        if start.flow and configured.entrance.is_ticketed:
            ticket = self._manager.flows.seal_ticket(start.flow)
            body: BegunLogin = {"login_url": start.login_url, "ticket": ticket}
            return responses.json_response(body)
        return keep_flow(self._context, request, responses.json_response({"login_url": start.login_url}), start)

    async def token(self, request: Request) -> Response:
        await self._context.count(request)
        configured = self._find_configured(request)
        body = await read_fields(request, keeps_objects=True)
        device_id, consent = body.get("device_id", "")[:64], body.get("consent", "")
        if configured.entrance is Entrance.REDIRECT:
            ticket = body.get("choice_ticket", "")
            visit = self._context.get_visit(request, device_id, choice_ticket=ticket, consent=consent)
            outcome = await finish_flow(self._context, request, body, delivers_json=True, visit=visit)
        else:
            visit = self._context.get_visit(request, device_id, consent=consent)
            outcome = await self._manager.login_with_code(configured.name, configured.client_type, body, visit)
        return responses.json_response(token_body(self._context, outcome))

    async def refresh(self, request: Request) -> Response:
        """Answer new tokens where the refresh token came from: in the body, or in the `/buyer` cookies.

        A client of OAuth 2.0 sends a form with `grant_type` (RFC 6749 §6) and is refused in the form of that RFC.
        """
        check_origin(request, self._context.origins)
        body, cookies = await read_fields(request), get_cookies(request)
        grant = body.get("grant_type", "") if is_form(request) else ""
        request.state.is_grant = bool(grant)
        if grant not in ("", "refresh_token"):
            raise UnsupportedGrantType("the only grant is refresh_token")
        if token := body.get("refresh_token"):
            return responses.json_response((await self._manager.current_member.refresh(token)).answer())
        if grant or "refresh_token" not in cookies:
            raise BadRequest("refresh_token is missing")
        tokens = (await self._manager.current_member.refresh(cookies["refresh_token"], is_cookie=True)).answer()
        response = responses.json_response({key: tokens[key] for key in ("expires_in", "uid")})
        set_token_cookies(self._context, response, tokens)
        return response

    def refuse_refresh(self, request: Request, error: ConnectError) -> Response:
        """Answer an error of `refresh` as its client reads it."""
        is_grant = getattr(request.state, "is_grant", False)
        return answer_oauth_error(request, error) if is_grant else answer_error(self._context, request, error)

    async def ask_to_log_out(self, request: Request) -> Response:
        """Show a browser the button that logs out; a link logs nobody out."""
        if not wants_page(request):
            raise MethodNotAllowed(["POST"])
        return responses.html_response(self._context.pages.log_out(get_visit(request).language))

    async def logout(self, request: Request) -> Response:
        check_origin(request, self._context.origins)
        refresh_token = (await read_fields(request)).get("refresh_token", "")
        tokens = (refresh_token, *self._context.get_presented(request).all)
        ended = await self._manager.current_member.logout(*tokens)
        home = self._manager.targets.check(self._manager.settings.service.home_url)
        vendor_url = await self._manager.vendor_logouts.find_logout_url(ended, home)
        response = self._after_logout(request, home, vendor_url)
        self._context.forget_logins(request, response)
        self._context.tell(request, response, "logged_out")
        return response

    def _after_logout(self, request: Request, home: str, vendor_url: str | None) -> Response:
        """Send the browser on, to the vendor where the login ends there as well; a script gets that address."""
        if not wants_page(request):
            return responses.json_response({"logout_url": vendor_url}) if vendor_url else responses.no_content()
        if vendor_url:
            return responses.html_response(self._context.pages.leaving(get_visit(request).language, vendor_url))
        return responses.redirect(home)

    async def me(self, request: Request) -> Response:
        logged_in = await find_logged_in(self._context, request)
        if logged_in is None:
            raise NotLoggedIn("there is no live session")
        member = logged_in.member
        body: Me = {
            "uid": member.id,
            "uname": member.uname,
            "nickname": member.nickname,
            "face": member.face,
            "client_type": logged_in.session.client_type,
            "connections": [*logged_in.union_types],
        }
        return responses.json_response(body)

    async def providers(self, request: Request) -> Response:
        query = get_parameters(request)
        language = get_visit(request).language
        providers = find_shown(self._context, query.get("client", ""))
        return responses.json_response([describe(self._context, configured, language) for configured in providers])

    async def jwks(self, request: Request) -> Response:
        return responses.json_response(self._manager.sessions.access_tokens.jwks())

    async def static(self, request: Request) -> Response:
        try:
            asset = self._context.pages.assets[request.path_params["name"]]
        except KeyError:
            raise PageNotFound("there is no such file") from None
        # the address names the version, so a browser may keep this file for ever
        life = "31536000, immutable" if request.query_params.get("v") == asset.version else "3600"
        headers = {**responses.HEADERS, "cache-control": f"public, max-age={life}", "etag": f'"{asset.version}"'}
        if responses.is_known(request.headers.get("if-none-match", ""), headers["etag"]):
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers=headers, media_type=asset.media_type)

    async def _begin(self, request: Request, parameters: Mapping[str, str]) -> Start:
        redirect_uri = parameters.get("redirect_uri", "")
        options = StartOptions(
            return_to=parameters.get("return_to", ""),
            redirect_uri=redirect_uri,
            delivery=Delivery.JSON if redirect_uri else Delivery.SESSION,
            is_in_app=IN_APP in parameters or _OLD_IN_APP in parameters,
        )
        names = (request.path_params["provider"], request.path_params["client"])
        return await self._manager.get_login_url(*names, get_visit(request), options)

    def _find_configured(self, request: Request) -> ConfiguredProvider:
        """Return the provider of a POST. Raises `Forbidden` for another origin's page where a cookie counts."""
        configured = self._manager.registry.find(request.path_params["provider"], request.path_params["client"])
        if configured.entrance is Entrance.REDIRECT:
            check_origin(request, self._context.origins)
        return configured


def _is_web(url: str) -> bool:
    """Tell whether a login URL is an address that a browser can open, not the string that a native SDK takes."""
    return ":" in url.partition("?")[0]
