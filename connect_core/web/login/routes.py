"""The routes of a login: start, callback, login URL, tokens, refresh, logout, the login page, and who is logged in.

Reads the request, calls the manager, writes the response; `delivery` has what the steps have in common.
"""

from collections.abc import Mapping
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import BadRequest, NotLoggedIn, Unsupported
from connect_core.identity import ClientType
from connect_core.login.start import IN_APP, Start, StartOptions
from connect_core.login.values import Delivery
from connect_core.providers import calls
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.user_agents import InAppBrowser, find_in_app_browser, is_mobile
from connect_core.web import endpoints, responses
from connect_core.web.context import WebContext
from connect_core.web.logged_in import find_logged_in
from connect_core.web.login.browsers import find_better_place
from connect_core.web.login.delivery import deliver, finish_flow, keep_flow, set_token_cookies, token_body
from connect_core.web.login.opening_app import open_app
from connect_core.web.login.qr_code import code_response
from connect_core.web.pages import with_query
from connect_core.web.pages.views import LoginChoice
from connect_core.web.pages.ways_out import find_way_out
from connect_core.web.requests import (
    check_origin,
    get_cookies,
    get_parameters,
    get_visit,
    is_form,
    read_form,
    read_json,
    wants_page,
)

_OLD_IN_APP = "awake"
"""What `IN_APP` was called in the release before; links made by it may still be opened."""


