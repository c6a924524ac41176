"""`connect-login sandbox`: serves the sandboxes of all plugins, for a shop that runs beside them."""

from collections.abc import Mapping
from typing import Annotated

import typer

from connect_core.cli.console import wait_for_stop
from connect_core.harness import load_sandboxes
from connect_core.identity import ClientType
from connect_core.providers.registry import Plugins
from connect_core.sandbox import Sandbox, sandbox_app, serving


def sandbox(
    port: Annotated[int, typer.Option(help="Port on loopback; 0: any free port.")] = 8001,
) -> None:
    """Serve every plugin's sandbox on loopback.

    Prints the [providers] tables that connect a shop to the sandboxes.
    """
    plugins = Plugins()
    sandboxes = load_sandboxes(plugins)
    with serving(sandbox_app(sandboxes), port=port) as url:
        for name, vendor in sandboxes.items():
            clients = plugins.available[name].provider.entrances
            typer.echo("\n".join(_section(name, client, vendor, f"{url}/{name}") for client in clients))
        typer.echo(f"# faults: POST {url}/NAME/_sandbox/faults; Ctrl-C ends the sandboxes")
        wait_for_stop()


def _section(name: str, client: ClientType, vendor: Sandbox, url: str) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in vendor.settings(url, client).items()]
    return "\n".join([f"[providers.{name}.{client}]   # {vendor.title}", *lines])


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f'"{key}" = {_toml(inner)}' for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    value = str(value)
    return f"'''{value}'''" if "\n" in value else f'"{value}"'
