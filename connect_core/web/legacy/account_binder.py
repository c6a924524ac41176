"""The `account-binder` and `login-binder` routes of older front ends: link, unlink, join an account.

Their `uuid` only names the login that waits for a decision; what proves it is the sealed ticket, in this browser's
cookie or in the app that got it. Routes on which those systems believed an id that the client claims answer E130 here.
"""

from collections.abc import Mapping
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import LastConnection, NotLoggedIn, StateInvalid, Unsupported
from connect_core.identity import ClientType
from connect_core.login.start import StartOptions
from connect_core.login.values import CallbackRepeated, Delivery, Outcome, Purpose, PurposeKind, SessionOpened
from connect_core.members.current import LoggedIn
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import Endpoint, for_visits, route
from connect_core.web.error_pages import ErrorStyle
from connect_core.web.legacy.javashop import answer_with_codes
from connect_core.web.login.delivery import keep_flow, take_pending
from connect_core.web.requests import (
    check_origin,
    get_credentials,
    get_parameters,
    get_visit,
    read_fields,
)

_CODES = {"already_bound": "143", "not_logged_in": "107", "forbidden": "E133"}
_UNBIND_OUT = "WECHAT"
"""What `unbind/out` unlinks: those front ends call it for the logout button inside WeChat's browser."""


def account_binder_routes(context: WebContext) -> list[BaseRoute]:
    """Return the routes of this module."""
    binder = _AccountBinderEndpoints(context)
    style, unbind_style = answer_with_codes(_CODES), answer_with_codes({**_CODES, "unsupported": "E134"})

    def make_route(path: str, endpoint: Endpoint, *methods: str, style: ErrorStyle = style) -> BaseRoute:
        return route(context, f"/buyer/{path}", endpoint, *methods, style=style, cross_origin=True)

    return [
        make_route("account-binder/pc/{type}", for_visits(binder.begin), "GET"),
        make_route("account-binder/list", binder.show, "GET"),
        make_route("account-binder/unbind/out", binder.unbind_and_log_out, "POST", style=unbind_style),
        make_route("account-binder/unbind/{type}", binder.unbind, "POST", style=unbind_style),
        make_route("account-binder/login/{uuid}", binder.bind_pending, "POST"),
        make_route("account-binder/register/{uuid}", binder.register, "POST"),
        make_route("passport/login-binder/pc/{uuid}", binder.join, "PUT"),
        make_route("passport/login-binder/wap/{uuid}", binder.join, "PUT", "POST"),
        *(make_route(path, _refuse, method) for method, path in _UNSAFE),
    ]


_UNSAFE = (
    ("GET", "passport/connect/app/{type}/param"),
    ("GET", "passport/connect/app/{type}/openid"),
    ("POST", "passport/login-binder/app"),
    ("POST", "passport/sms-binder/app"),
    ("POST", "passport/register-binder/app"),
    ("POST", "connect/{provider}/app/login/{uuid}"),
)
"""Routes that gave secrets to apps, or logged in whoever claimed an id."""


async def _refuse(request: Request) -> Response:
    raise Unsupported("this cannot be offered safely")


