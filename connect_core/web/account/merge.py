"""The routes by which a member merges a second account of theirs into this one, and undoes the merge.

The member proves the second account by logging in with it. The proof is a ticket, in a cookie of this browser or in the
app that got it as its answer. Only the session that began may use it, once, by POST, while its login is recent.
"""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.crypto.tickets import TICKET_SECONDS
from connect_core.errors import (
    MemberDisabled,
    NothingToMerge,
    NotLoggedIn,
    PageNotFound,
    PageOutdated,
    RequestRefused,
    StateExpired,
    StateInvalid,
    StateMissing,
)
from connect_core.login.flow import get_log_name
from connect_core.login.values import PurposeKind
from connect_core.members.current import LoggedIn
from connect_core.members.merge_service import Preview
from connect_core.store.connections import BoundConnection
from connect_core.store.members import MemberRow
from connect_core.web import endpoints, responses
from connect_core.web.account.routes import begin_bind, find_choices, find_titles, to_moment
from connect_core.web.answers import MergePlanned, ShownAccount, ShownConnection
from connect_core.web.context import WebContext
from connect_core.web.endpoints import PostedFrom
from connect_core.web.error_pages import leading_back_to
from connect_core.web.pages.views import ConnectionView, MemberView, MergePreview
from connect_core.web.requests import (
    get_cookies,
    get_credentials,
    get_visit,
    is_form,
    read_fields,
    read_json,
    wants_page,
)

_PROOF_ENDED = (StateMissing, StateInvalid, StateExpired)
_MISTAKES: Mapping[type[RequestRefused], str] = {
    NotLoggedIn: "wrong_credentials",
    NothingToMerge: "merge_same",
    MemberDisabled: "merge_disabled",
    **dict.fromkeys(_PROOF_ENDED, "merge_over"),
}
"""The text of `pages.messages` by which the start page says what went wrong."""


def merge_routes(context: WebContext) -> list[BaseRoute]:
    """Return the routes of this module; where no plugin plans merges all but those for undoing are 404."""
    merge, path_of_form = _MergeEndpoints(context), "/account/merge"
    path, form_page = context.prefix + path_of_form, path_of_form if context.manager.merges.are_offered else "/account"
    route = partial(endpoints.route, context, style=leading_back_to(context, "/account", path_of_form))
    return [
        route(
            f"{context.prefix}/{{provider}}/{{client}}/merge",
            PostedFrom(form_page, merge.begin),
            "POST",
            cross_origin=True,
        ),
        route(path, merge.page, "GET", style=leading_back_to(context, "/account")),
        route(path, merge.confirm, "POST", cross_origin=True),
        route(f"{path}/credentials", PostedFrom(form_page, merge.prove), "POST", cross_origin=True),
        route(f"{path}/preview", PostedFrom(form_page, merge.preview), "POST", cross_origin=True),
        route(f"{path}/cancel", PostedFrom(form_page, merge.cancel), "POST"),
        route(f"{path}s", merge.undoable, "GET", cross_origin=True),
        route(
            f"{path}s/{{id}}/undo",
            PostedFrom("/account", merge.undo),
            "POST",
            cross_origin=True,
            style=leading_back_to(context, "/account"),
        ),
    ]


