"""The sandbox's gateway (protocol V2): checks a request, and writes and signs an answer.

https://opendocs.alipay.com/common/02kf5q

A request has to carry what Alipay requires and be signed by the app. An answer is signed over the exact characters of
its node, and falsified when a fault says so. Knows no person and serves no HTTP.
"""

import json
import re
import secrets
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from connect_alipay.encryption import decrypt_content, encrypt_content
from connect_alipay.sandbox_keys import get_key, get_roots, get_serial_of
from connect_alipay.sandbox_refusals import AlipayRefusal, require
from connect_alipay.sandbox_tokens import GMT8, Fields
from connect_alipay.signature import get_signed_text, is_signed_by, sign
from connect_alipay.trust import get_root_serials
from connect_core.crypto.minting import sign_with_sha1

TOKEN = "alipay.system.oauth.token"  # noqa: S105  # a method's name
PERSON = "alipay.user.info.share"
DOWNLOAD = "alipay.open.app.alipaycert.download"
METHODS = (TOKEN, PERSON, DOWNLOAD)
CHARSETS = {"utf-8": "utf-8", "gbk": "gbk", "gb2312": "gbk"}
SCOPES = {"auth_user", "auth_base"}
TIME_TOLERANCE = 15 * 60  # seconds; Alipay does not document how far a timestamp may be off

# fault: the role whose key signs, and the role whose certificate the answer names
FALSE_SIGNERS = {
    "wrong_sign": ("stranger", "alipay"),
    "own_sign": ("app", "alipay"),
    "cert_unknown": ("stranger", ""),
    "cert_rogue": ("rogue", "rogue"),
    "cert_expired": ("expired", "expired"),
    "cert_merchant": ("merchant", "merchant"),
}
# parameters of a native app's login string, each with the values that the SDK takes
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
# required parameters, each with the sub code for a request without it
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
    """The shop's apps as Alipay's console has them.

    `content_key` is the AES key, None when answers are not encrypted; `pid` is the partner id.
    """

    app_ids: tuple[str, ...]
    has_certificates: bool
    content_key: bytes | None
    pid: str


@dataclass(frozen=True, slots=True)
class V2Request:
    """A request to the gateway: its parameters from query and form, in whose `charset` the answer will be.

    `repeated` has the names of parameters that came more than once.
    """

    parameters: Mapping[str, str]
    charset: str
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnsignedAnswer:
    """An answer before it is signed.

    `node` and `text` are the name and the source text of the JSON member that gets signed. `signer` is the role in
    `sandbox_keys` whose key signs it; `serial` is that of its certificate, empty in public-key mode.
    """

    node: str
    text: str
    charset: str
    signer: str
    serial: str


def read_request(query: bytes, body: bytes) -> V2Request:
    """Return the request with query and form merged.

    Both are decoded in the charset that the query names, or in GBK, Alipay's default, when it names none.
    """
    name = dict(parse_qsl(query.decode("latin-1"))).get("charset", "gbk").lower()
    charset = CHARSETS.get(name, "utf-8")
    pairs: list[tuple[str, str]] = []
    for part in (query, body):
        pairs += parse_qsl(part.decode("latin-1"), keep_blank_values=True, encoding=charset, errors="replace")
    parameters, counted = dict(pairs), Counter(name for name, _ in pairs)
    return V2Request(
        parameters,
        CHARSETS.get(parameters.get("charset", "").lower(), charset),
        tuple(name for name, count in counted.items() if count > 1),
    )


def check_request(request: V2Request, registration: Registration, now: float) -> None:
    """Raise `AlipayRefusal` unless Alipay's gateway would accept the request. `now` is in seconds since the epoch."""
    parameters = request.parameters
    for name, sub_code in REQUIRED.items():
        require(parameters.get(name), sub_code)
    require(not request.repeated, "isv.suspected-attack")
    require(parameters["method"] in METHODS, "isv.invalid-method")
    require(parameters["app_id"] in registration.app_ids, "isv.invalid-app-id")
    require(parameters["version"] == "1.0", "isv.invalid-parameter")
    require(parameters.get("format", "JSON").upper() == "JSON", "isv.invalid-format")
    require(parameters.get("charset", "").lower() in CHARSETS, "isv.invalid-charset")
    require(parameters["sign_type"] == "RSA2", "isv.invalid-signature-type")
    require(abs(_epoch(parameters["timestamp"]) - now) <= TIME_TOLERANCE, "isv.invalid-timestamp")
    if registration.has_certificates:
        check_serials(parameters.get("app_cert_sn", ""), parameters.get("alipay_root_cert_sn", ""))
    require(is_signed_by_app(parameters, request.charset), "isv.invalid-signature")
    if "encrypt_type" in parameters:
        require(parameters["encrypt_type"] == "AES", "isv.invalid-encrypt-type")
        require(registration.content_key, "isv.missing-encrypt-key")


def check_serials(app: str, root: str) -> None:
    """Raise `AlipayRefusal` unless these are the serials of the app's certificate and of the roots."""
    require(app, "isv.missing-app-cert-sn")
    require(root, "isv.missing-alipay-root-cert-sn")
    require(app == get_serial_of("app"), "isv.app-cert-not-exist")
    require(root == get_root_serials(get_roots()), "isv.invalid-alipay-root-cert-sn")


def is_signed_by_app(parameters: Mapping[str, str], charset: str = "utf-8") -> bool:
    """Return whether `sign` is the app's signature over all other parameters, `sign_type` included."""
    text = get_signed_text({name: value for name, value in parameters.items() if name != "sign"})
    return is_signed_by(get_key("app").public_key(), parameters.get("sign", ""), text.encode(charset, "replace"))


