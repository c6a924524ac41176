"""The application of the management port: `/healthz`, `/readyz`, `/metrics`, and 404 for everything else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from connect_core.observability.metrics import Snapshots, Sums, begin_counting, is_installed
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.health import health_routes
from connect_core.web.management.sampling import sample
from connect_core.web.management.state import StateGauges

NOT_INSTALLED = "there are no metrics here: install connect-login[metrics], and start the service again\n"
NOT_HERE = "there is nothing here but /healthz, /readyz and /metrics\n"
FIRST_LOOK_SECONDS = 5.0
"""How long the first answers of `/metrics` wait for the first look at the state."""


def create_management_app(app: Starlette) -> Starlette:
    """Return an application with `/healthz`, `/readyz` and `/metrics` of `app`, which `create_app` returned.

    Serve it on a port of its own, which visitors do not reach, in the same event loop; its lifespan may be run or not.
    From this call on the process counts what it does. Without the extra `metrics` nothing is counted, and `/metrics`
    answers 404.
    """
    return _make(app, None)


def create_management_app_of_workers(app: Starlette, folder: Path) -> Starlette:
    """Return the same for a process that does not serve itself: its workers write snapshots into `folder`.

    `/healthz` answers 503 while no worker serves.
    """
    return _make(app, Snapshots(folder))


def _make(app: Starlette, snapshots: Snapshots | None) -> Starlette:
    context: WebContext = app.state.context
    metrics = _Metrics(app, snapshots) if is_installed() else None

    async def show(request: Request) -> Response:
        if metrics is None:
            return _answer_text(NOT_INSTALLED, 404)
        return await metrics.show(request)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        follower = app.state.manager.settings_follower if snapshots is not None else None
        following = asyncio.create_task(follower.run_for_ever()) if follower is not None else None
        try:
            yield
        finally:
            if following is not None:
                following.cancel()
            if metrics is not None:
                await metrics.end()
            if snapshots is not None:  # else whoever serves closes it
                await app.state.manager.aclose()

    is_serving = (lambda: snapshots.count_serving() > 0) if snapshots else (lambda: True)
    routes = [*health_routes(context, app.state.readiness, is_serving), route(context, "/metrics", show, "GET")]
    management = Starlette(
        routes=routes, lifespan=lifespan, exception_handlers={404: _answer_missing, 405: _answer_missing}
    )
    management.router.redirect_slashes = False
    return management


class _Metrics:
    """Answers `/metrics`, with what this process has counted or with what its workers have."""

    def __init__(self, app: Starlette, snapshots: Snapshots | None) -> None:
        self._manager, self._snapshots = app.state.manager, snapshots
        from connect_core.observability.metrics.exposition import write_metrics  # noqa: PLC0415 - an extra

        self._write = write_metrics
        self._counts = begin_counting()
        self._gauges = StateGauges(self._manager, app.state.readiness, self._counts)
        self._has_looked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def show(self, request: Request) -> Response:
        if self._task is None:  # at the first question: whoever asks nothing needs no look at the state
            self._task = asyncio.create_task(self._gauges.run_for_ever(self._has_looked))
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await self._has_looked.wait()
        content, media_type = self._write(self._take(), request.headers.get("accept", ""))
        return Response(content, headers={**responses.HEADERS, "content-type": media_type})

    async def end(self) -> None:
        """Look no longer."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _take(self) -> Sums:
        if self._snapshots is None:
            sample(self._manager, self._counts)
            sums = self._counts.take()
        else:
            sums = self._snapshots.read()
            sums.add_gauges(self._counts.take())  # what this process has counted is no part of the service's work
        sums.declare((configured.name, configured.client_type) for configured in self._manager.registry)
        return sums


async def _answer_missing(request: Request, error: Exception) -> Response:
    return _answer_text(NOT_HERE, 404)


def _answer_text(text: str, status: int) -> Response:
    return Response(text, status, responses.HEADERS, "text/plain; charset=utf-8")
