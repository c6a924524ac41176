"""Verifies and decrypts the phone number that a mini program got from `my.getPhoneNumber`.

https://opendocs.alipay.com/mini/api/getphonenumber

The text comes through the client, which can change it, so it counts only with Alipay's signature. Makes no call.
"""

import re
from collections.abc import Mapping
from typing import Any

from connect_alipay.encryption import decrypt_content
from connect_alipay.keys import Keys
from connect_alipay.refusals import SUCCESS, get_refusal
from connect_alipay.signature import is_signed_by
from connect_core.plugin import (
    BadRequest,
    ProviderBadResponse,
    ProviderConfig,
    VerifiedPhone,
    is_absent,
    parse_object,
    read_text,
)

NAME = "my.getPhoneNumber"
_NUMBER = re.compile("([0-9]{1,4}-)?[0-9]{5,15}")


def read_phone(phone_json: str, keys: Keys) -> VerifiedPhone | None:
    """Return the phone number in `phone_json`, or None when Alipay sent an empty one.

    `phone_json` is the JSON text that `my.getPhoneNumber` answered, with `response` and `sign`. The number is 11 digits
    for mainland China, else `country-number`.

    Raises `BadRequest` when the text is malformed, not signed by Alipay or encrypted with another app's key,
    `ProviderConfig` when `aes_key` is missing, and the exception of `get_refusal` for a failure inside.
    """
    try:
        parts = parse_object(phone_json)
    except ProviderBadResponse as error:
        raise BadRequest("phone: not the JSON text of my.getPhoneNumber") from error
    content, proof = parts.get("response"), parts.get("sign")
    if not isinstance(content, str) or not content:
        raise BadRequest("phone: response is missing")
    if not isinstance(proof, str) or not proof:
        # Alipay's page advises not to verify then. Anybody could make up a number that way.
        raise BadRequest("phone: sign is missing; set key, AES key and gateway of the mini program in Alipay's console")
    data = _verify(content, proof, _read_charset(parts), keys)
    data["sub_code"] = data.get("sub_code") or data.get("subCode")
    if read_text(data.get("code")) != SUCCESS:
        raise get_refusal(NAME, data)
    number = read_text(data.get("mobile"))
    if not _NUMBER.fullmatch(number) and not is_absent(data.get("mobile")):
        raise ProviderBadResponse("phone: mobile is not a phone number")
    return VerifiedPhone(number, proof) if number else None


def _read_charset(parts: Mapping[str, object]) -> str:
    declared = {"sign_type": "RSA2", "encrypt_type": "AES", "charset": "utf-8", **parts}
    charset = str(declared["charset"]).lower()
    if declared["sign_type"] != "RSA2" or declared["encrypt_type"] != "AES" or charset not in ("utf-8", "gbk"):
        raise BadRequest("phone: sign_type, encrypt_type and charset must be RSA2, AES and utf-8 or gbk")
    return charset


def _verify(content: str, proof: str, charset: str, keys: Keys) -> dict[str, Any]:
    # Plain JSON (a failure) is signed as it is; cipher text is signed with double quotes around it.
    is_plain = content.startswith("{")
    key = keys.trust.get_configured_key()
    if not is_signed_by(key, proof, (content if is_plain else f'"{content}"').encode(charset, "replace")):
        raise BadRequest("phone: the signature is wrong")
    if is_plain:
        return parse_object(content)
    if keys.content_key is None:
        raise ProviderConfig("aes_key is missing: phone numbers come encrypted")
    try:
        return parse_object(decrypt_content(keys.content_key, content).decode(charset))
    except ValueError:
        pass
    # Raised outside the except block: a UnicodeDecodeError as the cause would carry the number.
    raise BadRequest("phone: aes_key does not open it; it may be another app's")
