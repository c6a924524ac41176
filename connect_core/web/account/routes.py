"""The account page, and the routes by which members link and unlink logins, end sessions and set a password.

A browser sends its session cookie, an app its bearer token. The page's forms post where JSON clients send DELETE.
"""

from collections.abc import Container
from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import NotLoggedIn, Unsupported
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
from connect_core.web.error_pages import leading_back_to
from connect_core.web.login.delivery import keep_flow, token_body
from connect_core.web.login.routes import get_title
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
        route(f"{prefix}/{{provider}}/{{client}}/bind", account.bind, "POST", cross_origin=True),
        route(f"{prefix}/connections", account.connections, "GET", cross_origin=True),
        route(f"{prefix}/connections/{{union_type}}", account.unbind, "DELETE", cross_origin=True),
        route(f"{prefix}/connections/{{union_type}}/unbind", account.unbind, "POST"),
        route(f"{prefix}/sessions", account.sessions, "GET", cross_origin=True),
        route(f"{prefix}/sessions", account.end_sessions, "DELETE", cross_origin=True),
        route(f"{prefix}/sessions/end", account.end_sessions, "POST"),
        route(f"{prefix}/sessions/{{id}}", account.end_session, "DELETE", cross_origin=True),
        route(f"{prefix}/sessions/{{id}}/end", account.end_session, "POST"),
        route(f"{prefix}/account", account.page, "GET"),
        route(f"{prefix}/account/password", account.set_password, "POST", cross_origin=True),
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
        response = self._answer_done(request)
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
        return self._answer_done(request)

    async def end_sessions(self, request: Request) -> Response:
        """End all of the member's sessions but this one."""
        logged_in = await self._context.find_member(request)
        await self._self_service.end_other_sessions(logged_in.session)
        return self._answer_done(request)

    async def set_password(self, request: Request) -> Response:
        if not self._manager.has_passwords:
            raise Unsupported("this shop has no passwords of ours")
        logged_in = await self._context.find_recent(request)
        fields = await read_fields(request)
        await self._self_service.set_password(logged_in.session, fields.get("password", ""))
        return self._answer_done(request)

    async def page(self, request: Request) -> Response:
        try:
            logged_in = await self._context.find_member(request)
        except NotLoggedIn:
            return responses.redirect(self._context.get_login_page(f"{self._context.prefix}/account"))
        language = get_visit(request).language
        text = self._context.pages.account(language, await self._find_account(logged_in, language))
        return responses.html_response(text)

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
                    to_day(connection.since),
                    connection.nickname,
                    f"{prefix}/connections/{connection.union_type}/unbind",
                    connection.union_type.lower(),
                )
                for connection in connections
            ],
            choices=find_choices(self._context, logged_in, language, "bind", bound),
            sessions=[_view_session(active, prefix, language) for active in sessions],
            merges=[
                UndoableMergeView(merge.name, to_day(merge.undo_until), f"{prefix}/account/merges/{merge.id}/undo")
                for merge in merges
            ],
            has_passwords=self._manager.has_passwords,
            offers_merge=self._manager.merges.are_offered,
        )

    def _answer_done(self, request: Request) -> Response:
        if wants_page(request):
            return responses.redirect(f"{self._context.prefix}/account")
        return responses.no_content()


async def begin_bind(context: WebContext, request: Request, kind: PurposeKind = PurposeKind.LINK) -> Response:
    """Begin to link a login to the member who is logged in, or to prove that the member has a second account.

    With a client's code or credential it is done at once. Raises `NotLoggedIn`, `LoginTooOld`, and as the manager.
    """
    manager = context.manager
    await context.count(request)
    purpose = Purpose(kind, (await context.find_recent(request)).session)
    fields = await read_fields(request)
    names = (request.path_params["provider"], request.path_params["client"])
    configured = manager.registry.find(*names)
    visit = get_visit(request)
    if configured.entrance is not Entrance.REDIRECT and calls.is_handed_in(configured.provider, fields):
        outcome = await manager.login_with_code(*names, fields, visit, purpose)
        return responses.json_response(token_body(context, outcome))
    redirect_uri = fields.get("redirect_uri", "")
    default_page = f"{context.prefix}/account/merge" if kind is PurposeKind.PROVE else ""
    options = StartOptions(
        return_to=fields.get("return_to", "") or default_page,
        redirect_uri=redirect_uri,
        delivery=Delivery.JSON if redirect_uri else Delivery.SESSION,
        is_in_app=True,
        purpose=purpose,
    )
    start = await manager.get_login_url(*names, visit, options)
    if start.flow and configured.entrance.is_ticketed:
        ticket = manager.flows.seal_ticket(start.flow)
        return responses.json_response({"login_url": start.login_url, "ticket": ticket})
    if wants_page(request):
        response = responses.html_response(context.pages.leaving(visit.language, start.login_url))
        response.headers["refresh"] = f"0;url={start.login_url}"
    else:
        response = responses.json_response({"login_url": start.login_url})
    return keep_flow(context, request, response, start)


def find_choices(
    context: WebContext, logged_in: LoggedIn, language: Language, verb: str, without: Container[str] = ()
) -> list[LoginChoice]:
    """Return the logins that this kind of browser can begin, each with the address that a form posts to.

    `verb` is `bind` or `merge`; union types in `without` are left out.
    """
    client = ClientType.PC if logged_in.session.client_type is ClientType.PC else ClientType.H5
    return [
        LoginChoice(
            configured.name,
            get_title(configured, language),
            f"{context.prefix}/{configured.name}/{configured.client_type}/{verb}",
            configured.icon,
        )
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
        to_day(session.login_time),
        f"{prefix}/sessions/{session.id}/end",
        session.is_this,
        datetime.fromtimestamp(session.seen_time, UTC),
        name_in(language, session.browser),
        name_in(language, session.system),
        session.location.describe(language),
    )


def _describe_session(session: ActiveSession, language: Language) -> dict[str, object]:
    """Return a session as JSON; its location as `city` and `country`, in the visitor's language."""
    described = asdict(session)
    del described["location"]
    return described | dict(zip(("city", "country"), session.location.name_in(language), strict=True))


def to_day(seconds: int) -> date:
    """Return the day (UTC) of a time in seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).date()
