"""`connect-login providers`: lists installed plugins, configured providers, and plugins that could not be loaded."""

from pathlib import Path
from typing import Annotated

import typer

from connect_core.cli.configuration import DEFAULT, ConfigPath, load
from connect_core.http import HttpPool
from connect_core.providers.registry import Plugins, Registry


def providers(
    config: ConfigPath = DEFAULT,
    installed: Annotated[
        bool, typer.Option("--installed", help="List the installed plugins only; read no configuration.")
    ] = False,
) -> None:
    """List the installed plugins and the configured providers.

    The providers come by client type, in the order in which a login page shows them.
    """
    plugins = Plugins()
    typer.echo("installed plugins")
    for plugin in plugins.available.values():
        clients = " ".join(client.value for client in plugin.provider.entrances)
        typer.echo(f"  {plugin.name:<14} {plugin.provider.union_type:<10} {clients}")
    for name, reason in plugins.quarantined.items():
        typer.echo(f"  {name:<14} QUARANTINED: {reason}")
    if installed or (config == DEFAULT and not Path(config).exists()):
        return
    typer.echo(f"shown by {config}")
    for configured in Registry(load(config), plugins, HttpPool()):
        typer.echo(f"  {configured.client_type:<5} {configured.name:<14} {configured.entrance}")
