"""Facebook's callbacks of a person who removes the app, or asks for the deletion of their data.

https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback/
Deauthorization: https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow

Both are a form with a signed request, and the answer to both names a page on which the person reads what became of it.
Makes no call and reads no clock. Nothing is kept for that page: only a notice that was taken has a code.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from connect_core.plugin import (
    NoticeAnswer,
    NoticeKind,
    NoticeRequest,
    PersonId,
    ProviderBadResponse,
    ProviderUnsigned,
    VendorNotice,
    get_notice_expiry,
    parse_object,
    read_number,
    with_query,
)

ALGORITHM = "HMAC-SHA256"
HALF = 20
"""Digits of each half of a confirmation code: a name, and the proof that we made it."""
DONE = """\
Done. Confirmation code: {code}
Your logins through Facebook have ended, and the profile from Facebook that was stored with them is deleted.
An account with the shop, and the name and picture in it, stays. To have it deleted as well, ask the shop.

已完成。确认码：{code}
通过 Facebook 的登录已经结束，随登录保存的 Facebook 资料已经删除。
您在本店的账号以及其中的昵称和头像仍然保留；如果也要删除，请联系本店。
"""
UNKNOWN = """\
Unknown. There is no deletion with this confirmation code. Compare it with the one that Facebook shows, or ask the shop.

未知。没有与此确认码对应的删除请求。请与 Facebook 显示的确认码核对，或联系本店。
"""


@dataclass(frozen=True, slots=True)
class FacebookApp:
    """App ID and app secret."""

    app_id: str
    secret: bytes = field(repr=False)


def read_callback(request: NoticeRequest, app: FacebookApp, now: float) -> NoticeAnswer:
    """Return what a callback tells, with the page of its confirmation code; for a GET that page.

    Raises `ProviderUnsigned` for a request without the signature of the app's secret, and `ProviderBadResponse` for one
    that is too old at `now` (epoch seconds), or not as documented.
    """
    if request.method == "GET":
        return NoticeAnswer(content=_write_page(request.parameters, app))
    payload = _read_signed(dict(parse_qsl(request.text)).get("signed_request", ""), app)
    issued_at = read_number(payload.get("issued_at")) or 0
    expiry_time = get_notice_expiry(issued_at, now)
    person = PersonId.open_id(payload.get("user_id"), app.app_id)
    key = "\0".join((app.app_id, person.value, str(issued_at)))
    code = _make_code(app, _digest(app, "notice", key))
    page = with_query(request.url, {"app": app.app_id, "confirmation_code": code})
    answer = json.dumps({"url": page, "confirmation_code": code})
    notice = VendorNotice(NoticeKind.CONSENT_WITHDRAWN, person, key, expiry_time)
    return NoticeAnswer((notice,), answer, "application/json")


def _read_signed(signed_request: str, app: FacebookApp) -> Mapping[str, Any]:
    signature, _, encoded = signed_request.partition(".")
    if not (app.secret and hmac.compare_digest(_sign(encoded, app.secret).encode(), signature.rstrip("=").encode())):
        raise ProviderUnsigned("signed_request is missing, or not signed with the app secret")
    try:
        text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        text = ""
    payload = parse_object(text)
    if payload.get("algorithm") != ALGORITHM:
        raise ProviderBadResponse(f"algorithm of signed_request is not {ALGORITHM}")
    return payload


def _sign(encoded: str, secret: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.digest(secret, encoded.encode(), "sha256")).decode().rstrip("=")


def _write_page(parameters: Mapping[str, str], app: FacebookApp) -> str:
    code = parameters.get("confirmation_code", "")
    if not code or parameters.get("app", app.app_id) != app.app_id:
        raise ProviderBadResponse("confirmation_code is missing, or another app's")
    is_ours = hmac.compare_digest(_make_code(app, code[:HALF]).encode(), code.encode())
    return DONE.format(code=code) if is_ours else UNKNOWN


def _make_code(app: FacebookApp, name: str) -> str:
    return name + _digest(app, "confirmation", name)


def _digest(app: FacebookApp, purpose: str, text: str) -> str:
    return hmac.digest(app.secret, f"{purpose}\0{text}".encode(), "sha256").hex()[:HALF]
