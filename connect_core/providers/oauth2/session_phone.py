"""The phone number that a mini program hands in encrypted: `encryptedData` and `iv`, as its phone button gives them.

The vendor encrypts it with the key of the mini program's session, which stands in the answer that redeems the login's
code. The client can change the text, so only what the key opens counts, and only if it names this app. Makes no call.
"""

import base64
import logging
from collections.abc import Iterator, Mapping

from connect_core.crypto import decrypt_aes_cbc, decrypt_aes_frame
from connect_core.errors import BadRequest, ProviderBadResponse
from connect_core.http import parse_object
from connect_core.identity import VerifiedPhone
from connect_core.providers.oauth2.claims import Claims
from connect_core.providers.oauth2.quirks import Quirks
from connect_core.providers.oauth2.responses import find_value
from connect_core.vendor_values import read_text

log = logging.getLogger("connect_login")

DATA, VECTOR = "encryptedData", "iv"
"""What the client posts: the encrypted text and its initialisation vector, both in base64."""
COMMON = Claims(phone=("purePhoneNumber", "phoneNumber", "mobile"), phone_country="countryCode")
"""What WeChat calls the decrypted members, and others after it: it counts where the vendor's claims name no phone."""


def open_phone(
    parameters: Mapping[str, str], session_key: str, client_id: str, claims: Claims, quirks: Quirks
) -> VerifiedPhone | None:
    """Return the phone number in the client's `encryptedData`; None without one, and for one that does not count.

    `session_key` is base64 and belongs to the login whose code came along. What another session or another app got,
    and what was altered or cut off, leaves the login without a number. The log says so (`phone_refused`), with the
    same reason in each case: different ones would be a padding oracle for AES-CBC.
    """
    text = parameters.get(DATA, "")
    if not session_key or not text:
        return None
    try:
        parts = (session_key, text, parameters.get(VECTOR, ""))
        key, data, vector = (base64.b64decode(part, validate=True) for part in parts)
        content, receiver = _decrypt(key, data, vector, client_id, is_framed=quirks.phone_frame)
        opened = parse_object(content.decode())
        app_id = read_text(find_value(opened, quirks.phone_app_id)) if quirks.phone_app_id else receiver
        if app_id == client_id:
            # not `text`: one cipher text has several spellings in base64
            return VerifiedPhone(
                (claims if claims.phone else COMMON).read_phone(opened), base64.b64encode(data).decode()
            )
    except (ValueError, ProviderBadResponse):
        pass
    reason = f"{DATA}: this login's session key does not open it, or it is another app's; log in before the button"
    log.info("phone_refused", extra={"code": BadRequest.code, "reason": reason})
    return None


def _decrypt(key: bytes, data: bytes, vector: bytes, client_id: str, *, is_framed: bool) -> tuple[bytes, str]:
    if not is_framed:
        return decrypt_aes_cbc(key, data, vector), client_id
    message, receiver = decrypt_aes_frame(key, data, vector)
    return message, receiver.decode()


def find_phone_mistakes(claims: Claims, quirks: Quirks, *, has_code_url: bool, has_phone_url: bool) -> Iterator[str]:
    """Yield what is missing for reading a phone number, where the vendor gives one."""
    if quirks.session_key and not has_code_url:
        yield "session_key: code_url is missing, in whose answer it stands"
    if has_phone_url and not claims.phone:
        yield "phone_url: claims must say where the number stands in its answer: phone"
    if has_phone_url and not quirks.uses_in_phone_call("phone_code"):
        yield "phone_url: quirks must send {phone_code} there, for example in phone_parameters"
