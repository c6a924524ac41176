"""What the double remembers: a shop's registrations, the codes and tokens given out, and what they are worth.

Answers as WeChat's API does, as plain data; serves nothing. One instance belongs to one sandbox.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from connect_core.plugin import ClientType
from connect_core.sandbox import Person
from connect_wechat.sandbox_refusals import WechatRefusal, require

QRCONNECT = "/connect/qrconnect"
AUTHORIZE = "/connect/oauth2/authorize"
TOKEN_LIFE = 7200
REFRESH_LIFE = 30 * 24 * 3600

Found = dict[str, object]


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
    ClientType.APP: App("wx5a7db0c0000000a3", "mobile-app-secret", "", ("snsapi_userinfo",), 600),
    ClientType.MINI: App("wx5a7db0c0000000a4", "mini-program-secret", "", (), 300),
}


@dataclass(frozen=True, slots=True)
class WechatGrant:
    """What a person agreed to, behind a code or a token; `expiry` in epoch seconds."""

    app: App
    person: Person
    scope: str
    expiry: float
    session_key: str = ""
    is_used: bool = False


class WechatGrants:
    """Codes and tokens, and the calls of `/sns` that take them."""

    def __init__(self, now: Callable[[], float], *, bound: bool) -> None:
        """`bound` and `now` as the sandbox says."""
        self.now = now
        self.bound = bound
        self._kept: dict[tuple[str, str], WechatGrant] = {}

    def issue_code(self, kind: str, app: App, person: Person, scope: str = "", session_key: str = "") -> str:
        """Return a new code of its `kind`: `code`, `js_code` or `phone_code`."""
        return self._keep(kind, WechatGrant(app, person, scope, self.now() + app.code_life, session_key))

    def spend(self, kind: str, code: str, app: App) -> WechatGrant:
        """Return what a code stands for; it works once, and for its own app."""
        require(code, 41008)
        expired, used = (40029, 40029) if kind == "phone_code" else (42003, 40163)
        grant = self._find(kind, code, 40029, expired)
        require(grant.app == app, 40029)
        require(not grant.is_used, used)
        self._kept[kind, code] = replace(grant, is_used=True)
        return grant

    def redeem(self, asked: Mapping[str, str]) -> Found:
        """`/sns/oauth2/access_token`."""
        app = check_secret(asked)
        require(asked.get("grant_type") == "authorization_code", 40002)
        grant = self.spend("code", asked.get("code", ""), app)
        refresh_token = self._keep("refresh_token", replace(grant, expiry=self.now() + REFRESH_LIFE))
        return self._tokens(grant, refresh_token) | self.union_of(grant)

    def refresh(self, asked: Mapping[str, str]) -> Found:
        """`/sns/oauth2/refresh_token`."""
        app = find_app(asked.get("appid", ""), 41002, 40013)
        require(asked.get("grant_type") == "refresh_token", 40002)
        refresh_token = asked.get("refresh_token", "")
        grant = self._find("refresh_token", refresh_token, 40030, 40030)
        require(grant.app == app, 40030)
        return self._tokens(grant, refresh_token)

    def tell_person(self, asked: Mapping[str, str]) -> Found:
        """`/sns/userinfo`."""
        grant = self._open(asked)
        require(grant.scope != "snsapi_base", 48001)
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
        } | self.union_of(grant)

    def check_token(self, asked: Mapping[str, str]) -> Found:
        """`/sns/auth`."""
        self._open(asked)
        return {"errcode": 0, "errmsg": "ok"}

    def union_of(self, grant: WechatGrant) -> Found:
        """The union id, where there is one to tell."""
        has_union_id = self.bound and grant.scope != "snsapi_base"
        return {"unionid": union_id(grant.person.key)} if has_union_id else {}

    def _tokens(self, grant: WechatGrant, refresh_token: str) -> Found:
        return {
            "access_token": self._keep("access_token", replace(grant, expiry=self.now() + TOKEN_LIFE)),
            "expires_in": TOKEN_LIFE,
            "refresh_token": refresh_token,
            "openid": open_id(grant.person.key, grant.app.app_id),
            "scope": grant.scope,
        }

    def _open(self, asked: Mapping[str, str]) -> WechatGrant:
        """Return what the access token stands for, once it is certain that the openid is its person's."""
        require(asked.get("access_token"), 41001)
        require(asked.get("openid"), 41009)
        grant = self._find("access_token", asked["access_token"], 40001, 42001)
        require(asked["openid"] == open_id(grant.person.key, grant.app.app_id), 40003)
        return grant

    def _keep(self, kind: str, grant: WechatGrant) -> str:
        value = secrets.token_hex(16)
        self._kept[kind, value] = grant
        return value

    def _find(self, kind: str, value: str, unknown: int, expired: int) -> WechatGrant:
        grant = self._kept.get((kind, value))
        if grant is None:
            raise WechatRefusal(unknown)
        require(self.now() <= grant.expiry, expired)
        return grant


def find_app(app_id: str, missing: int, unknown: int) -> App:
    """Return the registration. Raises `WechatRefusal` with the number for a missing or an unknown one."""
    require(app_id, missing)
    for app in APPS.values():
        if app.app_id == app_id:
            return app
    raise WechatRefusal(unknown)


def check_secret(asked: Mapping[str, str]) -> App:
    """Return the registration that proves itself with its secret."""
    app = find_app(asked.get("appid", ""), 41002, 40013)
    require(asked.get("secret"), 41004)
    require(asked["secret"] == app.secret, 40125)
    return app


def open_id(person: str, app_id: str) -> str:
    """What WeChat calls the person with this key for one app."""
    return make_id(app_id, person)


def union_id(person: str) -> str:
    """What WeChat calls the person with this key across the apps of one open-platform account."""
    return make_id("open platform", person)


def make_id(scope: str, key: str) -> str:
    """An id as long as WeChat's."""
    digest = hashlib.sha256(f"{scope}\0{key}".encode()).digest()
    return "o" + base64.urlsafe_b64encode(digest).decode()[:27]
