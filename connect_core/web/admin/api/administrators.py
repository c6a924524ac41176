"""Administrators and their sessions in the management API. The rules are in `administrators`."""

from pydantic import Field

from connect_core.administrators.api_tokens import Scope
from connect_core.administrators.roles import Role
from connect_core.store.administrators import AdministratorSessionRow
from connect_core.web.admin.api import answers
from connect_core.web.admin.api.requests import ApiCall, ApiRoute, Body
from connect_core.web.admin.context import AdminContext

_PATH = "/administrators/{name}"


class NewAdministrator(Body):
    """An administrator who sets a password with the set-up code of the answer."""

    name: str
    role: Role


class NewRole(Body):
    """Another role. `former` is the one that was seen: when somebody else has changed it since, nothing happens."""

    role: Role
    former: Role | None = None


class EndedAdministrator(Body):
    """Whose sessions end. `provider` is that through which they sign in; empty for a local administrator."""

    name: str = Field(min_length=1)
    provider: str = ""


def administrator_routes(admin: AdminContext) -> list[ApiRoute]:
    """Return the routes of this module."""
    api, sessions = _Administrators(admin), "/administrators/sessions"
    read, write = Scope.READ_ADMINISTRATORS, Scope.WRITE_ADMINISTRATORS
    create, end = api.create_administrator, api.end_admin_sessions
    return [
        ApiRoute("GET", "/administrators", read, api.list_administrators, "List administrators"),
        ApiRoute("POST", "/administrators", write, create, "Create an administrator", NewAdministrator, status=201),
        ApiRoute(
            "POST", f"{_PATH}/role", write, api.change_role, "Change an administrator's role", NewRole, status=204
        ),
        ApiRoute("POST", f"{_PATH}/disable", write, api.disable_administrator, "Disable an administrator", status=204),
        ApiRoute("POST", f"{_PATH}/enable", write, api.enable_administrator, "Enable an administrator", status=204),
        ApiRoute("POST", f"{_PATH}/reset", write, api.reset_administrator, "Make an administrator set up anew"),
        ApiRoute("GET", sessions, read, api.list_admin_sessions, "List sessions of administrators"),
        ApiRoute("POST", f"{sessions}/end", write, end, "End an administrator's sessions", EndedAdministrator),
    ]


class _Administrators:
    def __init__(self, admin: AdminContext) -> None:
        self._accounts, self._sessions = admin.accounts, admin.sessions

    async def list_administrators(self, call: ApiCall) -> answers.AdministratorList:
        return {"administrators": await self._accounts.find_all()}

    async def create_administrator(self, call: ApiCall) -> answers.SetUpCode:
        body = await call.read(NewAdministrator)
        return {"set_up_code": await self._accounts.create(body.name, body.role, call.act())}

    async def change_role(self, call: ApiCall) -> None:
        body = await call.read(NewRole)
        await self._accounts.set_role(call.path["name"], body.role, call.act(), former=body.former)

    async def disable_administrator(self, call: ApiCall) -> None:
        await self._accounts.disable(call.path["name"], call.act())

    async def enable_administrator(self, call: ApiCall) -> None:
        await self._accounts.enable(call.path["name"], call.act())

    async def reset_administrator(self, call: ApiCall) -> answers.SetUpCode:
        return {"set_up_code": await self._accounts.reset(call.path["name"], call.act())}

    async def list_admin_sessions(self, call: ApiCall) -> answers.AdminSessionList:
        rows = await self._sessions.find_live()
        return {"sessions": [_describe(row) for row in rows]}

    async def end_admin_sessions(self, call: ApiCall) -> answers.Ended:
        body = await call.read(EndedAdministrator)
        return {"ended": await self._sessions.end_all_of(body.name, body.provider, call.act())}


def _describe(row: AdministratorSessionRow) -> answers.AdminSession:
    """Return what is answered of a session; the hash of its token is not."""
    return {
        "name": row.name,
        "role": row.role,
        "provider": row.provider,
        "create_time": row.create_time,
        "seen_time": row.seen_time,
        "expiry_time": row.expiry_time,
    }
