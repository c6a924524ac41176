"""What a shop's programmer would write with care for two vendors, with well-known libraries and for PostgreSQL alone.

Starlette on uvicorn with uvloop, an aiohttp session that keeps its connections, SQLAlchemy's asyncio (its Core, which
costs less than the ORM) on psycopg with a pool, and cookies that itsdangerous signs. The state is bound to the browser
and spent once, PKCE is used, Alipay's answer is verified, and a member and its connection are found or registered in
one transaction, under a unique constraint, which is committed before the browser hears of it. A known person costs one
call to Alipay, a new one two. The shop cannot end a session. Called as `processes.py` calls a shop.
"""

import base64
import hashlib
import json
import re
import secrets
import sys
import time
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import BigInteger, Column, ForeignKey, Identity, MetaData, String, Table, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

DEADLINE = aiohttp.ClientTimeout(total=8)
FLOW_SECONDS, SESSION_SECONDS = 600, 30 * 86400

metadata = MetaData()
members = Table(
    "member",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("nickname", String(64), nullable=False),
    Column("since", BigInteger, nullable=False),
)
connections = Table(
    "connection",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("vendor", String(32), nullable=False),
    Column("person", String(255), nullable=False),
    Column("member_id", ForeignKey("member.id"), nullable=False, index=True),
    UniqueConstraint("vendor", "person"),
)
spent_states = Table(
    "spent_state",
    metadata,
    Column("state", String(64), primary_key=True),
    Column("since", BigInteger, nullable=False, index=True),
)


class LoginFailed(Exception):
    """This is no login."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who the vendor says it is; the nickname of Alipay's people is a second call."""

    id: str
    nickname: str | None
    token: str


