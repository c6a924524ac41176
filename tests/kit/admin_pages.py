"""Shops with the admin page switched on, and browsers of administrators who are signed in to it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html import unescape
from typing import Any

import httpx

from connect_core.acts import OperatorAct
from connect_core.administrators.accounts import Accounts
from connect_core.administrators.roles import Role
from connect_core.crypto import hash_password
from connect_core.crypto.one_time_passwords import get_totp, new_totp_secret
from connect_core.harness import RunningShop
from connect_core.sandbox import Sandbox
from connect_core.store import Database

from .clock import Clock
from .databases import Change, run_shop
from .web_shops import HTML

PASSWORD = "the password of an administrator"
_HASH = hash_password(PASSWORD)  # once: it takes 50 ms
_TOKEN = re.compile('name="form_token" value="([0-9a-f]+)"')


class AdminBrowser:
    """A browser on the admin page; it does what a person does there, with the hidden fields of the forms."""

    def __init__(self, shop: RunningShop, language: str = "en") -> None:
        headers = {**HTML, "origin": shop.url, "accept-language": language}
        self.shop = shop
        self.http = httpx.Client(headers=headers, timeout=20)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request to a path below `/connect/admin`, and follow no redirect."""
        return self.http.request(method, f"{self.shop.url}/connect/admin{path}", **options)

    def get(self, path: str, **parameters: str) -> httpx.Response:
        """Open a page, and follow redirects."""
        return self.request("GET", path, params=parameters, follow_redirects=True)

    def sign_in(self, name: str, totp: str, password: str = PASSWORD, page: str = "") -> httpx.Response:
        """Post the sign-in form."""
        fields = {"name": name, "password": password, "totp": totp, "next": page}
        return self.request("POST", "/sign-in", data=fields)

    def post(self, path: str, page: str, **fields: str) -> httpx.Response:
        """Post a form that is on `page`, with its token."""
        token = _TOKEN.search(self.get(page).text)
        assert token, f"{page} has no form"
        return self.request("POST", path, data={"form_token": token[1], **fields})

    def close(self) -> None:
        """Close its connections."""
        self.http.close()


class AdminShop:
    """A running shop with the admin page and an administrator of each role, named after it."""

    def __init__(self, shop: RunningShop, clock: Clock) -> None:
        self.shop, self.clock = shop, clock
        self.secrets: dict[str, str] = {}

    def create(self, name: str, role: Role) -> None:
        """Create an administrator with `PASSWORD` and a one-time password."""
        self.secrets[name] = new_totp_secret()
        with closing(Database(self.shop.database_url)) as database:
            accounts = Accounts(database, self.shop.manager.settings.service.keys, lambda: int(self.clock()))
            act = OperatorAct("tests", "", "0" * 16)
            asyncio.run(accounts.create(name, role, act, password_hash=_HASH, totp_secret=self.secrets[name]))

    def get_totp(self, name: str) -> str:
        """Return the one-time password of an administrator now, after moving the clock to a step of its own."""
        self.clock.advance(31)
        return get_totp(self.secrets[name], int(self.clock()))

    @contextmanager
    def browsing(self, name: str = "", language: str = "en") -> Iterator[AdminBrowser]:
        """Open a browser, signed in as `name` if given."""
        with closing(AdminBrowser(self.shop, language)) as browser:
            if name:
                answer = browser.sign_in(name, self.get_totp(name))
                assert answer.status_code == 303, answer.text
            yield browser


@contextmanager
def run_admin_shop(
    sandboxes: dict[str, Sandbox] | None = None, *, change: Change = lambda _: None, **options: Any
) -> Iterator[AdminShop]:
    """Run a shop with the admin page; `change` may alter its configuration."""
    clock = Clock()

    def enable(raw: dict[str, Any]) -> None:
        raw["admin"] = {"enabled": True}
        change(raw)

    with run_shop(sandboxes or {}, change=enable, now=clock, **options) as shop:
        yield AdminShop(shop, clock)


def get_text(response: httpx.Response) -> str:
    """Return what a page says, without its markup."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", response.text)).split())
