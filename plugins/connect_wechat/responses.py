"""Reads the answers of WeChat's API, which sends JSON as text/plain and errors with HTTP status 200.

Error numbers: https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html

Makes no call and reads no ids.
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
    is_absent,
    parse_object,
    read_number,
)

# how the account is registered, or its state; shown on WeChat's own page
PAGE_ERRORS = (10003, 10004, 10005, 10006, 10015, 10016)
# the same, in the answer of a call
ACCOUNT_ERRORS = (40001, 40013, 40125, 40164, 40243, 41002, 41004, 48001, 48004, 50004, 50007, 61003, 61004, 89503)
ERRORS: Mapping[int, type[CodeInvalid | ProviderDenied | ProviderFault]] = {
    **dict.fromkeys((-1, 45009, 45011), ProviderRefused),  # WeChat is busy, or a call limit is reached
    **dict.fromkeys((40014, 40029, 40163, 41008, 42001, 42003), CodeInvalid),  # code or token wrong, used or expired
    **dict.fromkeys((40226, 50002), ProviderDenied),  # the person is a high risk, or frozen
    **dict.fromkeys((40003,), ProviderBadResponse),  # the token is another person's
    **dict.fromkeys((*PAGE_ERRORS, *ACCOUNT_ERRORS), ProviderConfig),
}
_ALLOW_LIST = "Add this machine's address to the IP allow-list (IP白名单) of this app at mp.weixin.qq.com."
_RIGHT = "Apply for the right to this login in WeChat's console: as a website app or verified service account."
REMEDIES: Mapping[str, str] = {
    "40001": "Compare app_secret with the AppSecret of this app_id; a secret that was reset ends the old one.",
    "40013": "Compare app_id with the AppID in WeChat's console; each client type has its own registration.",
    "40125": "Compare app_secret with the AppSecret of this app_id; a secret that was reset ends the old one.",
    "40164": _ALLOW_LIST,
    "40243": "Unfreeze the AppSecret in WeChat's console.",
    "48001": _RIGHT,
    "48004": _RIGHT,
    "50004": _RIGHT,
    "89503": _ALLOW_LIST,
}
"""What the operator does about an `errcode`."""
RETRY_AFTER = {-1: 5, 45009: 3600, 45011: 60}  # seconds after which a call may work again


def read_answer(answer: Answer) -> Mapping[str, object]:
    """Return the JSON object in a successful answer.

    Raises the class that `ERRORS` has for the `errcode`, `ProviderRefused` for any other `errcode`, and
    `ProviderBadResponse` for an answer that is no JSON object.
    """
    answer.raise_for_outage()
    # WeChat declares no charset and sends UTF-8, with broken bytes where it cut a nickname. They become surrogates,
    # which `Profile` drops and `PersonId` refuses.
    fields = parse_object(answer.content.decode("utf-8", "surrogateescape"), control_characters=True)
    errcode = 0 if is_absent(fields.get("errcode")) else read_number(fields["errcode"])
    if errcode is None:
        raise ProviderBadResponse("errcode is not a number")
    if errcode:
        trace = re.search(r"\brid: ([0-9A-Za-z-]{1,64})", str(fields.get("errmsg")))
        vendor = {"errcode": str(errcode)[:12]} | ({"rid": trace[1]} if trace else {})
        error, retry_after = ERRORS.get(errcode, ProviderRefused), RETRY_AFTER.get(errcode)
        raise error(f"WeChat answered errcode {vendor['errcode']}", vendor=vendor, retry_after=retry_after)
    if answer.status != 200:
        raise ProviderBadResponse(f"WeChat answered HTTP {answer.status}")
    return fields
