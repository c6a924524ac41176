"""What a process of `serve` does: builds the application from a configuration, and serves it with uvicorn.

Decides nothing about how many processes there are, or when one is replaced.
"""

import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import uvicorn
from starlette.applications import Starlette

from connect_core.cli.background_tasks import supervise_tasks
from connect_core.cli.database_start import prepare_database
from connect_core.cli.protocol import BoundedProtocol
from connect_core.cli.workers import FORKS, Message, Report
from connect_core.errors import ConnectError, Unavailable
from connect_core.limits import KEEP_ALIVE_SECONDS
from connect_core.observability.logs import configure_logging
from connect_core.providers.registry import Plugins
from connect_core.settings import Settings, load_settings
from connect_core.store import schema
from connect_core.web import create_app
from connect_core.web.management import create_management_app_of_workers, publish_snapshots

START_FAILED = 3
"""The exit code of a worker that could not begin to serve."""
GARBAGE_THRESHOLDS = (20_000, 20, 20)
"""New objects before the young ones are searched for garbage, and so on for the next generations (`gc`)."""


@dataclass(frozen=True, slots=True)
class Preloaded:
    """What a main process makes for its workers, which get copies of it: plugins, and the application for `settings`.

    Each worker makes its own (`app` is None) where plugins of others are installed, whose constructors may open
    connections or start threads, and where settings are read from the database.
    """

    plugins: Plugins
    settings: Settings
    app: Starlette | None = None


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """How a process runs the service of one configuration file. `preloaded` is what its main process made for it.

    At its start the service waits up to `wait_seconds` for its database, which `workers` processes will use. Workers
    leave what they count in `snapshots`, where there is a management port.
    """

    config: Path
    log_level: str
    preloaded: Preloaded | None = None
    wait_seconds: int = 0
    workers: int = 1
    snapshots: Path | None = None

    def preload(self, settings: Settings) -> Self:
        """Import and make what workers can share as copies of this process; returns the service to start.

        Raises `PluginError` and `SettingsError`.
        """
        if not FORKS:
            return self
        plugins = Plugins(loads_ours=False)
        plugins.load(settings.needed_plugins)
        is_shared = plugins.are_ours and settings.service.settings == "file"
        app = self._make_app(settings, plugins) if is_shared else None
        with suppress(ConnectError):  # the check reports it
            _fill_caches(app or _create_bare(settings))
        gc.collect()
        gc.freeze()  # a search for garbage writes to every object that it looks at, and so copies it
        return replace(self, preloaded=Preloaded(plugins, settings, app))

    def load(self) -> Settings:
        """Return the configuration as it is now. Raises `SettingsError`."""
        return load_settings(self.config)

    def build(self, settings: Settings, *, needs_database: bool = True) -> Starlette:
        """Return the application. Unless `needs_database`, the database need not answer now.

        Raises `SettingsError` and `PluginError`, and `Unavailable` when a database that is needed does not answer.
        """
        app = self._create(settings)
        database, command = app.state.manager.database, f"{schema.UPGRADE} --config {self.config}"
        if needs_database:
            prepare_database(database, command, wait_seconds=self.wait_seconds, processes=self.workers)
        else:
            with suppress(Unavailable):
                schema.prepare(database, command)
        return supervise_tasks(app)

    def _create(self, settings: Settings) -> Starlette:
        preloaded = self.preloaded
        if preloaded is None:
            return self._make_app(settings, None)
        if preloaded.app is not None and preloaded.settings is settings:
            return preloaded.app
        return self._make_app(settings, preloaded.plugins)

    def _make_app(self, settings: Settings, plugins: Plugins | None) -> Starlette:
        app = create_app(settings, plugins=plugins)
        app.state.config = self.config  # for the admin page, which runs the doctor
        app.state.workers = self.workers
        return app

    def check(self, settings: Settings) -> None:
        """Raise what keeps the service from going on with `settings`: `SettingsError` or `PluginError`."""
        self.build(settings, needs_database=False).state.manager.database.close()

    def work(self, settings: Settings, listener: socket.socket, report: Report) -> None:
        """Serve in a worker until SIGTERM or SIGINT; report when that begins, or why it cannot."""
        configure_logging(self.log_level)
        try:
            app = supervise_tasks(self._create(settings))
        except ConnectError as error:
            report(Message(mistake=str(error)))
            sys.exit(START_FAILED)
        if self.snapshots is not None:
            app = publish_snapshots(app, self.snapshots)
        _serve(app, listener, report)

    def manage(self, settings: Settings, listener: socket.socket, report: Report) -> None:
        """Serve the management port in a process beside the workers, as `work` does."""
        configure_logging(self.log_level)
        assert self.snapshots is not None
        try:
            app = create_management_app_of_workers(self._create(settings), self.snapshots)
        except ConnectError as error:
            report(Message(mistake=str(error)))
            sys.exit(START_FAILED)
        _serve(supervise_tasks(app), listener, report)


def _serve(app: Starlette, listener: socket.socket, report: Report) -> None:
    collect_less_garbage()
    server = _ReportingServer(configure_server(app), lambda: report(Message(is_ready=True)))
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises it again at the end, and must survive that
        signal.signal(number, server.handle_exit)
    server.run([listener])


def collect_less_garbage() -> None:
    """Before a process serves: search for garbage less often, and never among what has been made until now.

    Requests leave hardly any, and the search takes a tenth of the CPU of a login.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def _create_bare(settings: Settings) -> Starlette:
    """Return the application without providers: making it runs no plugin's code."""
    service = settings.service.model_copy(update={"required_plugins": [], "settings": "file"})
    bare = settings.model_copy(update={"service": service, "clients": {}, "providers": {}}).with_locks({})
    return create_app(bare, plugins=Plugins(discover=False))


def _fill_caches(app: Starlette) -> None:
    """Have done what is done once: modules imported late, the driver loaded, statements compiled; nothing is opened.

    What libraries keep of it stays, even if nobody uses this application.
    """
    app.state.manager.database.compile_statements()
    configured = configure_server(app)
    configured.load()
    configured.get_loop_factory()


class _ReportingServer(uvicorn.Server):
    """A server that says when it takes requests."""

    def __init__(self, config: uvicorn.Config, report_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._report_started = report_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._report_started()


def configure_server(app: Starlette) -> uvicorn.Config:
    """Return how uvicorn serves `app`."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=BoundedProtocol,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=10,
    )
