"""Providers as a shop has configured them, each against its plugin's sandbox, for the checks of the doctor."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connect_core.doctor.provider_checks import check_provider
from connect_core.findings import Finding, Level
from connect_core.harness import make_settings
from connect_core.http import HttpPool
from connect_core.identity import ClientType
from connect_core.providers.registry import ConfiguredProvider, Plugins, Registry
from connect_core.sandbox import Sandbox, sandbox_app, serving

PUBLIC_URL = "https://shop.example"
PLUGINS = Plugins()


@contextmanager
def serve_sandbox(name: str) -> Iterator[tuple[Sandbox, str]]:
    """Serve a new sandbox of the plugin `name`; yields it and its base URL."""
    sandbox: Sandbox = PLUGINS.available[name].load_sandbox()()
    with serving(sandbox_app({name: sandbox})) as url:
        yield sandbox, f"{url}/{name}"


async def check(
    name: str,
    client: str,
    raw: Mapping[str, Any],
    *,
    pool: HttpPool | None = None,
    plugins: Plugins = PLUGINS,
    **options: Any,
) -> list[Finding]:
    """Return the findings of the provider `name` with the settings `raw`. `options` are further ones of the check."""
    pool = pool or HttpPool()
    try:
        configured = configure(name, client, raw, pool, plugins)
        url = f"{PUBLIC_URL}/connect/{name}/{client}/callback"
        return await check_provider(configured, **{"offline": False, "callback_url": url, "now": time.time, **options})
    finally:
        await pool.aclose()


def configure(
    name: str, client: str, raw: Mapping[str, Any], pool: HttpPool, plugins: Plugins = PLUGINS
) -> ConfiguredProvider:
    """Return the provider `name` with the settings `raw`. Raises `SettingsError`."""
    sections = {"clients": {client: [name]}, "providers": {name: dict(raw)}}
    settings = make_settings(PUBLIC_URL, Path("/nowhere.db"), **sections)
    return Registry(settings, plugins, pool).find(name, ClientType(client))


def ids(findings: list[Finding], level: Level | None = None) -> list[str]:
    """Return the ids of findings, of one level if that is given."""
    return [finding.id for finding in findings if level in (None, finding.level)]


def find(findings: list[Finding], finding_id: str) -> Finding:
    """Return the only finding with this id."""
    [finding] = [finding for finding in findings if finding.id == finding_id]
    return finding


def bad(findings: list[Finding]) -> list[str]:
    """Return the ids of the findings that are no `OK`."""
    return [finding.id for finding in findings if finding.level is not Level.OK]
