"""The ASGI application: puts the routes together, starts and stops the service, and deletes what has expired.

Run it with `connect-login serve`, or mount it: `create_app(load_settings(path))`. Has no route of its own but the
health checks.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import ConnectError, Unavailable, Unsupported
from connect_core.events.dispatch import REDELIVERY_BATCH
from connect_core.http import HttpPool
from connect_core.manager import ConnectManager
from connect_core.observability.loop_monitor import monitor_loop
from connect_core.providers.registry import Plugins
from connect_core.settings import Settings
from connect_core.store import Database, schema
from connect_core.web import responses
from connect_core.web.account.merge import merge_routes
from connect_core.web.account.personal_data import personal_data_routes
from connect_core.web.account.routes import account_routes
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.error_pages import answer_error
from connect_core.web.legacy.account_binder import account_binder_routes
from connect_core.web.legacy.javashop import javashop_routes
from connect_core.web.login.backchannel import backchannel_routes
from connect_core.web.login.first_login import first_login_routes
from connect_core.web.login.qr_login import qr_login_routes
from connect_core.web.login.routes import login_routes
from connect_core.web.pages import Pages
from connect_core.web.pages.theme_check import load_pages
from connect_core.web.rate_limit import Limiter
from connect_core.web.requests import TrustedProxies, new_request_id
from connect_core.web.responses import Cookies

SWEEP_SECONDS = 60
"""Seconds between two rounds of deleting what has expired."""
SWEEP_STEP = 200
"""Rows that one transaction deletes: so few that no login waits for it, and 100 000 are deleted within two minutes."""
SWEEP_PAUSE = 0.1
"""Seconds between two such transactions."""
log = logging.getLogger("connect_login")


def create_app(
    settings: Settings,
    *,
    plugins: Plugins | None = None,
    pool: HttpPool | None = None,
    routes: Sequence[BaseRoute] = (),
    now: Callable[[], float] = time.time,
) -> Starlette:
    """Return the service as an ASGI application, to be run or mounted.

    `routes` are the shop's own and come first; in them `connect_core.web.current_member` tells who is logged in.
    `plugins` replaces the installed ones, `pool` the connections to vendors, and `now` the clock, which returns seconds
    since the epoch. `app.state.manager` is the `ConnectManager`.

    Raises `SettingsError` and `PluginError`. When the application starts, an empty SQLite database gets its tables;
    with any other schema that is not this version's it does not start.
    """
    service = settings.service
    database = Database(service.database_url, synchronous=service.sqlite_synchronous)
    manager = ConnectManager(settings, database, plugins=plugins, pool=pool, now=now)
    context = _make_context(manager, load_pages(settings.pages, service.prefix, _find_icons(manager)))
    app = Starlette(
        routes=[
            *routes,
            *login_routes(context),
            *account_routes(context),
            *merge_routes(context),
            *personal_data_routes(context),
            *first_login_routes(context),
            *account_binder_routes(context),
            *qr_login_routes(context),
            *javashop_routes(context),
            *backchannel_routes(context),
            *_health_routes(context),
        ],
        lifespan=lambda _: _lifespan(manager),
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    app.router.redirect_slashes = False
    app.state.manager = manager
    app.state.context = context
    return app


def _find_icons(manager: ConnectManager) -> dict[str, bytes]:
    return {plugin.icon_name: plugin.icon for plugin in manager.plugins.available.values() if plugin.icon}


def _make_context(manager: ConnectManager, pages: Pages) -> WebContext:
    settings, service = manager.settings, manager.settings.service
    return WebContext(
        manager=manager,
        pages=pages,
        cookies=Cookies(
            is_plain_loopback=service.is_plain_loopback, readable_token_cookies=service.readable_token_cookies
        ),
        trusted_proxies=TrustedProxies(service.trusted_proxies),
        limiter=Limiter(settings.limits.per_address, manager.shared),
        password_limiter=Limiter(settings.limits.per_username, manager.shared),
        origins=(service.public_url, *service.cors_origins),
        cors_origins=tuple(service.cors_origins),
        prefix=service.prefix,
    )


@asynccontextmanager
async def _lifespan(manager: ConnectManager) -> AsyncIterator[None]:
    with suppress(Unavailable):  # the database may come later; until then `/readyz` says so
        schema.prepare(manager.database)
    sweeper = asyncio.create_task(_sweep_for_ever(manager))
    try:
        with monitor_loop():
            yield
    finally:
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
        await manager.aclose()


async def _sweep_for_ever(manager: ConnectManager) -> None:
    """Redeliver events and delete what has expired, once a minute."""
    # processes that started together begin at different moments
    await asyncio.sleep(random.uniform(0, SWEEP_SECONDS))  # noqa: S311 - no secret
    while True:
        try:
            while await manager.dispatcher.redeliver() == REDELIVERY_BATCH:
                pass
            while await manager.sweep(SWEEP_STEP) >= SWEEP_STEP:  # noqa: ASYNC110 - waits for no condition, lets logins in between
                await asyncio.sleep(SWEEP_PAUSE)
        except ConnectError as error:
            log.warning("sweep_failed", extra={"reason": str(error)})
        await asyncio.sleep(SWEEP_SECONDS)


def _health_routes(context: WebContext) -> list[BaseRoute]:
    async def healthz(request: Request) -> Response:
        return responses.json_response({"status": "ok"})

    async def readyz(request: Request) -> Response:
        state = await context.manager.database.read(schema.find_state_in)
        if mistake := schema.get_advice(state):
            raise Unavailable(mistake)
        return responses.json_response({"status": "ok", "quarantined": sorted(context.manager.plugins.quarantined)})

    return [route(context, "/healthz", healthz, "GET"), route(context, "/readyz", readyz, "GET")]


async def _not_found(request: Request, error: Exception) -> Response:
    context: WebContext = request.app.state.context
    request.state.request_id = new_request_id()
    response = answer_error(context, request, Unsupported())
    response.headers["x-request-id"] = request.state.request_id
    return response


async def _not_allowed(request: Request, error: Exception) -> Response:
    headers = getattr(error, "headers", None) or {}
    return Response(status_code=405, headers={**responses.HEADERS, **headers})
