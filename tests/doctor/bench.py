"""A sound shop to examine, and what a test breaks of it: its configuration, its files, its machine, its proxy."""

import base64
import json
import secrets
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connect_core.cli.doctor import check_pages, get_status
from connect_core.doctor.examination import Options, Surroundings, examine
from connect_core.findings import Finding, Level
from connect_core.sandbox.serving import get_url, listen, serving
from connect_core.settings import load_settings
from connect_core.web import create_app

from ..conftest import Require
from ..kit.databases import fresh_database
from ..kit.fake_transport import FakeTransport
from ..kit.peers import peer

CLIENT = "198.51.100.7"
"""The address of whoever comes through a proxy."""
ANSWER_HEADERS = ("cache-control", "content-security-policy", "content-type", "referrer-policy", "set-cookie")


def new_key() -> str:
    """A random secret key, as it stands in a file."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Bench:
    """A shop in `folder`, which is sound until a test changes it. `stack` ends what a test starts."""

    folder: Path
    stack: ExitStack
    require: Require
    raw: dict[str, Any] = field(default_factory=dict)
    surroundings: Surroundings = field(default_factory=lambda: Surroundings(check_pages=check_pages))
    options: dict[str, Any] = field(default_factory=lambda: {"offline": True})
    is_written: bool = False

    def __post_init__(self) -> None:
        """Make the key, the tables and the configuration."""
        self.folder.chmod(0o700)
        self.key = self.write("key", new_key())
        self.raw["service"] = {
            "public_url": "https://shop.example",
            "secret_keys": ["file:key"],
            "database_url": self.stack.enter_context(fresh_database("", self.folder)),
            "trusted_proxies": ["127.0.0.1"],
        }
        self.set_machine(get_free_bytes=lambda _: 2**40)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "connect.toml"

    @property
    def service(self) -> dict[str, Any]:
        """The section `[service]`."""
        service: dict[str, Any] = self.raw["service"]
        return service

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Write a file of the shop."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        path.chmod(mode)
        return path

    def set_machine(self, **changes: Any) -> None:
        """Put another machine in place."""
        self.surroundings.machine = replace(self.surroundings.machine, **changes)

    def write_config(self) -> None:
        """Write `connect.toml`, once: what a test does to the file stays."""
        if not self.is_written and not self.config.exists():
            self.write("connect.toml", to_toml(self.raw))
        self.is_written = True

    async def examine(self) -> list[Finding]:
        """What the doctor finds."""
        self.write_config()
        return await examine(Options(self.config, **self.options), self.surroundings)

    def serve(self, change: Callable[[Starlette], None] = lambda _: None) -> str:
        """Run the service of this configuration at its `public_url`, which becomes one of this machine."""
        listener = listen()
        self.options["offline"] = False
        self.service["public_url"] = get_url(listener)
        app = self.make_app()
        change(app)
        return self.stack.enter_context(serving(app, listener=listener))

    def make_app(self, **service: Any) -> Starlette:
        """The service of this configuration; `service` differs."""
        path = self.write("served.toml", to_toml({**self.raw, "service": {**self.service, **service}}))
        settings = load_settings(path)
        path.unlink()
        return create_app(settings)

    def serve_behind(self, **proxy: Any) -> None:
        """Run the service, and before it, at `public_url`, a proxy."""
        listener = listen()
        self.options["offline"] = False
        self.service["public_url"] = get_url(listener)
        upstream = self.stack.enter_context(serving(self.make_app(**proxy.pop("service", {}))))
        self.stack.enter_context(serving(ReverseProxy(upstream, **proxy), listener=listener))

    def publish(self, **proxy: Any) -> None:
        """Run the service, and a proxy before it to which `https://shop.example` leads."""
        self.options["offline"] = False
        upstream = self.stack.enter_context(serving(self.make_app()))
        self.surroundings.transport = Internet(ReverseProxy(upstream, **proxy))

    def publish_over_tls(self, certificate: Path, key: Path) -> None:
        """Run the service, a proxy before it, and before that a server that ends TLS for `localhost`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        proxies: list[str] = []
        server = self.stack.enter_context(peer(lambda _, near: carry(near, proxies[0]), context))
        self.service["public_url"] = server.url.replace("127.0.0.1", "localhost")
        upstream = self.stack.enter_context(serving(self.make_app()))
        proxies.append(self.stack.enter_context(serving(ReverseProxy(upstream))))