class _MergeEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._merges = context.manager.merges

    @property
    def _account(self) -> str:
        return f"{self._context.prefix}/account"

    async def begin(self, request: Request) -> Response:
        """Begin a login with the second account by redirect; with a client's code, finish it."""
        self._check_enabled()
        return await begin_bind(self._context, request, PurposeKind.PROVE)

    async def prove(self, request: Request) -> Response:
        """Prove the second account by its password, or by what the hook `connect_check_credentials` takes."""
        self._check_enabled()
        if not self._merges.take_credentials:
            raise PageNotFound("no credentials prove an account here")
        await self._context.count(request)
        logged_in = await self._context.find_recent(request)
        credentials = get_credentials(await read_fields(request))
        await self._context.count_password(credentials.get("username", ""))
        try:
            member_id = await self._context.manager.current_member.check_credentials(credentials)
            ticket = self._merges.seal(await self._merges.prove(logged_in.session, member_id))
        except (NotLoggedIn, NothingToMerge, MemberDisabled) as error:
            return self._start_again(request, logged_in, error)
        if not wants_page(request):
            return responses.json_response({"merge_ticket": ticket, "expires_in": TICKET_SECONDS})
        response = responses.redirect(f"{self._account}/merge")
        self._context.cookies.set(response, self._context.cookies.merge, ticket, TICKET_SECONDS)
        return response

    async def page(self, request: Request) -> Response:
        """Show what the merge would do; before the second account is proved, show how to prove it."""
        self._check_enabled()
        try:
            logged_in = await self._context.find_recent(request)
        except NotLoggedIn:
            return responses.redirect(self._context.get_login_page(f"{self._account}/merge"))
        ticket, language = self._get_ticket(request, {}), get_visit(request).language
        if not ticket:
            return self._show_start(request, logged_in)
        try:
            preview = await self._merges.preview(ticket, logged_in.session, language)
        except (*_PROOF_ENDED, MemberDisabled) as error:
            return self._show_start(request, logged_in, error)
        titles = find_titles(self._context, language)

        def show(connections: list[BoundConnection]) -> list[ConnectionView]:
            return [
                ConnectionView(
                    titles.get(connection.union_type, connection.union_type),
                    self._context.manager.registry.find_icon(connection.union_type),
                    nickname=connection.nickname,
                )
                for connection in connections
            ]

        view = MergePreview(
            _show_member(preview.kept),
            _show_member(preview.merged),
            show(preview.bound),
            show(preview.moved),
            show(preview.ended),
            [*preview.plan.moves],
            preview.plan.refusal,
            to_moment(preview.undo_until) if preview.undo_until else None,
            get_log_name(ticket),
        )
        return responses.html_response(self._context.pages.merge(language, view))

    async def preview(self, request: Request) -> Response:
        self._check_enabled()
        logged_in = await self._context.find_recent(request)
        ticket = self._get_ticket(request, await read_json(request))
        if not ticket:
            raise StateMissing("there is no proof of a second account")
        preview = await self._merges.preview(ticket, logged_in.session, get_visit(request).language)
        return responses.json_response(_preview_body(preview))

    async def confirm(self, request: Request) -> Response:
        self._check_enabled()
        await self._context.count(request)
        logged_in = await self._context.find_recent(request)
        fields = await read_fields(request)
        ticket = self._get_ticket(request, {} if is_form(request) else fields)
        if fields.get("proof", "") not in ("", get_log_name(ticket)):
            raise PageOutdated("the page with this form was about another proof")
        try:
            if not ticket:
                raise StateMissing("there is no proof of a second account")
            language, request_id = get_visit(request).language, request.state.request_id
            merge = await self._merges.confirm(ticket, logged_in.session, language, request_id)
        except (*_PROOF_ENDED, MemberDisabled) as error:
            return self._start_again(request, logged_in, error)
        body = {"id": merge.id, "undo_until": merge.undo_until}
        response = responses.redirect(self._account) if wants_page(request) else responses.json_response(body)
        self._context.tell(request, response, "merged")
        self._forget_proof(request, response)
        return response

    async def cancel(self, request: Request) -> Response:
        """Drop the proof, and show the account page."""
        await self._context.find_member(request)
        response = responses.redirect(self._account)
        self._forget_proof(request, response)
        return response

    async def undoable(self, request: Request) -> Response:
        logged_in = await self._context.find_member(request)
        return responses.json_response([asdict(merge) for merge in await self._merges.find_undoable(logged_in.session)])

    async def undo(self, request: Request) -> Response:
        logged_in = await self._context.find_recent(request)
        path_id = request.path_params["id"]
        merge_id = int(path_id) if path_id.isdecimal() and len(path_id) < 20 else 0
        union_types = await self._merges.undo(logged_in.session, merge_id, request.state.request_id)
        body = {"connections": union_types}
        response = responses.redirect(self._account) if wants_page(request) else responses.json_response(body)
        self._context.tell(request, response, "merge_undone")
        return response

    def _check_enabled(self) -> None:
        if not self._merges.are_offered:
            raise PageNotFound("no plugin plans merges")

    def _get_ticket(self, request: Request, body: Mapping[str, str]) -> str:
        return body.get("ticket", "") or get_cookies(request).get(self._context.cookies.merge, "")

    def _start_again(self, request: Request, logged_in: LoggedIn, error: RequestRefused) -> Response:
        if not wants_page(request):
            raise error
        return self._show_start(request, logged_in, error)

    def _show_start(self, request: Request, logged_in: LoggedIn, error: RequestRefused | None = None) -> Response:
        """Show how to prove the second account, and what went wrong before (`error`); an earlier proof is dropped."""
        language = get_visit(request).language
        text = self._context.pages.merge_start(
            language,
            _show_member(logged_in.member),
            find_choices(self._context, logged_in, language, "merge"),
            takes_credentials=self._merges.take_credentials,
            mistake=_MISTAKES[type(error)] if error else "",
        )
        response = responses.html_response(text, error.status if error else 200)
        self._forget_proof(request, response)
        return response

    def _forget_proof(self, request: Request, response: Response) -> None:
        if self._context.cookies.merge in request.cookies:
            self._context.cookies.drop(response, self._context.cookies.merge)


def _show_member(member: MemberRow) -> MemberView:
    return MemberView(member.uname, member.nickname, member.face)


def _preview_body(preview: Preview) -> MergePlanned:
    def member(row: MemberRow, connections: list[ShownConnection]) -> ShownAccount:
        return {
            "uid": row.id,
            "uname": row.uname,
            "nickname": row.nickname,
            "face": row.face,
            "connections": connections,
        }

    def connection(bound: BoundConnection) -> ShownConnection:
        return {"union_type": bound.union_type, "nickname": bound.nickname}

    moved: list[ShownConnection] = [{**connection(bound), "moves": True} for bound in preview.moved]
    ended: list[ShownConnection] = [{**connection(bound), "moves": False} for bound in preview.ended]
    return {
        "kept": member(preview.kept, [connection(bound) for bound in preview.bound]),
        "merged": member(preview.merged, [*moved, *ended]),
        "moves": [*preview.plan.moves],
        "refusal": preview.plan.refusal,
        "undo_until": preview.undo_until,
    }
