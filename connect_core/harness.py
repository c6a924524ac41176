"""A shop and its vendors' doubles on loopback, and a visitor who logs in: for the demo and for every plugin's contract.

All of it is real HTTP. The visitor is a browser as far as cookies, redirects and forms go, and a phone as far as mini
programs and native SDKs go. Never opens anything beyond loopback.
"""

import base64
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from starlette.applications import Starlette

from connect_core.http import HttpPool
from connect_core.identity import ClientType
from connect_core.manager import ConnectManager
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import Plugins, ProviderType
from connect_core.sandbox import Sandbox, listen, sandbox_app, serving
from connect_core.settings import Settings, parse_settings
from connect_core.store import Database, bulk
from connect_core.web import create_app

log = logging.getLogger("connect_login")


@dataclass(frozen=True, slots=True)
class RunningShop:
    """A running shop: its address, application, sandboxes by provider name, and database."""

    url: str
    app: Starlette
    sandboxes: Mapping[str, Sandbox]
    database_url: str

    @property
    def manager(self) -> ConnectManager:
        """The shop's manager."""
        manager: ConnectManager = self.app.state.manager
        return manager

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows as they stand in the database."""
        with closing(Database(self.database_url)) as database:
            return database._look(lambda tx: bulk.find_rows(tx, table))


def load_sandboxes(plugins: Plugins) -> dict[str, Sandbox]:
    """Return a fresh sandbox of every plugin that has one; one that cannot be loaded is told, and left out."""
    return dict(_load_each(plugins))


def _load_each(plugins: Plugins) -> Iterator[tuple[str, Sandbox]]:
    for name, plugin in plugins.available.items():
        if not plugin.sandbox:
            continue
        try:
            sandbox = plugin.load_sandbox()()
            if not isinstance(sandbox, Sandbox):
                raise TypeError(f"{plugin.sandbox} is no Sandbox")
        except Exception as error:  # noqa: BLE001 - a stranger's import and constructor; the others still work
            log.error("sandbox_set_aside", extra={"plugin": name, "reason": f"{type(error).__name__}: {error}"})
            continue
        yield name, sandbox


def sandbox_settings(
    sandboxes: Mapping[str, Sandbox], plugins: Mapping[str, ProviderType], base_url: str
) -> dict[str, Any]:
    """Return the `clients` and `providers` of a configuration that talks to the sandboxes at `base_url`."""
    clients: dict[str, list[str]] = {client: [] for client in ClientType}
    providers: dict[str, dict[str, Any]] = {}
    for name, sandbox in sandboxes.items():
        providers[name] = {"plugin": name}
        for client in plugins[name].provider.entrances:
            clients[client].append(name)
            providers[name][client] = sandbox.settings(f"{base_url}/{name}", client)
    return {"clients": clients, "providers": providers}


def make_settings(public_url: str, database: Path, **sections: Any) -> Settings:
    """Return a configuration for loopback with a key of its own; `sections` are those of `connect.toml`."""
    service = {
        "public_url": public_url,
        "database_url": f"sqlite:///{database}",
        "secret_keys": [base64.urlsafe_b64encode(os.urandom(32)).decode()],
        **sections.pop("service", {}),
    }
    return parse_settings({"service": service, "limits": {"per_address": "off"}, **sections})


@contextmanager
def run_shop(
    sandboxes: Mapping[str, Sandbox] | None = None,
    *,
    port: int = 0,
    sandbox_port: int = 0,
    plugins: Plugins | None = None,
    pool: HttpPool | None = None,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    **options: Any,
) -> Iterator[RunningShop]:
    """Run a shop with every sandbox (or the given ones) until the block ends; nothing stays behind.

    `change` may alter the configuration, as plain data, before it is read; `options` go to `create_app`.
    """
    plugins = plugins or Plugins()
    sandboxes = load_sandboxes(plugins) if sandboxes is None else sandboxes
    with (
        TemporaryDirectory(prefix="connect-login-") as folder,
        serving(sandbox_app(sandboxes), port=sandbox_port) as vendor,
    ):
        listener = listen(port)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        database = Path(folder) / "connect.db"
        raw = sandbox_settings(sandboxes, plugins.available, vendor)
        raw["service"] = {}
        change(raw)
        settings = make_settings(url, database, **raw)
        app = create_app(settings, plugins=plugins, pool=pool, **options)
        with serving(app, listener=listener):
            yield RunningShop(url, app, sandboxes, settings.service.database_url)


class Visitor:
    """A person with one browser. Redirects are followed by hand, so that each can be looked at."""

    def __init__(self, shop: RunningShop, *, user_agent: str = "Mozilla/5.0", timeout: float = 20) -> None:
        """`timeout` is in seconds."""
        self.shop = shop
        self.http = httpx.Client(
            base_url=shop.url,
            headers={"user-agent": user_agent},
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            verify=False,  # noqa: S501 - plain http on loopback; reading the machine's authorities takes 16 ms
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def begin(self, provider: str, client: str, **query: str) -> str:
        """Start a login and return the vendor's address; a wake-up link is followed into the vendor's app."""
        response = self.http.get(f"/connect/{provider}/{client}/login", params=query)
        assert response.status_code == 303, response.text
        location = response.headers["location"]
        if urlsplit(location).scheme not in ("http", "https"):
            response = self.http.get(parse_qs(urlsplit(location).query)["url"][0])
            location = response.headers["location"]
        return str(location)

    def consent(self, login_url: str, person: str = "lihua", decision: str = "agree") -> str:
        """Decide on the vendor's page and return the address of our callback that it sends the browser to."""
        form = {"person": person, "decision": decision}
        response = self.http.post(login_url.partition("#")[0], data=form)
        if response.status_code == 200:
            response = self._submit(response.text)
        assert response.status_code in (302, 303), response.text
        return str(response.headers["location"])

    def _submit(self, page: str) -> httpx.Response:
        """Submit the form of another site's page, as a browser does: without our Lax cookies."""
        [action] = re.findall(r'action="([^"]+)"', page)
        fields = {name: unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page)}
        headers = {"sec-fetch-site": "cross-site", "user-agent": self.http.headers["user-agent"]}
        return httpx.post(unescape(action), data=fields, headers=headers, trust_env=False, verify=False)  # noqa: S501 - as above

    def log_in(self, provider: str, client: str, person: str = "lihua") -> httpx.Response:
        """Log in the way the client type does; returns the last answer: a redirect home or the tokens."""
        configured = self.shop.manager.registry.find(provider, client)
        if configured.entrance is Entrance.REDIRECT:
            return self.http.get(self.consent(self.begin(provider, client), person))
        return self.http.post(f"/connect/{provider}/{client}/token", json=self.hand_over(provider, client, person))

    def hand_over(self, provider: str, client: str, person: str = "lihua") -> dict[str, str]:
        """Return what this person's mini program or app posts to `token`."""
        sandbox = self.shop.sandboxes[provider]
        if self.shop.manager.registry.find(provider, client).entrance is Entrance.CLIENT_CODE:
            return sandbox.hand_over(ClientType(client), person)
        begun = self.http.post(f"/connect/{provider}/{client}/login-url", json={}).json()
        return sandbox.hand_over(ClientType(client), person, begun["login_url"]) | {"ticket": begun["ticket"]}

    def who(self, login: httpx.Response) -> dict[str, Any] | None:
        """Return what `/connect/me` says after `login`, or None when nobody is logged in."""
        tokens = login.json() if login.status_code == 200 else {}
        headers = {"authorization": f"Bearer {tokens['access_token']}"} if tokens else {}
        response = self.http.get("/connect/me", headers=headers)
        return dict(response.json()) if response.status_code == 200 else None


def query_of(url: str) -> dict[str, str]:
    """Return an address's query parameters, each of which must come once."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), "a parameter is repeated"
    return dict(pairs)
