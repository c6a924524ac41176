"""A shop with its sandboxes on loopback, and a visitor who logs in: for the demo, tests and every plugin's contract.

All of it is real HTTP. The visitor does what a browser does with cookies, redirects and forms, and what a phone does
with mini programs and native SDKs. Listens on loopback, unless the caller brings sockets of its own.
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
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx
from starlette.applications import Starlette

from connect_core.http import HttpPool
from connect_core.identity import ClientType
from connect_core.manager import ConnectManager
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import Plugins, ProviderType
from connect_core.renamed import warn_renamed
from connect_core.sandbox import Sandbox, listen, sandbox_app, serving
from connect_core.sandbox.serving import get_url
from connect_core.settings import Settings, parse_settings
from connect_core.store import Database, bulk
from connect_core.web import create_app

log = logging.getLogger("connect_login")


@dataclass(frozen=True, slots=True)
class RunningShop:
    """A shop that is running; made by `run_shop`.

    - `url`: its public URL, without a slash at the end.
    - `app`: its ASGI application.
    - `sandboxes`: the vendors that it calls, by provider name.
    - `database_url`: its SQLite database, as in `connect.toml`.
    - `sandbox_url`: where the sandboxes listen; the sandbox NAME is at `sandbox_url`/NAME.
    """

    url: str
    app: Starlette
    sandboxes: Mapping[str, Sandbox]
    database_url: str
    sandbox_url: str = ""

    @property
    def manager(self) -> ConnectManager:
        """The `ConnectManager` of its application."""
        manager: ConnectManager = self.app.state.manager
        return manager

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, such as `es_connect`, each as a dictionary of its columns."""
        with closing(Database(self.database_url)) as database:
            return database.read_blocking(lambda tx: bulk.find_rows(tx, table))


def load_sandboxes(plugins: Plugins) -> dict[str, Sandbox]:
    """Return a new sandbox of every plugin that has one, by plugin name.

    A sandbox that cannot be loaded is left out and logged as `sandbox_set_aside`.
    """
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
    """Return the sections `clients` and `providers` of a configuration that uses each sandbox on every client type.

    `sandboxes` and `plugins` are by name; the sandbox NAME listens at `base_url`/NAME.
    """
    clients: dict[str, list[str]] = {client: [] for client in ClientType}
    providers: dict[str, dict[str, Any]] = {}
    for name, sandbox in sandboxes.items():
        providers[name] = {"plugin": name}
        for client in plugins[name].provider.entrances:
            clients[client].append(name)
            providers[name][client] = sandbox.settings(f"{base_url}/{name}", client)
    return {"clients": clients, "providers": providers}


def make_settings(public_url: str, database: Path, **sections: Any) -> Settings:
    """Return the settings of a shop at `public_url` with a new secret key, without rate limits and circuits.

    `database` is the path of its SQLite file; `sections` are further tables of `connect.toml`, as plain data.

    Raises `SettingsError`.
    """
    service = {
        "public_url": public_url,
        "database_url": f"sqlite:///{database}",
        "secret_keys": [base64.urlsafe_b64encode(os.urandom(32)).decode()],
        **sections.pop("service", {}),
    }
    # tests and contract runs provoke outages by the hundred
    limits = {"vendor_outages": "off", **sections.pop("limits", {"per_address": "off"})}
    return parse_settings({"service": service, "limits": limits, **sections})


@contextmanager
def run_shop(
    sandboxes: Mapping[str, Sandbox] | None = None,
    *,
    ports: tuple[int | socket, int | socket] = (0, 0),
    plugins: Plugins | None = None,
    pool: HttpPool | None = None,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    **options: Any,
) -> Iterator[RunningShop]:
    """Run a shop and its sandboxes on loopback until the block ends. Its folder and database are then deleted.

        with run_shop({"acme": AcmeSandbox()}) as shop, Visitor(shop) as visitor:
            assert visitor.log_in("acme", "pc").status_code == 303

    - `sandboxes`: by plugin name; by default one of every installed plugin that has one.
    - `ports`: where the shop and the sandboxes listen on loopback; 0 takes a free port. Or open
      sockets, which the block's end closes.
    - `plugins`: by default those that are installed. `pool`: calls the vendors; by default a new `HttpPool`.
    - `change`: receives the configuration as plain data, with the sections of `connect.toml`, and may alter it.
    - `options`: further arguments of `create_app`.

    Raises `SettingsError` and `PluginError` as a real start does.
    """
    plugins = plugins or Plugins()
    sandboxes = load_sandboxes(plugins) if sandboxes is None else sandboxes
    listener, vendors = (port if isinstance(port, socket) else listen(port) for port in ports)
    with (
        listener,
        vendors,
        TemporaryDirectory(prefix="connect-login-") as folder,
        serving(sandbox_app(sandboxes), listener=vendors) as vendor,
    ):
        url = get_url(listener)
        database = Path(folder) / "connect.db"
        raw = sandbox_settings(sandboxes, plugins.available, vendor)
        raw["service"] = {}
        change(raw)
        settings = make_settings(url, database, **raw)
        app = create_app(settings, plugins=plugins, pool=pool, **options)
        with serving(app, listener=listener):
            yield RunningShop(url, app, sandboxes, settings.service.database_url, vendor)


