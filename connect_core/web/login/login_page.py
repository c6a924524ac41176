"""The hosted login page: the logins that a browser can begin, a password form where members have passwords.

Somebody who is logged in already reads so, instead of a list that looks as if the login had failed.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import BadRequest, ConnectError, NotLoggedIn, PageNotFound, RequestRefused, Unavailable
from connect_core.identity import ClientType
from connect_core.login.values import Delivery
from connect_core.members.current import LoggedIn
from connect_core.user_agents import find_in_app_browser, is_mobile
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.error_pages import answer_error
from connect_core.web.logged_in import find_logged_in
from connect_core.web.login.browsers import find_better_place
from connect_core.web.login.delivery import deliver, token_body
from connect_core.web.login.offered import find_shown, find_start_url, make_choice
from connect_core.web.pages.links import with_query
from connect_core.web.pages.views import LoginChoice, LoginView, MemberView
from connect_core.web.pages.ways_out import find_way_out
from connect_core.web.requests import (
    check_origin,
    get_cookies,
    get_credentials,
    get_language,
    get_parameters,
    get_visit,
    read_fields,
    wants_page,
)


def login_page_routes(context: WebContext) -> list[BaseRoute]:
    """Return the page, what its password form posts to, and the way from `/` to the member's own page."""
    login = _LoginPageEndpoints(context)
    return [
        route(context, f"{context.prefix}/login", login.page, "GET"),
        route(
            context,
            f"{context.prefix}/password/login",
            login.log_in,
            "POST",
            cross_origin=True,
            style=login.answer_error,
        ),
        route(context, "/", login.home, "GET"),
    ]


class _LoginPageEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def home(self, request: Request) -> Response:
        """Lead to the member's own page from `/`, where the shop has no page of its own."""
        return responses.redirect(f"{self._context.prefix}/account")

    async def page(self, request: Request) -> Response:
        query = get_parameters(request)
        return_to, is_switching = query.get("return_to", ""), bool(query.get("another", ""))
        if return_to:
            self._manager.targets.check(return_to)
        client = query.get("client", "")
        choices = self._find_choices(request, client)
        logged_in = None if is_switching else await self._find_logged_in(request)
        if logged_in is not None:
            return self._show_logged_in(request, logged_in, client, return_to)
        return self._show(request, choices, LoginView(return_to, client, is_switching=is_switching))

    async def log_in(self, request: Request) -> Response:
        """Log in by a password, or by what else the shop's check takes: a page by a form, a program by JSON."""
        passwords = self._manager.password_logins
        if not passwords.are_offered:
            raise PageNotFound("no credentials log a member in here")
        check_origin(request, self._context.origins)
        await self._context.count(request)
        fields, is_page = await read_fields(request), wants_page(request)
        return_to, client = fields.get("return_to", ""), fields.get("client", "")
        target = self._manager.targets.check(return_to or self._manager.settings.service.home_url)
        client_type = self._find_client_type(request, client)
        credentials = get_credentials(fields, "return_to", "client", "device_id")
        request.state.login_view = LoginView(
            return_to, client, username=credentials.get("username", ""), mistake="wrong_credentials"
        )
        await self._context.count_password(credentials.get("username", ""))
        outcome = await passwords.log_in(
            credentials,
            self._context.get_visit(request, fields.get("device_id", "")[:64]),
            client_type,
            Delivery.SESSION if is_page else Delivery.JSON,
            target,
        )
        if is_page:
            return deliver(self._context, request, outcome)
        return responses.json_response(token_body(self._context, outcome))

    def answer_error(self, request: Request, error: ConnectError) -> Response:
        """Show the form again after a wrong password, with the name that was typed."""
        view = getattr(request.state, "login_view", None)
        if view is None or not wants_page(request) or not isinstance(error, NotLoggedIn):
            return answer_error(self._context, request, error)
        return self._show(request, self._find_choices(request, view.client), view, error.status)

    async def _find_logged_in(self, request: Request) -> LoggedIn | None:
        """Return who is logged in; while the database does not answer, the page is what it is for everybody."""
        if not any(self._context.get_presented(request).all):
            return None
        with suppress(Unavailable):
            return await find_logged_in(self._context, request)
        return None

    def _show(self, request: Request, choices: Sequence[LoginChoice], view: LoginView, status: int = 200) -> Response:
        service, passwords = self._manager.settings.service, self._manager.password_logins
        is_pc = self._find_client_type(request, view.client) is ClientType.PC
        page = f"{service.public_url}{self._context.prefix}/login"
        address = with_query(page, client=view.client, return_to=view.return_to)
        text = self._context.pages.login(
            get_language(request),
            choices,
            replace(view, takes_credentials=passwords.are_offered, has_qr_login=service.handover and is_pc),
            way_out=find_way_out(find_in_app_browser(get_visit(request).user_agent), address),
        )
        return responses.html_response(text, status)

    def _show_logged_in(self, request: Request, logged_in: LoggedIn, client: str, return_to: str) -> Response:
        member, login_page = logged_in.member, f"{self._context.prefix}/login"
        text = self._context.pages.already_logged_in(
            get_language(request),
            MemberView(member.uname, member.nickname, member.face),
            go_on_url=return_to or self._find_home(),
            another_url=with_query(login_page, another="1", client=client, return_to=return_to),
            page_query={"client": client, "return_to": return_to},
        )
        return responses.html_response(text)

    def _find_home(self) -> str:
        """Return the shop's page; empty where that is the login page itself, or is not allowed as a target."""
        targets, home = self._manager.targets, self._manager.settings.service.home_url
        with suppress(RequestRefused):
            is_here = targets.check(home).partition("?")[0] == targets.check(f"{self._context.prefix}/login")
            return "" if is_here else home
        return ""

    def _find_client_type(self, request: Request, client: str) -> ClientType:
        """Return the client type that was named, or else that of the browser. Raises `BadRequest`."""
        if client:
            if client not in list(ClientType):
                raise BadRequest("there is no such client type")
            return ClientType(client)
        return ClientType.H5 if is_mobile(get_visit(request).user_agent) else ClientType.PC

    def _find_choices(self, request: Request, client: str) -> list[LoginChoice]:
        """Return the logins that a browser can begin: that of the app at hand first, then the one used last."""
        visit = get_visit(request)
        shown = find_shown(self._context, client or self._find_client_type(request, client))
        last_used = get_cookies(request).get(self._context.cookies.last_used, "")
        # sorted is stable: the others stay in the configured order
        ordered = sorted(shown, key=lambda configured: configured.name != last_used)
        if in_app := find_in_app_browser(visit.user_agent):
            ordered.sort(key=lambda configured: configured.provider.own_browser is not in_app)
        return [
            make_choice(configured, visit.language, url, find_better_place(configured, visit.user_agent), last_used)
            for configured in ordered
            if (url := find_start_url(self._context, configured))
        ]
