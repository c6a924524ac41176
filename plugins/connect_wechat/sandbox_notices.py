"""The pushes by which the sandbox tells of a person, encrypted and signed as in WeChat's secure mode.

https://developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from xml.sax.saxutils import escape

from connect_core.plugin import NoticeRequest, encrypt_aes_cbc

TOKEN = "sandboxpushtoken"  # noqa: S105 - made up
ENCODING_AES_KEY = "sandboxEncodingAESKeyOf43LettersAndDigits0A"


def make_push(
    app_id: str, event: Mapping[str, object], now: float, *, as_xml: bool = False, aes_key: str = ENCODING_AES_KEY
) -> NoticeRequest:
    """Return a push with the members of `event`, sent at `now` (epoch seconds) for the app `app_id`."""
    message, key = write_message(event, as_xml=as_xml).encode(), base64.b64decode(f"{aes_key}=")
    plain = secrets.token_bytes(16) + len(message).to_bytes(4, "big") + message + app_id.encode()
    padding = 32 - len(plain) % 32
    padded = plain + bytes([padding]) * padding
    # the padding that the encryption adds, a block, is left out: WeChat's is there already
    encrypted = base64.b64encode(encrypt_aes_cbc(key, padded, key[:16])[:-16]).decode()
    timestamp, nonce = str(int(now)), str(secrets.randbelow(10**10))
    query = {
        "signature": sign(timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": str(event.get("FromUserName", "")),
        "encrypt_type": "aes",
        "msg_signature": sign(timestamp, nonce, encrypted),
    }
    body = write_message({"ToUserName": event.get("ToUserName", ""), "Encrypt": encrypted}, as_xml=as_xml)
    return NoticeRequest("POST", query, {"content-type": "text/xml" if as_xml else "application/json"}, body.encode())


def make_check(now: float, echo: str) -> NoticeRequest:
    """Return WeChat's check of the address, which is answered with `echo`."""
    timestamp, nonce = str(int(now)), str(secrets.randbelow(10**10))
    query = {"signature": sign(timestamp, nonce), "timestamp": timestamp, "nonce": nonce, "echostr": echo}
    return NoticeRequest("GET", query, {}, b"")


def sign(*signed: str) -> str:
    """Return the SHA-1 over the sorted texts and the token."""
    return hashlib.sha1("".join(sorted((TOKEN, *signed))).encode()).hexdigest()  # noqa: S324 - WeChat's algorithm


def write_message(members: Mapping[str, object], *, as_xml: bool) -> str:
    """Return the members in one of the two formats that the console offers."""
    if not as_xml:
        return json.dumps(members, ensure_ascii=False)
    elements = (
        f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}><![CDATA[{escape(str(value))}]]></{name}>"
        for name, value in members.items()
    )
    return f"<xml>\n{chr(10).join(elements)}\n</xml>"
