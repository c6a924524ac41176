"""What the loopback double knows of people: their ids, what they agreed to, and the three calls a login makes.

https://opendocs.alipay.com/apis/api_9/alipay.system.oauth.token
https://opendocs.alipay.com/apis/api_2/alipay.user.info.share
https://opendocs.alipay.com/apis/api_49/alipay.open.app.alipaycert.download
"""

import hashlib
import secrets
import string
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from connect_alipay.sandbox_refusals import AlipayRefusal, require
from connect_core.plugin import IdKind
from connect_core.sandbox import Person

DAY = 24 * 3600
CODE_LIFE = 180
TOKEN_LIFE = 15 * DAY
REFRESH_LIFE = 30 * DAY
GMT8 = timezone(timedelta(hours=8))
LETTERS = string.digits + string.ascii_letters

Found = dict[str, object]


@dataclass(frozen=True, slots=True)
class AlipayGrant:
    """What a person agreed to, behind a code or a token; `expiry` in epoch seconds. Lasting ones do not wear out."""

    app_id: str
    person: Person
    scope: str
    expiry: float
    is_lasting: bool = False
    is_used: bool = False


def user_id(person: str) -> str:
    """What Alipay calls the person with this key everywhere: 16 digits."""
    return f"2088{int(_digest('user', person), 16) % 10**12:012}"


def union_id(person: str) -> str:
    """What Alipay calls the person with this key across the apps of one group."""
    return _letters("union", person)


def open_id(person: str, app_id: str) -> str:
    """What Alipay calls the person with this key for one app: 47 letters and digits, in which case matters."""
    return _letters(app_id, person)


class AlipayGrants:
    """Codes and tokens under way."""

    def __init__(self, now: Callable[[], float], id_kinds: Collection[IdKind], *, expiry_as_text: bool) -> None:
        """`id_kinds`: which ids answers hold; `expiry_as_text`: `expires_in` as a text, as Alipay documents it."""
        self.now = now
        self.id_kinds = id_kinds
        self.expiry_as_text = expiry_as_text
        self._grants: dict[tuple[str, str], AlipayGrant] = {}
        self._lasting: dict[str, Found] = {}

    def issue_code(self, app_id: str, person: Person, scope: str, *, is_lasting: bool = False) -> str:
        """Return a code of 32 characters: for one use within three minutes, unless lasting."""
        grant = AlipayGrant(app_id, person, scope, self.now() + (REFRESH_LIFE if is_lasting else CODE_LIFE), is_lasting)
        return self._keep("code", secrets.token_hex(16), grant)

    def exchange(self, asked: Mapping[str, str], app_id: str) -> Found:
        """Answer `alipay.system.oauth.token`."""
        match asked.get("grant_type"):
            case "authorization_code":
                return self._redeem(asked.get("code", ""), app_id)
            case "refresh_token":
                return self._refresh(asked.get("refresh_token", ""), app_id)
            case _:
                raise AlipayRefusal("isv.grant-type-invalid")

    def tell_person(self, token: str, app_id: str) -> Found:
        """Answer `alipay.user.info.share`, without its code and message."""
        grant = self._grants.get(("access_token", token))
        if grant is None or grant.app_id != app_id or grant.scope == "auth_base":
            raise AlipayRefusal("aop.invalid-auth-token")
        require(self.now() <= grant.expiry, "aop.auth-token-time-out")
        person = grant.person
        told = {
            "avatar": person.face,
            "city": person.city,
            "gender": {1: "m", 0: "f", None: ""}[person.sex],
            "nick_name": person.nickname,
            "province": person.province,
            # apps that were approved in 2020 or later are not told
            "is_certified": "T" if set(self.id_kinds) == {IdKind.USER_ID} else "",
        }
        return {name: value for name, value in told.items() if value} | self.ids_of(person.key, app_id)

    def ids_of(self, person: str, app_id: str) -> Found:
        """Return the ids that the app is told."""
        known = {
            IdKind.USER_ID: user_id(person),
            IdKind.OPEN_ID: open_id(person, app_id),
            IdKind.UNION_ID: union_id(person),
        }
        return {kind.value: value for kind, value in known.items() if kind in self.id_kinds}

    def _redeem(self, code: str, app_id: str) -> Found:
        """Spend the code, whatever comes of it."""
        grant = self._grants.get(("code", code))
        if grant is None:
            raise AlipayRefusal("isv.code-invalid")
        self._grants["code", code] = replace(grant, is_used=not grant.is_lasting)
        require(not grant.is_used and grant.app_id == app_id and self.now() <= grant.expiry, "isv.code-invalid")
        if not grant.is_lasting:
            return self._tokens(grant)
        if code not in self._lasting:
            self._lasting[code] = self._tokens(grant) | {"auth_token_type": "permanent"}
        return self._lasting[code]

    def _refresh(self, token: str, app_id: str) -> Found:
        grant = self._grants.get(("refresh_token", token))
        if grant is None or grant.app_id != app_id:
            raise AlipayRefusal("isv.refresh-token-invalid")
        require(self.now() <= grant.expiry, "isv.refresh-token-time-out")
        require(not grant.is_used, "isv.refreshed-token-invalid")
        self._grants["refresh_token", token] = replace(grant, is_used=True)
        return self._tokens(grant)

    def _tokens(self, grant: AlipayGrant) -> Found:
        def token(kind: str, life: int) -> str:
            prefix = "authbseB" if grant.scope == "auth_base" else "authusrB"
            return self._keep(kind, prefix + secrets.token_hex(16), replace(grant, expiry=self.now() + life))

        lives = {"expires_in": TOKEN_LIFE, "re_expires_in": REFRESH_LIFE}
        old_id = {"alipay_user_id": _letters("old", grant.person.key)} if IdKind.USER_ID in self.id_kinds else {}
        return {
            "access_token": token("access_token", TOKEN_LIFE),
            **old_id,
            "auth_start": datetime.fromtimestamp(self.now(), GMT8).strftime("%Y-%m-%d %H:%M:%S"),
            **({name: str(life) for name, life in lives.items()} if self.expiry_as_text else lives),
            "refresh_token": token("refresh_token", REFRESH_LIFE),
            **self.ids_of(grant.person.key, grant.app_id),
        }

    def _keep(self, kind: str, value: str, grant: AlipayGrant) -> str:
        self._grants[kind, value] = grant
        return value


def _digest(scope: str, key: str) -> str:
    return hashlib.sha256(f"{scope}\0{key}".encode()).hexdigest()


def _letters(scope: str, key: str) -> str:
    number = int(hashlib.sha512(f"{scope}\0{key}".encode()).hexdigest(), 16)
    return "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(47))
