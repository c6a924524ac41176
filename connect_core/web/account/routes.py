"""The account page, and the routes by which members link and unlink logins, end sessions and set a password.

A browser sends its session cookie, an app its bearer token. The page's forms post where JSON clients send DELETE.
"""

from collections.abc import Container
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import NotLoggedIn, PageNotFound, PasswordRefused
from connect_core.identity import ClientType, Language
from connect_core.login.start import StartOptions
from connect_core.login.values import Delivery, Purpose, PurposeKind
from connect_core.members.current import LoggedIn
from connect_core.members.self_service import ActiveSession
from connect_core.providers import calls
from connect_core.providers.provider import Entrance
from connect_core.user_agents import name_in
from connect_core.web import endpoints, responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import PostedFrom
from connect_core.web.error_pages import leading_back_to
from connect_core.web.login.delivery import answer_start, token_body
from connect_core.web.login.offered import get_title, make_choice
from connect_core.web.pages.views import (
    AccountView,
    ConnectionView,
    LoginChoice,
    MemberView,
    SessionView,
    UndoableMergeView,
)
from connect_core.web.requests import (
    get_parameters,
    get_visit,
    is_form,
    read_fields,
    read_form,
    wants_page,
)


def account_routes(context: WebContext) -> list[BaseRoute]:
    """Return the routes of this module."""
    account, prefix = _AccountEndpoints(context), context.prefix
    route = partial(endpoints.route, context, style=leading_back_to(context, "/account"))
    return [
        route(
            f"{prefix}/{{provider}}/{{client}}/bind", PostedFrom("/account", account.bind), "POST", cross_origin=True
        ),
        route(f"{prefix}/connections", account.connections, "GET", cross_origin=True),
        route(f"{prefix}/connections/{{union_type}}", account.unbind, "DELETE", cross_origin=True),
        route(f"{prefix}/connections/{{union_type}}/unbind", PostedFrom("/account", account.unbind), "POST"),
        route(f"{prefix}/sessions", account.sessions, "GET", cross_origin=True),
        route(f"{prefix}/sessions", account.end_sessions, "DELETE", cross_origin=True),
        route(f"{prefix}/sessions/end", PostedFrom("/account", account.end_sessions), "POST"),
        route(f"{prefix}/sessions/{{id}}", account.end_session, "DELETE", cross_origin=True),
        route(f"{prefix}/sessions/{{id}}/end", PostedFrom("/account", account.end_session), "POST"),
        route(f"{prefix}/account", account.page, "GET"),
        route(f"{prefix}/account/password", PostedFrom("/account", account.set_password), "POST", cross_origin=True),
    ]


class _AccountEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager
        self._self_service = context.manager.self_service

    async def bind(self, request: Request) -> Response:
        """Begin to link a login by redirect; with a client's code, link it."""
        return await begin_bind(self._context, request)

    async def connections(self, request: Request) -> Response:
        logged_in = await self._context.find_member(request)
        connections = await self._self_service.find_connections(logged_in.session)
        return responses.json_response([asdict(connection) for connection in connections])

    async def unbind(self, request: Request) -> Response:
        logged_in = await self._context.find_recent(request)
        parameters = await read_form(request) if is_form(request) else get_parameters(request)
        logs_out = parameters.get("logout", "") in ("1", "true")
        union_type = request.path_params["union_type"].upper()
        await self._self_service.unbind(logged_in.session, union_type, request.state.request_id, logs_out=logs_out)
        response = self._answer_done(request, "unlinked", union_type)
        if logs_out:
            self._context.forget_logins(request, response)
        return response

    async def sessions(self, request: Request) -> Response:
        logged_in = await self._context.find_member(request)
        sessions, language = await self._self_service.find_sessions(logged_in.session), get_visit(request).language
        return responses.json_response([_describe_session(session, language) for session in sessions])

    async def end_session(self, request: Request) -> Response:
        logged_in = await self._context.find_member(request)
        await self._self_service.end_session(logged_in.session, request.path_params["id"])
        return self._answer_done(request, "session_ended")

    async def end_sessions(self, request: Request) -> Response:
        """End all of the member's sessions but this one."""
        logged_in = await self._context.find_member(request)
        await self._self_service.end_other_sessions(logged_in.session)
        return self._answer_done(request, "other_sessions_ended")

    async def set_password(self, request: Request) -> Response:
        if not self._manager.has_passwords:
            raise PageNotFound("this shop has no passwords of ours")
        logged_in = await self._context.find_recent(request)
        fields = await read_fields(request)
        session, member = logged_in.session, logged_in.member
        try:
            is_change = await self._self_service.set_password(
                session, fields.get("password", ""), member.uname, member.nickname
            )
        except PasswordRefused as error:
            if not wants_page(request):
                raise
            return await self._show(request, logged_in, error)
        return self._answer_done(request, "password_changed" if is_change else "password_set")

    async def page(self, request: Request) -> Response:
        try:
            logged_in = await self._context.find_member(request)
        except NotLoggedIn:
            return responses.redirect(self._context.get_login_page(f"{self._context.prefix}/account"))
        return await self._show(request, logged_in)

    async def _show(self, request: Request, logged_in: LoggedIn, error: PasswordRefused | None = None) -> Response:
        """Show the account page, and beside the field why a new password was refused (`error`)."""
        language = get_visit(request).language
        account = await self._find_account(logged_in, language)
        if error:
            account = replace(account, password_mistake=f"password_{error.reason}")
        text = self._context.pages.account(language, account)
        return responses.html_response(text, error.status if error else 200)

    async def _find_account(self, logged_in: LoggedIn, language: Language) -> AccountView:
        session, member, prefix = logged_in.session, logged_in.member, self._context.prefix
        connections = await self._self_service.find_connections(session)
        sessions = await self._self_service.find_sessions(session)
        merges = await self._manager.merges.find_undoable(session)
        titles = find_titles(self._context, language)
        bound = {connection.union_type for connection in connections}
        return AccountView(
            member=MemberView(member.uname, member.nickname, member.face),
            connections=[
                ConnectionView(
                    titles.get(connection.union_type, connection.union_type),
                    self._manager.registry.find_icon(connection.union_type),
                    to_moment(connection.since),
                    connection.nickname,
                    f"{prefix}/connections/{connection.union_type}/unbind",
                    connection.union_type.lower(),
                )
                for connection in connections
            ],
            choices=find_choices(self._context, logged_in, language, "bind", bound),
            sessions=[_view_session(active, prefix, language) for active in sessions],
            merges=[
                UndoableMergeView(merge.name, to_moment(merge.undo_until), f"{prefix}/account/merges/{merge.id}/undo")
                for merge in merges
            ],
            has_passwords=self._manager.has_passwords,
            has_password=await self._self_service.has_password(session),
            offers_merge=self._manager.merges.are_offered,
        )

    def _answer_done(self, request: Request, message: str, union_type: str = "") -> Response:
        """Lead a browser back to the account page, which says `message`; a program gets an empty answer."""
        if not wants_page(request):
            return responses.no_content()
        response = responses.redirect(f"{self._context.prefix}/account")
        self._context.tell(request, response, message, union_type)
        return response


