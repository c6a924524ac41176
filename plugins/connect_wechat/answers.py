"""What WeChat's API answers: JSON sent as text/plain, every error inside an HTTP 200.

Owns the reading of answers and the one table of error numbers. Never calls WeChat and knows no endpoint.

Numbers: https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
Links' own (10003 and on): https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
"""

import re
from collections.abc import Mapping

from connect_core.plugin import (
    Answer,
    CodeInvalid,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderFault,
    ProviderRefused,
    parse_object,
)

WechatError = CodeInvalid | ProviderDenied | ProviderFault

ERRORS: Mapping[int, type[WechatError]] = {
    -1: ProviderRefused,  # busy
    10003: ProviderConfig,  # redirect_uri is outside the registered domain
    10004: ProviderConfig,  # the account is banned
    10005: ProviderConfig,  # the account has no right to the scope
    10006: ProviderConfig,  # a test account, which this person does not follow
    10015: ProviderConfig,  # the account has not authorised its third-party platform
    10016: ProviderConfig,  # another kind of app id
    40001: ProviderConfig,  # the secret; for a profile, the access token
    40003: ProviderBadResponse,  # the access token is another person's
    40013: ProviderConfig,  # the app id
    40014: CodeInvalid,  # the access token
    40029: CodeInvalid,  # the code is wrong, or another app's
    40125: ProviderConfig,  # the secret
    40163: CodeInvalid,  # the code was used
    40164: ProviderConfig,  # our address is not on the allow-list
    40226: ProviderDenied,  # a person at high risk
    41002: ProviderConfig,  # no app id
    41004: ProviderConfig,  # no secret
    41008: CodeInvalid,  # no code
    42001: CodeInvalid,  # the access token expired
    42003: CodeInvalid,  # the code expired
    45009: ProviderRefused,  # over the day's limit
    45011: ProviderRefused,  # over the minute's limit
    48001: ProviderConfig,  # no permission for the call
    48004: ProviderConfig,  # the call is banned for this account
    50002: ProviderDenied,  # the person's account is frozen or closed
    61004: ProviderConfig,  # our address is not on the allow-list
}
"""What an error number is to us; one that is not listed is `ProviderRefused`."""

RETRY_AFTER = {-1: 5, 45009: 3600, 45011: 60}
"""Seconds after which a call may work again."""


def read_answer(answer: Answer) -> Mapping[str, object]:
    """Return the object that WeChat sent, which names no error. Raises as `ERRORS` says, or `ProviderBadResponse`."""
    answer.raise_for_outage()
    # no charset is declared, it is UTF-8. Broken bytes, as cut nicknames have, stay visible as surrogates: a profile
    # drops them, an id is refused for them
    found = parse_object(answer.content.decode("utf-8", "surrogateescape"), control_characters=True)
    errcode = found.get("errcode", 0)
    if not isinstance(errcode, int):
        raise ProviderBadResponse("errcode is not a number")
    if errcode:
        raise _error(errcode, str(found.get("errmsg")))
    if answer.status != 200:
        raise ProviderBadResponse(f"WeChat answered HTTP {answer.status}")
    return found


def _error(errcode: int, errmsg: str) -> WechatError:
    trace = re.search(r"\brid: ([0-9A-Za-z-]{1,64})", errmsg)
    vendor = {"errcode": str(errcode)[:12]} | ({"rid": trace[1]} if trace else {})
    error = ERRORS.get(errcode, ProviderRefused)
    return error(f"WeChat answered errcode {vendor['errcode']}", vendor=vendor, retry_after=RETRY_AFTER.get(errcode))
