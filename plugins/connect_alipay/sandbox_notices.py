"""The message by which the sandbox tells that a person has withdrawn the consent.

https://opendocs.alipay.com/open/b4f0d4cf_alipay.open.auth.userauth.cancelled
"""

import json
import secrets
from collections.abc import Mapping

from connect_alipay.sandbox_keys import get_key
from connect_alipay.signature import get_signed_text, sign
from connect_core.plugin import NoticeRequest, encode_form


def make_message(
    app_id: str, ids: Mapping[str, object], now: float, role: str = "alipay", /, **parameters: str
) -> NoticeRequest:
    """Return the message about the person with these ids, sent at `now` (epoch seconds) and signed by `role`.

    Of the ids a message has `user_id`, or `open_id` for an app that gets no other. `parameters` replace those of a
    right message.
    """
    name = "user_id" if "user_id" in ids else "open_id"
    content = {"cancel_time": int(now * 1000), name: ids[name], "app_id": app_id}
    form = {
        "app_id": app_id,
        "biz_content": json.dumps(content),
        "charset": "UTF-8",
        "msg_method": "alipay.open.auth.userauth.cancelled",
        "notify_id": secrets.token_hex(17),
        "utc_timestamp": str(int(now * 1000)),
        "version": "1.1",
        **parameters,
    }
    signed = form | {"sign_type": "RSA2", "sign": sign(get_key(role), get_signed_text(form).encode())}
    headers = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
    return NoticeRequest("POST", {}, headers, encode_form(signed))
