"""The choose page: whoever a vendor vouches for and the shop does not know says whether they are new.

The pending login is in the browser's own cookie, or is the ticket that an app was given. It is used once, by POST.
"""

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import (
    BadRequest,
    ConnectError,
    NotLoggedIn,
    StateExpired,
    StateInvalid,
    StateMissing,
    Unsupported,
)
from connect_core.login.values import Delivery
from connect_core.web import responses
from connect_core.web.context import ErrorStyle, WebContext
from connect_core.web.login.routes import deliver, title, token_body
from connect_core.web.pages import Way
from connect_core.web.requests import (
    check_origin,
    get_cookies,
    get_language,
    get_visit,
    read_fields,
    wants_page,
)


def first_login_routes(context: WebContext) -> list[BaseRoute]:
    """The page and what it posts to; 404 where newcomers are registered at once."""
    first, path, style = _FirstLogin(context), f"{context.prefix}/first-login", _style(context)
    return [
        context.route(path, first.page, "GET", style=style, cross_origin=True),
        context.route(path, first.choose, "POST", style=style, cross_origin=True),
    ]


class _FirstLogin:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def page(self, request: Request) -> Response:
        self._check_offered()
        ticket = get_cookies(request).get(self._context.cookies.pending, "")
        if not ticket and wants_page(request):
            return responses.redirect(f"{self._context.prefix}/login")
        if not ticket:
            raise StateMissing("there is no login that waits for a choice")
        return self._show(request, ticket)

    async def choose(self, request: Request) -> Response:
        """`decision` is `register` or `join`; with `join` come the credentials."""
        self._check_offered()
        check_origin(request, self._context.origins)
        await self._context.count(request)
        asked = await read_fields(request)
        cookies = get_cookies(request)
        ticket = asked.pop("ticket", "") or cookies.get(self._context.cookies.pending, "")
        if not ticket:
            raise StateMissing("there is no login that waits for a choice")
        visit = get_visit(request, cookies.get(self._context.cookies.session, ""))
        match asked.pop("decision", ""):
            case "register":
                outcome = await self._manager.finish_first_login(ticket, visit)
            case "join":
                await self._context.password_limiter.hit(f"user {asked.get('username', '')}")
                try:
                    outcome = await self._manager.finish_first_login(ticket, visit, asked)
                except NotLoggedIn:
                    if not wants_page(request):
                        raise
                    return self._show(request, ticket, is_wrong=True, username=asked.get("username", ""))
            case _:
                raise BadRequest("decision is register or join")
        if outcome.delivery is Delivery.JSON:
            return responses.answer(token_body(self._context, outcome))
        response = deliver(self._context, outcome)
        self._context.cookies.drop(response, self._context.cookies.pending)
        return response

    def _check_offered(self) -> None:
        if not self._manager.chooses:
            raise Unsupported("this shop registers newcomers at once")

    def _show(self, request: Request, ticket: str, *, is_wrong: bool = False, username: str = "") -> Response:
        pending = self._manager.first_login_tickets.open(ticket)
        configured = self._manager.registry.find(pending.provider, pending.client_type)
        profile, language = pending.identity.profile, get_language(request)
        nickname, name = profile.nickname if profile else "", title(configured, language)
        if not wants_page(request):
            return responses.answer({"provider": configured.name, "name": name, "nickname": nickname})
        text = self._context.pages.first_login(language, name, nickname, is_wrong=is_wrong, username=username)
        return responses.page(text, 401 if is_wrong else 200)


def _style(context: WebContext) -> ErrorStyle:
    leading_back = context.leading_back_to(f"{context.prefix}/first-login")

    def tell(request: Request, error: ConnectError) -> Response:
        """Whoever took too long begins anew, and still lands where that login was to end."""
        ticket, return_to = get_cookies(request).get(context.cookies.pending, ""), ""
        if not wants_page(request) or not isinstance(error, StateExpired):
            return leading_back(request, error)
        with suppress(StateInvalid):
            return_to = context.shorten(context.manager.first_login_tickets.open_expired(ticket).return_to)
        ways = [Way("start_again", context.login_for(return_to))]
        return context.refuse(request, error, error.code, ways)

    return tell
