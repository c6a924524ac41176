"""The sandbox's OpenAPI (protocol V3): checks the signature in a request's header, and signs an answer.

https://opendocs.alipay.com/open-v3/054q58
https://opendocs.alipay.com/open-v3/054d0z

Knows no person and serves no HTTP.
"""

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from connect_alipay.encryption import decrypt_content
from connect_alipay.sandbox_gateway import (
    TIME_TOLERANCE,
    Registration,
    UnsignedAnswer,
    check_serials,
    choose_signer,
    sign_answer,
)
from connect_alipay.sandbox_keys import get_key
from connect_alipay.sandbox_refusals import AlipayRefusal, require
from connect_alipay.signature import is_signed_by

SCHEME = "ALIPAY-SHA256withRSA"
STALE_AGE = 3600  # seconds by which the fault `stale` dates an answer back


@dataclass(frozen=True, slots=True)
class V3Request:
    """A request to OpenAPI V3. `targets` are the spellings of path and query that its signature may cover."""

    method: str
    targets: Collection[str]
    authorization: str = field(repr=False)
    root_serial: str
    body: str = field(repr=False)
    encrypt_type: str = ""

    @property
    def claims(self) -> dict[str, str]:
        """The fields of the authorization header, without the signature."""
        text = self.authorization.partition(" ")[2].rpartition(",sign=")[0]
        return {name: value for name, _, value in (part.partition("=") for part in text.split(",")) if name}


def check_rest_request(request: V3Request, registration: Registration, now: float) -> None:
    """Raise `AlipayRefusal` unless OpenAPI V3 would accept the request. `now` is in seconds since the epoch."""
    scheme, _, rest = request.authorization.partition(" ")
    header, _, signature = rest.rpartition(",sign=")
    claims = request.claims
    require(signature, "isv.missing-signature")
    require(scheme == SCHEME, "isv.invalid-signature-type")
    require(claims.get("app_id"), "isv.missing-app-id")
    require(claims["app_id"] in registration.app_ids, "isv.invalid-app-id")
    require(claims.get("timestamp"), "isv.missing-timestamp")
    moment = int(claims["timestamp"]) / 1000 if claims["timestamp"].isdecimal() else 0
    require(abs(moment - now) <= TIME_TOLERANCE, "isv.invalid-timestamp")
    require(claims.get("nonce"), "isv.invalid-parameter")
    if registration.has_certificates:
        check_serials(claims.get("app_cert_sn", ""), request.root_serial)
    key = get_key("app").public_key()
    texts = (f"{header}\n{request.method}\n{target}\n{request.body}\n".encode() for target in request.targets)
    require(any(is_signed_by(key, signature, text) for text in texts), "isv.invalid-signature")
    require(request.encrypt_type in {"", "AES"}, "isv.invalid-encrypt-type")
    require(not request.encrypt_type or registration.content_key, "isv.missing-encrypt-key")


def read_body(request: V3Request, registration: Registration) -> dict[str, str]:
    """Return the members of the JSON body as texts; nothing for an empty body. Raises `AlipayRefusal` for no object."""
    body = request.body
    try:
        if request.encrypt_type and registration.content_key and body:
            body = decrypt_content(registration.content_key, body).decode()
        content = json.loads(body or "{}")
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise AlipayRefusal("isv.invalid-parameter")
    return {name: str(value) for name, value in content.items()}


def write_rest_answer(unsigned: UnsignedAnswer, now: float, kind: str = "") -> tuple[bytes, dict[str, str]]:
    """Return body and headers of an answer at the time `now`. The fault `kind`, if any, falsifies it."""
    unsigned, role = choose_signer(unsigned, kind)
    moment = int((now - (STALE_AGE if kind == "stale" else 0)) * 1000)
    headers = {"alipay-timestamp": str(moment), "alipay-nonce": secrets.token_hex(16)}
    signed = f"{headers['alipay-timestamp']}\n{headers['alipay-nonce']}\n{unsigned.text}\n".encode("utf-8", "replace")
    signature = sign_answer(role, signed, kind)
    if signature is not None:
        headers["alipay-signature"] = signature
    if unsigned.serial and kind != "no_cert_sn":
        headers["alipay-sn"] = unsigned.serial
    text = unsigned.text[:-1] + ',"changed":"1"}' if kind == "changed" else unsigned.text
    return text.encode("utf-8", "replace"), headers
