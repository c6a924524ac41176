"""The phone number that `my.getPhoneNumber` hands a mini program. Comes through the client, so the signature decides.

https://opendocs.alipay.com/mini/api/getphonenumber
"""

import re
from collections.abc import Mapping
from typing import Any

from connect_alipay.encryption import decrypt_content
from connect_alipay.keys import Keys
from connect_alipay.refusals import SUCCESS, get_refusal
from connect_alipay.signature import is_signed_by
from connect_core.plugin import BadRequest, ProviderBadResponse, ProviderConfig, VerifiedPhone, parse_object

NAME = "my.getPhoneNumber"
_NUMBER = re.compile("([0-9]{1,4}-)?[0-9]{5,15}")


def read_phone(handed_in: str, keys: Keys) -> VerifiedPhone | None:
    """Return the number in what the client handed in, JSON text with `response` and `sign`; None when it names none.

    Raises `BadRequest` when it is not Alipay's or not for this app, `ProviderConfig` without an `aes_key`, and what
    `refusals` makes of a failure inside.
    """
    try:
        parts = parse_object(handed_in)
    except ProviderBadResponse as error:
        raise BadRequest("phone: not the JSON text of my.getPhoneNumber") from error
    content, proof = parts.get("response"), parts.get("sign")
    if not isinstance(content, str) or not content:
        raise BadRequest("phone: response is missing")
    if not isinstance(proof, str) or not proof:
        # the vendor's advice for this case is not to verify, which would let anyone make up a number
        raise BadRequest("phone: sign is missing; set key, AES key and gateway of the mini program in Alipay's console")
    data = _open(content, proof, _charset(parts), keys)
    data["sub_code"] = data.get("sub_code") or data.get("subCode")
    if data.get("code") != SUCCESS:
        raise get_refusal(NAME, data)
    number = data.get("mobile") or ""
    if not isinstance(number, str) or (number and not _NUMBER.fullmatch(number)):
        raise ProviderBadResponse("phone: mobile is not a phone number")
    return VerifiedPhone(number, proof) if number else None


def _charset(parts: Mapping[str, object]) -> str:
    named = {"sign_type": "RSA2", "encrypt_type": "AES", "charset": "utf-8", **parts}
    charset = str(named["charset"]).lower()
    if named["sign_type"] != "RSA2" or named["encrypt_type"] != "AES" or charset not in ("utf-8", "gbk"):
        raise BadRequest("phone: sign_type, encrypt_type and charset must be RSA2, AES and utf-8 or gbk")
    return charset


def _open(content: str, proof: str, charset: str, keys: Keys) -> dict[str, Any]:
    """A cipher text is signed as a JSON string, with its quotes; a failure may stand there in plain JSON."""
    is_plain = content.startswith("{")
    key = keys.trust.find_own_key()
    if key is None:
        raise ProviderConfig("alipay_cert: it is not valid now")
    if not is_signed_by(key, proof, (content if is_plain else f'"{content}"').encode(charset, "replace")):
        raise BadRequest("phone: the signature is wrong")
    if is_plain:
        return parse_object(content)
    if keys.content is None:
        raise ProviderConfig("aes_key is missing: phone numbers come encrypted")
    try:
        return parse_object(decrypt_content(keys.content, content).decode(charset))
    except ValueError:
        pass
    # raised out here: a decoding error shows the number in its repr
    raise BadRequest("phone: aes_key does not open it; it may be another app's")
