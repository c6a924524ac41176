"""Alipay's error codes and the exception that each one becomes.

Common codes: https://opendocs.alipay.com/common/02km9f
Codes of the token call: https://opendocs.alipay.com/open/02ailc

Reads answers that are parsed already; makes no call and verifies no signature.
"""

from collections.abc import Mapping

from connect_core.plugin import (
    CodeInvalid,
    ProviderConfig,
    ProviderDenied,
    ProviderFault,
    ProviderRefused,
    is_absent,
    read_text,
)

SUCCESS = "10000"
CLASSES: Mapping[str, type[CodeInvalid | ProviderDenied | ProviderFault]] = {
    # The code or token was used, has expired or belongs to another app: the person starts again.
    "isv.code-invalid": CodeInvalid,
    "isv.refresh-token-invalid": CodeInvalid,
    "isv.refresh-token-time-out": CodeInvalid,
    "isv.refreshed-token-invalid": CodeInvalid,
    "aop.invalid-auth-token": CodeInvalid,
    "aop.auth-token-time-out": CodeInvalid,
    "aop.invalid-app-auth-token": CodeInvalid,
    "aop.invalid-app-auth-token-no-api": CodeInvalid,
    "aop.app-auth-token-time-out": CodeInvalid,
    "aop.no-product-reg-by-partner": CodeInvalid,
    "AUTH_CODE_NOT_EXIST": CodeInvalid,
    "20001": CodeInvalid,
    # The person withdrew the consent.
    "isv.invalid-auth-relations": ProviderDenied,
    # Alipay is busy, or the app is over its call limit.
    "aop.unknow-error": ProviderRefused,
    "20000": ProviderRefused,
    "40005": ProviderRefused,
    # The shop's registration: a parameter, signature, app id, clock, certificate or permission is wrong.
    "40001": ProviderConfig,
    "40002": ProviderConfig,
    "40006": ProviderConfig,
}

_CONSOLE_KEY = "Upload the public key of private_key in Alipay's console, or give the private key of the one there."
_CERTIFICATES = "Give app_cert, alipay_cert and alipay_root_cert as the console has them now for this app."
REMEDIES: Mapping[str, str] = {
    "isv.invalid-app-id": "Compare app_id with the console; an app of Alipay's sandbox exists there alone.",
    "isv.invalid-signature": _CONSOLE_KEY,
    "isv.missing-signature-key": _CONSOLE_KEY,
    "isv.missing-app-cert-sn": f"The console has this app in certificate mode. {_CERTIFICATES}",
    "isv.app-cert-not-exist": _CERTIFICATES,
    "isv.invalid-alipay-root-cert-sn": _CERTIFICATES,
    "isv.missing-alipay-root-cert-sn": _CERTIFICATES,
    "isv.invalid-timestamp": "Set this machine's clock with NTP.",
    "isv.missing-encrypt-key": "Set the AES key in the console, or remove aes_key.",
    "isv.invalid-encrypt": "Compare aes_key with the one in the console.",
    "isv.insufficient-isv-permissions": "Add the product 获取会员信息 to the app in the console.",
}
"""What the operator does about a refusal, by Alipay's sub code."""


def is_refusal(data: Mapping[str, object]) -> bool:
    """Return whether an answer is a failure. A successful token answer has no `code`, so a missing one is a success."""
    code = data.get("code")
    return not is_absent(data.get("sub_code")) or not (is_absent(code) or read_text(code) == SUCCESS)


def get_refusal(
    method: str, data: Mapping[str, object], trace_id: str = "", *, is_signed: bool = True
) -> CodeInvalid | ProviderDenied | ProviderFault:
    """Return the exception for the failure `data` of `method`. A V3 answer has the sub code in `code`.

    `is_signed` is False for a failure that no known key has signed, which says nothing about Alipay's key.
    """
    vendor = get_vendor_codes(data, trace_id) | ({} if is_signed else {"signature": "missing"})
    sub_code, code = vendor.get("sub_code", ""), vendor.get("code", "")
    return _class_of(sub_code, code)(f"{method} answered {sub_code or code or 'a failure'}", vendor=vendor)


def get_vendor_codes(data: Mapping[str, object], trace_id: str = "") -> dict[str, str]:
    """Return the codes of a failure that may be logged.

    `sub_msg` is left out: for `isv.invalid-signature` it quotes the whole signed text, with code and token.
    """
    codes = {"sub_code": data.get("sub_code"), "code": data.get("code"), "trace_id": trace_id}
    return {key: text for key, value in codes.items() if (text := _printable(value))}


def _class_of(sub_code: str, code: str) -> type[CodeInvalid | ProviderDenied | ProviderFault]:
    for name in (sub_code, code):
        if name in CLASSES:
            return CLASSES[name]
        if name.startswith("isp."):
            return ProviderRefused
    return ProviderConfig if (sub_code or code).startswith("isv.") else ProviderRefused


def _printable(value: object) -> str:
    return "".join(c for c in read_text(value)[:64] if "!" <= c <= "~")
