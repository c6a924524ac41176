"""`connect-login plugin list`: the installed plugins, and those that could not be loaded, with the reason."""

import typer

from connect_core.providers.registry import Plugins


def list_installed() -> None:
    """List the installed plugins.

    Shows the union type and the client types of each.
    """
    print_installed(Plugins())


def print_installed(plugins: Plugins) -> None:
    """Print a line for each plugin."""
    typer.echo("installed plugins")
    for plugin in plugins.available.values():
        clients = " ".join(client.value for client in plugin.provider.entrances)
        typer.echo(f"  {plugin.name:<14} {plugin.provider.union_type:<10} {clients}")
    for name, reason in plugins.quarantined.items():
        typer.echo(f"  {name:<14} QUARANTINED: {reason}")
