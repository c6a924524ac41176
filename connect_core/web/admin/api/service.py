"""The service itself in the management API: the dashboard's figures, the doctor, the keys, the audit log."""

from connect_core.administrators.api_tokens import Scope
from connect_core.doctor.last_run import find_last_run
from connect_core.store import audit
from connect_core.web.admin.api import answers
from connect_core.web.admin.api.requests import PAGE, ApiCall, ApiRoute
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.dashboard_figures import Dashboard, collect_figures
from connect_core.web.admin.key_counts import SEALED, count_first_rows, count_sealed, show_keys


def service_routes(admin: AdminContext) -> list[ApiRoute]:
    """Return the routes of this module."""
    api = _Service(admin)
    doctor, keys = Scope.RUN_DOCTOR, Scope.READ_KEYS
    records = ("target", "actor", "before")
    return [
        ApiRoute("GET", "/dashboard", Scope.READ_DASHBOARD, api.show_dashboard, "Show how logins and vendors do"),
        ApiRoute("POST", "/doctor", doctor, api.run_doctor, "Run the doctor", status=202),
        ApiRoute("GET", "/doctor", doctor, api.show_last_run, "Show the doctor's last run"),
        ApiRoute("GET", "/keys", keys, api.list_keys, "List secret keys by their fingerprints"),
        ApiRoute("GET", "/keys/count", keys, api.count_everything, "Count all that the keys have sealed"),
        ApiRoute("GET", "/audit", Scope.READ_AUDIT, api.list_records, "Read the audit log", query=records),
    ]


class _Service:
    def __init__(self, admin: AdminContext) -> None:
        self._manager, self._database, self._doctor = admin.manager, admin.manager.database, admin.doctor

    async def show_dashboard(self, call: ApiCall) -> Dashboard:
        return await collect_figures(self._manager, call.request)

    async def run_doctor(self, call: ApiCall) -> answers.DoctorBegan:
        return {"began": await self._doctor.start(call.request, call.act())}

    async def show_last_run(self, call: ApiCall) -> answers.LastRun:
        return {"run": await self._database.read(find_last_run)}

    async def list_keys(self, call: ApiCall) -> answers.KeyList:
        counts = await count_first_rows(self._manager)
        return {
            "keys": show_keys(self._manager),
            "sealed": [count for count in counts if count.is_complete],
        }

    async def count_everything(self, call: ApiCall) -> answers.KeyList:
        counts = [count for name in SEALED async for count in count_sealed(self._manager, name) if count.is_complete]
        return {"keys": show_keys(self._manager), "sealed": counts}

    async def list_records(self, call: ApiCall) -> answers.AuditList:
        before, target, actor = call.get_number("before"), call.get("target"), call.get("actor")
        records = await self._database.read(lambda tx: audit.find_records(tx, PAGE, before, target, actor))
        return {"records": records}
