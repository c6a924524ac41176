"""What Alipay's error codes mean for a login. Turns a failure into an exception; never decides whether to believe it.

Common codes: https://opendocs.alipay.com/common/02km9f
Codes of the token call: https://opendocs.alipay.com/open/02ailc
"""

from collections.abc import Mapping

from connect_core.plugin import CodeInvalid, ProviderConfig, ProviderDenied, ProviderFault, ProviderRefused

SUCCESS = "10000"
CLASSES: Mapping[str, type[CodeInvalid | ProviderDenied | ProviderFault]] = {
    # the code or its token is spent, expired or another app's: the person starts again
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
    # the person withdrew
    "isv.invalid-auth-relations": ProviderDenied,
    # not now
    "aop.unknow-error": ProviderRefused,
    "20000": ProviderRefused,
    "40005": ProviderRefused,
    # our registration: a parameter, signature, app id, clock, certificate or permission
    "40001": ProviderConfig,
    "40002": ProviderConfig,
    "40006": ProviderConfig,
}


def is_refusal(data: Mapping[str, object]) -> bool:
    """Tell whether an answer is a failure; the token call's success carries no code at all."""
    return bool(data.get("sub_code")) or data.get("code", SUCCESS) != SUCCESS


def get_refusal(
    method: str, data: Mapping[str, object], trace_id: str = ""
) -> CodeInvalid | ProviderDenied | ProviderFault:
    """Return the exception for a failure that `method` met; V3 has the sub code in `code`."""
    vendor = get_vendor_codes(data, trace_id)
    sub_code, code = vendor.get("sub_code", ""), vendor.get("code", "")
    return _class_of(sub_code, code)(f"{method} answered {sub_code or code or 'a failure'}", vendor=vendor)


def get_vendor_codes(data: Mapping[str, object], trace_id: str = "") -> dict[str, str]:
    """Return what the log may know of a failure.

    `sub_msg` stays out: that of `isv.invalid-signature` quotes the whole signed text, code and token included.
    """
    found = {"sub_code": data.get("sub_code"), "code": data.get("code"), "trace_id": trace_id}
    return {key: text for key, value in found.items() if (text := _printable(value))}


def _class_of(sub_code: str, code: str) -> type[CodeInvalid | ProviderDenied | ProviderFault]:
    for name in (sub_code, code):
        if name in CLASSES:
            return CLASSES[name]
        if name.startswith("isp."):
            return ProviderRefused
    return ProviderConfig if (sub_code or code).startswith("isv.") else ProviderRefused


def _printable(value: object) -> str:
    return "".join(c for c in value[:64] if "!" <= c <= "~") if isinstance(value, str) else ""
