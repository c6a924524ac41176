"""Every plugin's README: its headings, its settings, its callback addresses, and a configuration that works."""

import re
import tomllib
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from connect_core.plugin import ClientType, Entrance, Provider
from connect_core.settings import check_provider_settings

HEADINGS = (
    "Client types",
    "Ids",
    "Callback address",
    "Get the .+",
    "Configure",
    "When it fails",
    "Without an account",
    "Traps",
    "Vendor documentation",
)
PACKAGES = sorted(
    point.value for point in entry_points(group="connect_login") if point.dist and point.dist.name == "connect-login"
)
CORE_KEYS = {"plugin", "use", *ClientType}


def read_readme(package: str) -> str:
    """The README as it is installed."""
    return Path(str(import_module(package).__file__)).with_name("README.md").read_text("utf-8")


def get_providers(package: str) -> dict[str, type[Provider]]:
    """The provider classes of a package, by the plugin's name."""
    providers: dict[str, type[Provider]] = {}

    def register(name: str, provider: type[Provider], *, sandbox: str = "", icon: str = "") -> None:
        providers[name] = provider

    import_module(package).connect_register_providers(register)
    return providers


def get_section(readme: str, heading: str) -> str:
    """The text below a heading, up to the next one."""
    return readme.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_plugin_is_looked_at() -> None:
    """A plugin that the tests below do not find would go unchecked unnoticed."""
    assert len(PACKAGES) >= 12
    assert all(get_providers(package) for package in PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_readme_has_the_required_headings(package: str) -> None:
    """A shop finds the same sections, in the same order, for every vendor; `Notices` where a vendor tells something."""
    headings = [h for h in re.findall(r"^## (.+)$", read_readme(package), re.MULTILINE) if h != "Notices"]
    assert len(headings) == len(HEADINGS)
    assert [h for h, pattern in zip(headings, HEADINGS, strict=True) if not re.fullmatch(pattern, h)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_readme_has_every_setting(package: str) -> None:
    """The first column of the settings table names exactly the keys of the plugin's settings."""
    rows = re.findall(r"^\| (`.+?) \|", get_section(read_readme(package), "Configure"), re.MULTILINE)
    keys = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    assert keys == {key for provider in get_providers(package).values() for key in provider.Settings.model_fields}


@pytest.mark.parametrize("package", PACKAGES)
def test_readme_has_every_client_type(package: str) -> None:
    """The table of client types names those that the plugin serves, and no other."""
    rows = re.findall(r"^\| (`.+) \|", get_section(read_readme(package), "Client types"), re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`(pc|h5|app|mini)`", row)}
    assert named == {client for provider in get_providers(package).values() for client in provider.entrances}


@pytest.mark.parametrize("package", PACKAGES)
def test_readme_has_the_callback_addresses(package: str) -> None:
    """Each client type that comes back by redirect has its address, and no other client type has one."""
    addresses = re.findall(r"^https://shop\.example/connect/[\w-]+/(\w+)/callback$", read_readme(package), re.MULTILINE)
    redirecting = {
        client
        for provider in get_providers(package).values()
        for client, entrance in provider.entrances.items()
        if entrance is Entrance.REDIRECT
    }
    assert set(addresses) == redirecting
    assert len(addresses) == len(redirecting)


@pytest.mark.parametrize("package", PACKAGES)
def test_readme_configuration_is_accepted(package: str) -> None:
    """What a shop copies from the page passes the check of settings, for every client type it lists."""
    blocks = re.findall(r"^```toml\n(.+?)^```", read_readme(package), re.MULTILINE | re.DOTALL)
    assert blocks
    for raw in map(tomllib.loads, blocks):
        for name, table in raw["providers"].items():
            settings = get_providers(package)[table.get("plugin", name)].Settings
            clients = [client for client, names in raw.get("clients", {}).items() if name in names] or ["pc"]
            for client in clients:
                merged = merge(raw, table, client)
                assert check_provider_settings(settings, merged, f"providers.{name}.{client}")


def merge(raw: dict[str, Any], table: dict[str, Any], client: str) -> dict[str, Any]:
    """The settings of one client type: the account's, the provider's, the client type's."""
    account = raw["accounts"][table["use"]] if "use" in table else {}
    merged = {**account, **table, **table.get(client, {})}
    return {key: value for key, value in merged.items() if key not in CORE_KEYS}
