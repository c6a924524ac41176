"""`connect-login init` and `connect-login serve`: write a configuration, and run the service with it."""

import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from starlette.applications import Starlette

from connect_core.cli.configuration import DEFAULT, ConfigPath
from connect_core.cli.keys import new_key
from connect_core.cli.listening import Port, get_address, listen_on
from connect_core.cli.management import ManagementPort, serve_beside, snapshot_folder
from connect_core.cli.reloading import MANAGEMENT_LISTENER, find_inherited_listener, run_reloadable
from connect_core.cli.service_process import ServiceProcess, collect_less_garbage, configure_server
from connect_core.cli.supervisor import Supervisor, check_apart
from connect_core.errors import SettingsError
from connect_core.observability.logs import configure_logging
from connect_core.settings import Settings
from connect_core.web import create_management_app

KEY_FILE = Path("keys/connect-secret.key")
_Run = Callable[[socket.socket, socket.socket | None], None]


class LogLevel(StrEnum):
    """The values of `--log-level`."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def init(
    folder: Annotated[
        Path, typer.Argument(help="The folder for connect.toml and keys/; it is created where it does not exist.")
    ] = Path(),
) -> None:
    """Write a connect.toml to start from, and a new key beside it.

    Only you may read the files. Overwrites nothing.
    """
    target, key = folder / DEFAULT, folder / KEY_FILE
    for path in (target, key):
        if os.path.lexists(path):
            raise SettingsError([f"{path}: exists already; nothing was written"])
    key.parent.mkdir(parents=True, exist_ok=True)
    for path, text in ((key, new_key() + "\n"), (target, _TEMPLATE)):
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    command = f"connect-login serve --config {target}"
    typer.echo(f"wrote {target} and {key}; fill in [clients] and [providers], then run: {command}")


def serve(
    config: ConfigPath = DEFAULT,
    host: Annotated[
        str, typer.Option(help="Address to listen on, or a name of this machine; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
    wait_for_db: Annotated[
        int,
        typer.Option("--wait-for-db", min=0, metavar="SECONDS", help="Time to wait for the database and its tables."),
    ] = 0,
    log_level: Annotated[LogLevel, typer.Option(help="The least severe level that is logged.")] = LogLevel.INFO,
    *,
    management_port: ManagementPort = None,
) -> None:
    """Run the service until Ctrl-C.

    SIGHUP reads the configuration again. Creates the tables of an empty SQLite database; other databases get them from
    `connect-login db upgrade`. Says its address once it listens there. While it waits for a database that does not
    answer, or whose tables are missing or old, it says why.

    Exit code 2: the configuration, the database, the host or the port cannot be used; a line says why.
    """
    configure_logging(log_level)
    service = ServiceProcess(config, log_level, wait_seconds=wait_for_db, workers=workers)
    settings = service.load()
    inherited = find_inherited_listener()
    if workers > 1:
        service = service.preload(settings)
        check_apart(service, settings)
        run: _Run = partial(_run_workers, service, settings)
    else:
        app = service.build(settings, needs_database=inherited is None)
        collect_less_garbage()
        run = partial(_run_alone, service, app)
    listener, management = inherited or listen_on(host, port), find_inherited_listener(MANAGEMENT_LISTENER)
    if management_port is not None and management is None:
        management = listen_on(host, management_port, "--management-port")
    typer.echo(f"connect-login serves {settings.service.public_url} on http://{get_address(listener)}", err=True)
    if management is not None:
        typer.echo(f"health and metrics are on http://{get_address(management)}", err=True)
    run(listener, management)


def _run_workers(
    service: ServiceProcess, settings: Settings, listener: socket.socket, management: socket.socket | None
) -> None:
    with snapshot_folder() if management else nullcontext() as folder:
        Supervisor(replace(service, snapshots=folder), settings, service.workers, management).run(listener)


def _run_alone(
    service: ServiceProcess, app: Starlette, listener: socket.socket, management: socket.socket | None
) -> None:
    if management is not None:
        app = serve_beside(app, configure_server(create_management_app(app)), management)
    run_reloadable(configure_server(app), lambda: service.check(service.load()), listener, management)


_TEMPLATE = f"""\
# connect-login: every key is explained in docs/reference/settings.md

[service]
public_url = "http://127.0.0.1:8000"         # the shop's https origin in production
database_url = "sqlite:///connect.db"
secret_keys = ["file:{KEY_FILE}"]
redirect_allow = []                          # origins a login may return to, besides our own
home_url = "/"                               # where a login ends; before a shop is there, the member's own page

[clients]                                    # which logins each client type shows, in order
pc = []                                      # ["alipay"]
h5 = []

# [accounts.alipay-pay]                      # the payment configuration, shared with login
# app_id = "2021000000000000"
# private_key = "file:keys/app-private.pem"
# alipay_public_key = "file:keys/alipay-public.pem"

# [providers.alipay]
# use = "alipay-pay"
"""
