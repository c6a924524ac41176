"""What WeChat pushes about a person: part of the consent was withdrawn, or the account was closed.

Push and its encryption: https://developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html
Mini program: https://developers.weixin.qq.com/miniprogram/dev/server/event_push/platform/authorized_user_information_changes
Official account: https://developers.weixin.qq.com/doc/service/guide/h5/authorization_change.html
Native app: https://developers.weixin.qq.com/doc/oplatform/Mobile_App/WeChat_Login/authorization_change.html

Only WeChat's secure mode (安全模式) is taken: in the others no signature covers the content. Makes no call and reads no
clock.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from connect_core.plugin import (
    NoticeAnswer,
    NoticeKind,
    NoticeRequest,
    PersonId,
    ProviderBadResponse,
    ProviderUnsigned,
    VendorNotice,
    decrypt_aes_frame,
    get_notice_expiry,
    parse_object,
    read_number,
    read_text,
    sha1_hex,
)

LOGIN_DATA = {"", "6", "19", "20", "205", "301"}
"""Values of `RevokeInfo` for name and picture, and for all; others, such as an address, are no data of a login."""
REPEATED_WITHIN = 3600
"""Seconds within which WeChat may send a push again; it does so a few seconds apart."""
RECEIVED = NoticeAnswer(content="success")
_XML = re.compile(r"\s*<xml>(?:\s*<(\w+)>(?:<!\[CDATA\[[^\]<>]*\]\]>|[^<>&]*)</\1>)*\s*</xml>\s*")
_ELEMENT = re.compile(r"<(\w+)>(?:<!\[CDATA\[([^\]<>]*)\]\]>|([^<>&]*))</\1>")


@dataclass(frozen=True, slots=True)
class PushKeys:
    """What an app agreed with WeChat for pushes: the texts Token and EncodingAESKey (43 characters) of its console."""

    app_id: str
    token: str = field(repr=False)
    aes_key: bytes = field(repr=False)

    @classmethod
    def load(cls, app_id: str, token: str, encoding_aes_key: str) -> "PushKeys":
        """Raise `ValueError` for a text that is no EncodingAESKey."""
        key = base64.b64decode(encoding_aes_key + "=") if re.fullmatch("[A-Za-z0-9]{43}", encoding_aes_key) else b""
        if len(key) != 32:
            raise ValueError("give the EncodingAESKey of the console, 43 letters and digits")
        return cls(app_id, token, key)


def read_push(request: NoticeRequest, keys: PushKeys, now: float) -> NoticeAnswer:
    """Return what a push tells; for WeChat's check of the address, a GET, the answer that it wants.

    Raises `ProviderUnsigned` for what WeChat did not sign or encrypt, and `ProviderBadResponse` for another app's push,
    one that is too old at `now` (epoch seconds), and one that is not as documented.
    """
    query = request.parameters
    if request.method == "GET":
        _check_signature(query, "signature", keys.token)
        get_notice_expiry(read_number(query.get("timestamp")) or 0, now)
        return NoticeAnswer(content=query.get("echostr", ""))
    encrypted = _read_members(request.text).get("Encrypt", "")
    _check_signature(query, "msg_signature", keys.token, encrypted)
    expiry_time = get_notice_expiry(read_number(query.get("timestamp")) or 0, now)
    event = _read_members(_decrypt(encrypted, keys))
    kind = _find_kind(event)
    if kind is None:
        return RECEIVED
    if event.get("AppID", keys.app_id) != keys.app_id:
        raise ProviderBadResponse("AppID of the push is another app's")
    person = PersonId.open_id(event.get("OpenID"), keys.app_id)
    # a push that is sent again is encrypted anew: what it says names it
    key = "\0".join((kind, person.scope, person.value, event.get("CreateTime", ""), event.get("RevokeInfo", "")))
    return NoticeAnswer((VendorNotice(kind, person, key, expiry_time + REPEATED_WITHIN),), RECEIVED.content)


def _find_kind(event: Mapping[str, str]) -> NoticeKind | None:
    match event.get("Event", "").lower():
        case "user_authorization_revoke" if event.get("RevokeInfo", "") in LOGIN_DATA:
            return NoticeKind.CONSENT_WITHDRAWN
        case "user_authorization_cancellation":
            return NoticeKind.ACCOUNT_CLOSED
    return None


def _check_signature(query: Mapping[str, str], name: str, *secret_and_signed: str) -> None:
    signed = (*secret_and_signed, query.get("timestamp", ""), query.get("nonce", ""))
    expected = sha1_hex("".join(sorted(signed)))
    if not hmac.compare_digest(expected.encode(), query.get(name, "").encode()):
        raise ProviderUnsigned(f"{name} of the push is missing or wrong")


def _decrypt(text: str, keys: PushKeys) -> str:
    try:
        content = base64.b64decode(text, validate=True)
        message, app_id = (part.decode() for part in decrypt_aes_frame(keys.aes_key, content, keys.aes_key[:16]))
    except ValueError:
        message = app_id = ""
    if not message or app_id != keys.app_id:
        raise ProviderBadResponse("the push does not decrypt, or is for another app")
    return message


def _read_members(text: str) -> Mapping[str, str]:
    """Return the members of a push in either format, JSON or WeChat's flat XML, as texts."""
    if not text.lstrip().startswith("<"):
        return {name: read_text(value) for name, value in parse_object(text).items()}
    elements = [(name, cdata or plain) for name, cdata, plain in _ELEMENT.findall(text)] if _XML.fullmatch(text) else []
    members = dict(elements)
    if not elements or len(members) < len(elements):
        raise ProviderBadResponse("the push is neither JSON nor WeChat's XML")
    return members
