"""The hosted login page: what it shows first, what it remembers, and what somebody who is logged in reads."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connect_core.harness import RunningShop, Visitor

from ...kit.databases import run_shop
from ...kit.html_pages import ParsedPage
from ...kit.web_shops import HTML, alipay_and_wechat, refused, set_cookies

PAGE = "/connect/login"
ENGLISH = {**HTML, "accept-language": "en"}
IN_ALIPAY = "Mozilla/5.0 (Linux; Android 14) Mobile AlipayClient/10.5"


def four_more(raw: dict[str, Any]) -> None:
    """A shop with six logins on PCs, four of them WeChat under other names."""
    for name in ("two", "three", "four", "five"):
        raw["providers"][name] = {**raw["providers"]["wechat"], "plugin": "wechat"}
    raw["clients"]["pc"] = ["alipay", "wechat", "two", "three", "four", "five"]


@pytest.fixture(scope="module")
def many() -> Iterator[RunningShop]:
    """A shop with six logins."""
    with run_shop(alipay_and_wechat(), change=four_more) as running_shop:
        yield running_shop


def offered(page: str) -> list[str]:
    """The providers on the page, in their order."""
    return ParsedPage(page).values("a", "data-provider")


def test_three_logins_have_rows_and_the_others_one_row_of_icons(many: RunningShop) -> None:
    """In the configured order; an icon says by name and title what it is."""
    with Visitor(many) as visitor:
        page = visitor.http.get(PAGE, headers=ENGLISH).text
    assert offered(page) == ["alipay", "wechat", "two", "three", "four", "five"]
    rows, icons = page.split('<ul class="icon-row">')
    assert (rows.count('<a class="row"'), icons.count("data-provider")) == (3, 3)
    assert icons.count('title="Continue with WeChat" aria-label="Continue with WeChat"') == 3
    assert "badge" not in page


def test_the_login_used_last_comes_first_with_a_badge(many: RunningShop) -> None:
    """The cookie holds the provider's name alone, for a year; it outlasts a log-out, and goes with the account."""
    with Visitor(many) as visitor:
        answer = visitor.log_in("five", "pc")
        value, _, attributes = set_cookies(answer)["connect_last_used"].partition(";")
        assert (value, "Max-Age=31536000" in attributes, "HttpOnly" in attributes) == ("five", True, True)
        visitor.http.post("/connect/logout", headers={"origin": many.url})
        page = visitor.http.get(PAGE, headers=ENGLISH).text
        assert offered(page)[:2] == ["five", "alipay"]
        assert page.count('<span class="badge">Last used</span>') == 1
        visitor.log_in("five", "pc")
        erased = visitor.http.request("DELETE", "/connect/account", headers={"origin": many.url})
        assert erased.status_code == 204
        assert "connect_last_used" not in visitor.http.cookies


@pytest.mark.parametrize("value", ["nobody", "<svg>", "x" * 4000])
def test_a_planted_cookie_changes_nothing(many: RunningShop, value: str) -> None:
    """A name that is no provider's is passed over."""
    with Visitor(many) as visitor:
        plain = visitor.http.get(PAGE, headers=HTML).text
        assert visitor.http.get(PAGE, headers={**HTML, "cookie": f"connect_last_used={value}"}).text == plain


def test_the_apps_own_login_comes_first_inside_it() -> None:
    """Inside Alipay's app Alipay is first, whatever the order; elsewhere the shop's order holds."""

    def change(raw: dict[str, Any]) -> None:
        raw["clients"]["h5"] = ["wechat", "alipay"]

    with run_shop(alipay_and_wechat(), change=change) as shop, Visitor(shop) as visitor:
        inside = visitor.http.get(PAGE, headers={**HTML, "user-agent": IN_ALIPAY}).text
        outside = visitor.http.get(f"{PAGE}?client=h5", headers=HTML).text
    assert (offered(inside), offered(outside)) == (["alipay", "wechat"], ["wechat", "alipay"])


def test_who_is_logged_in_reads_so(shop: RunningShop) -> None:
    """With buttons to go on, to the account, to another login, and to log out; no list of logins."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        page = visitor.http.get(f"{PAGE}?return_to=/cart", headers=ENGLISH)
        parsed = ParsedPage(page.text)
        assert page.status_code == 200
        assert "You are logged in as" in parsed.text
        assert "李华" in parsed.text
        assert offered(page.text) == []
        links = parsed.values("a", "href")
        another = f"{PAGE}?another=1&return_to=%2Fcart"
        assert links[-3:] == ["/cart", "/connect/account", another]
        assert "/connect/logout" in parsed.values("form", "action")
        other = visitor.http.get(another, headers=ENGLISH).text
        assert offered(other) == ["alipay", "wechat"]
        assert "?lang=zh-CN&return_to=%2Fcart&another=1" in ParsedPage(other).values("a", "href")
        assert visitor.http.get("/connect/me").status_code == 200


def test_a_page_elsewhere_is_not_gone_on_to(shop: RunningShop) -> None:
    """A target that is not allowed is refused, for whoever is logged in as well."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        refused(visitor.http.get(f"{PAGE}?return_to=https://evil.example/"), 400, "redirect_not_allowed")


def test_the_first_success_is_a_page_that_says_so() -> None:
    """Where the shop has no page at `/`, it leads to the member's own; its own page is left alone."""

    async def home(request: Request) -> Response:
        return PlainTextResponse("the shop")

    for routes, target in (([], "/connect/account"), ([Route("/", home)], "")):
        with run_shop(alipay_and_wechat(), routes=routes) as shop, Visitor(shop) as visitor:
            answer = visitor.log_in("alipay", "pc")
            assert answer.headers["location"] == f"{shop.url}/"
            landed = visitor.http.get("/", headers=HTML)
            assert landed.headers.get("location", "") == target
            if target:
                assert "李华" in visitor.http.get(target, headers=HTML).text


def test_the_login_page_as_home_is_no_circle() -> None:
    """A shop whose `home_url` is the login page has no button that leads from it to itself."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"]["home_url"] = PAGE

    with run_shop(alipay_and_wechat(), change=change) as shop, Visitor(shop) as visitor:
        landed = visitor.http.get(visitor.log_in("alipay", "pc").headers["location"], headers=HTML)
        assert landed.status_code == 200
        assert "data-another" in landed.text
        assert "data-go-on" not in landed.text


def test_the_page_has_a_way_back_to_the_shop(shop: RunningShop) -> None:
    """The link is the shop's home."""
    with Visitor(shop) as visitor:
        page = ParsedPage(visitor.http.get(PAGE, headers=HTML).text)
    assert [attributes["href"] for _, attributes in page.elements if attributes.get("class") == "back"] == ["/"]