class Visitor:
    """A person with a browser and a phone, who visits one shop. Use it as a context manager.

    `http` is the httpx client with the browser's cookies. It follows no redirects, so that a test sees each of them.
    """

    def __init__(self, shop: RunningShop, *, user_agent: str = "Mozilla/5.0", timeout: float = 20) -> None:
        """`user_agent` is the browser's `User-Agent`; `timeout` is how many seconds a request may take."""
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
        """Start a login and return the vendor's login URL; `query` are parameters such as `return_to`.

        A deep link is followed as if the visitor had the vendor's app.
        """
        response = self.http.get(f"/connect/{provider}/{client}/login", params=query)
        assert response.status_code == 303, response.text
        location = response.headers["location"]
        values = [value for _, value in parse_qsl(urlsplit(location).query)]
        start = f"{self.shop.url}/connect/{provider}/{client}/login?"
        if start_url := next((value for value in values if value.startswith(start)), ""):  # the app opens it
            location = self.http.get(start_url).headers["location"]
        return str(location)

    def consent(self, login_url: str, person: str = "lihua", decision: str = "agree") -> str:
        """Agree or refuse on the sandbox's consent page, and return the callback URL to which it sends the browser.

        `person` is the key of somebody at the vendor, `decision` is `agree` or `refuse`.
        """
        form = {"person": person, "decision": decision}
        response = self.http.post(login_url.partition("#")[0], data=form)
        if response.status_code == 200:
            response = self._submit(response.text)
        assert response.status_code in (302, 303), response.text
        return str(response.headers["location"])

    def _submit(self, page: str) -> httpx.Response:
        """Submit the form on a page of another site without our cookies, which browsers hold back (SameSite=Lax)."""
        [action] = re.findall(r'action="([^"]+)"', page)
        fields = {name: unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page)}
        headers = {"sec-fetch-site": "cross-site", "user-agent": self.http.headers["user-agent"]}
        return httpx.post(unescape(action), data=fields, headers=headers, trust_env=False, verify=False)  # noqa: S501 - as above

    def log_in(self, provider: str, client: str, person: str = "lihua") -> httpx.Response:
        """Do a whole login and return the shop's last response: a 303 to the return target, or 200 with the tokens.

        `person` is the key of somebody at the vendor. A login that fails returns the error's response.
        """
        configured = self.shop.manager.registry.find(provider, client)
        if configured.entrance is Entrance.REDIRECT:
            return self.http.get(self.consent(self.begin(provider, client), person))
        parameters = self.client_parameters(provider, client, person)
        return self.http.post(f"/connect/{provider}/{client}/token", json=parameters)

    def client_parameters(self, provider: str, client: str, person: str = "lihua") -> dict[str, str]:
        """Return what the person's mini program or app posts to `/token`, with its ticket if the entrance has one."""
        sandbox = self.shop.sandboxes[provider]
        if self.shop.manager.registry.find(provider, client).entrance is Entrance.CLIENT_CODE:
            return sandbox.client_parameters(ClientType(client), person)
        begun = self.http.post(f"/connect/{provider}/{client}/login-url", json={}).json()
        return sandbox.client_parameters(ClientType(client), person, begun["login_url"]) | {"ticket": begun["ticket"]}

    def hand_over(self, provider: str, client: str, person: str = "lihua") -> dict[str, str]:
        """Call `client_parameters` by its old name, with a `DeprecationWarning`. The next release drops this name."""
        warn_renamed("Visitor.hand_over", "client_parameters")
        return self.client_parameters(provider, client, person)

    def who(self, login: httpx.Response) -> dict[str, Any] | None:
        """Return the body of `/connect/me` after the response `login` of `log_in`, or None when nobody is logged in."""
        tokens = login.json() if login.status_code == 200 else {}
        headers = {"authorization": f"Bearer {tokens['access_token']}"} if tokens else {}
        response = self.http.get("/connect/me", headers=headers)
        return dict(response.json()) if response.status_code == 200 else None


def query_of(url: str) -> dict[str, str]:
    """Return the query parameters of a URL. Raises `AssertionError` when one of them comes twice."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), "a parameter is repeated"
    return dict(pairs)
