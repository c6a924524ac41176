"""The binder routes of older front ends: bind, unbind, and the page that asks a newcomer, answered by the same manager.

Their `uuid` names the login that waits for a choice, and opens nothing by itself: what counts is the sealed ticket, in
this browser's cookie or an app's hand. What such systems let a client merely claim, an id above all, is E130 here.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import LastConnection, NotLoggedIn, StateInvalid, Unsupported
from connect_core.identity import ClientType
from connect_core.login.start import StartOptions
from connect_core.login.values import Delivery, Outcome, Purpose, PurposeKind, SessionOpened
from connect_core.members.current import LoggedIn
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.web import responses
from connect_core.web.context import Endpoint, ErrorStyle, WebContext
from connect_core.web.legacy.javashop import answer_in
from connect_core.web.login.routes import keep_flow
from connect_core.web.requests import (
    check_origin,
    get_cookies,
    get_parameters,
    get_visit,
    read_fields,
)

_CODES = {"already_bound": "143", "not_logged_in": "107", "forbidden": "E133"}
_OUT_OF = "WECHAT"
"""What `unbind/out` unbinds: it is the logout button inside WeChat's browser."""


def binder_routes(context: WebContext) -> list[BaseRoute]:
    """Every such route."""
    binder = _Binder(context)
    style, unbind_style = answer_in(_CODES), answer_in({**_CODES, "unsupported": "E134"})

    def route(path: str, endpoint: Endpoint, *methods: str, style: ErrorStyle = style) -> BaseRoute:
        return context.route(f"/buyer/{path}", endpoint, *methods, style=style, cross_origin=True)

    return [
        route("account-binder/pc/{type}", binder.begin, "GET"),
        route("account-binder/list", binder.show, "GET"),
        route("account-binder/unbind/out", binder.unbind_and_log_out, "POST", style=unbind_style),
        route("account-binder/unbind/{type}", binder.unbind, "POST", style=unbind_style),
        route("account-binder/login/{uuid}", binder.bind_pending, "POST"),
        route("account-binder/register/{uuid}", binder.register, "POST"),
        route("passport/login-binder/pc/{uuid}", binder.join, "PUT"),
        route("passport/login-binder/wap/{uuid}", binder.join, "PUT", "POST"),
        *(route(path, _refuse, method) for method, path in _UNSAFE),
    ]


_UNSAFE = (
    ("GET", "passport/connect/app/{type}/param"),
    ("GET", "passport/connect/app/{type}/openid"),
    ("POST", "passport/login-binder/app"),
    ("POST", "passport/sms-binder/app"),
    ("POST", "passport/register-binder/app"),
    ("POST", "connect/{provider}/app/login/{uuid}"),
)
"""Secrets handed to apps, and logins by an id that the client claims."""


async def _refuse(request: Request) -> Response:
    raise Unsupported("this cannot be offered safely")


