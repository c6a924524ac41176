"""The loopback double's gateway, protocol V2: what it asks of a request, and how it writes an answer.

Nothing here knows a person or a socket. A request must carry what Alipay asks for and be signed by the app; an answer
is signed over the exact characters of its node, and spoilt where a fault asks for it.

https://opendocs.alipay.com/common/02kf5q
"""

import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from connect_alipay.encryption import decrypt_content, encrypt_content
from connect_alipay.sandbox_grants import GMT8, Found
from connect_alipay.sandbox_keys import key_of, root_bundle, sn_of
from connect_alipay.sandbox_refusals import AlipayRefusal, require
from connect_alipay.signature import get_signed_text, is_signed_by, sign
from connect_alipay.trust import get_root_serials
from connect_core.crypto.minting import sign_with_sha1

TOKEN = "alipay.system.oauth.token"  # noqa: S105  # a method's name
PERSON = "alipay.user.info.share"
DOWNLOAD = "alipay.open.app.alipaycert.download"
METHODS = (TOKEN, PERSON, DOWNLOAD)
CHARSETS = {"utf-8": "utf-8", "gbk": "gbk", "gb2312": "gbk"}
TOLERANCE = 15 * 60

# fault: whose key signs, and whose certificate the answer names
FALSE_SIGNERS = {
    "wrong_sign": ("stranger", "alipay"),
    "own_sign": ("app", "alipay"),
    "cert_unknown": ("stranger", ""),
    "cert_rogue": ("rogue", "rogue"),
    "cert_expired": ("expired", "expired"),
    "cert_merchant": ("merchant", "merchant"),
}
LOGIN_STRING = {
    "apiname": ("com.alipay.account.auth",),
    "app_name": ("mc",),
    "auth_type": ("AUTHACCOUNT",),
    "biz_type": ("openservice",),
    "method": ("alipay.open.auth.sdk.code.get",),
    "product_id": ("APP_FAST_LOGIN",),
    "scope": ("kuaijie", "auth_user"),
    "sign_type": ("RSA2",),
}
REQUIRED = {
    "method": "isv.missing-method",
    "app_id": "isv.missing-app-id",
    "version": "isv.missing-version",
    "timestamp": "isv.missing-timestamp",
    "sign_type": "isv.missing-signature-type",
    "sign": "isv.missing-signature",
}


@dataclass(frozen=True, slots=True)
class Registration:
    """The shop as Alipay's console has it: its apps, whether they use certificates, their AES key, the partner id."""

    app_ids: tuple[str, ...]
    has_certificates: bool
    content_key: bytes | None
    pid: str


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A request: its parameters from query and form, the charset of its answer, and the names that came twice."""

    parameters: Mapping[str, str]
    charset: str
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before it is signed: the name and source text of its node, and whose key and certificate stand for it.

    `signer` is a role of `sandbox_keys`; `serial` is empty in key mode.
    """

    node: str
    text: str
    charset: str
    signer: str
    serial: str


def read_request(query: bytes, body: bytes) -> GatewayRequest:
    """Merge query and form. Both are read in the charset that the query names, else in GBK, which is Alipay's own."""
    named = dict(parse_qsl(query.decode("latin-1"))).get("charset", "gbk").lower()
    charset = CHARSETS.get(named, "utf-8")
    pairs: list[tuple[str, str]] = []
    for part in (query, body):
        pairs += parse_qsl(part.decode("latin-1"), keep_blank_values=True, encoding=charset, errors="replace")
    parameters, counted = dict(pairs), Counter(name for name, _ in pairs)
    return GatewayRequest(
        parameters,
        CHARSETS.get(parameters.get("charset", "").lower(), charset),
        tuple(name for name, count in counted.items() if count > 1),
    )


def check_request(asked: GatewayRequest, registration: Registration, now: float) -> None:
    """Raise `AlipayRefusal` for what Alipay's gateway does not let in."""
    given = asked.parameters
    for name, sub_code in REQUIRED.items():
        require(given.get(name), sub_code)
    require(not asked.repeated, "isv.suspected-attack")
    require(given["method"] in METHODS, "isv.invalid-method")
    require(given["app_id"] in registration.app_ids, "isv.invalid-app-id")
    require(given["version"] == "1.0", "isv.invalid-parameter")
    require(given.get("format", "JSON").upper() == "JSON", "isv.invalid-format")
    require(given.get("charset", "").lower() in CHARSETS, "isv.invalid-charset")
    require(given["sign_type"] == "RSA2", "isv.invalid-signature-type")
    require(abs(_epoch(given["timestamp"]) - now) <= TOLERANCE, "isv.invalid-timestamp")
    if registration.has_certificates:
        check_serials(given.get("app_cert_sn", ""), given.get("alipay_root_cert_sn", ""))
    require(is_signed_by_app(given, asked.charset), "isv.invalid-signature")
    if "encrypt_type" in given:
        require(given["encrypt_type"] == "AES", "isv.invalid-encrypt-type")
        require(registration.content_key, "isv.missing-encrypt-key")


