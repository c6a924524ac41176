"""Shops over HTTP: browsers, what a refusal looks like, a plugin to misuse, and `serve` in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from connect_core.cli.keys import new_key
from connect_core.harness import RunningShop, Visitor, sandbox_settings
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    ClientType,
    Entrance,
    Identity,
    PersonId,
    Provider,
    ProviderSettings,
    Register,
    hookimpl,
)
from connect_core.providers.registry import Plugins
from connect_core.sandbox import Sandbox, sandbox_app, serving

from .databases import installed_plugins, run_shop
from .ports import free_port

TOKEN = "alipay.system.oauth.token"
PROFILE = "alipay.user.info.share"
SHOP = "https://shop.example"
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
TOKEN_ANSWER = {"access_token", "refresh_token", "token_type", "expires_in", "uid", "is_new_member"}
WRITTEN = ("es_member", "es_connect", "es_connect_alias", "es_member_session", "es_member_merge", "es_connect_event")
HEADERS = {
    "cache-control": "no-store, private",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}


def count_code_calls(shop: RunningShop) -> int:
    """How many codes the vendors were asked about."""
    calls = {"alipay": TOKEN, "wechat": "token"}
    return sum(shop.sandboxes[name].called(call) for name, call in calls.items() if name in shop.sandboxes)


@contextmanager
def nothing_written(shop: RunningShop) -> Iterator[None]:
    """Fail when a member, connection, session or event comes or changes."""
    before = [shop.rows(table) for table in WRITTEN]
    yield
    assert [shop.rows(table) for table in WRITTEN] == before


@contextmanager
def untouched(shop: RunningShop) -> Iterator[None]:
    """Fail when anything is written, or a vendor is asked about a code."""
    calls = count_code_calls(shop)
    with nothing_written(shop):
        yield
    assert count_code_calls(shop) == calls


def check_headers(response: httpx.Response) -> None:
    """Every answer about a login carries the same strict headers, each once; a redirect leaves a pop-up its opener."""
    expected = {k: v for k, v in HEADERS.items() if k != "cross-origin-opener-policy" or response.status_code != 303}
    assert {name: response.headers[name] for name in HEADERS if name in response.headers} == expected
    assert all(len(response.headers.get_list(name)) == 1 for name in expected)


def set_cookies(response: httpx.Response) -> dict[str, str]:
    """The cookies that an answer sets: name to value and attributes; those it deletes are left out."""
    pairs = (line.partition("=") for line in response.headers.get_list("set-cookie"))
    return {name: rest for name, _, rest in pairs if "Max-Age=0" not in rest}


def refused(response: httpx.Response, status: int, code: str, **more: str) -> None:
    """Fail unless this is the refusal `code`: its body is the closed form with `more`, and it starts no session."""
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    is_too_old = "insufficient_user_authentication" in response.headers.get("www-authenticate", "")
    assert response.json() == {
        "type": "about:blank",
        "title": code,
        "status": status,
        "code": code,
        "request_id": response.headers["x-request-id"],
        **({"reauthenticate_url": "/connect/reauthenticate"} if is_too_old else {}),
        **more,
    }
    assert set_cookies(response) == {}
    check_headers(response)


def legacy_refused(response: httpx.Response, status: int, code: str) -> None:
    """The same for the routes of the older systems, whose bodies are `code` and `message`."""
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.json().keys() == {"code", "message"}
    assert response.json()["message"]
    assert set_cookies(response) == {}
    check_headers(response)


def come_back(
    visitor: Visitor, provider: str = "alipay", client: str = "pc", *, person: str = "lihua", **query: str
) -> str:
    """Begin a login, agree, and return the address of our callback, not yet visited."""
    return visitor.consent(visitor.begin(provider, client, **query), person)


def mini_login(visitor: Visitor, person: str = "lihua", **more: str) -> httpx.Response:
    """Log in from Alipay's mini program."""
    return visitor.http.post(
        "/connect/alipay/mini/token", json=visitor.client_parameters("alipay", "mini", person) | more
    )


def bearer(tokens: httpx.Response) -> dict[str, str]:
    """The header that a client with these tokens sends."""
    return {"authorization": f"Bearer {tokens.json()['access_token']}"}


def query(url: str, **changes: str | None) -> dict[str, str]:
    """The parameters of `url` with some changed, added or, where None, left out."""
    parameters = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) | changes
    return {name: value for name, value in parameters.items() if value is not None}


def changed(url: str, **changes: str | None) -> str:
    """`url` with some of its parameters changed, added or, where None, left out."""
    return urlsplit(url)._replace(query=urlencode(query(url, **changes))).geturl()


def flow_cookies(visitor: Visitor) -> dict[str, str]:
    """The flows that a browser keeps."""
    return {name: value for name, value in visitor.http.cookies.items() if "connect_flow_" in name}


class HttpsVisitor(Visitor):
    """A browser before a proxy that ends TLS for `SHOP`; it sends `Secure` cookies, which httpx would hold back."""

    def __init__(self, shop: RunningShop, **options: Any) -> None:
        super().__init__(shop, **options)
        self.jar: dict[str, str] = {}
        self.http.event_hooks = {"request": [self._send], "response": [self._keep]}

    def consent(self, login_url: str, person: str = "lihua", decision: str = "agree") -> str:
        """As in a browser, whose proxy then finds the service behind it."""
        return super().consent(login_url, person, decision).replace(SHOP, self.shop.url, 1)

    def _send(self, request: httpx.Request) -> None:
        if str(request.url).startswith(self.shop.url) and "cookie" not in request.headers:
            request.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())

    def _keep(self, response: httpx.Response) -> None:
        for name, rest in set_cookies(response).items():
            self.jar[name] = rest.partition(";")[0]


