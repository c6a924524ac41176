"""The loopback double's OpenAPI, protocol V3: the signature of a request's header, and of an answer's.

https://opendocs.alipay.com/open-v3/054q58 https://opendocs.alipay.com/open-v3/054d0z
"""

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from connect_alipay.encryption import decrypt_content
from connect_alipay.sandbox_gateway import TOLERANCE, Draft, Registration, check_serials, sign_answer, spoil_signer
from connect_alipay.sandbox_keys import key_of
from connect_alipay.sandbox_refusals import AlipayRefusal, require
from connect_alipay.signature import is_signed_by

SCHEME = "ALIPAY-SHA256withRSA"
STALE = 3600


@dataclass(frozen=True, slots=True)
class RestRequest:
    """A request as it came in; `targets` are the spellings of path and query under which it may have been signed."""

    method: str
    targets: Collection[str]
    authorization: str = field(repr=False)
    root_serial: str
    body: str = field(repr=False)
    encrypt_type: str = ""

    @property
    def claims(self) -> dict[str, str]:
        """What the header says before the signature."""
        text = self.authorization.partition(" ")[2].rpartition(",sign=")[0]
        return {name: value for name, _, value in (part.partition("=") for part in text.split(",")) if name}


def check_rest_request(asked: RestRequest, registration: Registration, now: float) -> None:
    """Raise `AlipayRefusal` for what OpenAPI V3 does not let in."""
    scheme, _, rest = asked.authorization.partition(" ")
    text, _, signature = rest.rpartition(",sign=")
    claims = asked.claims
    require(signature, "isv.missing-signature")
    require(scheme == SCHEME, "isv.invalid-signature-type")
    require(claims.get("app_id"), "isv.missing-app-id")
    require(claims["app_id"] in registration.app_ids, "isv.invalid-app-id")
    require(claims.get("timestamp"), "isv.missing-timestamp")
    moment = int(claims["timestamp"]) / 1000 if claims["timestamp"].isdecimal() else 0
    require(abs(moment - now) <= TOLERANCE, "isv.invalid-timestamp")
    require(claims.get("nonce"), "isv.invalid-parameter")
    if registration.has_certificates:
        check_serials(claims.get("app_cert_sn", ""), asked.root_serial)
    key = key_of("app").public_key()
    signed = (f"{text}\n{asked.method}\n{target}\n{asked.body}\n".encode() for target in asked.targets)
    require(any(is_signed_by(key, signature, one) for one in signed), "isv.invalid-signature")
    require(asked.encrypt_type in {"", "AES"}, "isv.invalid-encrypt-type")
    require(not asked.encrypt_type or registration.content_key, "isv.missing-encrypt-key")


def read_body(asked: RestRequest, registration: Registration) -> dict[str, str]:
    """Return the texts of the JSON body, none for an empty one. Raises `AlipayRefusal`."""
    body = asked.body
    try:
        if asked.encrypt_type and registration.content_key and body:
            body = decrypt_content(registration.content_key, body).decode()
        content = json.loads(body or "{}")
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise AlipayRefusal("isv.invalid-parameter")
    return {name: str(value) for name, value in content.items()}


def write_rest_answer(draft: Draft, now: float, kind: str = "") -> tuple[bytes, dict[str, str]]:
    """Return body and headers; `kind` is the fault that spoils them, if any."""
    draft, role = spoil_signer(draft, kind)
    moment = int((now - (STALE if kind == "stale" else 0)) * 1000)
    headers = {"alipay-timestamp": str(moment), "alipay-nonce": secrets.token_hex(16)}
    signed = f"{headers['alipay-timestamp']}\n{headers['alipay-nonce']}\n{draft.text}\n".encode("utf-8", "replace")
    signature = sign_answer(role, signed, kind)
    if signature is not None:
        headers["alipay-signature"] = signature
    if draft.serial and kind != "no_cert_sn":
        headers["alipay-sn"] = draft.serial
    text = draft.text[:-1] + ',"changed":"1"}' if kind == "changed" else draft.text
    return text.encode("utf-8", "replace"), headers
