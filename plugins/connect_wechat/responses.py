"""What WeChat's API answers: JSON sent as text/plain, every error inside an HTTP 200. Knows no endpoint.

Numbers: https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
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

LINK = (10003, 10004, 10005, 10006, 10015, 10016)  # on WeChat's own page: the account, or how it is set up there
ACCOUNT = (40001, 40013, 40125, 40164, 40243, 41002, 41004, 48001, 48004, 50004, 50007, 61003, 61004, 89503)
ERRORS: Mapping[int, type[CodeInvalid | ProviderDenied | ProviderFault]] = {
    **dict.fromkeys((-1, 45009, 45011), ProviderRefused),  # busy, over a limit
    **dict.fromkeys((40014, 40029, 40163, 41008, 42001, 42003), CodeInvalid),  # a code or token: wrong, used, expired
    **dict.fromkeys((40226, 50002), ProviderDenied),  # the person: at high risk, frozen
    **dict.fromkeys((40003,), ProviderBadResponse),  # the token is another person's
    **dict.fromkeys((*LINK, *ACCOUNT), ProviderConfig),
}
RETRY_AFTER = {-1: 5, 45009: 3600, 45011: 60}  # seconds after which a call may work again


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
        trace = re.search(r"\brid: ([0-9A-Za-z-]{1,64})", str(found.get("errmsg")))
        vendor = {"errcode": str(errcode)[:12]} | ({"rid": trace[1]} if trace else {})
        error, retry_after = ERRORS.get(errcode, ProviderRefused), RETRY_AFTER.get(errcode)
        raise error(f"WeChat answered errcode {vendor['errcode']}", vendor=vendor, retry_after=retry_after)
    if answer.status != 200:
        raise ProviderBadResponse(f"WeChat answered HTTP {answer.status}")
    return found
