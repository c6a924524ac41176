"""The sandbox's mini program: what `wx.login` and the phone button return on the phone, and the server calls for them.

Login: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html
Phone: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html
App token: https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
"""

import base64
import json
import secrets
from collections.abc import Mapping

from connect_core.plugin import ClientType, encrypt_aes_cbc, sha1_hex
from connect_core.sandbox import Person, mobile_of
from connect_wechat.sandbox_refusals import require
from connect_wechat.sandbox_tokens import APPS, TOKEN_LIFE, Fields, WechatTokens, check_secret, open_id

OVERLAP = 300
"""Seconds that a replaced app token still works, and seconds before its end that a stable one is replaced."""
APP = APPS[ClientType.MINI]


class MiniProgram:
    """One mini program, on the phones of any number of people."""

    def __init__(self, tokens: WechatTokens) -> None:
        self._tokens = tokens
        self._session_keys: dict[str, str] = {}
        self._app_tokens: dict[str, float] = {}
        self._current = {"token": "", "stable_token": ""}

    def wx_login(self, person: Person) -> str:
        """Return a code as `wx.login` does. From now on the person's data is encrypted with a new session key."""
        session_key = self._session_keys[person.key] = base64.b64encode(secrets.token_bytes(16)).decode()
        return self._tokens.issue_code("js_code", APP, person, session_key=session_key)

    def press_phone_button(self, person: Person, *, app_id: str = APP.app_id, age: float = 0) -> dict[str, str]:
        """Return what the phone button's event has: `phone_code`, and the older `encryptedData` with its `iv`.

        Call `wx_login` for the person first. `app_id` and `age` (in seconds) go into the watermark.
        """
        iv = secrets.token_bytes(16)
        content = json.dumps(self._phone_info(person, app_id, age), separators=(",", ":")).encode()
        return {
            "phone_code": self._tokens.issue_code("phone_code", APP, person),
            "encryptedData": _base64(encrypt_aes_cbc(base64.b64decode(self._session_keys[person.key]), content, iv)),
            "iv": _base64(iv),
        }

    def get_user_info(self, person: Person, **changed: object) -> dict[str, str]:
        """Return `rawData` and its `signature` as `wx.getUserInfo` does; `changed` replaces members of `rawData`."""
        profile = {"nickName": "微信用户", "gender": 0, "language": "zh_CN", "city": "", "province": "", "country": ""}
        raw = json.dumps(profile | {"avatarUrl": person.face} | changed, ensure_ascii=False)
        return {"rawData": raw, "signature": sha1_hex(raw + self._session_keys[person.key])}

    def get_session_answer(self, parameters: Mapping[str, str]) -> Fields:
        """Return the answer of `/sns/jscode2session`."""
        app = check_secret(parameters)
        require(parameters.get("grant_type") == "authorization_code", 40002)
        consent = self._tokens.spend("js_code", parameters.get("js_code", ""), app)
        ids = {"openid": open_id(consent.person.key, app.app_id)} | self._tokens.get_union_id(consent)
        return {"session_key": consent.session_key, **ids}

    def get_token_answer(self, parameters: Mapping[str, str]) -> Fields:
        """Return the answer of `/cgi-bin/token`, where each call replaces the last token."""
        return self._issue_app_token("token", parameters, is_new=True)

    def get_stable_token_answer(self, parameters: Mapping[str, str]) -> Fields:
        """Return the answer of `/cgi-bin/stable_token`: the same token again, until shortly before it expires."""
        return self._issue_app_token("stable_token", parameters, is_new=parameters.get("force_refresh") == "true")

    def get_phone_answer(self, parameters: Mapping[str, str]) -> Fields:
        """Return the answer of `/wxa/business/getuserphonenumber`."""
        token = parameters.get("access_token", "")
        require(token, 41001)
        require(token in self._app_tokens, 40001)
        require(self._tokens.now() <= self._app_tokens[token], 42001)
        require(parameters.get("code"), 47001)
        person = self._tokens.spend("phone_code", parameters["code"], APP).person
        return {"errcode": 0, "errmsg": "ok", "phone_info": self._phone_info(person, APP.app_id, 0)}

    def revoke_app_tokens(self) -> None:
        """Make every app token invalid, as WeChat does when the secret is reset."""
        self._app_tokens.clear()

    def _issue_app_token(self, kind: str, parameters: Mapping[str, str], *, is_new: bool) -> Fields:
        require(check_secret(parameters) == APP, 40013)
        require(parameters.get("grant_type") == "client_credential", 40002)
        token, now = self._current[kind], self._tokens.now()
        if is_new or self._app_tokens.get(token, 0) - now < OVERLAP:
            if token in self._app_tokens:
                self._app_tokens[token] = min(self._app_tokens[token], now + OVERLAP)
            token = self._current[kind] = secrets.token_urlsafe(102)
            self._app_tokens[token] = now + TOKEN_LIFE
        return {"access_token": token, "expires_in": int(self._app_tokens[token] - now)}

    def _phone_info(self, person: Person, app_id: str, age: float) -> Fields:
        country, _, number = mobile_of(person).rpartition("-")
        return {
            "phoneNumber": f"+{country}{number}" if country else number,
            "purePhoneNumber": number,
            "countryCode": country or "86",
            "watermark": {"timestamp": int(self._tokens.now() - age), "appid": app_id},
        }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