class _Binder:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def begin(self, request: Request) -> Response:
        """The address at which a bind begins, as text; the front end sends the browser there, and no link can."""
        check_origin(request, self._context.origins)
        await self._context.count(request)
        session = (await self._find_recent(request)).session
        client = ClientType.PC if session.client_type is ClientType.PC else ClientType.H5
        configured = self._find_configured(client, request.path_params["type"].upper())
        start = await self._manager.get_login_url(
            configured.name,
            configured.client_type,
            get_visit(request),
            StartOptions(
                return_to=get_parameters(request).get("return_to", ""),
                delivery=Delivery.TOKEN_COOKIES,
                is_in_app=True,
                purpose=Purpose(PurposeKind.LINK, session),
            ),
        )
        return keep_flow(self._context, request, responses.plain(start.login_url), start)

    async def show(self, request: Request) -> Response:
        """Every union type that the shop has configured, and whether it is bound."""
        found = await self._find_member(request)
        if found is None:
            raise NotLoggedIn("there is no live session")
        union_types = dict.fromkeys(configured.provider.union_type for configured in self._manager.registry)
        return responses.answer([{"union_type": one, "is_bind": one in found.union_types} for one in union_types])

    async def unbind(self, request: Request) -> Response:
        await self._unbind(request, request.path_params["type"].upper())
        return _nothing()

    async def unbind_and_log_out(self, request: Request) -> Response:
        """Log out; the connection goes with it, unless it is the member's only way back."""
        try:
            await self._unbind(request, _OUT_OF, logs_out=True)
        except LastConnection:
            for token in filter(None, self._get_tokens(request).values()):
                await self._manager.current_member.logout(token)
        response = _nothing()
        self._context.forget_logins(request, response)
        return response

    async def bind_pending(self, request: Request) -> Response:
        """Bind the person who waits to the member who is logged in."""
        return self._bound(await self._bind_pending(request, (await self._find_recent(request))))

    async def register(self, request: Request) -> Response:
        """The same, told in no words, for a member whom the shop has just registered; register who is not logged in."""
        if await self._find_member(request) is None:
            await self._context.count(request)
            ticket, _ = await self._read_ticket(request)
            return self._bound(await self._manager.finish_first_login(ticket, get_visit(request)))
        await self._bind_pending(request, await self._find_recent(request))
        response = _nothing()
        self._context.cookies.drop(response, self._context.cookies.pending)
        return response

    async def join(self, request: Request) -> Response:
        """Bind the person who waits to the member whom the credentials prove."""
        check_origin(request, self._context.origins)
        await self._context.count(request)
        ticket, asked = await self._read_ticket(request)
        await self._context.password_limiter.hit(f"user {asked.get('username', '')}")
        return self._bound(await self._manager.finish_first_login(ticket, get_visit(request), asked))

    async def _bind_pending(self, request: Request, found: LoggedIn) -> Outcome:
        await self._context.count(request)
        ticket, _ = await self._read_ticket(request)
        return await self._manager.finish_first_login(
            ticket, get_visit(request), purpose=Purpose(PurposeKind.LINK, found.session)
        )

    async def _read_ticket(self, request: Request) -> tuple[str, Mapping[str, str]]:
        """Return the ticket, which must be of the login that the path names, and what else was sent."""
        asked = await read_fields(request)
        ticket = asked.pop("ticket", "") or get_cookies(request).get(self._context.cookies.pending, "")
        if not ticket or ticket.partition(".")[0] != request.path_params["uuid"]:
            raise StateInvalid("the uuid is of no login that waits here")
        return ticket, asked

    def _bound(self, outcome: Outcome) -> Response:
        assert isinstance(outcome, SessionOpened), "somebody who has chosen is logged in"
        tokens = self._manager.current_member.issue_tokens(outcome.opened)
        told = {name: tokens[name] for name in ("access_token", "refresh_token", "uid")}
        response = responses.answer({"result": "bind_success", **told})
        self._context.cookies.drop(response, self._context.cookies.pending)
        return response

    async def _unbind(self, request: Request, union_type: str, *, logs_out: bool = False) -> None:
        found = await self._find_recent(request)
        request_id = request.state.request_id
        await self._manager.self_service.unbind(found.session, union_type, request_id, logs_out=logs_out)

    def _find_configured(self, client: ClientType, union_type: str) -> ConfiguredProvider:
        for configured in self._manager.registry.shown_for(client):
            if configured.provider.union_type == union_type and configured.entrance is Entrance.REDIRECT:
                return configured
        raise Unsupported("no such login begins in a browser of this kind")

    async def _find_recent(self, request: Request) -> LoggedIn:
        return await self._manager.current_member.find_recent(**self._get_tokens(request))

    async def _find_member(self, request: Request) -> LoggedIn | None:
        return await self._manager.current_member.find_member(**self._get_tokens(request))

    def _get_tokens(self, request: Request) -> dict[str, str]:
        """As every route takes them, and the cookies that `/buyer` logins leave."""
        tokens, cookies = self._context.get_tokens(request), get_cookies(request)
        for name, cookie in (("session_token", "refresh_token"), ("access_token", "access_token")):
            tokens[name] = tokens[name] or cookies.get(cookie, "")
        return tokens


def _nothing() -> Response:
    return Response(status_code=200, headers=responses.HEADERS)
