"""The routes below the prefix: login, callback, tokens, who am I, the hosted login page."""

import logging
from collections.abc import Mapping
from typing import assert_never
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.crypto import token_hash
from connect_core.crypto.tickets import TICKET_SECONDS
from connect_core.errors import BadRequest, StateInvalid, Unsupported
from connect_core.identity import ClientType
from connect_core.login.start import IN_APP, Start, StartOptions
from connect_core.login.values import (
    AccountProved,
    CallbackRepeated,
    ChoiceNeeded,
    Delivery,
    IdentityLinked,
    Outcome,
    SessionOpened,
)
from connect_core.providers.provider import Entrance, RequiredBrowser, WorksInSomeBrowsers
from connect_core.providers.registry import ConfiguredProvider
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.pages import Choice
from connect_core.web.requests import (
    check_origin,
    get_bearer,
    get_cookies,
    get_parameters,
    get_visit,
    is_form,
    read_form,
    read_json,
    wants_page,
)

EXPIRED_FLOW_MEMORY = 300
"""Seconds for which a browser keeps a flow past its life, so that it is told "expired" and not "unknown"."""
MOST_FLOWS = 5
FLOW_COOKIE_BYTES = 4096
log = logging.getLogger("connect_login")
_MOBILE = ("Mobile", "Android", "iPhone", "iPad", "HarmonyOS")


def connect_routes(context: WebContext) -> list[BaseRoute]:
    """Every route below the prefix."""
    routes = _Routes(context)
    prefix, path = context.prefix, f"{context.prefix}/{{provider}}/{{client}}"
    return [
        context.route(f"{path}/login", routes.login, "GET"),
        context.route(f"{path}/callback", routes.callback, "GET", "POST"),
        context.route(f"{path}/login-url", routes.login_url, "POST", cross_origin=True),
        context.route(f"{path}/token", routes.token, "POST", cross_origin=True),
        context.route(f"{prefix}/providers", routes.providers, "GET", cross_origin=True),
        context.route(f"{prefix}/login", routes.login_page, "GET"),
        context.route(f"{prefix}/me", routes.me, "GET", cross_origin=True),
        context.route(f"{prefix}/logout", routes.logout, "POST", cross_origin=True),
        context.route(f"{prefix}/token/refresh", routes.refresh, "POST", cross_origin=True),
        context.route(f"{prefix}/.well-known/jwks.json", routes.jwks, "GET"),
        context.route(f"{prefix}/static/{{name}}", routes.static, "GET"),
    ]


