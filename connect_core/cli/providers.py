"""`connect-login providers`: what is installed, what is configured, and what cannot be used and why."""

from pathlib import Path
from typing import Annotated

import typer

from connect_core.cli.configuration import DEFAULT, ConfigPath, load
from connect_core.http import HttpPool
from connect_core.providers.registry import Plugins, Registry


def providers(
    config: ConfigPath = DEFAULT,
    installed: Annotated[
        bool, typer.Option("--installed", help="Only list the plugins; read no configuration.")
    ] = False,
) -> None:
    """List the installed plugins, and what each client type of the configuration shows."""
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
