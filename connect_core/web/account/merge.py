"""The routes by which a member merges a second account of theirs into this one, and undoes it.

The second account is proved by a login with it that ends in a ticket: in a cookie of this browser, or in an app's hand.
Both are of use to the session that began alone, once, by POST, and while its login is young.
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
    RequestRefused,
    StateExpired,
    StateInvalid,
    StateMissing,
    Unsupported,
)
from connect_core.login.values import PurposeKind
from connect_core.members.current import LoggedIn
from connect_core.members.merge_service import Preview
from connect_core.store.connections import BoundConnection
from connect_core.store.members import MemberRow
from connect_core.web import responses
from connect_core.web.account.routes import begin_bind, find_choices, find_titles, to_day
from connect_core.web.context import WebContext
from connect_core.web.pages import MergePreview, ShownConnection, ShownMember
from connect_core.web.requests import get_cookies, get_visit, is_form, read_fields, read_json, wants_page

_OVER = (StateMissing, StateInvalid, StateExpired)
_MISTAKES: Mapping[type[RequestRefused], str] = {
    NotLoggedIn: "wrong_credentials",
    NothingToMerge: "merge_same",
    MemberDisabled: "merge_disabled",
    **dict.fromkeys(_OVER, "merge_over"),
}


def merge_routes(context: WebContext) -> list[BaseRoute]:
    """Every such route; all but the undoing are 404 where no plugin plans merges."""
    merge, path = _Merge(context), f"{context.prefix}/account/merge"
    route = partial(context.route, style=context.leading_back_to(f"{context.prefix}/account"))
    return [
        route(f"{context.prefix}/{{provider}}/{{client}}/merge", merge.begin, "POST", cross_origin=True),
        route(path, merge.page, "GET"),
        route(path, merge.confirm, "POST", cross_origin=True),
        route(f"{path}/credentials", merge.prove, "POST", cross_origin=True),
        route(f"{path}/preview", merge.preview, "POST", cross_origin=True),
        route(f"{path}/cancel", merge.cancel, "POST"),
        route(f"{path}s", merge.undoable, "GET", cross_origin=True),
        route(f"{path}s/{{id}}/undo", merge.undo, "POST", cross_origin=True),
    ]


class _Merge:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._merges = context.manager.merges
        self._account = f"{context.prefix}/account"

    async def begin(self, request: Request) -> Response:
        """Begin a login with the second account; with a client's code, finish it."""
        self._check_offered()
        return await begin_bind(self._context, request, PurposeKind.PROVE)

    async def prove(self, request: Request) -> Response:
        """Prove the second account by its password, or by whatever the shop's own check takes."""
        self._check_offered()
        if not self._merges.take_credentials:
            raise Unsupported("no credentials prove an account here")
        await self._context.count(request)
        found = await self._context.find_recent(request)
        asked = await read_fields(request)
        await self._context.password_limiter.hit(f"user {asked.get('username', '')}")
        try:
            member_id = await self._context.manager.current_member.check_credentials(asked)
            ticket = self._merges.seal(await self._merges.prove(found.session, member_id))
        except (NotLoggedIn, NothingToMerge, MemberDisabled) as error:
            return self._start_again(request, found, error)
        if not wants_page(request):
            return responses.answer({"merge_ticket": ticket, "expires_in": TICKET_SECONDS})
        response = responses.redirect(f"{self._account}/merge")
        self._context.cookies.set(response, self._context.cookies.merge, ticket, TICKET_SECONDS)
        return response

    async def page(self, request: Request) -> Response:
        """The preview of what was proved, else the ways to prove it."""
        self._check_offered()
        try:
            found = await self._context.find_recent(request)
        except NotLoggedIn:
            return responses.redirect(self._context.login_for(f"{self._account}/merge"))
        ticket, language = self._get_ticket(request, {}), get_visit(request).language
        if not ticket:
            return self._show_start(request, found)
        try:
            preview = await self._merges.preview(ticket, found.session, language)
        except (*_OVER, MemberDisabled) as error:
            return self._show_start(request, found, error)
        titles = find_titles(self._context, language)

        def show(bound: list[BoundConnection]) -> list[ShownConnection]:
            return [
                ShownConnection(titles.get(one.union_type, one.union_type), one.union_type.lower(), None, one.nickname)
                for one in bound
            ]

        shown = MergePreview(
            _name(preview.kept),
            _name(preview.merged),
            show(preview.bound),
            show(preview.moved),
            show(preview.ended),
            [*preview.plan.moves],
            preview.plan.refusal,
            to_day(preview.undo_until) if preview.undo_until else None,
        )
        return responses.page(self._context.pages.merge(language, shown))

    async def preview(self, request: Request) -> Response:
        self._check_offered()
        found = await self._context.find_recent(request)
        ticket = self._get_ticket(request, await read_json(request))
        if not ticket:
            raise StateMissing("there is no proof of a second account")
        preview = await self._merges.preview(ticket, found.session, get_visit(request).language)
        return responses.answer(_tell(preview))

    async def confirm(self, request: Request) -> Response:
        self._check_offered()
        await self._context.count(request)
        found = await self._context.find_recent(request)
        ticket = self._get_ticket(request, {} if is_form(request) else await read_json(request))
        try:
            if not ticket:
                raise StateMissing("there is no proof of a second account")
            language, request_id = get_visit(request).language, request.state.request_id
            merge = await self._merges.confirm(ticket, found.session, language, request_id)
        except (*_OVER, MemberDisabled) as error:
            return self._start_again(request, found, error)
        told = {"id": merge.id, "undo_until": merge.undo_until}
        response = responses.redirect(self._account) if wants_page(request) else responses.answer(told)
        self._forget(request, response)
        return response

    async def cancel(self, request: Request) -> Response:
        """Forget the proof."""
        await self._context.find_member(request)
        response = responses.redirect(self._account)
        self._forget(request, response)
        return response

    async def undoable(self, request: Request) -> Response:
        found = await self._context.find_member(request)
        return responses.answer([asdict(one) for one in await self._merges.find_undoable(found.session)])

    async def undo(self, request: Request) -> Response:
        found = await self._context.find_recent(request)
        named = request.path_params["id"]
        merge_id = int(named) if named.isdecimal() and len(named) < 20 else 0
        union_types = await self._merges.undo(found.session, merge_id, request.state.request_id)
        if wants_page(request):
            return responses.redirect(self._account)
        return responses.answer({"connections": union_types})

    def _check_offered(self) -> None:
        if not self._merges.are_offered:
            raise Unsupported("no plugin plans merges")

    def _get_ticket(self, request: Request, body: Mapping[str, str]) -> str:
        return body.get("ticket", "") or get_cookies(request).get(self._context.cookies.merge, "")

    def _start_again(self, request: Request, found: LoggedIn, error: RequestRefused) -> Response:
        if not wants_page(request):
            raise error
        return self._show_start(request, found, error)

    def _show_start(self, request: Request, found: LoggedIn, error: RequestRefused | None = None) -> Response:
        """The ways to prove the second account; after an `error`, which the page tells, without the old proof."""
        language = get_visit(request).language
        text = self._context.pages.merge_start(
            language,
            _name(found.member),
            find_choices(self._context, found, language, "merge"),
            takes_credentials=self._merges.take_credentials,
            mistake=_MISTAKES[type(error)] if error else "",
        )
        response = responses.page(text, error.status if error else 200)
        self._forget(request, response)
        return response

    def _forget(self, request: Request, response: Response) -> None:
        if self._context.cookies.merge in request.cookies:
            self._context.cookies.drop(response, self._context.cookies.merge)


def _name(member: MemberRow) -> ShownMember:
    return ShownMember(member.uname, member.nickname, member.face)


def _tell(preview: Preview) -> dict[str, object]:
    def member(row: MemberRow, *connections: dict[str, object]) -> dict[str, object]:
        named = {"uid": row.id, "uname": row.uname, "nickname": row.nickname, "face": row.face}
        return {**named, "connections": connections}

    def connection(one: BoundConnection, **more: object) -> dict[str, object]:
        return {"union_type": one.union_type, "nickname": one.nickname, **more}

    moved = [connection(one, moves=True) for one in preview.moved]
    ended = [connection(one, moves=False) for one in preview.ended]
    return {
        "kept": member(preview.kept, *(connection(one) for one in preview.bound)),
        "merged": member(preview.merged, *moved, *ended),
        "moves": [*preview.plan.moves],
        "refusal": preview.plan.refusal,
        "undo_until": preview.undo_until,
    }
