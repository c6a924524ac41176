"""Errors name the true thing, say when to try again, and lead to something else than the same error."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from connect_core.errors import ConnectError, Forbidden, MemberDisabled, ProviderConfig, ProviderUnsigned, RateLimited
from connect_core.harness import Visitor
from connect_core.plugin import AuthorizationRequest, AuthorizationResponse, Identity

from ...kit.account_page import bind
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import choosing, register
from ...kit.html_pages import PAGES
from ...kit.web_shops import HTML, acme_back, acme_shop, alipay_and_wechat, refused

ENGLISH = {**HTML, "accept-language": "en"}
START = "/connect/alipay/pc/login"


def ask(visitor: Visitor, path: str) -> httpx.Response:
    """As a person's browser does."""
    return visitor.http.get(path, headers=ENGLISH)


def read(page: httpx.Response) -> tuple[str, str]:
    """The title and the advice of an error page."""
    assert page.status_code >= 400, page.headers
    [(title, advice)] = re.findall(r"<h1>(.*?)</h1>\s*<p>(.*?)</p>", page.text, re.DOTALL)
    return title, unescape(advice)


def ways(visitor: Visitor, page: httpx.Response) -> list[str]:
    """Where an error page leads; each way works, but for the home of a shop that has no page there in these tests."""
    paths = [unescape(path) for path in re.findall(r'<a class="button[^"]*" href="([^"]*)"', page.text)]
    assert paths
    for path in paths:
        assert path == "/" or ask(visitor, path).status_code < 400, path
    return paths


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0, "1分钟后", "in 1 minute"),
        (60, "1分钟后", "in 1 minute"),
        (120, "2分钟后", "in 2 minutes"),
        (50 * 60, "50分钟后", "in 50 minutes"),
        (3600, "1小时后", "in 1 hour"),
        (3 * 3600, "3小时后", "in 3 hours"),
        (24 * 3600, "1天后", "in 1 day"),
    ],
)
def test_a_limit_says_how_long(seconds: int, zh: str, en: str) -> None:
    """In both languages, never as if it were a minute."""
    page = PAGES.refused("zh-CN", "rate_limited", "id", [], again=seconds)
    assert f"请在{zh}再试。" in page
    assert f"Please try again {en}." in page


def test_the_limit_of_an_address_leads_to_what_is_not_limited() -> None:
    """Neither the same start nor another page that is counted."""

    def change(raw: dict[str, Any]) -> None:
        raw["limits"] = {"per_address": "1/hour"}

    with run_shop(alipay_and_wechat(), change=change) as shop, Visitor(shop) as visitor:
        assert visitor.http.get(START).status_code == 303
        for path in (START, "/connect/handover", "/connect/h/x", f"{START}?return_to=/cart"):
            page = ask(visitor, path)
            assert read(page) == ("Too many requests", "Please try again in 1 hour.")
            assert ways(visitor, page)[0].startswith("/connect/login")
            assert page.headers["retry-after"] == "3600"


def test_the_limit_of_a_name_says_an_hour() -> None:
    """And which limit it is; the page where one can still choose something else is the way on."""

    def change(raw: dict[str, Any]) -> None:
        choosing(raw)
        raw["limits"] = {"per_username": "1/hour"}

    with run_shop(alipay_and_wechat(), change=change) as shop, Visitor(shop) as visitor:
        visitor.http.get(visitor.consent(visitor.begin("alipay", "pc")))
        form = {"decision": "join", "username": "lihua", "password": "wrong password"}
        headers = {**ENGLISH, "origin": shop.url}
        assert visitor.http.post("/connect/first-login", data=form, headers=headers).status_code == 401
        page = visitor.http.post("/connect/first-login", data=form, headers=headers)
        assert read(page) == (
            "Too many password attempts",
            "Please try again in 1 hour, or log in another way.",
        )
        assert ways(visitor, page) == ["/connect/first-login"]
        answer = visitor.http.post("/connect/first-login", data=form, headers={"origin": shop.url})
        refused(answer, 429, "rate_limited")


