"""Checks and decrypts what a mini program sends with its code: the profile and the phone number.

https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html

The client can change these values, so only what the session key signs or decrypts is taken (a nickname excepted). The
session key lives as long as one login: it is never stored, logged or sent. Makes no call.
"""

import base64
import hmac
import json
import logging
import time
from collections.abc import Mapping
from contextlib import suppress

from connect_core.plugin import (
    BadRequest,
    ProviderBadResponse,
    VerifiedPhone,
    decrypt_aes_cbc,
    get_display_text,
    parse_object,
    read_number,
    read_phone,
    sha1_hex,
)

log = logging.getLogger("connect_login")

MAX_AGE = 600  # seconds for which a phone number counts after WeChat encrypted it
CLOCK_SKEW = 60  # seconds by which WeChat's clock may be ahead of ours
ANONYMOUS = "微信用户"  # the nickname that everybody has in signed data since October 2022
PROFILE_FIELDS = {
    "nickname": "nickName",
    "headimgurl": "avatarUrl",
    "sex": "gender",
    "province": "province",
    "city": "city",
}


def encode_session(session_key: str, parameters: Mapping[str, str]) -> str:
    """Return a JSON text with the session key and the profile, for `Identity.grant`.

    `parameters` may have `rawData` with its `signature`, and `nickname`. The nickname is taken unsigned, as the name
    that the person wants to be called. A picture's address is not: every browser that shows the member would load it.
    `rawData` that this session key did not sign is passed over, and logged as `profile_refused` at level info: what
    `wx.getUserProfile` gave before `wx.login` was signed with the key of the login before.
    """
    fields: dict[str, object] = {"session_key": session_key}
    raw, signature = get_display_text(parameters, "rawData"), get_display_text(parameters, "signature")
    if hmac.compare_digest(sha1_hex(raw + session_key).encode(), signature.encode("utf-8", "surrogatepass")):
        with suppress(ProviderBadResponse):
            signed = parse_object(raw)
            fields |= {name: value for name, key in PROFILE_FIELDS.items() if (value := signed.get(key)) != ANONYMOUS}
    elif raw:
        reason = "rawData: this login's session key has not signed it; call wx.login before wx.getUserProfile"
        log.info("profile_refused", extra={"code": BadRequest.code, "reason": reason})
    if nickname := get_display_text(parameters, "nickname"):
        fields["nickname"] = nickname
    return json.dumps(fields)


def decrypt_phone(session_key: str, text: str, iv: str, app_id: str) -> VerifiedPhone | None:
    """Return the phone number in `text`, the value of `encryptedData`; all arguments but `app_id` are base64.

    None for this app's encrypted user info, which has no number.

    Raises `BadRequest` with the same message whatever is wrong: different ones would be a padding oracle for AES-CBC.
    """
    try:
        key, data, vector = (base64.b64decode(part, validate=True) for part in (session_key, text, iv))
        opened = parse_object(decrypt_aes_cbc(key, data, vector).decode())
        if _is_user_info_of(opened, app_id):
            return None
        number = find_number(opened, app_id)
        proof = base64.b64encode(data).decode()  # not `text`: one cipher text has several base64 spellings
    except (ValueError, ProviderBadResponse):
        number = proof = ""
    if not number:
        raise BadRequest("encryptedData: it does not open, or not as this app's of just now; call wx.login again")
    return VerifiedPhone(number, proof)


def _is_user_info_of(opened: Mapping[str, object], app_id: str) -> bool:
    match opened:
        case {"openId": str(), "watermark": {"appid": str(watermark_app_id)}}:
            return watermark_app_id == app_id and "purePhoneNumber" not in opened
    return False


def find_number(phone_info: object, app_id: str) -> str:
    """Return the phone number in `phone_info`, a number outside mainland China as `852-61234567`.

    Returns an empty text when it is malformed, or its watermark names another app or is older than ten minutes.
    """
    watermark = phone_info.get("watermark") if isinstance(phone_info, Mapping) else None
    if not isinstance(phone_info, Mapping) or not isinstance(watermark, Mapping):
        return ""
    timestamp = read_number(watermark.get("timestamp"))
    is_old = timestamp is None or not -CLOCK_SKEW <= int(time.time()) - timestamp <= MAX_AGE
    if is_old or watermark.get("appid") != app_id:
        return ""
    # the country code is a text in WeChat's table, a number in its example
    return read_phone(phone_info.get("purePhoneNumber"), phone_info.get("countryCode"))
