"""`connect-login providers`: lists installed plugins, configured providers, and plugins that could not be loaded."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from connect_core.cli.configuration import DEFAULT, ConfigPath, load, warn
from connect_core.cli.plugin.installed import describe, print_installed
from connect_core.doctor.settings_in_use import find_settings
from connect_core.findings import Level
from connect_core.http import HttpPool
from connect_core.providers.registry import ConfiguredProvider, Plugins, Registry
from connect_core.settings import Settings


def providers(
    config: ConfigPath = DEFAULT,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all that is known of each plugin and provider, as JSON.")
    ] = False,
    installed: Annotated[bool, typer.Option("--installed", hidden=True, help="`plugin list` now.")] = False,
) -> None:
    """List the installed plugins and the configured providers.

    The providers come by client type, in the order in which a login page shows them.
    """
    plugins = Plugins()
    if installed:
        warn("providers --installed", "plugin list")
    has_configuration = not installed and (config != DEFAULT or Path(config).exists())
    configured = Registry(_load(config), plugins, HttpPool()) if has_configuration else ()
    if as_json:
        typer.echo(json.dumps(_describe(plugins, configured), ensure_ascii=False, indent=2))
        return
    print_installed(plugins)
    if has_configuration:
        typer.echo(f"shown by {config}")
    for provider in configured:
        typer.echo(f"  {provider.client_type:<5} {provider.name:<14} {provider.entrance}")


def _load(config: Path) -> Settings:
    """Return the settings in use; where those of the database cannot be found, say so and return the file's."""
    settings, findings = find_settings(load(config))
    for finding in findings:
        if finding.level is not Level.OK:
            typer.echo(f"connect-login: {finding.text}", err=True)
    return settings


def _describe(plugins: Plugins, configured: Iterable[ConfiguredProvider]) -> dict[str, Any]:
    return {
        "plugins": [describe(plugin, plugins) for plugin in plugins.available.values()],
        "quarantined": plugins.quarantined,
        "configured": [
            {"client": shown.client_type.value, "provider": shown.name, "entrance": shown.entrance.value}
            for shown in configured
        ],
    }