class _Routes:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def login(self, request: Request) -> Response:
        await self._context.count(request)
        start = await self._begin(request, get_parameters(request))
        if start.flow and not _is_web(start.login_url):
            raise Unsupported("this client type begins with login-url")
        return keep_flow(self._context, request, responses.redirect(start.login_url), start)

    async def callback(self, request: Request) -> Response:
        if request.method == "POST":
            return await self._park(request)
        await self._context.count(request)
        try:
            parameters = get_parameters(request)
        except BadRequest:
            raw = parse_qsl(request.scope["query_string"].decode("latin-1"), errors="replace")
            configured = self._manager.registry.find(request.path_params["provider"], request.path_params["client"])
            await self._manager.callbacks.discard_codes(configured, raw)
            raise
        return deliver(self._context, await finish_flow(self._context, request, parameters))

    async def _park(self, request: Request) -> Response:
        """A form_post response comes without our Lax cookies, so the browser is sent round by GET."""
        configured = self._manager.registry.find(request.path_params["provider"], request.path_params["client"])
        if not is_form(request):
            raise BadRequest("the response is no form")
        fields = await read_form(request)
        # not from request.url, which is made of the Host header
        return responses.redirect(
            f"{self._context.prefix}/{configured.name}/{configured.client_type}/callback?{urlencode(fields)}"
        )

    async def login_url(self, request: Request) -> Response:
        await self._context.count(request)
        configured = self._find_configured(request)
        start = await self._begin(request, await read_json(request))
        if start.flow and configured.entrance.is_ticketed:
            return responses.answer(
                {"login_url": start.login_url, "ticket": self._manager.flows.seal_ticket(start.flow)}
            )
        return keep_flow(self._context, request, responses.answer({"login_url": start.login_url}), start)

    async def token(self, request: Request) -> Response:
        await self._context.count(request)
        configured = self._find_configured(request)
        body = await read_json(request)
        device_id = body.pop("device_id", "")[:64]
        if configured.entrance is Entrance.REDIRECT:
            outcome = await finish_flow(self._context, request, body, delivers_json=True, device_id=device_id)
        else:
            visit = get_visit(request, device_id=device_id)
            outcome = await self._manager.login_with_code(configured.name, configured.client_type, body, visit)
        return responses.answer(token_body(self._context, outcome))

    async def refresh(self, request: Request) -> Response:
        """A token of the body is answered in the body, one of the `/buyer` cookies in these cookies."""
        check_origin(request, self._context.origins)
        body, cookies = await read_json(request), get_cookies(request)
        if token := body.get("refresh_token"):
            return responses.answer((await self._manager.current_member.refresh(token)).answer())
        if "refresh_token" not in cookies:
            raise BadRequest("refresh_token is missing")
        tokens = (await self._manager.current_member.refresh(cookies["refresh_token"])).answer()
        response = responses.answer({key: tokens[key] for key in ("expires_in", "uid")})
        set_token_cookies(self._context, response, tokens)
        return response

    async def logout(self, request: Request) -> Response:
        check_origin(request, self._context.origins)
        body = {} if is_form(request) else await read_json(request)
        cookies = get_cookies(request)
        held = (cookies.get(self._context.cookies.session), cookies.get("refresh_token"))
        presented = (body.get("refresh_token"), get_bearer(request), *held)
        for token in filter(None, presented):
            await self._manager.current_member.logout(token)
        home = self._manager.targets.check(self._manager.settings.service.home_url)
        response = responses.redirect(home) if wants_page(request) else responses.no_content()
        self._context.forget_logins(request, response)
        return response

    async def me(self, request: Request) -> Response:
        found = await self._context.find_member(request)
        member = found.member
        return responses.answer(
            {
                "uid": member.id,
                "uname": member.uname,
                "nickname": member.nickname,
                "face": member.face,
                "client_type": found.session.client_type,
                "connections": found.union_types,
            }
        )

    async def providers(self, request: Request) -> Response:
        query = get_parameters(request)
        language = get_visit(request).language
        shown = self._shown_for(query.get("client", ""))
        return responses.answer(
            [
                {
                    "provider": configured.name,
                    "name": title(configured, language),
                    "login_url": self._start_url(configured),
                }
                for configured in shown
            ]
        )

    async def login_page(self, request: Request) -> Response:
        query = get_parameters(request)
        visit = get_visit(request)
        is_mobile = any(word in visit.user_agent for word in _MOBILE)
        client = query.get("client") or (ClientType.H5 if is_mobile else ClientType.PC)
        return_to = query.get("return_to", "")
        if return_to:
            self._manager.targets.check(return_to)
        choices = [
            Choice(
                configured.name,
                title(configured, visit.language),
                url,
                configured.provider.union_type.lower(),
                find_better_place(configured, visit.user_agent),
            )
            for configured in self._shown_for(client)
            if (url := self._start_url(configured))
        ]
        service, asked = self._manager.settings.service, query.get("client", "")
        text = self._context.pages.login(
            visit.language,
            choices,
            return_to,
            client=asked,
            origin=service.public_url,
            hands_over=service.handover and client == ClientType.PC,
        )
        return responses.page(text)

    async def jwks(self, request: Request) -> Response:
        return responses.answer(self._manager.sessions.access_tokens.jwks())

    async def static(self, request: Request) -> Response:
        try:
            asset = self._context.pages.assets[request.path_params["name"]]
        except KeyError:
            raise Unsupported("there is no such file") from None
        # an address that names this very version may be kept for ever
        life = "31536000, immutable" if request.query_params.get("v") == asset.version else "3600"
        headers = {**responses.HEADERS, "cache-control": f"public, max-age={life}", "etag": f'"{asset.version}"'}
        known = request.headers.get("if-none-match", "")
        if known == "*" or headers["etag"] in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers=headers, media_type=asset.media_type)

    async def _begin(self, request: Request, asked: Mapping[str, str]) -> Start:
        redirect_uri = asked.get("redirect_uri", "")
        options = StartOptions(
            return_to=asked.get("return_to", ""),
            redirect_uri=redirect_uri,
            delivery=Delivery.JSON if redirect_uri else Delivery.SESSION,
            is_in_app=IN_APP in asked,
        )
        names = (request.path_params["provider"], request.path_params["client"])
        return await self._manager.get_login_url(*names, get_visit(request), options)

    def _find_configured(self, request: Request) -> ConfiguredProvider:
        """Return the offer of a POST; where a browser's cookie will count, the request must come from our own pages."""
        configured = self._manager.registry.find(request.path_params["provider"], request.path_params["client"])
        if configured.entrance is Entrance.REDIRECT:
            check_origin(request, self._context.origins)
        return configured

    def _shown_for(self, client: str) -> list[ConfiguredProvider]:
        if client not in list(ClientType):
            raise Unsupported("there is no such client type")
        return self._manager.registry.shown_for(client)

    def _start_url(self, configured: ConfiguredProvider) -> str | None:
        """Where a browser begins this login; None where an app or mini program does."""
        if configured.entrance is not Entrance.REDIRECT:
            return None
        return f"{self._context.prefix}/{configured.name}/{configured.client_type}/login"


def title(configured: ConfiguredProvider, language: str) -> str:
    """What the provider is called on a page."""
    return configured.provider.titles.get(language) or next(iter(configured.provider.titles.values()), configured.name)


def find_better_place(configured: ConfiguredProvider, user_agent: str) -> RequiredBrowser | None:
    """Where the visitor has to go for this login; a plugin that cannot say does not cost the page."""
    provider = configured.provider
    if not isinstance(provider, WorksInSomeBrowsers):
        return None
    try:
        place: object = provider.find_better_place(configured.client_type, user_agent)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a stranger's method
        log.warning("plugin_failed", extra={"provider": configured.name, "error": type(error).__name__})
        return None
    return place if isinstance(place, RequiredBrowser) else None