def test_a_young_connection_says_until_when(clock: Clock) -> None:
    """With date and time, at which it can be unlinked indeed."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"]["unbind_after"] = 3600

    with run_shop(alipay_and_wechat(), now=clock, change=change) as shop, Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        bind(visitor)
        headers = {**ENGLISH, "origin": shop.url}
        page = visitor.http.post("/connect/connections/wechat/unbind", headers=headers)
        title, advice = read(page)
        assert title == "This login was linked only recently"
        assert re.fullmatch(r"You can unlink it from \w+ \d+, \d{4}, \d+:\d\d\s[AP]M UTC\.", advice)
        assert re.search(r"\d{4}年\d+月\d+日 \d\d:\d\d UTC 之后可以解绑。", page.text)
        assert ways(visitor, page) == ["/connect/account"]


def test_a_wrong_registration_leads_to_another_login() -> None:
    """To start again would only end here again, at the start as at the callback."""

    async def start(_: object, request: AuthorizationRequest) -> str:
        raise ProviderConfig("told to nobody")

    async def answer(response: AuthorizationResponse) -> Identity:
        raise ProviderConfig("told to nobody")

    with acme_shop(get_login_url=start) as shop, Visitor(shop) as visitor:
        page = ask(visitor, "/connect/acme/pc/login?return_to=/cart")
        assert ways(visitor, page) == ["/connect/login?return_to=%2Fcart", "/"]
    with acme_shop(answer) as shop, Visitor(shop) as visitor:
        assert ways(visitor, ask(visitor, acme_back(visitor, "code"))) == ["/connect/login", "/"]


@pytest.mark.parametrize("kind", [MemberDisabled, Forbidden, RateLimited, ProviderConfig])
def test_what_stays_refused_does_not_lead_in_a_circle(kind: type[ConnectError]) -> None:
    """The start of a login that is refused for good is none of its own ways on."""

    async def start(_: object, request: AuthorizationRequest) -> str:
        raise kind("told to nobody")

    with acme_shop(get_login_url=start) as shop, Visitor(shop) as visitor:
        for query in ("", "?return_to=/cart", "?utm=1"):
            page = ask(visitor, f"/connect/acme/pc/login{query}")
            assert page.status_code in (403, 429, 502)
            assert not [path for path in ways(visitor, page) if path.startswith("/connect/acme")]


def test_what_may_pass_can_be_tried_again() -> None:
    """An answer that could not be used may be better a moment later."""

    async def start(_: object, request: AuthorizationRequest) -> str:
        raise ProviderUnsigned("told to nobody")

    with acme_shop(get_login_url=start) as shop, Visitor(shop) as visitor:
        page = ask(visitor, "/connect/acme/pc/login")
        paths = re.findall(r'<a class="button[^"]*" href="([^"]*)"', page.text)
        assert paths == ["/connect/acme/pc/login", "/connect/login"]


def test_each_way_on_from_each_page_of_ours_works() -> None:
    """Pages that are not there, of this shop or of anybody, that want a login, and that were asked wrongly."""
    with run_shop(alipay_and_wechat(), change=choosing) as shop, Visitor(shop) as visitor:
        paths = [
            "/nowhere",
            "/connect/nowhere",
            "/connect/nobody/pc/login",
            "/connect/login?client=x",
            "/connect/login?return_to=https://evil.example",
            "/connect/login?return_to=%00",
            "/connect/account/erase",
            "/connect/account/export",
            "/connect/connections",
            "/connect/account/merge",
            "/connect/handover?return_to=//evil.example",
            "/connect/handover/code.svg",
            "/connect/h/x",
            "/connect/alipay/pc/callback",
            "/connect/alipay/pc/token",
            "/connect/static/nothing.css",
            f"{START}?return_to=https://evil.example",
        ]
        for name in ("", "lihua"):
            if name:
                register(visitor, name)
            pages = [(path, ask(visitor, path)) for path in paths]
            for path, page in [(path, page) for path, page in pages if page.status_code >= 400]:
                assert path not in ways(visitor, page)


def test_a_form_that_cannot_be_used_is_no_address(visitor: Visitor) -> None:
    """What was sent is wrong, and not the address in the browser."""
    visitor.log_in("alipay", "pc")
    headers = {**ENGLISH, "origin": visitor.shop.url, "content-type": "application/x-www-form-urlencoded"}
    page = visitor.http.post("/connect/wechat/pc/bind", content=b"return_to=%00", headers=headers)
    assert (page.status_code, read(page)[0]) == (400, "The form could not be accepted")
    assert ways(visitor, page) == ["/connect/account"]
    page = ask(visitor, "/connect/login?return_to=%00")
    assert read(page)[0] == "This address is incomplete"