def alipay_and_wechat() -> dict[str, Sandbox]:
    """The sandboxes of Alipay and WeChat, which these tests know."""
    return {name: installed_plugins().available[name].load_sandbox()() for name in ("alipay", "wechat")}


@contextmanager
def behind_tls(**service: Any) -> Iterator[RunningShop]:
    """A shop at `SHOP`, behind a proxy that ends TLS."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] |= {"public_url": SHOP, **service}

    with run_shop(alipay_and_wechat(), change=change) as shop:
        yield shop


class Acme(Provider):
    """A standard provider with PKCE; a test says what it answers."""

    union_type = "ACME"
    entrances: ClassVar = {ClientType.PC: Entrance.REDIRECT, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = ProviderSettings
    titles: ClassVar = {"zh": "Acme", "en": "Acme"}

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the page that asks for the person's consent."""
        parameters = {
            "redirect_uri": request.redirect_uri,
            "state": request.state,
            "code_challenge": request.code_challenge,
            "code_challenge_method": "S256",
        }
        return f"https://acme.example/authorize?{urlencode(parameters)}"

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Name the person after the code."""
        return person(response.code)


def person(key: str) -> Identity:
    """Somebody at Acme."""
    return Identity("ACME", (PersonId.user_id(key),), "app")


Answering = Callable[[AuthorizationResponse], Awaitable[object]]


@contextmanager
def acme_shop(answer: Answering | None = None, plugin: object = None, **methods: Any) -> Iterator[RunningShop]:
    """A shop with Acme alone; `answer` and `methods` replace the provider's, `plugin` has further hooks."""
    if answer is not None:
        methods["login_callback"] = lambda _, response: answer(response)
    acme = type("AcmeUnderTest", (Acme,), methods)

    class Registering:
        @hookimpl
        def connect_register_providers(self, register: Register) -> None:
            register("acme", acme)

    extra = [("acme", Registering()), *([("more", plugin)] if plugin else [])]

    def change(raw: dict[str, Any]) -> None:
        raw["providers"]["acme"] = {}
        raw["clients"] |= {"pc": ["acme"], "mini": ["acme"]}

    with run_shop({}, plugins=Plugins(extra, discover=False), change=change) as shop:
        yield shop


def acme_back(visitor: Visitor, code: str) -> str:
    """Begin a login at Acme and return the address of our callback, with `code`."""
    asked_for = query(visitor.begin("acme", "pc"))
    return f"{asked_for['redirect_uri']}?{urlencode({'code': code, 'state': asked_for['state']})}"


@dataclass
class Served:
    """`connect-login serve` in a process of its own."""

    url: str
    sandboxes: Mapping[str, Sandbox]
    database: Path
    pid: int = 0
    output: str = ""
    """Everything it wrote, once it has ended."""


@contextmanager
def served(
    folder: Path,
    *options: str,
    service: Mapping[str, Any] | None = None,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    command: Sequence[str] = (),
    **sections: Any,
) -> Iterator[Served]:
    """Run the real service with both sandboxes; `service` and `sections` are added to its `connect.toml`.

    `change` changes what is written there, and `command` comes before the service's own, as `faketime` does.
    """
    plugins, sandboxes = installed_plugins(), alipay_and_wechat()
    port = free_port()
    with serving(sandbox_app(sandboxes)) as vendors:
        raw = sandbox_settings(sandboxes, plugins.available, vendors)
        addresses = {"public_url": f"http://127.0.0.1:{port}", "database_url": f"sqlite:///{folder}/connect.db"}
        raw["service"] = addresses | {"secret_keys": [new_key()]} | dict(service or {})
        raw |= sections
        change(raw)
        write_toml(folder / "connect.toml", raw)
        service_run = Served(addresses["public_url"], sandboxes, folder / "connect.db")
        start = [*command, sys.executable, "-c", "from connect_core.cli import main; main()", "serve"]
        start += ["--config", str(folder / "connect.toml"), "--port", str(port), *options]
        with (folder / "told").open("w+", encoding="utf-8") as output, _running(start, output) as pid:
            service_run.pid = pid
            wait_for(f"{service_run.url}/healthz", folder / "told")
            yield service_run
        service_run.output = (folder / "told").read_text("utf-8")


@contextmanager
def _running(command: Sequence[str], output: Any) -> Iterator[int]:
    process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(15)


def write_toml(path: Path, configuration: Mapping[str, Any]) -> None:
    """Write a `connect.toml`."""
    path.touch(0o600)
    path.write_text(_toml(configuration), "utf-8")


def wait_for(url: str, output: Path | None = None) -> None:
    """Wait until a service answers; the failure tells its `output`, where given."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except (httpx.TransportError, httpx.HTTPStatusError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the service does not answer; it wrote {output and output.read_text('utf-8')!r}")


def _toml(table: Mapping[str, Any], path: str = "") -> str:
    """Write `table` as TOML; a JSON text, number or list is one in TOML too."""
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"[{path}]"] if path else []
    lines += [f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()]
    inner = ((f"{path}.{_key(key)}".lstrip("."), value) for key, value in table.items() if key not in plain)
    return "\n".join([*lines, *(_toml(value, place) for place, value in inner)])


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)
