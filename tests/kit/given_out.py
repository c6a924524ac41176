"""What the service gives out once, given out in one shop: cookies, tickets, tokens, states, hidden fields."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx

from connect_core.administrators.api_tokens import Scope
from connect_core.administrators.roles import Role
from connect_core.crypto.one_time_passwords import get_totp
from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.providers.registry import Plugins
from connect_oidc.sandbox import PlainOidcSandbox

from . import qr_logins
from .account_page import start_bind
from .admin_pages import AdminShop, get_text, run_admin_shop
from .api_clients import create
from .first_logins import CHOOSE, choosing
from .merges import Planner
from .token_services import with_servers
from .web_merges import MERGE, begin
from .web_shops import HTML, alipay_and_wechat, bearer, flow_cookies, mini_login, untouched

KEEPERS = 5
"""Administrators at whose names one-time passwords are tried: each name has few tries."""
_OPERATORS = ("es_admin", "es_admin_session", "es_admin_token", "es_admin_audit", "es_connect_setting_change")
_HIDDEN = re.compile('name="(form_token|page_subject|proof)" value="([^"]+)"')


@dataclass
class Given:
    """What was given out: the texts by name, and the header of the member to whom it was.

    `second` is another login of that member, and `other` that of another one.
    """

    texts: dict[str, str] = field(default_factory=dict)
    member: dict[str, str] = field(default_factory=dict)
    second: dict[str, str] = field(default_factory=dict)
    other: dict[str, str] = field(default_factory=dict)


@dataclass
class Bench:
    """A shop in which everything there is was given out once, and a client without cookies of its own."""

    admin: AdminShop
    given: Given
    client: httpx.Client

    @property
    def shop(self) -> RunningShop:
        """The shop."""
        return self.admin.shop


def register(visitor: Visitor, person: str) -> dict[str, str]:
    """Log in as a newcomer from the mini program; the tokens."""
    ticket = mini_login(visitor, person).json()["choice_ticket"]
    answer = visitor.http.post(CHOOSE, json={"ticket": ticket, "decision": "register"})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


def give_flows(visitor: Visitor, given: Given, begun: httpx.Response, name: str) -> None:
    """Note the state and the cookie of a login that a browser has begun."""
    state = query_of(begun.json()["login_url"])["state"]
    given.texts |= {f"state of a {name}": state, f"cookie of a {name}": [*flow_cookies(visitor).values()][-1]}


def give_tickets(visitor: Visitor, given: Given) -> None:
    """Note the tickets of an app, one for each purpose."""
    for purpose, path in {"login": "login-url", "bind": "bind", "merge": "merge", "confirmation": "confirm"}.items():
        begun = visitor.http.post(f"/connect/alipay/app/{path}", json={}, headers=given.member)
        given.texts[f"app's ticket of a {purpose}"] = begun.json()["ticket"]


def give_everything(admin: AdminShop) -> Given:
    """Have each thing given out, by the routes that give it."""
    shop, given = admin.shop, Given()
    with Visitor(shop) as member, Visitor(shop) as browser, Visitor(shop) as newcomer:
        tokens = register(member, "lihua")
        given.member = {"authorization": f"Bearer {tokens['access_token']}"}
        given.texts |= {name: tokens[name] for name in ("access_token", "refresh_token")}
        give_tickets(member, given)
        member.http.headers.update(given.member)
        give_flows(member, given, member.http.post("/connect/wechat/pc/login-url", json={}), "login")
        give_flows(member, given, start_bind(member), "bind")
        give_flows(member, given, begin(member), "merge")
        give_flows(member, given, member.http.post("/connect/alipay/pc/confirm", json={}), "confirmation")
        given.second = bearer(mini_login(browser, "lihua"))
        listed = member.http.get("/connect/sessions", headers=given.second).json()
        given.texts["id of a session"] = next(each["id"] for each in listed if each["is_this"])
        given.other = {"authorization": f"Bearer {register(browser, 'maria')['access_token']}"}
        browser.log_in("alipay", "pc", "maria")
        given.texts["session"] = browser.http.cookies["connect_session"]
        newcomer.log_in("alipay", "pc", "wangfang")
        given.texts["browser's choice"] = newcomer.http.cookies["connect_pending"]
        given.texts["uuid of browser's choice"] = given.texts["browser's choice"].partition(".")[0]
        given.texts["app's choice"] = mini_login(newcomer, "zhaoliu").json()["choice_ticket"]
        given.texts["QR code"] = urlsplit(qr_logins.start(browser)).path.rpartition("/")[2]
        given.texts["QR ticket"] = browser.http.cookies[qr_logins.COOKIE]
        second = browser.client_parameters("alipay", "mini", "maria")
        proved = member.http.post("/connect/alipay/mini/merge", json=second)
        given.texts["proof"] = proved.json()["merge_ticket"]
        by_openid = browser.http.post("/connect/oidc/pc/login-url", json={})
        give_flows(browser, given, by_openid, "login by OpenID")
        give_fields(member, browser, newcomer, given)
    give_administrators_things(admin, given)
    return given


def give_fields(member: Visitor, browser: Visitor, newcomer: Visitor, given: Given) -> None:
    """Note what the forms of pages say that they are about, and the message that the next page would show."""
    given.texts["account's page_subject"] = find_hidden(browser.http.get("/connect/account", headers=HTML))[0]
    given.texts["choice's page_subject"] = find_hidden(newcomer.http.get("/connect/first-login", headers=HTML))[0]
    page = member.http.get(MERGE, headers={**HTML, "cookie": f"connect_merge={given.texts['proof']}"})
    given.texts["merge's page_subject"], given.texts["merge page's proof"] = find_hidden(page)
    ended = browser.http.post("/connect/sessions/end", headers={**HTML, "origin": browser.shop.url})
    given.texts["flash message"] = ended.cookies["connect_flash"]
    browser.log_in("alipay", "pc", "maria")
    given.texts["session"] = browser.http.cookies["connect_session"]
    given.other = bearer(mini_login(browser, "maria"))


def find_hidden(page: httpx.Response) -> list[str]:
    """Return what the hidden fields of the last form with such a field say."""
    assert page.status_code == 200, page.text
    form = next(form for form in reversed(page.text.split("<form")) if _HIDDEN.search(form))
    return [unescape(value) for _, value in _HIDDEN.findall(form)]


def give_administrators_things(admin: AdminShop, given: Given) -> None:
    """Note what the admin page gives out: sessions, form tokens, a sign-in under way, and a set-up with its secret."""
    texts = given.texts
    texts["administrator's session"] = admin.open_session("owner")
    texts["API token"] = create(admin, "program", *Scope)
    texts["one-time password"] = admin.get_totp("owner")
    with admin.browsing() as browser:
        begun = browser.request("POST", "/sign-in/openid")
        texts["state of an administrator's sign-in"] = re.findall(r"[?;]state=([0-9a-f]+)", begun.text)[0]
        texts["cookie of an administrator's sign-in"] = begun.cookies["connect_admin_flow"]
    for whose, session in (("", texts["administrator's session"]), ("another ", admin.open_session("owner"))):
        with admin.browsing() as browser:
            browser.take_session(session)
            texts[f"form token of {whose}session"] = find_hidden(browser.get("/administrators"))[0]
            if whose:
                code = browser.post("/administrators", "/administrators", name="newcomer", role="viewer")
                texts["set-up code"] = re.findall(r"[\w-]{32}", get_text(code))[0]
                signed_out = browser.post("/sign-out", "/administrators")
                texts["administrator's flash message"] = signed_out.cookies["connect_admin_flash"]
    with admin.browsing() as browser:
        fields = {"name": "newcomer", "code": texts["set-up code"]}
        secret = re.findall(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", browser.request("POST", "/set-up", data=fields).text)
        texts["secret of a set-up"] = secret[0].replace(" ", "")
    texts["one-time password of a set-up"] = get_totp(texts["secret of a set-up"], int(admin.clock()))


@contextmanager
def run_bench() -> Iterator[Bench]:
    """The shop, with passwords, merges, QR logins, resource servers, an admin page, and newcomers who are asked."""

    def change(raw: dict[str, Any]) -> None:
        choosing(raw)
        with_servers(raw)
        raw["limits"] = {"per_address": "off", "failures_per_address": "off"}
        raw["admin"] |= {"provider": "oidc", "roles": {"operator": ["shop-admins"]}}

    sandboxes, plugins = {**alipay_and_wechat(), "oidc": PlainOidcSandbox()}, Plugins([("planner", Planner())])
    with (
        run_admin_shop(sandboxes, change=change, plugins=plugins) as admin,
        httpx.Client(base_url=admin.shop.url, timeout=20, trust_env=False) as client,
    ):
        # one-time passwords hold for seconds, and on a busy machine the test takes minutes
        admin.clock.set(admin.clock())
        for name in ("owner", *(f"keeper{number}" for number in range(KEEPERS))):
            admin.create(name, Role.OPERATOR)
        yield Bench(admin, give_everything(admin), client)


@contextmanager
def all_untouched(bench: Bench) -> Iterator[None]:
    """As `untouched`, and nothing of operators' is written either, nor is their provider asked about a code."""

    def look() -> list[object]:
        return [bench.shop.sandboxes["oidc"].called("token"), *(bench.shop.rows(table) for table in _OPERATORS)]

    before = look()
    with untouched(bench.shop):
        yield
    assert look() == before