class _AccountBinderEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def begin(self, request: Request) -> Response:
        """Answer the vendor's address as text, for the front end to open.

        Not a redirect: a link on another site must not be able to begin linking.
        """
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
        return keep_flow(self._context, request, responses.text_response(start.login_url), start)

    async def show(self, request: Request) -> Response:
        """Answer every union type that the shop has configured, and whether it is linked."""
        logged_in = await self._find_member(request)
        if logged_in is None:
            raise NotLoggedIn("there is no live session")
        union_types = dict.fromkeys(configured.provider.union_type for configured in self._manager.registry)
        bound = logged_in.union_types
        return responses.json_response([{"union_type": name, "is_bind": name in bound} for name in union_types])

    async def unbind(self, request: Request) -> Response:
        await self._unbind(request, request.path_params["type"].upper())
        return _empty()

    async def unbind_and_log_out(self, request: Request) -> Response:
        """Unlink WeChat and log out; where it is the member's only login, log out alone."""
        try:
            await self._unbind(request, _UNBIND_OUT, logs_out=True)
        except LastConnection:
            await self._manager.current_member.logout(*self._context.get_presented(request).all)
        response = _empty()
        self._context.forget_logins(request, response)
        return response

    async def bind_pending(self, request: Request) -> Response:
        """Link the pending login to the member who is logged in."""
        return self._answer_bound(await self._bind_pending(request, (await self._find_recent(request))))

    async def register(self, request: Request) -> Response:
        """Register the person of the pending login; a member who is logged in gets it linked, and an empty answer."""
        if await self._find_member(request) is None:
            await self._context.count(request)
            ticket, fields = await self._read_ticket(request)
            visit = self._context.get_visit(request, consent=fields.get("consent", ""))
            return self._answer_bound(await self._manager.finish_first_login(ticket, visit))
        await self._bind_pending(request, await self._find_recent(request))
        response = _empty()
        self._context.cookies.drop(response, self._context.cookies.pending)
        return response

    async def join(self, request: Request) -> Response:
        """Link the pending login to the member whom the credentials prove, and log that member in."""
        check_origin(request, self._context.origins)
        await self._context.count(request)
        ticket, credentials = await self._read_ticket(request)
        await self._context.count_password(credentials.get("username", ""))
        visit = self._context.get_visit(request)
        return self._answer_bound(await self._manager.finish_first_login(ticket, visit, credentials))

    async def _bind_pending(self, request: Request, logged_in: LoggedIn) -> Outcome:
        await self._context.count(request)
        ticket, _ = await self._read_ticket(request)
        purpose = Purpose(PurposeKind.LINK, logged_in.session)
        return await self._manager.finish_first_login(ticket, get_visit(request), purpose=purpose)

    async def _read_ticket(self, request: Request) -> tuple[str, Mapping[str, str]]:
        """Return the ticket and the other fields. Raises `StateInvalid` unless the path names the ticket's login."""
        fields = await read_fields(request)
        ticket, pending = take_pending(self._context, request, fields)
        if pending.key != request.path_params["uuid"] or pending.delivery is Delivery.SESSION:
            raise StateInvalid("the uuid is of no login that waits here")
        return ticket, get_credentials(fields, "ticket")

    def _answer_bound(self, outcome: Outcome) -> Response:
        opened = outcome.opened if isinstance(outcome, SessionOpened | CallbackRepeated) else None
        if opened is None:
            raise StateInvalid("the choice was made before")
        tokens = self._manager.current_member.issue_tokens(opened)
        body = {name: tokens[name] for name in ("access_token", "refresh_token", "uid")}
        response = responses.json_response({"result": "bind_success", **body})
        self._context.cookies.drop(response, self._context.cookies.pending)
        return response

    async def _unbind(self, request: Request, union_type: str, *, logs_out: bool = False) -> None:
        logged_in = await self._find_recent(request)
        request_id = request.state.request_id
        await self._manager.self_service.unbind(logged_in.session, union_type, request_id, logs_out=logs_out)

    def _find_configured(self, client: ClientType, union_type: str) -> ConfiguredProvider:
        for configured in self._manager.registry.shown_for(client):
            if configured.provider.union_type == union_type and configured.entrance is Entrance.REDIRECT:
                return configured
        raise Unsupported("no such login begins in a browser of this kind")

    async def _find_recent(self, request: Request) -> LoggedIn:
        return await self._context.find_recent(request)

    async def _find_member(self, request: Request) -> LoggedIn | None:
        with suppress(NotLoggedIn):
            return await self._context.find_member(request)
        return None


def _empty() -> Response:
    return Response(status_code=200, headers=responses.HEADERS)
