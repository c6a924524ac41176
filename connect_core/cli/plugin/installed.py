"""`connect-login plugin list`: the installed plugins, and those that could not be loaded, with the reason."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typer

from connect_core.providers.abilities import FetchesPhone, ReceivesLogouts
from connect_core.providers.oauth2 import OAuth2Provider
from connect_core.providers.provider import Provider
from connect_core.providers.registry import Plugins, ProviderType
from connect_core.settings import ConfiguredVendor

RESULTS = Path(__file__).with_name("contracts.json")
"""What came of the contract for each of our own plugins; written by docs/reference/contracts.py."""


@cache
def read_results() -> Mapping[str, Any]:
    """Return the results of the contract for our own plugins, by name."""
    results: Mapping[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    return results


def list_installed() -> None:
    """List the installed plugins.

    Shows the union type and the client types of each.
    """
    print_installed(Plugins())


def print_installed(plugins: Plugins) -> None:
    """Print a line for each plugin."""
    typer.echo("installed plugins")
    width = max(map(len, [*plugins.available, *plugins.quarantined]), default=0)
    type_width = max((len(plugin.provider.union_type) for plugin in plugins.available.values()), default=0)
    for plugin in plugins.available.values():
        clients = " ".join(client.value for client in plugin.provider.entrances)
        typer.echo(f"  {plugin.name:<{width}} {plugin.provider.union_type:<{type_width}} {clients}")
    for name, reason in plugins.quarantined.items():
        typer.echo(f"  {name:<{width}} QUARANTINED: {reason}")


def describe(plugin: ProviderType, plugins: Plugins) -> dict[str, Any]:
    """Return what a plugin offers, for `providers --json`.

    `contract` has the results of the contract that came with connect-login; it is null for other people's plugins, and
    so are `ids`: run `connect-login plugin check`.
    """
    provider = plugin.provider
    result = read_results().get(plugin.name) if plugins.is_ours(plugin.name) else None
    return {
        "name": plugin.name,
        "titles": dict(provider.titles),
        "union_type": provider.union_type,
        "distribution": plugins.distribution_of(plugins.origin_of(plugin.name)),
        "clients": {client.value: entrance.value for client, entrance in provider.entrances.items()},
        "ids": result["ids"] if result else None,
        "phone": _fetches_phone(provider),
        "notices": _receives_notices(provider),
        "contract": {key: result[key] for key in ("version", "date", "proved_by", "clients")} if result else None,
    }


def _receives_notices(provider: type[Provider]) -> bool:
    # every OpenID Connect vendor might send log-outs; only of one that the shop configures is it not known
    is_configured = issubclass(provider.Settings, ConfiguredVendor)
    return hasattr(provider, "read_notice") or (is_configured and issubclass(provider, ReceivesLogouts))


def _fetches_phone(provider: type[Provider]) -> bool:
    if issubclass(provider, OAuth2Provider) and provider.fetch_phone is OAuth2Provider.fetch_phone:
        return bool(provider.phone_url or provider.quirks.session_key)
    return issubclass(provider, FetchesPhone)