@dataclass
class Internet(FakeTransport):
    """Whatever is asked, the proxy of the shop answers; over http it redirects unless it `answers_plainly`."""

    proxy: "ReverseProxy"

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer as the proxy does."""
        if request.url.scheme == "http" and not self.proxy.answers_plainly:
            return httpx.Response(301, headers={"location": str(request.url.copy_with(scheme="https"))})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.proxy)) as client:
            return await client.send(request)


@dataclass
class ReverseProxy:
    """A proxy before `upstream`, sound unless a field says otherwise."""

    upstream: str
    cuts: str = ""
    adds: str = ""
    takes_turns_with: str | Response = ""
    rewrites: tuple[bytes, bytes] = (b"", b"")
    drops: tuple[str, ...] = ()
    drops_answers: tuple[str, ...] = ()
    forwards: str = "append"
    caches: bool = False
    ignores_query: bool = False
    answers_plainly: bool = False
    cookie_rule: Callable[[str], str] = lambda text: text
    instead: Response | None = None
    more_headers: Mapping[str, str] = field(default_factory=lambda: {"strict-transport-security": "max-age=300"})
    cache: dict[str, Response] = field(default_factory=dict)
    count: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "lifespan":
            await Starlette()(scope, receive, send)
            return
        request = Request(scope, receive)
        key = request.url.path if self.ignores_query else str(request.url)
        self.count += 1
        if self.takes_turns_with and self.count % 2 == 0:
            await self._pass_to_other(scope, receive, send)
            return
        response = self.instead or self.cache.get(key) or await self._pass_on(request)
        if self.caches:
            self.cache[key] = response
        await response(scope, receive, send)

    async def _pass_to_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        other = self.takes_turns_with
        answerer = ReverseProxy(other) if isinstance(other, str) else other
        await answerer(scope, receive, send)

    async def _pass_on(self, request: Request) -> Response:
        path = self.adds + request.url.path.removeprefix(self.cuts)
        headers = {name: value for name, value in request.headers.items() if name not in (*self.drops, "host")}
        forged = headers.pop("x-forwarded-for", "")
        match self.forwards:
            case "append":
                headers["x-forwarded-for"] = f"{forged}, {CLIENT}".lstrip(", ")
            case "pass":
                headers["x-forwarded-for"] = forged or CLIENT
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.upstream}{path}?{request.url.query}", headers=headers)
        kept = {name: answer.headers[name] for name in ANSWER_HEADERS if name in answer.headers}
        kept |= self.more_headers
        if "set-cookie" in kept:
            kept["set-cookie"] = self.cookie_rule(kept["set-cookie"])
        sent = {name: value for name, value in kept.items() if name not in self.drops_answers}
        old, new = self.rewrites
        return Response(answer.content.replace(old, new) if old else answer.content, answer.status_code, sent)


def carry(near: socket.socket, url: str) -> None:
    """Carry bytes between a connection and the server at `url` until either hangs up."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as far, suppress(OSError):
        threading.Thread(target=_copy, args=(far, near), daemon=True).start()
        _copy(near, far)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def make_certificate(folder: Path, days: int) -> tuple[Path, Path]:
    """A certificate for `localhost`, its own root, and its key."""
    certificate, key = folder / "tls.pem", folder / "tls.key"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    command += f" -addext subjectAltName=DNS:localhost -days {days} -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return certificate, key


def to_toml(raw: Mapping[str, Any], path: str = "") -> str:
    """Write nested tables of texts, numbers, truth values and lists."""
    values = {key: value for key, value in raw.items() if not isinstance(value, Mapping)}
    lines = [f"[{path}]"] * bool(path) + [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    tables = (to_toml(value, f"{path}.{key}".lstrip(".")) for key, value in raw.items() if isinstance(value, Mapping))
    return "\n".join([*lines, *tables]) + "\n"


def get_exit_code(findings: list[Finding]) -> int:
    """What the command exits with."""
    return [Level.OK, Level.WARNING, Level.BROKEN].index(get_status(findings))
