"""The pages of conflicts of identity: the list, both sides of one, and the decision. The rules are in `members`."""

from starlette.requests import Request
from starlette.responses import Response

from connect_core.acts import REASON_LENGTH
from connect_core.administrators.roles import Role
from connect_core.display import shorten
from connect_core.errors import LastConnection
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.screens import AdminRoute
from connect_core.web.requests import get_parameters

_LIST = "/members/conflicts"
_PATH = "/members/conflicts/{event_id:int}"


def conflict_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of conflicts, below the members'."""
    conflicts = admin.manager.conflicts

    async def show_list(request: Request) -> Response:
        given = get_parameters(request).get("before", "")
        before = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
        listed, following = await conflicts.find_open(before)
        return admin.page(request, "conflicts.html", conflicts=listed, following=following)

    async def show(request: Request) -> Response:
        return await _show(admin, request)

    async def decide(request: Request) -> Response:
        form, event_id = admin.get_form(request), request.path_params["event_id"]
        reason, receiver = form.get("reason").strip(), form.get("receiver")
        if not reason or len(reason) > REASON_LENGTH:
            return await _show(admin, request, mistake="act_reason_needed")
        if receiver != "keep" and not (receiver.isascii() and receiver.isdecimal() and len(receiver) < 19):
            return await _show(admin, request, mistake="receiver_needed")
        act = admin.act(request, reason)
        if receiver == "keep":
            await conflicts.keep(event_id, act)
            return admin.done(_LIST, "conflict_kept")
        try:
            await conflicts.give(event_id, int(receiver), act, force="force" in form, version=form.get("version"))
        except LastConnection:
            return await _show(admin, request, mistake="last_connection")
        return admin.done(_LIST, "conflict_settled")

    return [
        AdminRoute("GET", _LIST, Role.VIEWER, show_list),
        AdminRoute("GET", _PATH, Role.VIEWER, show),
        AdminRoute("POST", _PATH, Role.SUPPORT, decide, form_page=_PATH.replace(":int", "")),
    ]


async def _show(admin: AdminContext, request: Request, mistake: str = "") -> Response:
    view = await admin.manager.conflicts.show(request.path_params["event_id"])
    shows_ids = admin.get_signed_in(request).role.includes(Role.SUPPORT) and "ids" in get_parameters(request)
    sides = [
        (side, [(each.kind.value, each.scope, each.value if shows_ids else shorten(each.value)) for each in side.ids])
        for side in view.sides
    ]
    return admin.page(
        request,
        "conflict.html",
        400 if mistake else 200,
        view=view,
        sides=sides,
        shows_ids=shows_ids,
        mistake=mistake,
        reason_length=REASON_LENGTH,
    )
