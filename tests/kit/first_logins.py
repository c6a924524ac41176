"""The steps of a first login in a shop that asks newcomers whether they have an account."""

from collections.abc import Mapping

import httpx

from connect_core.harness import Visitor
from connect_core.plugin import hookimpl

CHOOSE = "/connect/first-login"

PASSWORD = "correct horse battery staple"


def choosing(raw: dict[str, dict[str, object]]) -> None:
    """A shop that asks."""
    raw["service"]["first_login"] = "choose"


def choose(visitor: Visitor, **form: str) -> httpx.Response:
    """Decide on the choose page."""
    return visitor.http.post(CHOOSE, data=form, headers={"origin": visitor.shop.url})


def register(visitor: Visitor, person: str = "lihua", provider: str = "alipay") -> str:
    """Log in as a newcomer, set a password, and return the member's name."""
    login = visitor.log_in(provider, "pc", person)
    assert choose(visitor, decision="register").status_code == 303
    assert visitor.http.post("/connect/account/password", json={"password": PASSWORD}).status_code == 204
    who = visitor.who(login)
    assert who is not None
    return str(who["uname"])


class SmsCheck:
    """A shop's own check."""

    @hookimpl
    def connect_check_credentials(self, credentials: Mapping[str, str]) -> int | None:
        """Take the code that the test sends."""
        return 1 if credentials.get("sms_code") == "424242" else None