class Alipay:
    """https://opendocs.alipay.com/open/02ailc."""

    def __init__(self, settings: dict[str, str], http: aiohttp.ClientSession) -> None:
        self._settings, self._http = settings, http
        self._private: Any = load_der_private_key(base64.b64decode(settings["private_key"]), None)
        self._public: Any = load_der_public_key(base64.b64decode(settings["alipay_public_key"]))

    def login_url(self, back: str, state: str, verifier: str) -> str:
        query = {"app_id": self._settings["app_id"], "scope": "auth_user", "redirect_uri": back, "state": state}
        return f"{self._settings['authorize_url']}?{urlencode(query)}"

    async def redeem(self, back: str, code: str, verifier: str) -> Person:
        token = await self._call("alipay.system.oauth.token", {"grant_type": "authorization_code", "code": code})
        return Person(token["user_id"], None, token["access_token"])

    async def fetch_nickname(self, person: Person) -> str:
        profile = await self._call("alipay.user.info.share", {"auth_token": person.token})
        return str(profile.get("nick_name", ""))

    async def _call(self, method: str, parameters: dict[str, str]) -> dict[str, Any]:
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 8 * 3600))
        form = {"app_id": self._settings["app_id"], "method": method, "charset": "utf-8", "sign_type": "RSA2"}
        form |= {"timestamp": now, "version": "1.0", **parameters}
        text = "&".join(f"{name}={value}" for name, value in sorted(form.items()))
        form["sign"] = base64.b64encode(self._private.sign(text.encode(), PKCS1v15(), SHA256())).decode()
        url = f"{self._settings['gateway_url']}?charset={form.pop('charset')}"
        async with self._http.post(url, data=form) as answer:
            body = await answer.text()
        # the signature covers the text between the names, as it was sent
        shape = rf'\{{"{method.replace(".", "_")}_response":(\{{.*\}}),"sign":"([^"]+)"\}}'
        if not (signed := re.fullmatch(shape, body)):
            raise LoginFailed("Alipay refused")
        try:
            self._public.verify(base64.b64decode(signed[2]), signed[1].encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            raise LoginFailed("not signed by Alipay") from None
        return dict(json.loads(signed[1]))


class OAuth2:
    """A vendor that follows RFC 6749 and 7636."""

    def __init__(self, settings: dict[str, str], http: aiohttp.ClientSession) -> None:
        self._settings, self._http = settings, http

    def login_url(self, back: str, state: str, verifier: str) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {"response_type": "code", "client_id": self._settings["client_id"], "redirect_uri": back}
        query |= {"state": state, "code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{self._settings['authorize_url']}?{urlencode(query)}"

    async def redeem(self, back: str, code: str, verifier: str) -> Person:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        form |= {name: self._settings[name] for name in ("client_id", "client_secret")}
        async with self._http.post(self._settings["token_url"], data=form) as answer:
            token = (await answer.json(content_type=None))["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.get(self._settings["userinfo_url"], headers=headers) as answer:
            profile = await answer.json(content_type=None)
        return Person(str(profile["id"]), str(profile["name"]), token)

    async def fetch_nickname(self, person: Person) -> str:
        return person.nickname or ""


class HandWritten:
    """Start, callback, and who is logged in."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings, self._origin = settings["providers"], settings["service"]["public_url"]
        key = settings["service"]["secret_keys"][0]
        self._flows, self._sessions = URLSafeTimedSerializer(key, "flow"), URLSafeTimedSerializer(key, "session")
        self._engine = create_async_engine(settings["service"]["database_url"], pool_size=16, max_overflow=0)
        self._vendors: dict[str, Alipay | OAuth2] = {}

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Open what is kept: the tables, the database's pool, the vendors' connections."""
        async with aiohttp.ClientSession(timeout=DEADLINE, raise_for_status=True) as http:
            self._vendors["alipay"] = Alipay(self._settings["alipay"]["pc"], http)
            self._vendors["oauth2"] = OAuth2(self._settings["oauth2"]["pc"], http)
            async with self._engine.begin() as connection:
                await connection.run_sync(metadata.create_all)
            yield
        await self._engine.dispose()

    async def start(self, request: Request) -> Response:
        name, state, verifier = request.path_params["vendor"], secrets.token_hex(16), secrets.token_urlsafe(48)
        answer = RedirectResponse(self._vendors[name].login_url(self._back(name), state, verifier), 303)
        flow = self._flows.dumps([name, state, verifier])
        answer.set_cookie(f"flow_{state}", str(flow), max_age=FLOW_SECONDS, httponly=True, samesite="lax")
        return answer

    async def come_back(self, request: Request) -> Response:
        name, query = request.path_params["vendor"], request.query_params
        state, code = query.get("state", ""), query.get("auth_code") or query.get("code", "")
        flow = self._flows.loads(request.cookies.get(f"flow_{state}", ""), max_age=FLOW_SECONDS)
        if flow[:2] != [name, state] or not code:
            raise LoginFailed("no login of this browser")
        vendor = self._vendors[name]
        person = await vendor.redeem(self._back(name), code, flow[2])
        member = await self._log_in(name, vendor, person, state)
        answer = RedirectResponse("/", 303)
        session = str(self._sessions.dumps(member))
        answer.set_cookie("session", session, max_age=SESSION_SECONDS, httponly=True, samesite="lax")
        answer.delete_cookie(f"flow_{state}", httponly=True, samesite="lax")
        return answer

    async def who(self, request: Request) -> Response:
        member = self._sessions.loads(request.cookies.get("session", ""), max_age=SESSION_SECONDS)
        async with self._engine.connect() as connection:
            nickname = await connection.scalar(select(members.c.nickname).where(members.c.id == member))
        return Response(status_code=401) if nickname is None else JSONResponse({"uid": member, "nickname": nickname})

    def _back(self, name: str) -> str:
        return f"{self._origin}/connect/{name}/pc/callback"

    async def _log_in(self, name: str, vendor: Alipay | OAuth2, person: Person, state: str) -> int:
        """Return the member, who is registered if need be; the other of two first logins at once begins again."""
        nickname = person.nickname
        if nickname is None:
            async with self._engine.connect() as connection:
                is_known = await self._find(connection, name, person.id)
            nickname = "" if is_known else await vendor.fetch_nickname(person)
        try:
            return await self._commit(name, person.id, nickname, state)
        except IntegrityError:
            return await self._commit(name, person.id, nickname, state)

    async def _commit(self, name: str, person: str, nickname: str, state: str) -> int:
        now = int(time.time())
        async with self._engine.begin() as connection:
            spending = insert(spent_states).values(state=state, since=now).on_conflict_do_nothing()
            if await connection.scalar(spending.returning(spent_states.c.since)) is None:
                raise LoginFailed("this login is over")
            member = await self._find(connection, name, person)
            if member is None:
                registering = insert(members).values(nickname=nickname, since=now).returning(members.c.id)
                member = (await connection.execute(registering)).scalar_one()
                await connection.execute(insert(connections).values(vendor=name, person=person, member_id=member))
        return int(member)

    async def _find(self, connection: AsyncConnection, name: str, person: str) -> int | None:
        is_person = (connections.c.vendor == name, connections.c.person == person)
        return await connection.scalar(select(connections.c.member_id).where(*is_person))


def main(config: str, port: int) -> None:
    """Serve, with the server options of `connect-login serve`."""
    shop = HandWritten(tomllib.loads(Path(config).read_text("utf-8")))
    routes = [
        Route("/healthz", lambda _: Response()),
        Route("/connect/me", shop.who),
        Route("/connect/{vendor}/pc/login", shop.start),
        Route("/connect/{vendor}/pc/callback", shop.come_back),
    ]
    failures: Any = {
        LoginFailed: lambda _, error: Response(str(error), 400),
        BadSignature: lambda *_: Response(status_code=401),
        aiohttp.ClientError: lambda *_: Response("the vendor refused", 502),
    }
    app = Starlette(routes=routes, exception_handlers=failures, lifespan=shop.lifespan)
    options: Any = {"log_config": None, "access_log": False, "server_header": False, "proxy_headers": False}
    uvicorn.run(app, port=port, loop="uvloop", **options)


if __name__ == "__main__":
    main(config=sys.argv[3], port=int(sys.argv[5]))
