"""The first-login page: somebody whom the vendor identified, but the shop does not know, says whether they are new.

They register, agreeing to the shop's terms where those are required, or join an account that they have: by another
login that leads there, or by its password. Until then their login waits, sealed in a ticket: in a cookie of the
browser, or in the app that got it as its answer. A ticket is spent once, by POST.
"""

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import (
    BadRequest,
    ConnectError,
    ConsentRequired,
    NotLoggedIn,
    PageNotFound,
    StateExpired,
    StateInvalid,
    StateMissing,
)
from connect_core.identity import Language
from connect_core.login.flow import get_log_name
from connect_core.login.start import StartOptions
from connect_core.login.values import Delivery, Outcome, PendingLogin, Purpose, PurposeKind
from connect_core.providers import calls
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.web import responses
from connect_core.web.answers import JoinChoice
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.error_pages import ErrorStyle, error_page, leading_back_to
from connect_core.web.login.browsers import find_better_place
from connect_core.web.login.delivery import answer_start, deliver, describe_consent, take_pending, token_body
from connect_core.web.login.offered import describe_outage, get_title, make_choice
from connect_core.web.pages.views import FirstLoginView, LoginChoice, NextStep
from connect_core.web.requests import (
    check_origin,
    get_cookies,
    get_credentials,
    get_language,
    get_visit,
    read_fields,
    wants_page,
)


def first_login_routes(context: WebContext) -> list[BaseRoute]:
    """Return the page and what it posts to; all are 404 where newcomers are asked nothing."""
    first_login, path, style = _FirstLoginEndpoints(context), f"{context.prefix}/first-login", _error_style(context)
    return [
        route(context, path, first_login.page, "GET", style=style, cross_origin=True),
        route(context, path, first_login.choose, "POST", style=style, cross_origin=True),
        route(
            context,
            f"{context.prefix}/{{provider}}/{{client}}/join",
            first_login.begin_join,
            "POST",
            style=style,
            cross_origin=True,
        ),
    ]


