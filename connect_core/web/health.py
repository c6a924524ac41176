"""`/healthz` and `/readyz`: whether the process runs, and whether logins can be written.

Neither is a refused login: what fails is logged by `Readiness`, once when it begins and once when it is over.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import ConnectError, Unavailable
from connect_core.manager import ConnectManager
from connect_core.members.directory import BuiltInMembers
from connect_core.store import schema
from connect_core.store.probe import probe_write
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route

log = logging.getLogger("connect_login")
OK, NOT_TRIED = "ok", "not tried"
CHECKS = ("database", "schema", "write")
"""What is checked, in this order: the database answers, has this version's schema, and takes what a login writes."""


@dataclass(frozen=True, slots=True)
class Report:
    """What each check found: `ok`, the reason why it failed, or that it was not tried since an earlier one failed.

    `failed` is the name of the check that failed, or empty.
    """

    checks: dict[str, str]
    failed: str = ""
    error: ConnectError | None = None


class Readiness:
    """Runs the checks. Make one for each process; requests that come at once share one run."""

    def __init__(self, manager: ConnectManager) -> None:
        self._manager = manager
        self._run: asyncio.Task[Report] | None = None
        self._failed = ""

    async def check(self) -> Report:
        """Return what the checks find now."""
        if self._run is None or self._run.done():
            self._run = asyncio.create_task(self._check())
        return await asyncio.shield(self._run)

    async def _check(self) -> Report:
        checks = dict.fromkeys(CHECKS, NOT_TRIED)
        for name in CHECKS:
            try:
                await getattr(self, f"_check_{name}")()
            except ConnectError as error:
                checks[name] = str(error)
                self._log(name, str(error))
                return Report(checks, name, error)
            checks[name] = OK
        self._log("", "")
        return Report(checks)

    async def _check_database(self) -> None:
        self._state = await self._manager.database.read(schema.find_state_in)

    async def _check_schema(self) -> None:
        if mistake := schema.get_advice(self._state):
            raise Unavailable(mistake)

    async def _check_write(self) -> None:
        services = self._manager.services
        are_members_elsewhere = not isinstance(services.members, BuiltInMembers)
        await probe_write(services.database, services.now(), are_members_elsewhere=are_members_elsewhere)

    def _log(self, failed: str, reason: str) -> None:
        if failed and failed != self._failed:
            log.warning("not_ready", extra={"check": failed, "reason": reason})
        elif self._failed and not failed:
            log.info("ready", extra={"check": self._failed})
        self._failed = failed


def health_routes(
    context: WebContext, readiness: Readiness, is_serving: Callable[[], bool] = lambda: True
) -> list[BaseRoute]:
    """Return the routes of `/healthz` and `/readyz`; `is_serving` tells whether some process takes logins."""

    async def healthz(request: Request) -> Response:
        if not is_serving():
            return responses.problem(Unavailable("no worker serves"), request.state.request_id)
        return responses.json_response({"status": "ok"})

    async def readyz(request: Request) -> Response:
        report = await readiness.check()
        body: dict[str, Any] = {"checks": report.checks, "quarantined": sorted(context.manager.plugins.quarantined)}
        if report.error is None:
            return responses.json_response({"status": "ok", **body})
        more = {"check": report.failed, "reason": report.checks[report.failed], **body}
        return responses.problem(report.error, request.state.request_id, more)

    return [route(context, "/healthz", healthz, "GET"), route(context, "/readyz", readyz, "GET")]
