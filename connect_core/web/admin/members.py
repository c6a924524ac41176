"""The screens of members: finding one, what is held about them, and what may be done for them, each with a reason.

A viewer sees no mobile number and no vendor's id in full. There is no act on several members at once. The rules are in
`members.administration`.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from connect_core.acts import REASON_LENGTH, OperatorAct
from connect_core.administrators.roles import Role
from connect_core.display import mask, shorten
from connect_core.errors import LastConnection
from connect_core.members.administration import MOST_FOUND
from connect_core.store import event_search
from connect_core.store.event_search import EventFilter
from connect_core.web.admin.conflicts import conflict_routes
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.forms import Form
from connect_core.web.admin.messages.members import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen
from connect_core.web.requests import get_parameters

EVENTS_PER_PAGE = 20
_PATH = "/members/{member_id:int}"
_SHOWN = ("uname", "nickname", "sex", "mobile", "province", "city", "register_client", "login_count")
_TIMES = ("create_time", "last_login")
_Change = Callable[[int, Form, OperatorAct], Awaitable[str]]
"""Does it to the member, and returns the message that says so."""


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of these screens."""
    pages = _MemberPages(admin)
    acts: dict[str, _Change] = {
        "disable": pages.disable,
        "enable": pages.enable,
        "end-sessions": pages.end_sessions,
        "unbind": pages.unbind,
    }
    return [
        AdminRoute("GET", "/members", Role.VIEWER, pages.search),
        AdminRoute("GET", _PATH, Role.VIEWER, pages.show),
        *(
            AdminRoute("POST", f"{_PATH}/{name}", Role.SUPPORT, pages.do(change), form_page=_PATH.replace(":int", ""))
            for name, change in acts.items()
        ),
        *conflict_routes(admin),
    ]


SCREEN = Screen("members", "/members", Role.VIEWER, TEXTS, make_routes)


class _MemberPages:
    def __init__(self, admin: AdminContext) -> None:
        self._admin = admin
        self._administration = admin.manager.administration

    async def search(self, request: Request) -> Response:
        parameters = get_parameters(request)
        text, union_type = parameters.get("q", "").strip(), parameters.get("union_type", "").strip().upper()
        matches = await self._administration.find(text, union_type) if text else []
        if not self._may_see_all(request):
            matches = [{**member, "mobile": mask(member["mobile"])} for member in matches]
        types = {configured.provider.union_type for configured in self._admin.manager.registry}
        return self._admin.page(
            request,
            "members.html",
            text=text,
            union_type=union_type,
            union_types=sorted(types | ({union_type} if union_type else set())),
            matches=matches,
            are_many=len(matches) == MOST_FOUND,
        )

    async def show(self, request: Request) -> Response:
        return await self._page(request)

    def do(self, change: _Change) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of an act: without a reason, or where a tick is missing, the page is shown again."""

        async def endpoint(request: Request) -> Response:
            form, member_id = self._admin.get_form(request), request.path_params["member_id"]
            reason = form.get("reason").strip()
            if not reason or len(reason) > REASON_LENGTH:
                return await self._page(request, mistake="act_reason_needed")
            try:
                message = await change(member_id, form, self._admin.act(request, reason))
            except LastConnection:
                return await self._page(request, mistake="last_connection")
            return self._admin.done(f"/members/{member_id}", message)

        return endpoint

    async def disable(self, member_id: int, form: Form, act: OperatorAct) -> str:
        return "member_disabled" if await self._administration.disable(member_id, act) else "unchanged"

    async def enable(self, member_id: int, form: Form, act: OperatorAct) -> str:
        return "member_enabled" if await self._administration.enable(member_id, act) else "unchanged"

    async def end_sessions(self, member_id: int, form: Form, act: OperatorAct) -> str:
        ended = await self._administration.end_sessions(member_id, form.get("session") or None, act)
        return "sessions_ended" if ended else "unchanged"

    async def unbind(self, member_id: int, form: Form, act: OperatorAct) -> str:
        await self._administration.unbind(member_id, form.get("union_type"), act, force="force" in form)
        return "unbound"

    async def _page(self, request: Request, mistake: str = "") -> Response:
        member_id, parameters = request.path_params["member_id"], get_parameters(request)
        shown = await self._administration.show(member_id)
        sees_all = self._may_see_all(request)
        shows_ids = sees_all and "ids" in parameters
        given = parameters.get("before", "")
        before = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
        wanted = EventFilter(member_id=member_id)
        rows, following = await self._admin.manager.database.read(
            lambda tx: event_search.find_recent(tx, wanted, EVENTS_PER_PAGE, before)
        )
        return self._admin.page(
            request,
            "member.html",
            400 if mistake else 200,
            member_id=member_id,
            member=_describe(shown["member"] or {}, sees_all=sees_all),
            state=(shown["member"] or {}).get("state", ""),
            times=[(name, (shown["member"] or {}).get(name) or 0) for name in _TIMES],
            connections=shown["connections"] if shows_ids else [_shorten(each) for each in shown["connections"]],
            shows_ids=shows_ids,
            may_show_ids=sees_all,
            sessions=shown["sessions"],
            events=rows,
            following=following,
            mistake=mistake,
            keeps_members=self._admin.manager.services.members.keeps_members,
            reason_length=REASON_LENGTH,
        )

    def _may_see_all(self, request: Request) -> bool:
        return self._admin.get_signed_in(request).role.includes(Role.SUPPORT)


def _describe(member: dict[str, Any], *, sees_all: bool) -> list[tuple[str, str]]:
    values = {name: str(member[name]) for name in _SHOWN if member.get(name) not in ("", None)}
    if "mobile" in values and not sees_all:
        values["mobile"] = mask(values["mobile"])
    return list(values.items())


def _shorten(connection: dict[str, Any]) -> dict[str, Any]:
    ids = [{**person_id, "value": shorten(person_id["value"])} for person_id in connection["ids"]]
    return {**connection, "ids": ids}
