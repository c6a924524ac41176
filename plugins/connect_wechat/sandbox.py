"""WeChat's loopback double: the pages of a website app and of an official account, and the API behind them.

Answers as WeChat does: JSON sent as text/plain without a charset, every error inside an HTTP 200, codes that work once.
Its operations in the fault script: `authorize`, `token`, `userinfo`, `auth`, `refresh_token`. Its own faults: `error`
(value: the errcode), `missing_id`, `swapped_id`, `number_id`, `snapshot`, `control_characters`.

Pages: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
API: https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html and its neighbours
"""

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.plugin import ClientType
from connect_core.sandbox import PEOPLE, Fault, Person, Sandbox

QRCONNECT = "/connect/qrconnect"
AUTHORIZE = "/connect/oauth2/authorize"
TOKEN_LIFE = 7200
REFRESH_LIFE = 30 * 24 * 3600
LINK_ORDER = ["appid", "redirect_uri", "response_type", "scope", "state"]
BAD_LINK = 0

TEXTS = {
    BAD_LINK: "链接参数错误 · the link's parameters are not in WeChat's order, or response_type is not code",
    -1: "system error",
    10003: "redirect_uri 域名与后台配置不一致 · redirect_uri is outside the registered domain",
    10005: "没有 scope 的权限 · no right to this scope",
    10010: "scope 不能为空 · scope is missing",
    10011: "redirect_uri 不能为空 · redirect_uri is missing",
    10012: "appid 错误 · appid is missing or unknown",
    10013: "state 错误 · state is missing, longer than 128 bytes, or not a-zA-Z0-9",
    10016: "appid 类型不符 · this kind of appid does not log in here",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40029: "invalid code",
    40030: "invalid refresh_token",
    40125: "invalid appsecret",
    40163: "code been used",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41009: "missing openid",
    42001: "access_token expired",
    42003: "code expired",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    48001: "api unauthorized",
}

Found = dict[str, object]
Find = Callable[[Mapping[str, str]], Found]

_RAW = str.maketrans("\ue007\ue009\ue00a", "\a\t\n")  # stand-ins that JSON does not escape, as WeChat does not


@dataclass(frozen=True, slots=True)
class App:
    """A registration: where its logins begin, the scopes it has a right to, the life of its codes in seconds."""

    app_id: str
    secret: str
    page: str
    scopes: tuple[str, ...]
    code_life: int


APPS = {
    ClientType.PC: App("wx5a7db0c0000000a1", "website-app-secret", QRCONNECT, ("snsapi_login",), 600),
    ClientType.H5: App(
        "wx5a7db0c0000000a2", "official-account-secret", AUTHORIZE, ("snsapi_userinfo", "snsapi_base"), 300
    ),
}


