"""Alipay's message that a person no longer allows the app to log them in.

https://opendocs.alipay.com/open/b4f0d4cf_alipay.open.auth.userauth.cancelled
Its signature: https://opendocs.alipay.com/common/02mse7

Reads a message that the app's gateway address (应用网关) receives. Makes no call and reads no clock. The members of a
message are as in an example of kysion/alipay-library.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from connect_alipay.signature import get_signed_text, is_signed_by
from connect_core.plugin import (
    NoticeAnswer,
    NoticeKind,
    NoticeRequest,
    PersonId,
    ProviderBadResponse,
    ProviderUnsigned,
    RsaPublicKey,
    VendorNotice,
    get_notice_expiry,
    is_absent,
    parse_object,
    read_number,
)

CANCELLED = "alipay.open.auth.userauth.cancelled"
CHARSETS = {"utf-8": "utf-8", "gbk": "gbk"}
RECEIVED = NoticeAnswer(content="success")
"""The answer without which Alipay sends a message again."""


def read_message(request: NoticeRequest, app_id: str, key: RsaPublicKey, now: float) -> NoticeAnswer:
    """Return what a message for the app `app_id`, signed with Alipay's `key`, tells; nothing for one of another kind.

    Raises `ProviderUnsigned` for a message without Alipay's signature, and `ProviderBadResponse` for another app's, one
    that is too old at `now` (epoch seconds), and one that is not as documented.
    """
    form, charset = _read_form(request)
    _check_signature(form, charset, key)
    if form.get("app_id") != app_id:
        raise ProviderBadResponse("app_id: the message is another app's")
    expiry_time = get_notice_expiry((read_number(form.get("utc_timestamp")) or 0) / 1000, now)
    if form.get("msg_method") != CANCELLED:
        return RECEIVED
    if not (message_id := form.get("notify_id")):
        raise ProviderBadResponse("notify_id is missing")
    person = _read_person(parse_object(form.get("biz_content", "")), app_id)
    notice = VendorNotice(NoticeKind.CONSENT_WITHDRAWN, person, message_id, expiry_time)
    return NoticeAnswer((notice,), RECEIVED.content)


def _read_form(request: NoticeRequest) -> tuple[Mapping[str, str], str]:
    text = request.content.decode("latin-1")
    charset = CHARSETS.get(dict(parse_qsl(text)).get("charset", "utf-8").lower())
    if charset is None:
        raise ProviderBadResponse("charset of the message is neither UTF-8 nor GBK")
    pairs = parse_qsl(text, keep_blank_values=True, encoding=charset)
    form = dict(pairs)
    if len(form) < len(pairs):
        raise ProviderBadResponse("a parameter of the message comes twice")
    return form, charset


def _check_signature(form: Mapping[str, str], charset: str, key: RsaPublicKey) -> None:
    # sign_type is not signed in most messages of Alipay, and signed in some older ones
    signed = {name: value for name, value in form.items() if name != "sign"}
    without_type = {name: value for name, value in signed.items() if name != "sign_type"}
    texts = [get_signed_text(parameters).encode(charset, "replace") for parameters in (without_type, signed)]
    if form.get("sign_type") != "RSA2" or not any(is_signed_by(key, form.get("sign", ""), text) for text in texts):
        raise ProviderUnsigned("the message has no signature of Alipay's")


def _read_person(content: Mapping[str, object], app_id: str) -> PersonId:
    if content.get("app_id", app_id) != app_id:
        raise ProviderBadResponse("biz_content: the person is another app's")
    if is_absent(content.get("user_id")):
        return PersonId.open_id(content.get("open_id"), app_id)
    return PersonId.user_id(content["user_id"])
