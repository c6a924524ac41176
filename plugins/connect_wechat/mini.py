"""What a mini program hands in beside its code. It comes through the client: the session key proves it, or nothing.

The key stays in the grant of one login: it is never stored, logged or sent. This module calls nobody.
https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html
"""

import base64
import hmac
import json
import re
import time
from collections.abc import Mapping

from connect_core.plugin import BadRequest, ProviderBadResponse, VerifiedPhone, decrypt_aes_cbc, parse_object, sha1_hex

LIFE, SKEW = 600, 60  # seconds that a number may be old, and that WeChat's clock may be ahead of ours
ANONYMOUS = "微信用户"  # everybody's name in what WeChat signs since October 2022
SHOWN = {"nickname": "nickName", "headimgurl": "avatarUrl", "sex": "gender", "province": "province", "city": "city"}


def write_grant(session_key: str, handed_in: Mapping[str, str]) -> str:
    """Return the login's grant: the key, and what the person shows. Raises `BadRequest` for `rawData` not signed.

    `nickname` alone is taken on the client's word, as what somebody wants to be called; the address of a picture is
    not, since every browser that shows the member would visit it.
    """
    shown: dict[str, object] = {"session_key": session_key}
    if raw := handed_in.get("rawData"):
        if not hmac.compare_digest(sha1_hex(raw + session_key).encode(), handed_in.get("signature", "").encode()):
            raise BadRequest("signature: it is not of this rawData and this login; call wx.login again")
        shown |= {name: value for name, key in SHOWN.items() if (value := parse_object(raw).get(key)) != ANONYMOUS}
    return json.dumps(shown | ({"nickname": handed_in["nickname"]} if "nickname" in handed_in else {}))


def open_phone(session_key: str, text: str, iv: str, app_id: str) -> VerifiedPhone:
    """Return the number in `encryptedData`. Raises `BadRequest`, of one text: CBC would tell its secrets by two."""
    try:
        key, data, vector = (base64.b64decode(part, validate=True) for part in (session_key, text, iv))
        number = find_number(parse_object(decrypt_aes_cbc(key, data, vector).decode()), app_id)
        proof = base64.b64encode(data).decode()  # not `text`, which can be spelt in several ways
    except (ValueError, ProviderBadResponse):
        number = proof = ""
    if not number:
        raise BadRequest("encryptedData: it does not open, or not as this app's of just now; call wx.login again")
    return VerifiedPhone(number, proof)


def find_number(told: object, app_id: str) -> str:
    """Return the number, from abroad as `852-61234567`; empty unless its watermark is this app's and of just now."""
    match told:
        case {
            "purePhoneNumber": str(number),
            "countryCode": str(country),
            "watermark": {"appid": str(whose), "timestamp": int(dispatched_at)},
        } if whose == app_id and -SKEW <= int(time.time()) - dispatched_at <= LIFE:
            full = number if country == "86" else f"{country}-{number}"
            return full if re.fullmatch("([0-9]{1,4}-)?[0-9]{5,15}", full) else ""
    return ""
