"""The floor: the least that a sound login costs in Python, written by hand for two vendors and for nothing else.

Sound means: the state is bound to the browser and spent once, the code is redeemed with PKCE where the vendor has it,
Alipay's request is signed and its answer verified, a member is made once, and the state, the member, the connection and
the session (as a hash) are committed in one transaction before the browser hears of it. A known person costs one call
to Alipay, a new one two. Everything else that a shop needs is left out: settings, plugins, client types, several ids of
a person, limits, logs, events, pages, other databases. Called as `processes.py` calls a shop.
"""

import asyncio
import base64
import hashlib
import json
import re
import secrets
import sqlite3
import sys
import time
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import uvicorn
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

DEADLINE = 8
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE spent (state TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE member (id INTEGER PRIMARY KEY, name TEXT NOT NULL, since INTEGER NOT NULL);
CREATE TABLE connection (vendor TEXT, person TEXT, member_id INTEGER NOT NULL, UNIQUE (vendor, person));
CREATE TABLE session (hash BLOB PRIMARY KEY, member_id INTEGER NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
"""


class Refused(Exception):
    """This is no login."""


class VendorConnection(asyncio.Protocol):
    """One kept connection to a vendor: a request, then its answer."""

    transport: asyncio.Transport
    answer: asyncio.Future[bytes]
    received = b""

    def connection_made(self, transport: Any) -> None:
        """Keep what is written to."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect an answer of stated length."""
        self.received += data
        head, mark, body = self.received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if mark and (length is None or not head.startswith(b"HTTP/1.1 200 ")):
            self.connection_lost(None)
        elif mark and length and len(body) >= int(length[1]) and not self.answer.done():
            self.received = b""
            self.answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits."""
        self.transport.close()
        if hasattr(self, "answer") and not self.answer.done():
            self.answer.set_exception(Refused("the vendor's answer"))


class Wires:
    """Connections to one vendor, kept for the next call."""

    def __init__(self, url: str) -> None:
        self._host, self._port = str(urlsplit(url).hostname), urlsplit(url).port or 80
        self._idle: list[VendorConnection] = []

    async def ask(self, head: str, body: bytes = b"") -> bytes:
        """Send a request whose line and own headers are `head`; returns the body of its answer."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE):
            connection = self._idle.pop() if self._idle else None
            if connection is None or connection.transport.is_closing():
                _, connection = await loop.create_connection(VendorConnection, self._host, self._port)
            connection.answer = loop.create_future()
            connection.transport.write(
                f"{head}Host: {self._host}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )
            try:
                answer = await connection.answer
            except BaseException:
                connection.transport.abort()
                raise
        self._idle.append(connection)
        return answer


class Alipay:
    """https://opendocs.alipay.com/open/02ailc."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings, path = settings, urlsplit(settings["gateway_url"]).path
        self._private: Any = load_der_private_key(base64.b64decode(settings["private_key"]), None)
        self._public: Any = load_der_public_key(base64.b64decode(settings["alipay_public_key"]))
        self._head = f"POST {path}?charset=utf-8 HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        self._wires = Wires(settings["gateway_url"])

    def login_url(self, back: str, state: str, verifier: str) -> str:
        asked = {"app_id": self._settings["app_id"], "scope": "auth_user", "redirect_uri": back, "state": state}
        return f"{self._settings['authorize_url']}?{urlencode(asked)}"

    async def redeem(self, back: str, code: str, verifier: str) -> tuple[str, str | None, str]:
        told = await self._call("alipay.system.oauth.token", {"grant_type": "authorization_code", "code": code})
        return told["user_id"], None, told["access_token"]

    async def fetch_name(self, token: str) -> str:
        return str((await self._call("alipay.user.info.share", {"auth_token": token}))["nick_name"])

    async def _call(self, method: str, parameters: dict[str, str]) -> dict[str, str]:
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 8 * 3600))
        constant = {"app_id": self._settings["app_id"], "charset": "utf-8", "sign_type": "RSA2", "version": "1.0"}
        form = {**constant, "method": method, "timestamp": now, **parameters}
        text = "&".join(f"{name}={form[name]}" for name in sorted(form))
        form["sign"] = base64.b64encode(self._private.sign(text.encode(), PKCS1v15(), SHA256())).decode()
        del form["charset"]
        answer = await self._wires.ask(self._head, urlencode(form).encode())
        # what was signed is this text, character by character; an answer of any other shape is none
        shape = rb'\{"%s_response":(\{.*\}),"sign":"([^"]+)"\}' % method.replace(".", "_").encode()
        if not (signed := re.fullmatch(shape, answer)):
            raise Refused("the vendor's answer")
        self._public.verify(base64.b64decode(signed[2]), signed[1], PKCS1v15(), SHA256())
        return dict(json.loads(signed[1]))


class OAuth2:
    """A vendor that follows RFC 6749 and 7636."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings, self._wires = settings, Wires(settings["token_url"])
        token, userinfo = (urlsplit(settings[name]).path for name in ("token_url", "userinfo_url"))
        self._token = f"POST {token} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        self._userinfo = f"GET {userinfo} HTTP/1.1\r\nAuthorization: Bearer "

    def login_url(self, back: str, state: str, verifier: str) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"response_type": "code", "client_id": self._settings["client_id"], "redirect_uri": back}
        asked |= {"state": state, "code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{self._settings['authorize_url']}?{urlencode(asked)}"

    async def redeem(self, back: str, code: str, verifier: str) -> tuple[str, str | None, str]:
        client = {name: self._settings[name] for name in ("client_id", "client_secret")}
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        token = json.loads(await self._wires.ask(self._token, urlencode(form | client).encode()))["access_token"]
        told = json.loads(await self._wires.ask(f"{self._userinfo}{token}\r\n"))
        return str(told["id"]), str(told["name"]), token

    async def fetch_name(self, token: str) -> str:
        raise AssertionError("the name was told")


Vendor = Alipay | OAuth2


class Floor:
    """Start, callback, and who is logged in."""

    def __init__(self, origin: str, vendors: dict[str, Vendor], database: str) -> None:
        self._origin, self._vendors = origin, vendors
        self._db = sqlite3.connect(database, isolation_level=None)
        self._db.executescript(TABLES)

    async def start(self, request: Request) -> Response:
        name, state, verifier = request.path_params["vendor"], secrets.token_hex(16), secrets.token_urlsafe(48)
        url = self._vendors[name].login_url(self._back(name), state, verifier)
        return _redirect(url, f"flow_{state}={verifier}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax")

    async def come_back(self, request: Request) -> Response:
        name, told, now = request.path_params["vendor"], request.query_params, int(time.time())
        state, code = told.get("state", ""), told.get("auth_code") or told.get("code", "")
        verifier, vendor = request.cookies.get(f"flow_{state}"), self._vendors[name]
        if not verifier or not code:
            return Response("no login of this browser", 400)
        person, nickname, token = await vendor.redeem(self._back(name), code, verifier)
        if nickname is None and self._find(name, person) is None:
            nickname = await vendor.fetch_name(token)
        session = secrets.token_urlsafe(32)
        self._commit(name, person, nickname, state, session, now)
        return _redirect("/", f"session={session}; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax")

    async def tell(self, request: Request) -> Response:
        question = "SELECT member_id, name FROM session JOIN member ON id = member_id WHERE hash = ?"
        found = self._db.execute(question, (_hash(request.cookies.get("session", "")),)).fetchone()
        return JSONResponse({"uid": found[0], "nickname": found[1]}) if found else Response(status_code=401)

    def _back(self, name: str) -> str:
        return f"{self._origin}/connect/{name}/pc/callback"

    def _find(self, name: str, person: str) -> int | None:
        question = "SELECT member_id FROM connection WHERE vendor = ? AND person = ?"
        found = self._db.execute(question, (name, person)).fetchone()
        return int(found[0]) if found else None

    def _commit(self, name: str, person: str, nickname: str | None, state: str, session: str, now: int) -> None:
        run = self._db.execute
        run("BEGIN IMMEDIATE")
        try:
            run("INSERT INTO spent VALUES (?)", (state,))  # a state that was spent before ends it here
            member = self._find(name, person)
            if member is None:
                member = run("INSERT INTO member (name, since) VALUES (?, ?)", (nickname or "", now)).lastrowid
                run("INSERT INTO connection VALUES (?, ?, ?)", (name, person, member))
            run("INSERT INTO session VALUES (?, ?, ?)", (_hash(session), member, now))
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise


def _hash(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()


def _redirect(url: str, cookie: str) -> Response:
    return Response(status_code=303, headers={"location": url, "set-cookie": cookie, "cache-control": "no-store"})


def main(config: str, port: int) -> None:
    """Serve, with the server options of `connect-login serve`."""
    settings = tomllib.loads(Path(config).read_text("utf-8"))
    service, providers = settings["service"], settings["providers"]
    vendors: dict[str, Vendor] = {"alipay": Alipay(providers["alipay"]["pc"])}
    vendors["oauth2"] = OAuth2(providers["oauth2"]["pc"])
    floor = Floor(service["public_url"], vendors, service["database_url"].removeprefix("sqlite:///"))
    routes = [
        Route("/healthz", lambda _: Response()),
        Route("/connect/me", floor.tell),
        Route("/connect/{vendor}/pc/login", floor.start),
        Route("/connect/{vendor}/pc/callback", floor.come_back),
    ]
    app = Starlette(routes=routes, exception_handlers={Refused: lambda _, error: Response(str(error), 502)})
    uvicorn.run(app, port=port, log_config=None, access_log=False, server_header=False, proxy_headers=False)


if __name__ == "__main__":
    main(config=sys.argv[3], port=int(sys.argv[5]))
