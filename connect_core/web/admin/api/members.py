"""Members and conflicts of identity in the management API. The rules are in `members`.

A token without `members:write` sees no mobile number and no vendor's id in full.
"""

from typing import Any

from pydantic import Field

from connect_core.acts import REASON_LENGTH
from connect_core.administrators.api_tokens import Scope
from connect_core.display import mask, shorten
from connect_core.manager import ConnectManager
from connect_core.members.conflicts import Conflict, ConflictView
from connect_core.web.admin.api import answers
from connect_core.web.admin.api.requests import LARGEST_ID, ApiCall, ApiRoute, Body, Reason

_MEMBER = "/members/{member_id:int}"
_CONFLICT = "/conflicts/{event_id:int}"


class EndSessions(Reason):
    """Which login ends: `session` is its `id`, and without it all of them do."""

    session: str = ""


class Unbind(Reason):
    """Which connection ends. With `force` also the last way to log in."""

    union_type: str = Field(min_length=1)
    force: bool = False


class Decision(Body):
    """Who gets the identity: `member_id`, or nobody: without it everything stays as it is.

    `version` is that of the conflict that was looked at; another one is refused. With `force` another member may lose
    the last way to log in.
    """

    reason: str = Field(min_length=1, max_length=REASON_LENGTH)
    member_id: int = Field(default=0, ge=0, le=LARGEST_ID)
    version: str = ""
    force: bool = False


def member_routes(manager: ConnectManager) -> list[ApiRoute]:
    """Return the routes of this module."""
    api = _Members(manager)
    read, write = Scope.READ_MEMBERS, Scope.WRITE_MEMBERS
    return [
        ApiRoute("GET", "/members", read, api.search_members, "Search members", query=("q", "union_type")),
        ApiRoute("GET", _MEMBER, read, api.show_member, "Show a member"),
        ApiRoute("POST", f"{_MEMBER}/disable", write, api.disable_member, "Disable a member", Reason),
        ApiRoute("POST", f"{_MEMBER}/enable", write, api.enable_member, "Enable a member", Reason),
        ApiRoute(
            "POST", f"{_MEMBER}/end-sessions", write, api.end_sessions_of_member, "End a member's logins", EndSessions
        ),
        ApiRoute(
            "POST", f"{_MEMBER}/unbind", write, api.unbind_member, "End a member's connection", Unbind, status=204
        ),
        ApiRoute("GET", "/conflicts", read, api.list_conflicts, "List open conflicts of identity", query=("before",)),
        ApiRoute("GET", _CONFLICT, read, api.show_conflict, "Show both sides of a conflict"),
        ApiRoute(
            "POST", f"{_CONFLICT}/resolve", write, api.resolve_conflict, "Resolve a conflict", Decision, status=204
        ),
    ]


class _Members:
    def __init__(self, manager: ConnectManager) -> None:
        self._administration, self._conflicts = manager.administration, manager.conflicts

    async def search_members(self, call: ApiCall) -> answers.MemberList:
        matches = await self._administration.find(call.get("q"), call.get("union_type").upper())
        if not call.may(Scope.WRITE_MEMBERS):
            matches = [{**member, "mobile": mask(member["mobile"])} for member in matches]
        return {"members": [answers.MemberFound(**member) for member in matches]}

    async def show_member(self, call: ApiCall) -> answers.MemberDetails:
        shown = await self._administration.show(call.path["member_id"])
        member = _select(shown["member"]) if shown["member"] else None
        connections = shown["connections"]
        if not call.may(Scope.WRITE_MEMBERS):
            connections = [{**each, "ids": [_shorten(one_id) for one_id in each["ids"]]} for each in connections]
            if member and member.get("mobile"):
                member["mobile"] = mask(str(member["mobile"]))
        return {
            "member": member,
            "connections": [answers.ConnectionShown(**each) for each in connections],
            "sessions": [answers.SessionShown(**each) for each in shown["sessions"]],
            "events": [answers.MemberEvent(**each) for each in shown["events"]],
        }

    async def disable_member(self, call: ApiCall) -> answers.Changed:
        body = await call.read(Reason)
        return {"changed": await self._administration.disable(call.path["member_id"], call.act(body.reason))}

    async def enable_member(self, call: ApiCall) -> answers.Changed:
        body = await call.read(Reason)
        return {"changed": await self._administration.enable(call.path["member_id"], call.act(body.reason))}

    async def end_sessions_of_member(self, call: ApiCall) -> answers.Ended:
        body = await call.read(EndSessions)
        act = call.act(body.reason)
        return {"ended": await self._administration.end_sessions(call.path["member_id"], body.session or None, act)}

    async def unbind_member(self, call: ApiCall) -> None:
        body = await call.read(Unbind)
        member_id, act = call.path["member_id"], call.act(body.reason)
        await self._administration.unbind(member_id, body.union_type.upper(), act, force=body.force)

    async def list_conflicts(self, call: ApiCall) -> answers.ConflictList:
        listed, following = await self._conflicts.find_open(call.get_number("before"))
        return {"conflicts": [_describe(conflict) for conflict in listed], "next_before": following}

    async def show_conflict(self, call: ApiCall) -> answers.ConflictDetails:
        view = await self._conflicts.show(call.path["event_id"])
        return _describe_view(view, shows_ids=call.may(Scope.WRITE_MEMBERS))

    async def resolve_conflict(self, call: ApiCall) -> None:
        body, event_id = await call.read(Decision), call.path["event_id"]
        act = call.act(body.reason)
        if body.member_id:
            await self._conflicts.give(event_id, body.member_id, act, force=body.force, version=body.version)
        else:
            await self._conflicts.keep(event_id, act)


def _select(member: dict[str, Any]) -> answers.MemberShown:
    """Return what is answered of a member; a shop's own directory may know more, or less."""
    shown: answers.MemberShown = {"state": member["state"]}
    for name in answers.MemberShown.__annotations__:
        if name in member:
            value = member[name]
            shown[name] = value if isinstance(value, answers.MemberValue) else str(value)  # type: ignore[literal-required]
    return shown


def _shorten(person_id: dict[str, Any]) -> dict[str, Any]:
    return {**person_id, "value": shorten(person_id["value"])}


def _describe(conflict: Conflict) -> answers.ConflictShown:
    return {
        "event_id": conflict.event_id,
        "time": conflict.time,
        "provider": conflict.provider,
        "client_type": conflict.client_type,
        "union_type": conflict.union_type,
        "member_ids": list(conflict.member_ids),
    }


def _describe_view(view: ConflictView, *, shows_ids: bool) -> answers.ConflictDetails:
    sides: list[answers.ConflictSideShown] = [
        {
            "member_id": side.member_id,
            "is_connected": side.connection is not None,
            "has_other_way": side.has_other_way,
            "ids": [
                {
                    "kind": each.kind.value,
                    "scope": each.scope,
                    "value": each.value if shows_ids else shorten(each.value),
                }
                for each in side.ids
            ],
        }
        for side in view.sides
    ]
    return {**_describe(view.conflict), "sides": sides, "obstacle": view.obstacle, "version": view.version}
