"""The routes by which members look after their own account: connections, sessions, and the page that shows them.

A browser brings its session cookie, an app its bearer token. Forms post, since they cannot DELETE.
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
from connect_core.providers.calls import CREDENTIAL
from connect_core.providers.provider import Entrance
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.login.routes import keep_flow, title, token_body
from connect_core.web.pages import BoundLogin, Choice, OpenLogin, ShownMember, UndoableMerge
from connect_core.web.requests import (
    get_parameters,
    get_visit,
    is_form,
    read_fields,
    read_form,
    wants_page,
)


def account_routes(context: WebContext) -> list[BaseRoute]:
    """Every such route."""
    account, prefix = _Account(context), context.prefix
    route = partial(context.route, style=context.leading_back_to(f"{prefix}/account"))
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


class _Account:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager
        self._centre = context.manager.self_service

    async def bind(self, request: Request) -> Response:
        """Begin a bind by redirect; with a client's code, do it."""
        return await begin_bind(self._context, request)

    async def connections(self, request: Request) -> Response:
        found = await self._context.find_member(request)
        return responses.answer([asdict(one) for one in await self._centre.find_connections(found.session)])

    async def unbind(self, request: Request) -> Response:
        found = await self._context.find_recent(request)
        asked = await read_form(request) if is_form(request) else get_parameters(request)
        logs_out = asked.get("logout", "") in ("1", "true")
        union_type = request.path_params["union_type"].upper()
        await self._centre.unbind(found.session, union_type, request.state.request_id, logs_out=logs_out)
        response = self._done(request)
        if logs_out:
            self._context.forget_logins(request, response)
        return response

    async def sessions(self, request: Request) -> Response:
        found = await self._context.find_member(request)
        return responses.answer([asdict(one) for one in await self._centre.find_sessions(found.session)])

    async def end_session(self, request: Request) -> Response:
        found = await self._context.find_member(request)
        await self._centre.end_session(found.session, request.path_params["id"])
        return self._done(request)

    async def end_sessions(self, request: Request) -> Response:
        """End all of the member's sessions but this one."""
        found = await self._context.find_member(request)
        await self._centre.end_other_sessions(found.session)
        return self._done(request)

    async def set_password(self, request: Request) -> Response:
        if not self._manager.has_passwords:
            raise Unsupported("this shop has no passwords of ours")
        found = await self._context.find_recent(request)
        asked = await read_fields(request)
        await self._centre.set_password(found.session, asked.get("password", ""))
        return self._done(request)

    async def page(self, request: Request) -> Response:
        visit = get_visit(request)
        try:
            found = await self._context.find_member(request)
        except NotLoggedIn:
            return responses.redirect(self._context.login_for(f"{self._context.prefix}/account"))
        language, prefix = visit.language, self._context.prefix
        connections = await self._centre.find_connections(found.session)
        sessions = await self._centre.find_sessions(found.session)
        titles = find_titles(self._context, language)
        member = found.member
        text = self._context.pages.account(
            language,
            ShownMember(member.uname, member.nickname, member.face),
            [
                BoundLogin(
                    titles.get(one.union_type, one.union_type),
                    one.union_type.lower(),
                    one.nickname,
                    to_day(one.since),
                    f"{prefix}/connections/{one.union_type}/unbind",
                )
                for one in connections
            ],
            find_choices(self._context, found, language, "bind", {one.union_type for one in connections}),
            [
                OpenLogin(one.client_type, to_day(one.login_time), f"{prefix}/sessions/{one.id}/end", one.is_this)
                for one in sessions
            ],
            [
                UndoableMerge(one.name, to_day(one.undo_until), f"{prefix}/account/merges/{one.id}/undo")
                for one in await self._manager.merges.find_undoable(found.session)
            ],
            has_passwords=self._manager.has_passwords,
            offers_merge=self._manager.merges.are_offered,
        )
        return responses.page(text)

    def _done(self, request: Request) -> Response:
        if wants_page(request):
            return responses.redirect(f"{self._context.prefix}/account")
        return responses.no_content()


async def begin_bind(context: WebContext, request: Request, kind: PurposeKind = PurposeKind.LINK) -> Response:
    """Begin to link an identity to the member who is logged in, or to prove a second account; with a code, do it."""
    manager = context.manager
    await context.count(request)
    purpose = Purpose(kind, (await context.find_recent(request)).session)
    asked = await read_fields(request)
    names = (request.path_params["provider"], request.path_params["client"])
    configured = manager.registry.find(*names)
    visit = get_visit(request)
    if configured.entrance is not Entrance.REDIRECT and asked.keys() & {*configured.provider.code_names, CREDENTIAL}:
        return responses.answer(token_body(context, await manager.login_with_code(*names, asked, visit, purpose)))
    redirect_uri = asked.get("redirect_uri", "")
    default_page = f"{context.prefix}/account/merge" if kind is PurposeKind.PROVE else ""
    options = StartOptions(
        return_to=asked.get("return_to", "") or default_page,
        redirect_uri=redirect_uri,
        delivery=Delivery.JSON if redirect_uri else Delivery.SESSION,
        is_in_app=True,
        purpose=purpose,
    )
    start = await manager.get_login_url(*names, visit, options)
    if start.flow and configured.entrance.is_ticketed:
        return responses.answer({"login_url": start.login_url, "ticket": manager.flows.seal_ticket(start.flow)})
    if wants_page(request):
        response = responses.page(context.pages.leaving(visit.language, start.login_url))
        response.headers["refresh"] = f"0;url={start.login_url}"
    else:
        response = responses.answer({"login_url": start.login_url})
    return keep_flow(context, request, response, start)


def find_choices(
    context: WebContext, found: LoggedIn, language: Language, verb: str, without: Container[str] = ()
) -> list[Choice]:
    """Return the logins that this kind of browser can begin, each with where a form posts to `verb` it."""
    client = ClientType.PC if found.session.client_type is ClientType.PC else ClientType.H5
    return [
        Choice(
            configured.name,
            title(configured, language),
            f"{context.prefix}/{configured.name}/{configured.client_type}/{verb}",
            configured.provider.union_type.lower(),
        )
        for configured in context.manager.registry.shown_for(client)
        if configured.entrance is Entrance.REDIRECT and configured.provider.union_type not in without
    ]


def find_titles(context: WebContext, language: Language) -> dict[str, str]:
    """Return what each union type is called on a page."""
    return {
        configured.provider.union_type: title(configured, language)
        for configured in reversed([*context.manager.registry])
    }


def to_day(seconds: int) -> date:
    """Return the day (UTC) of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC).date()
