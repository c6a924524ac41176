"""The codes and tokens that the sandbox issued, what each stands for, and the ids of the people behind them.

https://opendocs.alipay.com/apis/api_9/alipay.system.oauth.token
https://opendocs.alipay.com/apis/api_2/alipay.user.info.share

Answers the token call and the profile call with plain data; signs nothing and serves no HTTP.
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
CODE_LIFE = 180  # seconds, as all lives here; Alipay documents 3 minutes to 24 hours
TOKEN_LIFE = 15 * DAY
REFRESH_LIFE = 30 * DAY
GMT8 = timezone(timedelta(hours=8))
LETTERS = string.digits + string.ascii_letters

Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class AlipayConsent:
    """What a code or token stands for: the scope that a person granted to an app.

    `expiry` is in seconds since the epoch. A lasting code (of the native SDK) may be used again.
    """

    app_id: str
    person: Person
    scope: str
    expiry: float
    is_lasting: bool = False
    is_used: bool = False


def user_id(person: str) -> str:
    """Return the id, the same in all apps, of the person with this key: 16 digits that begin with 2088."""
    return f"2088{int(_digest('user', person), 16) % 10**12:012}"


def union_id(person: str) -> str:
    """Return the id, the same in all apps of one group, of the person with this key."""
    return _letters("union", person)


def open_id(person: str, app_id: str) -> str:
    """Return the id in one app of the person with this key: 47 case-sensitive letters and digits."""
    return _letters(app_id, person)


class AlipayTokens:
    """Issues codes and tokens, and answers the calls that take them. One instance belongs to one sandbox."""

    def __init__(self, now: Callable[[], float], id_kinds: Collection[IdKind], *, expiry_as_text: bool) -> None:
        """`now` returns seconds since the epoch; the others are as in `AlipayOptions`."""
        self.now = now
        self.id_kinds = id_kinds
        self.expiry_as_text = expiry_as_text
        self._consents: dict[tuple[str, str], AlipayConsent] = {}
        self._lasting: dict[str, Fields] = {}

    def issue_code(self, app_id: str, person: Person, scope: str, *, is_lasting: bool = False) -> str:
        """Return a code of 32 characters. It works once within three minutes; a lasting one for 30 days, repeatedly."""
        consent = AlipayConsent(
            app_id, person, scope, self.now() + (REFRESH_LIFE if is_lasting else CODE_LIFE), is_lasting
        )
        return self._store("code", secrets.token_hex(16), consent)

    def get_token_answer(self, parameters: Mapping[str, str], app_id: str) -> Fields:
        """Return the answer of `alipay.system.oauth.token`. Raises `AlipayRefusal`."""
        match parameters.get("grant_type"):
            case "authorization_code":
                return self._redeem(parameters.get("code", ""), app_id)
            case "refresh_token":
                return self._refresh(parameters.get("refresh_token", ""), app_id)
            case _:
                raise AlipayRefusal("isv.grant-type-invalid")

    def get_profile_answer(self, token: str, app_id: str) -> Fields:
        """Return the answer of `alipay.user.info.share` without `code` and `msg`. Raises `AlipayRefusal`."""
        consent = self._consents.get(("access_token", token))
        if consent is None or consent.app_id != app_id or consent.scope == "auth_base":
            raise AlipayRefusal("aop.invalid-auth-token")
        require(self.now() <= consent.expiry, "aop.auth-token-time-out")
        person = consent.person
        profile = {
            "avatar": person.face,
            "city": person.city,
            "gender": {1: "m", 0: "f", None: ""}[person.sex],
            "nick_name": person.nickname,
            "province": person.province,
            # Apps approved since December 2019 do not get it; those are older that get user_id alone.
            "is_certified": "T" if set(self.id_kinds) == {IdKind.USER_ID} else "",
        }
        return {name: value for name, value in profile.items() if value} | self.get_ids(person.key, app_id)

    def get_ids(self, person: str, app_id: str) -> Fields:
        """Return the ids of the person with this key that answers to the app have."""
        ids = {
            IdKind.USER_ID: user_id(person),
            IdKind.OPEN_ID: open_id(person, app_id),
            IdKind.UNION_ID: union_id(person),
        }
        return {kind.value: value for kind, value in ids.items() if kind in self.id_kinds}

    def _redeem(self, code: str, app_id: str) -> Fields:
        consent = self._consents.get(("code", code))
        if consent is None:
            raise AlipayRefusal("isv.code-invalid")
        # Alipay spends a code with the first call, also with one that is refused.
        self._consents["code", code] = replace(consent, is_used=not consent.is_lasting)
        require(not consent.is_used and consent.app_id == app_id and self.now() <= consent.expiry, "isv.code-invalid")
        if not consent.is_lasting:
            return self._tokens(consent)
        if code not in self._lasting:
            self._lasting[code] = self._tokens(consent) | {"auth_token_type": "permanent"}
        return self._lasting[code]

    def _refresh(self, token: str, app_id: str) -> Fields:
        consent = self._consents.get(("refresh_token", token))
        if consent is None or consent.app_id != app_id:
            raise AlipayRefusal("isv.refresh-token-invalid")
        require(self.now() <= consent.expiry, "isv.refresh-token-time-out")
        require(not consent.is_used, "isv.refreshed-token-invalid")
        self._consents["refresh_token", token] = replace(consent, is_used=True)
        return self._tokens(consent)

    def _tokens(self, consent: AlipayConsent) -> Fields:
        def token(kind: str, life: int) -> str:
            prefix = "authbseB" if consent.scope == "auth_base" else "authusrB"
            return self._store(kind, prefix + secrets.token_hex(16), replace(consent, expiry=self.now() + life))

        lives = {"expires_in": TOKEN_LIFE, "re_expires_in": REFRESH_LIFE}
        old_id = {"alipay_user_id": _letters("old", consent.person.key)} if IdKind.USER_ID in self.id_kinds else {}
        return {
            "access_token": token("access_token", TOKEN_LIFE),
            **old_id,
            "auth_start": datetime.fromtimestamp(self.now(), GMT8).strftime("%Y-%m-%d %H:%M:%S"),
            **({name: str(life) for name, life in lives.items()} if self.expiry_as_text else lives),
            "refresh_token": token("refresh_token", REFRESH_LIFE),
            **self.get_ids(consent.person.key, consent.app_id),
        }

    def _store(self, kind: str, value: str, consent: AlipayConsent) -> str:
        self._consents[kind, value] = consent
        return value


def _digest(scope: str, key: str) -> str:
    return hashlib.sha256(f"{scope}\0{key}".encode()).hexdigest()


def _letters(scope: str, key: str) -> str:
    number = int(hashlib.sha512(f"{scope}\0{key}".encode()).hexdigest(), 16)
    return "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(47))