def flow_cookie(context: WebContext, state: str) -> str:
    """The name of the cookie that keeps the flow of `state`."""
    return context.cookies.flow + token_hash(state)[:16]


def keep_flow(context: WebContext, request: Request, response: Response, start: Start) -> Response:
    """Have the browser keep the flow that was begun, and forget its oldest where it keeps too many."""
    if start.flow is None:
        return response
    sealed = context.manager.flows.seal(start.flow)
    kept = [
        (name, len(name) + len(value))
        for name, value in get_cookies(request).items()
        if name.startswith(context.cookies.flow)
    ]
    room = FLOW_COOKIE_BYTES - len(sealed) - len(context.cookies.flow) - 16
    while kept and (len(kept) >= MOST_FLOWS or sum(size for _, size in kept) > room):
        context.cookies.drop(response, kept.pop(0)[0])
    context.cookies.set(response, flow_cookie(context, start.flow.state), sealed, TICKET_SECONDS + EXPIRED_FLOW_MEMORY)
    return response


async def finish_flow(
    context: WebContext,
    request: Request,
    parameters: Mapping[str, str],
    *,
    delivers_json: bool = False,
    device_id: str = "",
) -> Outcome:
    """Finish the login that the browser's cookie and the response agree on; who it was until now is logged out."""
    cookies = get_cookies(request)
    request.state.flow_cookie = flow_cookie(context, parameters.get("state", ""))
    session_token = cookies.get(context.cookies.session) or cookies.get("refresh_token", "")
    return await context.manager.login_callback(
        request.path_params["provider"],
        request.path_params["client"],
        parameters,
        cookies.get(request.state.flow_cookie),
        get_visit(request, session_token, device_id=device_id),
        delivers_json=delivers_json,
    )


def deliver(context: WebContext, outcome: Outcome) -> Response:
    """Send the browser to where the login returns to, with the cookies that its outcome needs."""
    cookies, manager = context.cookies, context.manager
    match outcome:
        case ChoiceNeeded(delivery=delivery, pending=pending):
            ticket = manager.first_login_tickets.seal(pending)
            response = responses.redirect(_choice_page(context, delivery, ticket))
            cookies.set(response, cookies.pending, ticket, TICKET_SECONDS)
        case AccountProved(return_to=return_to, proof=proof):
            response = responses.redirect(return_to)
            cookies.set(response, cookies.merge, manager.merges.seal(proof), TICKET_SECONDS)
        case SessionOpened(delivery=delivery, return_to=return_to, opened=opened):
            response = responses.redirect(return_to)
            if delivery is Delivery.SESSION:
                cookies.set(response, cookies.session, opened.token, manager.settings.sessions.absolute)
            else:
                tokens = manager.current_member.issue_tokens(opened)
                set_token_cookies(context, response, {**tokens, "uid": opened.row.member_id})
        case IdentityLinked() | CallbackRepeated():
            response = responses.redirect(outcome.return_to)
        case _:
            assert_never(outcome)
    return response


def _choice_page(context: WebContext, delivery: Delivery, ticket: str) -> str:
    """Where a newcomer is asked; a front end of the `/buyer` routes may have a page for it."""
    page = context.manager.settings.service.binder_url
    if not page or delivery is not Delivery.TOKEN_COOKIES:
        return f"{context.prefix}/first-login"
    page = context.manager.targets.check(page)
    return f"{page}{'&' if '?' in page else '?'}uuid={ticket.partition('.')[0]}"


def set_token_cookies(context: WebContext, response: Response, tokens: Mapping[str, object]) -> None:
    """Set the cookies `access_token`, `refresh_token` and `uid` of the `/buyer` routes."""
    lifetimes = context.manager.settings.sessions
    for name, life in (
        ("access_token", lifetimes.access_token),
        ("refresh_token", lifetimes.absolute),
        ("uid", lifetimes.absolute),
    ):
        context.cookies.set_token(response, name, str(tokens[name]), life)


def token_body(context: WebContext, outcome: Outcome) -> dict[str, object]:
    """Return the token answer of a finished login, or what a link, a proof or a newcomer gets instead.

    Raises `StateInvalid` for a callback that was answered before: its tokens are told once.
    """
    manager = context.manager
    match outcome:
        case SessionOpened(opened=opened, is_new_member=is_new_member):
            return {**manager.current_member.issue_tokens(opened), "is_new_member": is_new_member}
        case IdentityLinked(union_type=union_type):
            return {"union_type": union_type}
        case AccountProved(proof=proof):
            return {"merge_ticket": manager.merges.seal(proof), "expires_in": TICKET_SECONDS}
        case ChoiceNeeded(pending=pending):
            return {"choice_ticket": manager.first_login_tickets.seal(pending), "expires_in": TICKET_SECONDS}
        case CallbackRepeated():
            raise StateInvalid("the flow was spent")
        case _:
            assert_never(outcome)


def _is_web(url: str) -> bool:
    """A login URL, not the bare string that a native SDK wants."""
    return ":" in url.partition("?")[0]