def login_routes(context: WebContext) -> list[BaseRoute]:
    """Return the routes of this module."""
    login = _LoginEndpoints(context)
    route = partial(endpoints.route, context)
    prefix, path = context.prefix, f"{context.prefix}/{{provider}}/{{client}}"
    return [
        route(f"{path}/login", endpoints.for_visits(login.start), "GET"),
        route(f"{path}/login/code.svg", login.code, "GET"),
        route(f"{path}/callback", endpoints.for_visits(login.callback), "GET", "POST"),
        route(f"{path}/login-url", login.login_url, "POST", cross_origin=True),
        route(f"{path}/token", login.token, "POST", cross_origin=True),
        route(f"{prefix}/providers", login.providers, "GET", cross_origin=True),
        route(f"{prefix}/login", login.login_page, "GET"),
        route(f"{prefix}/me", login.me, "GET", cross_origin=True),
        route(f"{prefix}/logout", login.logout, "POST", cross_origin=True),
        route(f"{prefix}/token/refresh", login.refresh, "POST", cross_origin=True),
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
        return deliver(self._context, request, await finish_flow(self._context, request, get_parameters(request)))

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
        # not from request.url, which contains the Host header that the client sent
        return responses.redirect(
            f"{self._context.prefix}/{configured.name}/{configured.client_type}/callback?{urlencode(fields)}"
        )

    async def login_url(self, request: Request) -> Response:
        await self._context.count(request)
        configured = self._find_configured(request)
        start = await self._begin(request, await read_json(request))
        if start.flow and configured.entrance.is_ticketed:
            ticket = self._manager.flows.seal_ticket(start.flow)
            return responses.json_response({"login_url": start.login_url, "ticket": ticket})
        return keep_flow(self._context, request, responses.json_response({"login_url": start.login_url}), start)

    async def token(self, request: Request) -> Response:
        await self._context.count(request)
        configured = self._find_configured(request)
        body = await read_json(request)
        device_id = body.get("device_id", "")[:64]
        if configured.entrance is Entrance.REDIRECT:
            outcome = await finish_flow(self._context, request, body, delivers_json=True, device_id=device_id)
        else:
            visit = self._context.get_visit(request, device_id)
            outcome = await self._manager.login_with_code(configured.name, configured.client_type, body, visit)
        return responses.json_response(token_body(self._context, outcome))

    async def refresh(self, request: Request) -> Response:
        """Answer new tokens where the refresh token came from: in the body, or in the `/buyer` cookies."""
        check_origin(request, self._context.origins)
        body, cookies = await read_json(request), get_cookies(request)
        if token := body.get("refresh_token"):
            return responses.json_response((await self._manager.current_member.refresh(token)).answer())
        if "refresh_token" not in cookies:
            raise BadRequest("refresh_token is missing")
        tokens = (await self._manager.current_member.refresh(cookies["refresh_token"])).answer()
        response = responses.json_response({key: tokens[key] for key in ("expires_in", "uid")})
        set_token_cookies(self._context, response, tokens)
        return response

    async def logout(self, request: Request) -> Response:
        check_origin(request, self._context.origins)
        refresh_token = "" if is_form(request) else (await read_json(request)).get("refresh_token", "")
        tokens = (refresh_token, *self._context.get_presented(request).all)
        ended = await self._manager.current_member.logout(*tokens)
        home = self._manager.targets.check(self._manager.settings.service.home_url)
        vendor_url = await self._manager.vendor_logouts.find_logout_url(ended, home)
        response = self._after_logout(request, home, vendor_url)
        self._context.forget_logins(request, response)
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
        return responses.json_response(
            {
                "uid": member.id,
                "uname": member.uname,
                "nickname": member.nickname,
                "face": member.face,
                "client_type": logged_in.session.client_type,
                "connections": logged_in.union_types,
            }
        )

    async def providers(self, request: Request) -> Response:
        query = get_parameters(request)
        language = get_visit(request).language
        providers = self._shown_for(query.get("client", ""))
        return responses.json_response(
            [
                {
                    "provider": configured.name,
                    "name": get_title(configured, language),
                    "login_url": self._start_url(configured),
                }
                for configured in providers
            ]
        )

    async def login_page(self, request: Request) -> Response:
        query = get_parameters(request)
        visit = get_visit(request)
        client = query.get("client") or (ClientType.H5 if is_mobile(visit.user_agent) else ClientType.PC)
        return_to = query.get("return_to", "")
        if return_to:
            self._manager.targets.check(return_to)
        in_app = find_in_app_browser(visit.user_agent)
        choices = [
            LoginChoice(
                configured.name,
                get_title(configured, visit.language),
                url,
                configured.icon,
                find_better_place(configured, visit.user_agent),
            )
            for configured in _own_first(self._shown_for(client), in_app)
            if (url := self._start_url(configured))
        ]
        service = self._manager.settings.service
        page = f"{service.public_url}{self._context.prefix}/login"
        address = with_query(page, client=query.get("client", ""), return_to=return_to)
        text = self._context.pages.login(
            visit.language,
            choices,
            return_to,
            client=query.get("client", ""),
            way_out=find_way_out(in_app, address),
            has_qr_login=service.handover and client == ClientType.PC,
        )
        return responses.html_response(text)

    async def jwks(self, request: Request) -> Response:
        return responses.json_response(self._manager.sessions.access_tokens.jwks())

    async def static(self, request: Request) -> Response:
        try:
            asset = self._context.pages.assets[request.path_params["name"]]
        except KeyError:
            raise Unsupported("there is no such file") from None
        # the address names the version, so a browser may keep this file for ever
        life = "31536000, immutable" if request.query_params.get("v") == asset.version else "3600"
        headers = {**responses.HEADERS, "cache-control": f"public, max-age={life}", "etag": f'"{asset.version}"'}
        known = request.headers.get("if-none-match", "")
        if known == "*" or headers["etag"] in (tag.strip().removeprefix("W/") for tag in known.split(",")):
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

    def _shown_for(self, client: str) -> list[ConfiguredProvider]:
        if client not in list(ClientType):
            raise Unsupported("there is no such client type")
        return self._manager.registry.shown_for(client)

    def _start_url(self, configured: ConfiguredProvider) -> str | None:
        """Return where a browser begins this login; None where an app or mini program begins it."""
        if configured.entrance is not Entrance.REDIRECT:
            return None
        return f"{self._context.prefix}/{configured.name}/{configured.client_type}/login"


def get_title(configured: ConfiguredProvider, language: str) -> str:
    """Return what the provider is called on a page."""
    return configured.provider.titles.get(language) or next(iter(configured.provider.titles.values()), configured.name)


def _own_first(shown: list[ConfiguredProvider], in_app: InAppBrowser | None) -> list[ConfiguredProvider]:
    """Return the providers in the shop's order, inside a vendor's app that vendor's first."""
    return sorted(shown, key=lambda configured: in_app is None or configured.provider.own_browser is not in_app)


def _is_web(url: str) -> bool:
    """Tell whether a login URL is an address that a browser can open, not the string that a native SDK takes."""
    return ":" in url.partition("?")[0]
