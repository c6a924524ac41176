"""`connect-login providers`: lists installed plugins, configured providers, and plugins that could not be loaded."""

from pathlib import Path
from typing import Annotated

import typer

from connect_core.cli.configuration import DEFAULT, ConfigPath, load, warn
from connect_core.cli.plugin.installed import print_installed
from connect_core.http import HttpPool
from connect_core.providers.registry import Plugins, Registry


def providers(
    config: ConfigPath = DEFAULT,
    installed: Annotated[bool, typer.Option("--installed", hidden=True, help="`plugin list` now.")] = False,
) -> None:
    """List the installed plugins and the configured providers.

    The providers come by client type, in the order in which a login page shows them.
    """
    plugins = Plugins()
    if installed:
        warn("providers --installed", "plugin list")
    print_installed(plugins)
    if installed or (config == DEFAULT and not Path(config).exists()):
        return
    typer.echo(f"shown by {config}")
    for configured in Registry(load(config), plugins, HttpPool()):
        typer.echo(f"  {configured.client_type:<5} {configured.name:<14} {configured.entrance}")
