"""The routes by which a member confirms who they are, when something needs a more recent login than theirs.

Only the member's own ways in count. Another member's, or nobody's, is refused, and the member stays logged in. A
confirmation replaces the session by a new one, as a login does.
"""

from dataclasses import replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import ConnectError, LoginTooOld, NotLoggedIn, NotThisMember, Unsupported
from connect_core.identity import ClientType, Language
from connect_core.login.values import Delivery, PurposeKind
from connect_core.members.current import LoggedIn
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.sessions import PresentedTokens
from connect_core.web import endpoints, responses
from connect_core.web.account.routes import begin_bind
from connect_core.web.answers import WaysToConfirm, WayToConfirm
from connect_core.web.context import WebContext
from connect_core.web.error_pages import leading_back_to
from connect_core.web.login.browsers import find_better_place
from connect_core.web.login.delivery import deliver, token_body
from connect_core.web.login.offered import describe_outage, make_choice
from connect_core.web.pages.views import ConfirmationView, MemberView
from connect_core.web.requests import (
    get_credentials,
    get_language,
    get_parameters,
    get_visit,
    read_fields,
    wants_page,
)


def reauthentication_routes(context: WebContext) -> list[BaseRoute]:
    """Return the routes of this module."""
    confirming, prefix = _ReauthenticationEndpoints(context), context.prefix
    route = partial(endpoints.route, context, style=confirming.answer_error)
    return [
        route(f"{prefix}/reauthenticate", confirming.page, "GET", cross_origin=True),
        route(f"{prefix}/reauthenticate", confirming.confirm, "POST", cross_origin=True),
        route(f"{prefix}/{{provider}}/{{client}}/confirm", confirming.begin, "POST", cross_origin=True),
    ]


class _ReauthenticationEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager
        self._lead_back = leading_back_to(context, "/account")

    async def page(self, request: Request) -> Response:
        """Show the member's own ways in; a program gets them as JSON, a member whose login is recent goes on."""
        return_to = self._check_target(get_parameters(request).get("return_to", ""))
        try:
            logged_in = await self._context.find_member(request)
        except NotLoggedIn:
            if not wants_page(request):
                raise
            return responses.redirect(self._context.get_login_page(return_to))
        view = await self._find_ways(request, logged_in, return_to)
        if not wants_page(request):
            return responses.json_response(self._describe_ways(view, get_language(request)))
        if await self._is_recent(request):
            return responses.redirect(self._manager.targets.check(return_to))
        return responses.html_response(self._context.pages.confirm_identity(get_language(request), view))

    async def begin(self, request: Request) -> Response:
        """Begin a login by redirect that confirms who the member is; with a client's code, finish it."""
        return await begin_bind(self._context, request, PurposeKind.CONFIRM)

    async def confirm(self, request: Request) -> Response:
        """Confirm by the member's password, or by what else the shop's check takes."""
        if not self._manager.password_logins.are_offered:
            raise Unsupported("no credentials prove a member here")
        await self._context.count(request)
        logged_in, presented = await self._find_confirming(request)
        fields, is_page = await read_fields(request), wants_page(request)
        return_to = self._check_target(fields.get("return_to", ""))
        credentials = get_credentials(fields, "return_to", "device_id")
        if self._manager.has_passwords or not credentials.get("username"):
            credentials["username"] = logged_in.member.uname
        await self._context.count_password(credentials["username"])
        view = await self._find_ways(request, logged_in, return_to)
        request.state.confirmation_view = replace(view, is_wrong=True)
        visit = self._context.get_visit(request, fields.get("device_id", "")[:64])
        outcome = await self._manager.password_logins.confirm(
            credentials,
            logged_in.session,
            replace(visit, presented=presented),
            self._context.get_delivery(request) if is_page else Delivery.JSON,
            self._manager.targets.check(return_to),
        )
        if is_page:
            return deliver(self._context, request, outcome)
        return responses.json_response(token_body(self._context, outcome))

    async def _find_confirming(self, request: Request) -> tuple[LoggedIn, PresentedTokens]:
        """Return who confirms, and the tokens that show it.

        Those are what the browser presents or, where a confirmation has replaced its session and the answer was lost,
        what that answer would have given it. Raises as `WebContext.find_presented`.
        """
        presented = self._context.get_presented(request)
        try:
            return await self._context.find_presented(request, presented), presented
        except NotLoggedIn:
            presented = self._manager.password_logins.find_confirmed(presented)
            return await self._context.find_presented(request, presented), presented

    def answer_error(self, request: Request, error: ConnectError) -> Response:
        """Show the page again after a wrong password."""
        view = getattr(request.state, "confirmation_view", None)
        if view is None or not wants_page(request) or not isinstance(error, NotLoggedIn | NotThisMember):
            return self._lead_back(request, error)
        text = self._context.pages.confirm_identity(get_language(request), view)
        return responses.html_response(text, error.status)

    def _check_target(self, return_to: str) -> str:
        """Return where the member goes on, by default to the account page. Raises `RedirectNotAllowed`."""
        if return_to:
            self._manager.targets.check(return_to)
        return return_to or f"{self._context.prefix}/account"

    async def _is_recent(self, request: Request) -> bool:
        try:
            await self._context.find_recent(request)
        except LoginTooOld:
            return False
        return True

    async def _find_ways(self, request: Request, logged_in: LoggedIn, return_to: str) -> ConfirmationView:
        visit = get_visit(request)
        choices = [
            make_choice(
                configured,
                visit.language,
                f"{self._context.prefix}/{configured.name}/{configured.client_type}/confirm",
                find_better_place(configured, visit.user_agent),
            )
            for configured in self._find_own(logged_in)
        ]
        # a shop's own check alone knows which of its members it can prove
        by_hook = self._manager.password_logins.are_offered and not self._manager.has_passwords
        member = logged_in.member
        return ConfirmationView(
            member=MemberView(member.uname, member.nickname, member.face),
            choices=[choice for choice in choices if choice.place is None],
            elsewhere=[choice for choice in choices if choice.place is not None],
            takes_password=by_hook or await self._manager.self_service.has_password(logged_in.session),
            return_to=return_to,
        )

    def _find_own(self, logged_in: LoggedIn) -> list[ConfiguredProvider]:
        """Return a provider for each of the member's connections that a browser can begin.

        Those of the session's kind of browser come first; of the other kind where there is no such login.
        """
        first = ClientType.PC if logged_in.session.client_type is ClientType.PC else ClientType.H5
        second = ClientType.H5 if first is ClientType.PC else ClientType.PC
        shown = [*self._manager.registry.shown_for(first), *self._manager.registry.shown_for(second)]
        by_type: dict[str, ConfiguredProvider] = {}
        for configured in shown:
            union_type = configured.provider.union_type
            if configured.entrance is Entrance.REDIRECT and union_type in logged_in.union_types:
                by_type.setdefault(union_type, configured)
        return [*by_type.values()]

    def _describe_ways(self, view: ConfirmationView, language: Language) -> WaysToConfirm:
        ways: list[WayToConfirm] = [
            {
                "provider": choice.name,
                "name": choice.title,
                "confirm_url": choice.url,
                **describe_outage(self._context, choice, language),
            }
            for choice in (*view.choices, *view.elsewhere)
        ]
        password_url = f"{self._context.prefix}/reauthenticate"
        return {"ways": ways, "password_url": password_url if view.takes_password else None}
