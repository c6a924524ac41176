"""The shop's registrations, and the codes and tokens that the sandbox issued with what each stands for.

Answers the calls below `/sns` with plain data; serves no HTTP.
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

Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class App:
    """A registration at WeChat.

    `page` is the path where its logins begin, empty for none; `scopes` are those it has a right to; `code_life` is the
    life of its codes in seconds.
    """

    app_id: str
    secret: str
    page: str
    scopes: tuple[str, ...]
    code_life: int


APPS = {
    ClientType.PC: App("wx5a7db0c0000000a1", "a1" * 16, QRCONNECT, ("snsapi_login",), 600),
    ClientType.H5: App("wx5a7db0c0000000a2", "a2" * 16, AUTHORIZE, ("snsapi_userinfo", "snsapi_base"), 300),
    ClientType.APP: App("wx5a7db0c0000000a3", "a3" * 16, "", ("snsapi_userinfo",), 600),
    ClientType.MINI: App("wx5a7db0c0000000a4", "a4" * 16, "", (), 300),
}


@dataclass(frozen=True, slots=True)
class WechatConsent:
    """What a code or token stands for: the scope that a person granted to an app. `expiry`: seconds since the epoch."""

    app: App
    person: Person
    scope: str
    expiry: float
    session_key: str = ""
    is_used: bool = False


class WechatTokens:
    """Issues codes and tokens, and answers the calls that take them. One instance belongs to one sandbox."""

    def __init__(self, now: Callable[[], float], *, bound: bool) -> None:
        """`now` and `bound` are as in `WechatSandbox`."""
        self.now = now
        self.bound = bound
        self._consents: dict[tuple[str, str], WechatConsent] = {}

    def issue_code(self, kind: str, app: App, person: Person, scope: str = "", session_key: str = "") -> str:
        """Return a new code. `kind` is `code`, `js_code` or `phone_code`; a code works for its own kind only."""
        return self._store(kind, WechatConsent(app, person, scope, self.now() + app.code_life, session_key))

    def spend(self, kind: str, code: str, app: App) -> WechatConsent:
        """Return what `code` stands for and mark it as used. Raises `WechatRefusal` for a code that does not work."""
        require(code, 41008)
        expired, used = (40029, 40029) if kind == "phone_code" else (42003, 40163)
        consent = self._find(kind, code, 40029, expired)
        require(consent.app == app, 40029)
        require(not consent.is_used, used)
        self._consents[kind, code] = replace(consent, is_used=True)
        return consent

    def get_token_answer(self, parameters: Mapping[str, str]) -> Fields:
        """Return the answer of `/sns/oauth2/access_token`."""
        app = check_secret(parameters)
        require(parameters.get("grant_type") == "authorization_code", 40002)
        consent = self.spend("code", parameters.get("code", ""), app)
        refresh_token = self._store("refresh_token", replace(consent, expiry=self.now() + REFRESH_LIFE))
        return self._tokens(consent, refresh_token) | self.get_union_id(consent)

    def get_refresh_answer(self, parameters: Mapping[str, str]) -> Fields:
        """Return the answer of `/sns/oauth2/refresh_token`."""
        app = find_app(parameters.get("appid", ""), 41002, 40013)
        require(parameters.get("grant_type") == "refresh_token", 40002)
        refresh_token = parameters.get("refresh_token", "")
        consent = self._find("refresh_token", refresh_token, 40030, 40030)
        require(consent.app == app, 40030)
        return self._tokens(consent, refresh_token)

    def get_profile_answer(self, parameters: Mapping[str, str]) -> Fields:
        """Return the answer of `/sns/userinfo`."""
        consent = self._check_access_token(parameters)
        require(consent.scope != "snsapi_base", 48001)
        person = consent.person
        return {
            "openid": parameters["openid"],
            "nickname": person.nickname,
            "sex": {1: 1, 0: 2, None: 0}[person.sex],
            "province": person.province,
            "city": person.city,
            "country": "",
            "headimgurl": person.face,
            "privilege": [],
        } | self.get_union_id(consent)

    def get_check_answer(self, parameters: Mapping[str, str]) -> Fields:
        """Return the answer of `/sns/auth`."""
        self._check_access_token(parameters)
        return {"errcode": 0, "errmsg": "ok"}

    def get_union_id(self, consent: WechatConsent) -> Fields:
        """Return `unionid` as a member of an answer; nothing for unbound apps and for `snsapi_base`."""
        has_union_id = self.bound and consent.scope != "snsapi_base"
        return {"unionid": union_id(consent.person.key)} if has_union_id else {}

    def _tokens(self, consent: WechatConsent, refresh_token: str) -> Fields:
        return {
            "access_token": self._store("access_token", replace(consent, expiry=self.now() + TOKEN_LIFE)),
            "expires_in": TOKEN_LIFE,
            "refresh_token": refresh_token,
            "openid": open_id(consent.person.key, consent.app.app_id),
            "scope": consent.scope,
        }

    def _check_access_token(self, parameters: Mapping[str, str]) -> WechatConsent:
        """Return what the access token stands for. Raises `WechatRefusal` unless `openid` is that person's."""
        require(parameters.get("access_token"), 41001)
        require(parameters.get("openid"), 41009)
        consent = self._find("access_token", parameters["access_token"], 40001, 42001)
        require(parameters["openid"] == open_id(consent.person.key, consent.app.app_id), 40003)
        return consent

    def _store(self, kind: str, consent: WechatConsent) -> str:
        value = secrets.token_hex(16)
        self._consents[kind, value] = consent
        return value

    def _find(self, kind: str, value: str, unknown: int, expired: int) -> WechatConsent:
        consent = self._consents.get((kind, value))
        if consent is None:
            raise WechatRefusal(unknown)
        require(self.now() <= consent.expiry, expired)
        return consent


def find_app(app_id: str, missing: int, unknown: int) -> App:
    """Return the registration. Raises `WechatRefusal`: `missing` for an empty id, `unknown` for another one."""
    require(app_id, missing)
    for app in APPS.values():
        if app.app_id == app_id:
            return app
    raise WechatRefusal(unknown)


def check_secret(parameters: Mapping[str, str]) -> App:
    """Return the registration whose secret is in `parameters`. Raises `WechatRefusal` for a wrong secret."""
    app = find_app(parameters.get("appid", ""), 41002, 40013)
    require(parameters.get("secret"), 41004)
    require(parameters["secret"] == app.secret, 40125)
    return app


def open_id(person: str, app_id: str) -> str:
    """Return the openid, valid for one app, of the person with this key."""
    return make_id(app_id, person)


def union_id(person: str) -> str:
    """Return the unionid, the same in all apps of one open-platform account, of the person with this key."""
    return make_id("open platform", person)


def make_id(scope: str, key: str) -> str:
    """Return an id of WeChat's length, 28 characters, that follows from both arguments."""
    digest = hashlib.sha256(f"{scope}\0{key}".encode()).digest()
    return "o" + base64.urlsafe_b64encode(digest).decode()[:27]