def check_login_string(text: str, registration: Registration) -> str:
    """Return the app id in a native app's login string (https://opendocs.alipay.com/open/218/105327).

    Raises `ValueError` that names the parameters which the SDK would not take.
    """
    parameters = dict(parse_qsl(text, keep_blank_values=True))
    allowed = LOGIN_STRING | {"app_id": registration.app_ids, "pid": (registration.pid,)}
    wrong = sorted(name for name, values in allowed.items() if parameters.get(name) not in values)
    target_id = parameters.get("target_id", "")
    if not (target_id.isascii() and target_id.isalnum() and len(target_id) <= 32):
        wrong.append("target_id")
    if not is_signed_by_app(parameters):
        wrong.append("sign")
    if wrong:
        raise ValueError(f"the login string is wrong in {', '.join(wrong)}")
    return parameters["app_id"]


def read_content(request: V2Request, registration: Registration) -> Fields:
    """Return the object in `biz_content`, decrypted when the request says so. Raises `AlipayRefusal` for no object."""
    text = request.parameters.get("biz_content", "{}")
    try:
        if "encrypt_type" in request.parameters and registration.content_key:
            text = decrypt_content(registration.content_key, text).decode(request.charset)
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise AlipayRefusal("isv.invalid-encrypt" if "encrypt_type" in request.parameters else "isv.invalid-parameter")
    return content


def write_node(fields: Fields, charset: str, content_key: bytes | None) -> str:
    """Return the source text of a node: a JSON object, or with `content_key` a JSON string with its cipher text."""
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    text = re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):04x}", text)  # no charset has these
    return f'"{encrypt_content(content_key, text.encode(charset, "replace"))}"' if content_key else text


def write_answer(unsigned: UnsignedAnswer, kind: str = "") -> bytes:
    """Return the body: the node, the certificate's serial and the signature. The fault `kind`, if any, falsifies it."""
    unsigned, role = choose_signer(unsigned, kind)
    if kind == "wrong_charset":
        unsigned = replace(unsigned, charset="gbk" if unsigned.charset == "utf-8" else "utf-8")
    signature = sign_answer(role, unsigned.text.encode(unsigned.charset, "replace"), kind)
    node = f'"{unsigned.node}":{_falsify_text(unsigned.text, kind)}'
    serial = f'"alipay_cert_sn":"{unsigned.serial}"' if unsigned.serial and kind != "no_cert_sn" else ""
    members = [node, serial, f'"sign":"{signature}"' if signature is not None else ""]
    match kind:
        case "reordered":
            members.reverse()
        case "duplicate_node":
            members.insert(0, f'"{unsigned.node}":{{"access_token":"forged","user_id":"2088000000000000"}}')
        case "stray_error":
            members.insert(0, '"error_response":{"code":"40002","sub_code":"isv.code-invalid"}')
        case "stray_node":
            members.insert(1, '"further_response":{"sign":"none","user_id":"2088000000000000"}')
    return ("{" + ",".join(filter(None, members)) + "}").encode(unsigned.charset, "replace")


def choose_signer(unsigned: UnsignedAnswer, kind: str) -> tuple[UnsignedAnswer, str]:
    """Return the answer with the certificate's serial that the fault `kind` wants, and the role whose key signs it."""
    role, certificate = FALSE_SIGNERS.get(kind, (unsigned.signer, "alipay"))
    if not unsigned.serial or certificate == "alipay":
        return unsigned, role
    return replace(unsigned, serial=get_serial_of(certificate) if certificate else secrets.token_hex(16)), role


def find_link_error(link: Mapping[str, str], app_ids: Collection[str], domain: str) -> str:
    """Return what Alipay's consent page says of a wrong link, or an empty text. An empty `domain` accepts any host."""
    target = urlsplit(link.get("redirect_uri", ""))
    if link.get("app_id") not in app_ids:
        return "INVALID_APP_ID 应用不存在 · app_id is missing or unknown"
    if target.scheme not in {"http", "https"} or not target.hostname:
        return "INVALID_REDIRECT_URI 回调地址无效 · redirect_uri is missing or not absolute"
    if domain not in {"", target.hostname}:
        return "INVALID_REDIRECT_URI 授权回调地址不匹配 · redirect_uri is not on the registered host"
    if not set(link.get("scope", "").split(",")) <= SCOPES:
        return "INVALID_SCOPE 授权范围无效 · scope is missing or unknown"
    if not re.fullmatch("[a-zA-Z0-9+/=]{0,100}", link.get("state", "")):
        return "INVALID_STATE 参数错误 · state is longer than 100 characters, or not of the base64 alphabet"
    return ""


def sign_answer(role: str, data: bytes, kind: str) -> str | None:
    """Return the signature of `role` over `data`, falsified by the fault `kind`; None when the answer has none."""
    match kind:
        case "unsigned" | "unsigned_error":
            return None
        case "empty_sign":
            return ""
        case "sha1_sign":
            return sign_with_sha1(get_key(role), data)
        case _:
            return sign(get_key(role), data)


def _falsify_text(text: str, kind: str) -> str:
    match kind:
        case "changed":
            return text[:-1] + ',"changed":"1"}'
        case "escaped_slashes":
            return text.replace("/", "\\/")
        case _:
            return text


def _epoch(timestamp: str) -> float:
    # yyyy-MM-dd HH:mm:ss in China's time. For anything else 0, which is too long ago to be accepted.
    try:
        moment = datetime.strptime(timestamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=GMT8)
    except ValueError:
        return 0
    return moment.astimezone(UTC).timestamp() if len(timestamp) == 19 else 0
