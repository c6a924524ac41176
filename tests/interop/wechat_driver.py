"""The community's client of WeChat for Python, unchanged: reads a job as JSON, writes what the client made of it.

A job: the sandbox's `url`, the `website` and the `mini` program as (app id, secret), a `code` and a `js_code`, what the
phone button handed in. The client's addresses are class attributes, made to be replaced; that of the app token stands
in the one method that a subclass brings.
"""

import json
import sys
from typing import Any

from wechatpy import WeChatClient, WeChatOAuth
from wechatpy.client.api import WeChatWxa
from wechatpy.crypto import WeChatWxaCrypto
from wechatpy.exceptions import WeChatException

PHONE = "wxa/business/getuserphonenumber"


class Client(WeChatClient):
    """Where the app token comes from."""

    def fetch_access_token(self) -> Any:
        """Fetch one, as the client does of WeChat."""
        asked = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return self._fetch_access_token(url=f"{self.API_BASE_URL}cgi-bin/token", params=asked)


def tell(ask: Any) -> Any:
    """Return what was answered, or the number of the error."""
    try:
        return ask()
    except WeChatException as error:
        return {"error": error.errcode}


def log_in(job: dict[str, Any]) -> dict[str, Any]:
    """The website's login: token, check, profile, the next token; then the code once more."""
    one = WeChatOAuth(*job["website"], "https://shop.example/")
    token = tell(lambda: one.fetch_access_token(job["code"]))
    return {
        "token": token,
        "person": tell(one.get_user_info),
        "is_alive": tell(one.check_access_token),
        "next": tell(lambda: one.refresh_access_token(one.refresh_token)),
        "again": tell(lambda: one.fetch_access_token(job["code"])),
    }


def log_in_mini(job: dict[str, Any]) -> dict[str, Any]:
    """The mini program's: session, the number in both ways, with the plain app token and with a stable one."""
    client = Client(*job["mini"])
    session = client.wxa.code_to_session(job["js_code"])
    opened = WeChatWxaCrypto(session["session_key"], job["iv"], client.appid).decrypt_message(job["encryptedData"])
    asked = {"grant_type": "client_credential", "appid": client.appid, "secret": client.secret}
    first = tell(lambda: client.post(PHONE, data={"code": job["phone_codes"][0]}))
    stable = client.post("cgi-bin/stable_token", data=asked)["access_token"]
    client.session.set(client.access_token_key, stable)
    return {
        "session": session,
        "opened": opened,
        "number": first,
        "number_with_stable_token": tell(lambda: client.post(PHONE, data={"code": job["phone_codes"][1]})),
        "again": tell(lambda: client.post(PHONE, data={"code": job["phone_codes"][1]})),
    }


if __name__ == "__main__":
    job = json.load(sys.stdin)
    for kind in (WeChatOAuth, WeChatClient, WeChatWxa):
        kind.API_BASE_URL = job["url"] + "/"
    sys.stdout.write(json.dumps({"oauth": log_in(job), "mini": log_in_mini(job)}))
