"""The ASGI application: puts the routes together, starts and stops the service, and deletes what has expired.

Run it with `connect-login serve`, or mount it: `create_app(load_settings(path))`. Has no route of its own.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.util import find_spec

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from connect_core.crypto.sealing import derive_key
from connect_core.devices import Devices
from connect_core.errors import ConnectError, PageNotFound, Unavailable
from connect_core.http import HttpPool
from connect_core.manager import ConnectManager
from connect_core.observability.loop_monitor import monitor_loop
from connect_core.observability.trace_export import export_traces, exporting_traces
from connect_core.providers.circuits import Circuits
from connect_core.providers.registry import Plugins
from connect_core.request_ids import new_request_id
from connect_core.settings import Settings
from connect_core.store import Database, schema
from connect_core.web.account.merge import merge_routes
from connect_core.web.account.personal_data import personal_data_routes
from connect_core.web.account.reauthentication import reauthentication_routes
from connect_core.web.account.routes import account_routes
from connect_core.web.addresses import TrustedProxies
from connect_core.web.context import PagesInUse, WebContext
from connect_core.web.endpoints import answer_wrong_method, share_refusal
from connect_core.web.flash_messages import with_flash
from connect_core.web.health import Readiness, health_routes
from connect_core.web.instance import instance_routes
from connect_core.web.legacy.account_binder import account_binder_routes
from connect_core.web.legacy.javashop import javashop_routes, older_surfaces
from connect_core.web.login.backchannel import backchannel_routes
from connect_core.web.login.first_login import first_login_routes
from connect_core.web.login.login_page import login_page_routes
from connect_core.web.login.notices import notice_routes
from connect_core.web.login.qr_login import qr_login_routes
from connect_core.web.login.routes import login_routes
from connect_core.web.mounting import below_root, find_route
from connect_core.web.openapi import openapi_routes
from connect_core.web.pages.theme_check import load_pages
from connect_core.web.rate_limit import CountersInDatabase, Limiter
from connect_core.web.responses import Cookies
from connect_core.web.surfaces import Surface, Surfaces
from connect_core.web.token_services.routes import token_service_routes

SWEEP_SECONDS = 60
"""Seconds between two rounds of deleting what has expired."""
SWEEP_STEP = 200
"""Rows that one transaction deletes: so few that no login waits for it, and 100 000 are deleted within two minutes."""
SWEEP_PAUSE = 0.1
"""Seconds between two such transactions."""
ENDPOINT_SECONDS = 2.0
"""Seconds between two looks whether there is an endpoint that is sent events, where there was none so far."""
log = logging.getLogger("connect_login")


def create_app(
    settings: Settings,
    *,
    plugins: Plugins | None = None,
    pool: HttpPool | None = None,
    routes: Sequence[BaseRoute] = (),
    now: Callable[[], float] = time.time,
    circuits: Circuits | None = None,
) -> Starlette:
    """Return the service as an ASGI application, to be run or mounted.

    `routes` are the shop's own and come first; in them `connect_core.web.current_member` tells who is logged in.
    `plugins` replaces the installed ones, `pool` the connections to vendors, and `now` the clock, which returns seconds
    since the epoch; `circuits` replaces those of `vendor_outages`. `app.state.manager` is the `ConnectManager`.

    Raises `SettingsError` and `PluginError`. When the application starts, an empty SQLite database gets its tables;
    with any other schema that is not this version's it does not start.
    """
    service = settings.service
    database = Database(
        service.database_url, synchronous=service.sqlite_synchronous, pool_size=service.database_pool_size
    )
    manager = ConnectManager(settings, database, plugins=plugins, pool=pool, now=now, circuits=circuits)
    context = _make_context(manager)
    readiness = Readiness(manager)
    admin_routes, admin_surfaces = _make_admin(context)
    app = _Service(
        context,
        routes=[*routes, *_make_routes(context, readiness), *admin_routes],
        surfaces=Surfaces(context, [*older_surfaces(context), *admin_surfaces]),
    )
    app.state.manager = manager
    app.state.readiness = readiness
    app.state.context = context
    return app


def _make_routes(context: WebContext, readiness: Readiness) -> list[BaseRoute]:
    return [
        *login_routes(context),
        *login_page_routes(context),
        *account_routes(context),
        *merge_routes(context),
        *reauthentication_routes(context),
        *personal_data_routes(context),
        *first_login_routes(context),
        *account_binder_routes(context),
        *qr_login_routes(context),
        *javashop_routes(context),
        *backchannel_routes(context),
        *notice_routes(context),
        *token_service_routes(context),
        *health_routes(context, readiness),
        *instance_routes(context),
        *openapi_routes(context),
    ]


class _Service(Starlette):
    """The application: finds its routes wherever it is mounted, and does its work whoever runs it."""

    def __init__(self, context: WebContext, routes: Sequence[BaseRoute], surfaces: Surfaces) -> None:
        handlers = {404: partial(_not_found, context, surfaces), 405: partial(_not_allowed, context, surfaces)}
        super().__init__(routes=routes, lifespan=self._lifespan, exception_handlers=handlers)
        self.router.redirect_slashes = False
        self._manager, self._root_path = context.manager, context.manager.settings.service.root_path
        self._serve = with_flash(context, super().__call__)
        self._heads = (f"{context.route_prefix}/", "/buyer/", "/login/", "/.well-known/", "/healthz", "/readyz")
        self._is_at_work = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        if not self._is_at_work:
            self._begin_late()
        root = self._root_path or scope.get("root_path", "").rstrip("/")
        route_path = find_route(scope, root, lambda path: path.startswith(self._heads))
        if root:  # as Starlette reads it: the path begins with `root_path`
            scope = {**scope, "root_path": root, "path": root + route_path}
        with below_root(root):
            await self._serve(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self._is_at_work = True
        with suppress(Unavailable):  # the database may come later; until then `/readyz` says so
            schema.prepare(self._manager.database)
        self._begin_tasks()
        try:
            async with exporting_traces():
                with monitor_loop():
                    yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._manager.aclose()

    def _begin_tasks(self) -> None:
        works = [_sweep_for_ever(self._manager), _deliver_for_ever(self._manager)]
        if self._manager.settings_follower is not None:
            works.append(self._manager.settings_follower.run_for_ever())
        self._tasks = [asyncio.create_task(work) for work in works]

    def _begin_late(self) -> None:
        """Do at the first request what the lifespan would have done, and tell the operator."""
        self._is_at_work = True
        log.error("lifespan_not_run", extra={"reason": "the server or the application that mounts this one skips it"})
        export_traces()
        with suppress(ConnectError):  # `/readyz` says what is wrong
            schema.prepare(self._manager.database)
        self._begin_tasks()


def _make_admin(context: WebContext) -> tuple[list[BaseRoute], list[Surface]]:
    """Return what the admin page consists of; nothing where it is off or lacks its extra, and then none is imported."""
    if not context.manager.settings.admin.enabled:
        return [], []
    if find_spec("pyotp") is None:
        log.error(
            "admin_page_unavailable", extra={"reason": "the extra is missing: pip install 'connect-login[admin]'"}
        )
        return [], []
    from connect_core.web.admin.routes import make_admin  # noqa: PLC0415 - the admin page is off by default

    return make_admin(context)


def _make_context(manager: ConnectManager) -> WebContext:
    service, limits = manager.settings.service, manager.settings.limits
    with manager.blaming_revision():
        pages = load_pages(manager.settings.pages, service.prefix, manager.plugins.icons, service.home_url)
    context = WebContext(
        manager=manager,
        in_use=PagesInUse(pages),
        cookies=Cookies(
            is_plain_loopback=service.is_plain_loopback, readable_token_cookies=service.readable_token_cookies
        ),
        trusted_proxies=TrustedProxies(service.trusted_proxies),
        devices=Devices(manager.settings.pages.geoip_database),
        limiter=Limiter(limits.per_address, manager.shared),
        failure_limiter=Limiter(limits.failures, manager.shared, "failures ", "failures_per_address"),
        password_limiter=Limiter(
            limits.per_username,
            CountersInDatabase(manager.database, derive_key(service.keys[0], "tries"), manager.services.now),
            name="per_username",
        ),
        origins=(service.public_url, *service.cors_origins),
        cors_origins=tuple(service.cors_origins),
        route_prefix=service.prefix,
    )
    if manager.setting_versions is not None:
        from connect_core.web.changed_settings import apply_changes  # noqa: PLC0415 - rarely switched on

        apply_changes(context, manager.setting_versions)
    return context


async def _sweep_for_ever(manager: ConnectManager) -> None:
    """Redeliver events and delete what has expired, once a minute."""
    # processes that started together begin at different moments
    await asyncio.sleep(random.uniform(0, SWEEP_SECONDS))  # noqa: S311 - no secret
    while True:
        try:
            await manager.dispatcher.redeliver()
            while await manager.sweep(SWEEP_STEP) >= SWEEP_STEP:  # noqa: ASYNC110 - waits for no condition, lets logins in between
                await asyncio.sleep(SWEEP_PAUSE)
        except ConnectError as error:
            log.warning("sweep_failed", extra={"reason": str(error)})
        await asyncio.sleep(SWEEP_SECONDS)


async def _deliver_for_ever(manager: ConnectManager) -> None:
    """Send events to endpoints, as soon as the settings have one."""
    while not manager.subscriptions.names:  # noqa: ASYNC110 - settings can be replaced, and tell nobody
        await asyncio.sleep(ENDPOINT_SECONDS)
    await manager.webhooks.deliveries.run_for_ever()


async def _not_found(context: WebContext, surfaces: Surfaces, request: Request, error: Exception) -> Response:
    request.state.request_id = new_request_id()
    response = await surfaces.answer_error(request, PageNotFound())
    response.headers["x-request-id"] = request.state.request_id
    return share_refusal(context, surfaces, request, response)


async def _not_allowed(context: WebContext, surfaces: Surfaces, request: Request, error: Exception) -> Response:
    request.state.request_id = new_request_id()
    response = await answer_wrong_method(context, surfaces, request)
    response.headers["x-request-id"] = request.state.request_id
    return share_refusal(context, surfaces, request, response)