def check_serials(app: str, root: str) -> None:
    """Raise `AlipayRefusal` unless these are the numbers of the app's certificate and of the root bundle."""
    require(app, "isv.missing-app-cert-sn")
    require(root, "isv.missing-alipay-root-cert-sn")
    require(app == sn_of("app"), "isv.app-cert-not-exist")
    require(root == get_root_serials(root_bundle()), "isv.invalid-alipay-root-cert-sn")


def is_signed_by_app(parameters: Mapping[str, str], charset: str = "utf-8") -> bool:
    """Tell whether `sign` is the app's over all other parameters, `sign_type` included."""
    text = get_signed_text({name: value for name, value in parameters.items() if name != "sign"})
    return is_signed_by(key_of("app").public_key(), parameters.get("sign", ""), text.encode(charset, "replace"))


def check_login_string(text: str, registration: Registration) -> str:
    """Return the app id in the string that starts the native SDK. Raises `ValueError` naming what it would not take.

    https://opendocs.alipay.com/open/218/105327
    """
    given = dict(parse_qsl(text, keep_blank_values=True))
    allowed = LOGIN_STRING | {"app_id": registration.app_ids, "pid": (registration.pid,)}
    wrong = sorted(name for name, values in allowed.items() if given.get(name) not in values)
    target_id = given.get("target_id", "")
    if not (target_id.isascii() and target_id.isalnum() and len(target_id) <= 32):
        wrong.append("target_id")
    if not is_signed_by_app(given):
        wrong.append("sign")
    if wrong:
        raise ValueError(f"the login string is wrong in {', '.join(wrong)}")
    return given["app_id"]


def read_content(asked: GatewayRequest, registration: Registration) -> Found:
    """Return `biz_content`, decrypted where it came encrypted. Raises `AlipayRefusal`."""
    text = asked.parameters.get("biz_content", "{}")
    try:
        if "encrypt_type" in asked.parameters and registration.content_key:
            text = decrypt_content(registration.content_key, text).decode(asked.charset)
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise AlipayRefusal("isv.invalid-encrypt" if "encrypt_type" in asked.parameters else "isv.invalid-parameter")
    return content


def write_node(found: Found, charset: str, content_key: bytes | None) -> str:
    """Return the source text of a node: an object, non-ASCII as it is, or with `content_key` a text that holds it."""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return f'"{encrypt_content(content_key, text.encode(charset, "replace"))}"' if content_key else text


def write_answer(draft: Draft, kind: str = "") -> bytes:
    """Return the body: node, number of the certificate, signature; `kind` is the fault that spoils it, if any."""
    draft, role = spoil_signer(draft, kind)
    if kind == "wrong_charset":
        draft = replace(draft, charset="gbk" if draft.charset == "utf-8" else "utf-8")
    signature = sign_answer(role, draft.text.encode(draft.charset, "replace"), kind)
    node = f'"{draft.node}":{_spoil_text(draft.text, kind)}'
    serial = f'"alipay_cert_sn":"{draft.serial}"' if draft.serial and kind != "no_cert_sn" else ""
    members = [node, serial, f'"sign":"{signature}"' if signature is not None else ""]
    match kind:
        case "reordered":
            members.reverse()
        case "duplicate_node":
            members.insert(0, f'"{draft.node}":{{"access_token":"forged","user_id":"2088000000000000"}}')
        case "stray_error":
            members.insert(0, '"error_response":{"code":"40002","sub_code":"isv.code-invalid"}')
        case "stray_node":
            members.insert(1, '"further_response":{"sign":"none","user_id":"2088000000000000"}')
    return ("{" + ",".join(filter(None, members)) + "}").encode(draft.charset, "replace")


def spoil_signer(draft: Draft, kind: str) -> tuple[Draft, str]:
    """Return the answer, naming the certificate that the fault `kind` wants, and the role whose key signs it."""
    role, named = FALSE_SIGNERS.get(kind, (draft.signer, "alipay"))
    if not draft.serial or named == "alipay":
        return draft, role
    return replace(draft, serial=sn_of(named) if named else secrets.token_hex(16)), role


def sign_answer(role: str, data: bytes, kind: str) -> str | None:
    """Return the signature of `role`, spoilt as `kind` says; None for none at all."""
    match kind:
        case "unsigned" | "unsigned_error":
            return None
        case "empty_sign":
            return ""
        case "sha1_sign":
            return sign_with_sha1(key_of(role), data)
        case _:
            return sign(key_of(role), data)


def _spoil_text(text: str, kind: str) -> str:
    match kind:
        case "changed":
            return text[:-1] + ',"changed":"1"}'
        case "escaped_slashes":
            return text.replace("/", "\\/")
        case _:
            return text


def _epoch(timestamp: str) -> float:
    """Read a time of China, `yyyy-MM-dd HH:mm:ss`; anything else lies before every tolerance."""
    try:
        moment = datetime.strptime(timestamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=GMT8)
    except ValueError:
        return 0
    return moment.astimezone(UTC).timestamp() if len(timestamp) == 19 else 0
