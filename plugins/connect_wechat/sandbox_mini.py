"""The double's mini program: what `wx.login` and the phone button hand out on the phone, and the calls behind them.

Login: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html
Phone: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html
App token: https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
"""

import base64
import json
import secrets
from collections.abc import Mapping

from connect_core.plugin import ClientType, encrypt_aes_cbc, sha1_hex
from connect_core.sandbox import Person
from connect_wechat.sandbox_grants import APPS, TOKEN_LIFE, Found, WechatGrants, check_secret, open_id
from connect_wechat.sandbox_refusals import require

OVERLAP = 300
"""Seconds for which a replaced app token still works, and before its end that a stable one is replaced."""
APP = APPS[ClientType.MINI]


class MiniProgram:
    """One mini program on any number of phones."""

    def __init__(self, grants: WechatGrants) -> None:
        self._grants = grants
        self._session_keys: dict[str, str] = {}
        self._app_tokens: dict[str, float] = {}
        self._current = {"token": "", "stable_token": ""}

    def wx_login(self, person: Person) -> str:
        """Return a code, as `wx.login` does; from now on the person's data is encrypted with a new session key."""
        session_key = self._session_keys[person.key] = base64.b64encode(secrets.token_bytes(16)).decode()
        return self._grants.issue_code("js_code", APP, person, session_key=session_key)

    def press_phone_button(self, person: Person, *, app_id: str = APP.app_id, age: float = 0) -> dict[str, str]:
        """Return what the phone button hands the page: `phone_code`, and the older `encryptedData` with its `iv`.

        The person has called `wx.login`; `app_id` and `age` (in seconds) go into the watermark.
        """
        iv = secrets.token_bytes(16)
        told = json.dumps(self._phone_info(person, app_id, age), separators=(",", ":")).encode()
        return {
            "phone_code": self._grants.issue_code("phone_code", APP, person),
            "encryptedData": _base64(encrypt_aes_cbc(base64.b64decode(self._session_keys[person.key]), told, iv)),
            "iv": _base64(iv),
        }

    def get_user_info(self, person: Person, **changed: object) -> dict[str, str]:
        """Return `rawData` and its `signature`, as `wx.getUserInfo` does; `changed` goes over what stands inside."""
        shown = {"nickName": "微信用户", "gender": 0, "language": "zh_CN", "city": "", "province": "", "country": ""}
        raw = json.dumps(shown | {"avatarUrl": person.face} | changed, ensure_ascii=False)
        return {"rawData": raw, "signature": sha1_hex(raw + self._session_keys[person.key])}

    def code_to_session(self, asked: Mapping[str, str]) -> Found:
        """`/sns/jscode2session`."""
        app = check_secret(asked)
        require(asked.get("grant_type") == "authorization_code", 40002)
        grant = self._grants.spend("js_code", asked.get("js_code", ""), app)
        ids = {"openid": open_id(grant.person.key, app.app_id)} | self._grants.union_of(grant)
        return {"session_key": grant.session_key, **ids}

    def give_token(self, asked: Mapping[str, str]) -> Found:
        """`/cgi-bin/token`: each one replaces the last."""
        return self._give("token", asked, is_new=True)

    def give_stable_token(self, asked: Mapping[str, str]) -> Found:
        """`/cgi-bin/stable_token`: the same one again, until shortly before its end."""
        return self._give("stable_token", asked, is_new=asked.get("force_refresh") == "true")

    def tell_phone(self, asked: Mapping[str, str]) -> Found:
        """`/wxa/business/getuserphonenumber`."""
        token = asked.get("access_token", "")
        require(token, 41001)
        require(token in self._app_tokens, 40001)
        require(self._grants.now() <= self._app_tokens[token], 42001)
        require(asked.get("code"), 47001)
        person = self._grants.spend("phone_code", asked["code"], APP).person
        return {"errcode": 0, "errmsg": "ok", "phone_info": self._phone_info(person, APP.app_id, 0)}

    def revoke_app_tokens(self) -> None:
        """Let every app token be dead, as after a new secret."""
        self._app_tokens.clear()

    def _give(self, kind: str, asked: Mapping[str, str], *, is_new: bool) -> Found:
        require(check_secret(asked) == APP, 40013)
        require(asked.get("grant_type") == "client_credential", 40002)
        token, now = self._current[kind], self._grants.now()
        if is_new or self._app_tokens.get(token, 0) - now < OVERLAP:
            if token in self._app_tokens:
                self._app_tokens[token] = min(self._app_tokens[token], now + OVERLAP)
            token = self._current[kind] = secrets.token_urlsafe(102)
            self._app_tokens[token] = now + TOKEN_LIFE
        return {"access_token": token, "expires_in": int(self._app_tokens[token] - now)}

    def _phone_info(self, person: Person, app_id: str, age: float) -> Found:
        country, _, number = person.mobile.rpartition("-")
        return {
            "phoneNumber": f"+{country}{number}" if country else number,
            "purePhoneNumber": number,
            "countryCode": country or "86",
            "watermark": {"timestamp": int(self._grants.now() - age), "appid": app_id},
        }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
