"""Administrators, the audit log and the doctor's last run in the management API."""

from dataclasses import asdict
from typing import Any

from connect_core.administrators.api_tokens import Scope
from connect_core.administrators.roles import Role
from connect_core.doctor.last_run import find_last_run
from connect_core.store import audit
from connect_core.web.admin.api.requests import PAGE, ApiCall, ApiRoute, Body
from connect_core.web.admin.context import AdminContext

_PATH = "/administrators/{name}"


class NewAdministrator(Body):
    """An administrator who sets a password with the set-up code of the answer."""

    name: str
    role: Role


class NewRole(Body):
    """Another role."""

    role: Role


def administrator_routes(admin: AdminContext) -> list[ApiRoute]:
    """Return the routes of this module."""
    api = _Administrators(admin)
    read, write = Scope.READ_ADMINISTRATORS, Scope.WRITE_ADMINISTRATORS
    return [
        ApiRoute("GET", "/administrators", read, api.list_all, "List administrators"),
        ApiRoute("POST", "/administrators", write, api.create, "Create an administrator", NewAdministrator, status=201),
        ApiRoute("POST", f"{_PATH}/role", write, api.set_role, "Change an administrator's role", NewRole, status=204),
        ApiRoute("POST", f"{_PATH}/disable", write, api.disable, "Disable an administrator", status=204),
        ApiRoute("POST", f"{_PATH}/enable", write, api.enable, "Enable an administrator", status=204),
        ApiRoute("POST", f"{_PATH}/reset", write, api.reset, "Make an administrator set up anew"),
        ApiRoute(
            "GET",
            "/audit",
            Scope.READ_AUDIT,
            api.list_records,
            "Read the audit log",
            query=("target", "actor", "before"),
        ),
        ApiRoute("POST", "/doctor", Scope.RUN_DOCTOR, api.run_doctor, "Run the doctor", status=202),
        ApiRoute("GET", "/doctor", Scope.RUN_DOCTOR, api.show_last_run, "Show the doctor's last run"),
    ]


class _Administrators:
    def __init__(self, admin: AdminContext) -> None:
        self._accounts, self._database, self._doctor = admin.accounts, admin.manager.database, admin.doctor

    async def list_all(self, call: ApiCall) -> Any:
        return {"administrators": [asdict(account) for account in await self._accounts.find_all()]}

    async def create(self, call: ApiCall) -> Any:
        body = await call.read(NewAdministrator)
        return {"set_up_code": await self._accounts.create(body.name, body.role, call.act())}

    async def set_role(self, call: ApiCall) -> None:
        body = await call.read(NewRole)
        await self._accounts.set_role(call.path["name"], body.role, call.act())

    async def disable(self, call: ApiCall) -> None:
        await self._accounts.disable(call.path["name"], call.act())

    async def enable(self, call: ApiCall) -> None:
        await self._accounts.enable(call.path["name"], call.act())

    async def reset(self, call: ApiCall) -> Any:
        return {"set_up_code": await self._accounts.reset(call.path["name"], call.act())}

    async def list_records(self, call: ApiCall) -> Any:
        before, target, actor = call.get_number("before"), call.get("target"), call.get("actor")
        records = await self._database.read(lambda tx: audit.find_records(tx, PAGE, before, target, actor))
        return {"records": [asdict(record) for record in records]}

    async def run_doctor(self, call: ApiCall) -> Any:
        return {"began": await self._doctor.start(call.request, call.act())}

    async def show_last_run(self, call: ApiCall) -> Any:
        run = await self._database.read(find_last_run)
        return {"run": None if run is None else asdict(run)}
