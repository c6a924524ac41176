"""Shops with the admin page switched on, and browsers of administrators who are signed in to it."""

import asyncio
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from html import unescape
from typing import Any, TypeVar

import httpx
from argon2 import PasswordHasher

from connect_core.acts import OperatorAct
from connect_core.administrators.accounts import Accounts
from connect_core.administrators.roles import Role
from connect_core.administrators.sessions import AdministratorSessions
from connect_core.crypto.one_time_passwords import get_totp, new_totp_secret
from connect_core.harness import RunningShop
from connect_core.sandbox import Sandbox
from connect_core.store import Database

from .clock import Clock
from .databases import Change, run_shop
from .web_shops import HTML

T = TypeVar("T")
PASSWORD = "the password of an administrator"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)  # fast: tests check it often
_TOKEN = re.compile('name="form_token" value="([0-9a-f]+)"')


class AdminBrowser:
    """A browser on the admin page; it does what a person does there, with the hidden fields of the forms."""

    def __init__(self, shop: RunningShop, language: str = "en") -> None:
        headers = {**HTML, "origin": shop.url, "accept-language": language}
        self.shop = shop
        self.http = httpx.Client(headers=headers, timeout=20, trust_env=False, verify=False)

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

    def take_session(self, token: str) -> None:
        """Have the cookie of a session from now on."""
        self.http.cookies.set("connect_admin", token, domain="127.0.0.1", path="/")

    def close(self) -> None:
        """Close its connections."""
        self.http.close()


class AdminShop:
    """A running shop with the admin page and an administrator of each role, named after it."""

    def __init__(self, shop: RunningShop, clock: Clock) -> None:
        self.shop, self.clock = shop, clock
        self.secrets: dict[str, str] = {}

    def create(self, name: str, role: str) -> None:
        """Create an administrator with `PASSWORD` and a one-time password."""
        self.secrets[name] = new_totp_secret()
        with closing(Database(self.shop.database_url)) as database:
            accounts = Accounts(database, self.shop.manager.settings.service.keys, lambda: int(self.clock()))
            act = OperatorAct("tests", "", "0" * 16)
            _run(accounts.create(name, Role(role), act, password_hash=_HASH, totp_secret=self.secrets[name]))

    def get_totp(self, name: str, *, steps: int = 1, offset: int = 0) -> str:
        """Return the one-time password of an administrator after so many time steps; `offset` seconds off."""
        self.clock.advance(31 * steps)
        return get_totp(self.secrets[name], int(self.clock()) + offset)

    @contextmanager
    def browsing(self, name: str = "", language: str = "en") -> Iterator[AdminBrowser]:
        """Open a browser, with a new session of `name` if given: passwords would cost time, and are counted."""
        with closing(AdminBrowser(self.shop, language)) as browser:
            if name:
                browser.take_session(self.open_session(name))
            yield browser

    def open_session(self, name: str) -> str:
        """Return the token of a new session of a local administrator."""
        with closing(Database(self.shop.database_url)) as database:
            settings = self.shop.manager.settings.admin
            sessions = AdministratorSessions(database, settings, lambda: int(self.clock()))
            return _run(database.write(lambda tx: sessions.open(tx, name, Role.VIEWER)))


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


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Do it on a thread of its own: Playwright's loop may be running on this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def get_text(response: httpx.Response) -> str:
    """Return what a page says, without its markup."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", response.text)).split())