class Refused(Exception):
    """WeChat says no, with a number of `TEXTS`."""

    def __init__(self, errcode: int) -> None:
        """`errcode` may be one without a text."""
        super().__init__(TEXTS.get(errcode, "refused"))
        self.errcode = errcode


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person agreed to, behind a code or a token; `expiry` in epoch seconds."""

    app: App
    person: Person
    scope: str
    expiry: float
    is_used: bool = False


class WechatSandbox(Sandbox):
    """One shop's website app and official account.

    A silent login (`snsapi_base`) shows the consent page too: a laptop has no phone whose owner could be taken.
    """

    title = "微信沙箱 · WeChat sandbox"
    own_faults = ("error", "missing_id", "swapped_id", "number_id", "snapshot", "control_characters")

    def __init__(
        self,
        *,
        bound: bool = True,
        domain: str = "",
        people: Sequence[Person] = PEOPLE,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`bound`: the apps belong to one open-platform account, so that a person has a union id.

        `domain` is the registered callback domain, without port; empty lets any pass. `now` as in the kit.
        """
        super().__init__(people=people, now=now)
        self.bound = bound
        self.domain = domain
        self._grants: dict[tuple[str, str], Grant] = {}

    def routes(self) -> Sequence[BaseRoute]:
        """The two pages and the four calls."""
        return [
            Route(QRCONNECT, self._authorize, methods=["GET", "POST"]),
            Route(AUTHORIZE, self._authorize, methods=["GET", "POST"]),
            Route("/sns/oauth2/access_token", self._call("token", self._redeem)),
            Route("/sns/oauth2/refresh_token", self._call("refresh_token", self._refresh)),
            Route("/sns/userinfo", self._call("userinfo", self._tell_person)),
            Route("/sns/auth", self._call("auth", self._check_token)),
        ]

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, str]:
        """The settings of the website app (`pc`) or the official account (`h5`)."""
        app = APPS[client_type]
        return {"app_id": app.app_id, "app_secret": app.secret, "api_url": base_url, "open_url": base_url}

    def hand_over(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Raise `LookupError`: everybody comes back through a redirect."""
        raise LookupError("WeChat here has no client codes")

    def get_untrusted(self) -> Collection[str]:
        """Answers without an openid, and profiles of somebody else."""
        return ("missing_id", "swapped_id")

    def get_outcomes(self) -> Mapping[str, str]:
        """A code that is wrong, one that was used, a wrong secret, a person at risk, and WeChat being busy."""
        return {
            "40029": "code_invalid",
            "40163": "code_invalid",
            "40125": "provider_config",
            "40226": "provider_denied",
            "-1": "provider_refused",
        }

    def open_id(self, person: str, app_id: str) -> str:
        """What WeChat calls the person with this key for one app."""
        return _id(app_id, person)

    def union_id(self, person: str) -> str:
        """What WeChat calls the person with this key across the apps of one open-platform account."""
        return _id("open platform", person)

    async def _authorize(self, request: Request) -> Response:
        link = request.query_params
        try:
            app = self._check_link(request.url.path, link)
        except Refused as refused:
            return _refusal_page(refused)
        if request.method == "GET":
            return await self.answer("authorize", link, lambda fault: self._ask(request, app, fault))
        form = await request.form()
        state = {"state": link["state"]} if "state" in link else {}
        if form.get("decision") != "agree":
            return _back(link["redirect_uri"], state)
        person = self.find_person(str(form.get("somebody") or form["person"]))
        code = self._keep("code", Grant(app, person, link["scope"], self.now() + app.code_life))
        return _back(link["redirect_uri"], {"code": code} | state)

    def _ask(self, request: Request, app: App, fault: Fault | None) -> Response:
        if fault and fault.kind == "error":
            return _refusal_page(Refused(int(fault.value)))
        return self.consent_page(request, app=app.app_id, scope=request.query_params["scope"])

    def _check_link(self, path: str, link: Mapping[str, str]) -> App:
        """Return whose link it is. H5 links are matched by pattern: order and state are not free."""
        _require(link.get("redirect_uri"), 10011)
        _require(link.get("scope"), 10010)
        app = _app(link.get("appid", ""), 10012, 10012)
        _require(path.endswith(app.page), 10016)
        _require(link["scope"] in app.scopes, 10005)
        _require(link.get("response_type") == "code", BAD_LINK)
        if app.page == AUTHORIZE:
            _require(re.fullmatch("[a-zA-Z0-9]{1,128}", link.get("state", "")), 10013)
            _require(list(link)[: len(LINK_ORDER)] == LINK_ORDER, BAD_LINK)
        target = urlsplit(link["redirect_uri"])
        _require(target.scheme in ("http", "https") and self.domain in ("", target.hostname), 10003)
        return app

    def _call(self, operation: str, find: Find) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            asked = request.query_params
            return await self.answer(operation, asked, lambda fault: self._reply(find, asked, fault))

        return endpoint

    def _reply(self, find: Find, asked: Mapping[str, str], fault: Fault | None) -> Response:
        try:
            if fault and fault.kind == "error":
                raise Refused(int(fault.value))
            found = _spoil(find(asked), fault)
        except Refused as refused:
            found = {"errcode": refused.errcode, "errmsg": f"{refused}, rid: {_rid(self.now())}"}
        body = json.dumps(found, ensure_ascii=False).translate(_RAW)
        return Response(body.encode(), headers={"content-type": "text/plain"})

    def _redeem(self, asked: Mapping[str, str]) -> Found:
        app = _app(asked.get("appid", ""), 41002, 40013)
        _require(asked.get("secret"), 41004)
        _require(asked["secret"] == app.secret, 40125)
        _require(asked.get("grant_type") == "authorization_code", 40002)
        _require(asked.get("code"), 41008)
        grant = self._find("code", asked["code"], 40029, 42003)
        _require(grant.app == app, 40029)
        _require(not grant.is_used, 40163)
        self._grants["code", asked["code"]] = replace(grant, is_used=True)
        refresh_token = self._keep("refresh_token", replace(grant, expiry=self.now() + REFRESH_LIFE))
        return self._tokens(grant, refresh_token) | self._union(grant)

    def _refresh(self, asked: Mapping[str, str]) -> Found:
        app = _app(asked.get("appid", ""), 41002, 40013)
        _require(asked.get("grant_type") == "refresh_token", 40002)
        refresh_token = asked.get("refresh_token", "")
        grant = self._find("refresh_token", refresh_token, 40030, 40030)
        _require(grant.app == app, 40030)
        return self._tokens(grant, refresh_token)

    def _tokens(self, grant: Grant, refresh_token: str) -> Found:
        return {
            "access_token": self._keep("access_token", replace(grant, expiry=self.now() + TOKEN_LIFE)),
            "expires_in": TOKEN_LIFE,
            "refresh_token": refresh_token,
            "openid": self.open_id(grant.person.key, grant.app.app_id),
            "scope": grant.scope,
        }

    def _tell_person(self, asked: Mapping[str, str]) -> Found:
        grant = self._open(asked)
        _require(grant.scope != "snsapi_base", 48001)
        person = grant.person
        return {
            "openid": asked["openid"],
            "nickname": person.nickname,
            "sex": {1: 1, 0: 2, None: 0}[person.sex],
            "province": person.province,
            "city": person.city,
            "country": "",
            "headimgurl": person.face,
            "privilege": [],
        } | self._union(grant)

    def _check_token(self, asked: Mapping[str, str]) -> Found:
        self._open(asked)
        return {"errcode": 0, "errmsg": "ok"}

    def _open(self, asked: Mapping[str, str]) -> Grant:
        """Return what the access token stands for, once it is certain that the openid is its person's."""
        _require(asked.get("access_token"), 41001)
        _require(asked.get("openid"), 41009)
        grant = self._find("access_token", asked["access_token"], 40001, 42001)
        _require(asked["openid"] == self.open_id(grant.person.key, grant.app.app_id), 40003)
        return grant

    def _union(self, grant: Grant) -> Found:
        has_union_id = self.bound and grant.scope != "snsapi_base"
        return {"unionid": self.union_id(grant.person.key)} if has_union_id else {}

    def _keep(self, kind: str, grant: Grant) -> str:
        value = secrets.token_hex(16)
        self._grants[kind, value] = grant
        return value

    def _find(self, kind: str, value: str, unknown: int, expired: int) -> Grant:
        grant = self._grants.get((kind, value))
        if grant is None:
            raise Refused(unknown)
        _require(self.now() <= grant.expiry, expired)
        return grant


def _require(wanted: object, errcode: int) -> None:
    if not wanted:
        raise Refused(errcode)


def _app(app_id: str, missing: int, unknown: int) -> App:
    _require(app_id, missing)
    for app in APPS.values():
        if app.app_id == app_id:
            return app
    raise Refused(unknown)


def _spoil(found: Found, fault: Fault | None) -> Found:
    made_up = {key: _id("nobody", key) for key in ("openid", "unionid") if key in found}
    match fault.kind if fault else "":
        case "missing_id":
            return {key: value for key, value in found.items() if key != "openid"}
        case "swapped_id":
            return found | made_up
        case "number_id":
            return found | {"openid": 12345678901234567890}
        case "snapshot":
            return found | made_up | {"is_snapshotuser": 1}
        case "control_characters":
            return found | {"nickname": "小\ue007红\ue00a🙂\ue009"}
        case _:
            return found


def _refusal_page(refused: Refused) -> Response:
    """Say no to a person; the status is 400 so that no script takes the page for the one that asks."""
    page = "<!doctype html><meta charset=utf-8><title>错误</title><h1>{} {}</h1>"
    return HTMLResponse(page.format(refused.errcode or "", escape(str(refused))), 400)


def _back(redirect_uri: str, parameters: Mapping[str, str]) -> Response:
    parts = urlsplit(redirect_uri)
    query = "&".join(filter(None, [parts.query, urlencode(parameters)]))
    return RedirectResponse(parts._replace(query=query).geturl(), 303, {"cache-control": "no-store"})


def _id(scope: str, key: str) -> str:
    digest = hashlib.sha256(f"{scope}\0{key}".encode()).digest()
    return "o" + base64.urlsafe_b64encode(digest).decode()[:27]


def _rid(now: float) -> str:
    return f"{int(now):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