async def begin_bind(context: WebContext, request: Request, kind: PurposeKind = PurposeKind.LINK) -> Response:
    """Begin to link a login to the member who is logged in, or to prove or confirm something about the member.

    With a client's code or credential it is done at once. Raises `NotLoggedIn`, `LoginTooOld` unless that is what the
    login is to mend, and as the manager.
    """
    manager, confirms = context.manager, kind is PurposeKind.CONFIRM
    await context.count(request)
    logged_in = await (context.find_member(request) if confirms else context.find_recent(request))
    purpose = Purpose(kind, logged_in.session)
    fields = await read_fields(request, keeps_objects=True)
    names = (request.path_params["provider"], request.path_params["client"])
    configured = manager.registry.find(*names)
    if configured.entrance is not Entrance.REDIRECT and calls.is_handed_in(configured.provider, fields):
        visit = context.get_visit(request, fields.get("device_id", "")[:64]) if confirms else get_visit(request)
        outcome = await manager.login_with_code(*names, fields, visit, purpose)
        return responses.json_response(token_body(context, outcome))
    redirect_uri = fields.get("redirect_uri", "")
    default_page = {PurposeKind.PROVE: "/account/merge", PurposeKind.CONFIRM: "/account"}.get(kind, "")
    cookies = context.get_delivery(request) if confirms else Delivery.SESSION
    options = StartOptions(
        return_to=fields.get("return_to", "") or (default_page and context.prefix + default_page),
        redirect_uri=redirect_uri,
        delivery=Delivery.JSON if redirect_uri else cookies,
        is_in_app=True,
        purpose=purpose,
    )
    start = await manager.get_login_url(*names, get_visit(request), options)
    return answer_start(context, request, configured, start)


def find_choices(
    context: WebContext, logged_in: LoggedIn, language: Language, verb: str, without: Container[str] = ()
) -> list[LoginChoice]:
    """Return the logins that this kind of browser can begin, each with the address that a form posts to.

    `verb` is `bind` or `merge`; union types in `without` are left out.
    """
    client = ClientType.PC if logged_in.session.client_type is ClientType.PC else ClientType.H5
    return [
        make_choice(configured, language, f"{context.prefix}/{configured.name}/{configured.client_type}/{verb}")
        for configured in context.manager.registry.shown_for(client)
        if configured.entrance is Entrance.REDIRECT and configured.provider.union_type not in without
    ]


def find_titles(context: WebContext, language: Language) -> dict[str, str]:
    """Return what each union type is called on a page: the title of its first configured provider."""
    return {
        configured.provider.union_type: get_title(configured, language)
        for configured in reversed([*context.manager.registry])
    }


def _view_session(session: ActiveSession, prefix: str, language: Language) -> SessionView:
    return SessionView(
        session.client_type,
        to_moment(session.login_time),
        f"{prefix}/sessions/{session.id}/end",
        session.is_this,
        to_moment(session.seen_time),
        name_in(language, session.browser),
        name_in(language, session.system),
        session.location.describe(language),
    )


def _describe_session(session: ActiveSession, language: Language) -> dict[str, object]:
    """Return a session as JSON; its location as `city` and `country`, in the visitor's language."""
    described = asdict(session)
    del described["location"]
    return described | dict(zip(("city", "country"), session.location.name_in(language), strict=True))


def to_moment(seconds: int) -> datetime:
    """Return a time in seconds since the epoch as a datetime with a time zone."""
    return datetime.fromtimestamp(seconds, UTC)