class _FirstLoginEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def page(self, request: Request) -> Response:
        self._check_enabled()
        ticket = get_cookies(request).get(self._context.cookies.pending, "")
        if not ticket and wants_page(request):
            return responses.redirect(f"{self._context.prefix}/login")
        if not ticket:
            raise StateMissing("there is no login that waits for a choice")
        return self._show(request, ticket)

    async def choose(self, request: Request) -> Response:
        """Take the decision, `register` or `join`; with `join` come the credentials."""
        self._check_enabled()
        check_origin(request, self._context.origins)
        await self._context.count(request)
        fields = await read_fields(request)
        ticket, pending = take_pending(self._context, request, fields)
        visit = self._context.get_visit(request, consent=fields.get("consent", ""))
        match fields.get("decision", ""):
            case "register":
                try:
                    outcome = await self._manager.finish_first_login(ticket, visit)
                except ConsentRequired as error:
                    if not wants_page(request):
                        raise
                    return self._show(request, ticket, error.status, needs_consent=True)
            case "join" if self._manager.chooses:
                credentials = get_credentials(fields, "ticket", "decision")
                await self._context.count_password(credentials.get("username", ""))
                try:
                    outcome = await self._manager.finish_first_login(ticket, visit, credentials)
                except NotLoggedIn as error:
                    if not wants_page(request):
                        raise
                    await self._context.count_failure(request, error)
                    return self._show(request, ticket, 401, is_wrong=True, username=credentials.get("username", ""))
            case _:
                raise BadRequest("decision is register or join")
        return self._answer(request, outcome, pending.provider)

    async def begin_join(self, request: Request) -> Response:
        """Begin another login, by redirect, that proves the account to join; with a client's code, finish it."""
        self._check_enabled()
        check_origin(request, self._context.origins)
        await self._context.count(request)
        fields = await read_fields(request, keeps_objects=True)
        ticket, pending = take_pending(self._context, request, fields, "choice_ticket")
        names = (request.path_params["provider"], request.path_params["client"])
        configured = self._manager.registry.find(*names)
        visit = self._context.get_visit(request, choice_ticket=ticket)
        purpose = Purpose(PurposeKind.JOIN, None, pending)
        if configured.entrance is not Entrance.REDIRECT and calls.is_handed_in(configured.provider, fields):
            outcome = await self._manager.login_with_code(*names, fields, visit, purpose)
            return self._answer(request, outcome, configured.name)
        redirect_uri = fields.get("redirect_uri", "")
        if configured.entrance is Entrance.REDIRECT and bool(redirect_uri) != (pending.delivery is Delivery.JSON):
            raise BadRequest("redirect_uri is for a login whose ticket was handed to a program, and needed there")
        options = StartOptions(
            return_to=pending.return_to,
            redirect_uri=redirect_uri,
            delivery=pending.delivery,
            is_in_app=True,
            purpose=purpose,
        )
        return answer_start(
            self._context, request, configured, await self._manager.get_login_url(*names, visit, options)
        )

    def _answer(self, request: Request, outcome: Outcome, provider: str) -> Response:
        if outcome.delivery is Delivery.JSON:
            return responses.json_response(token_body(self._context, outcome))
        return deliver(self._context, request, outcome, provider)

    def _check_enabled(self) -> None:
        if not self._manager.chooses and not self._manager.required_terms:
            raise PageNotFound("this shop registers newcomers at once")

    def _show(
        self,
        request: Request,
        ticket: str,
        status: int = 200,
        *,
        is_wrong: bool = False,
        username: str = "",
        needs_consent: bool = False,
    ) -> Response:
        pending = self._manager.first_login_tickets.open(ticket)
        configured, subject = self._find_configured(pending), get_log_name(pending.key)
        profile, language = pending.identity.profile, get_language(request)
        nickname, name = profile.nickname if profile else "", get_title(configured, language)
        choices = self._find_choices(request, configured, language) if self._manager.chooses else []
        if not wants_page(request):
            joins: list[JoinChoice] = [
                {
                    "provider": choice.name,
                    "name": choice.title,
                    "join_url": choice.url,
                    **describe_outage(self._context, choice, language),
                }
                for choice in choices
            ]
            body = {"provider": configured.name, "name": name, "nickname": nickname, "subject": subject}
            return responses.json_response({**body, "joins": joins, **describe_consent(self._manager)})
        view = FirstLoginView(
            name,
            nickname,
            choices,
            self._manager.chooses and self._manager.password_logins.are_offered,
            is_wrong=is_wrong,
            username=username,
            needs_consent=needs_consent,
            subject=subject,
        )
        return responses.html_response(self._context.pages.first_login(language, view), status)

    def _find_configured(self, pending: PendingLogin) -> ConfiguredProvider:
        return self._manager.registry.find(pending.provider, pending.client_type)

    def _find_choices(self, request: Request, used: ConfiguredProvider, language: Language) -> list[LoginChoice]:
        """Return the logins of other vendors that work in this browser."""
        user_agent = get_visit(request).user_agent
        return [
            make_choice(configured, language, f"{self._context.prefix}/{configured.name}/{configured.client_type}/join")
            for configured in self._manager.registry.shown_for(used.client_type)
            if configured.entrance is Entrance.REDIRECT
            and configured.provider.union_type != used.provider.union_type
            and find_better_place(configured, user_agent) is None
        ]


def _error_style(context: WebContext) -> ErrorStyle:
    leading_back = leading_back_to(context, "/first-login")

    def answer(request: Request, error: ConnectError) -> Response:
        """Link from the page of an expired ticket to a new login, which ends where the first one was to end."""
        ticket, return_to = get_cookies(request).get(context.cookies.pending, ""), ""
        if not wants_page(request) or not isinstance(error, StateExpired):
            return leading_back(request, error)
        with suppress(StateInvalid):
            return_to = context.shorten(context.manager.first_login_tickets.open_expired(ticket).return_to)
        start_again = NextStep("start_again", context.get_login_page(return_to))
        return error_page(context, request, error, error.code, [start_again])

    return answer
