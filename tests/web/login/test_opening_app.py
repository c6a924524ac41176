"""The page that opens a vendor's app: what it says on a phone, on a desk, in another app, and to who comes back."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor, query_of, run_shop

from ...kit.html_pages import ParsedPage
from ...kit.qr_logins import PC_AGENT
from ...kit.web_shops import HTML, alipay_and_wechat, check_headers, refused, set_cookies

PHONE = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
IN_WECHAT = f"{PHONE} MicroMessenger/8.0.50"
IN_LINE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari Line/14.9.0"
IN_A_WEB_VIEW = (
    "Mozilla/5.0 (Linux; Android 14; K; wv) AppleWebKit/537.36 Version/4.0 Chrome/140.0 Mobile Safari/537.36"
)
START = "/connect/alipay/h5/login"
ENGLISH = {**HTML, "accept-language": "en"}


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop whose deep links are Alipay's real ones; nobody follows them."""

    def change(raw: dict[str, Any]) -> None:
        raw["providers"]["alipay"]["h5"]["authorize_url"] = "https://openauth.example/oauth2/publicAppAuthorize.htm"

    with run_shop(alipay_and_wechat(), change=change) as running_shop:
        yield running_shop


@pytest.fixture
def phone(shop: RunningShop) -> Iterator[Visitor]:
    """A phone's browser, in English."""
    with Visitor(shop, user_agent=PHONE) as visitor:
        visitor.http.headers.update(ENGLISH)
        yield visitor


def state_of(answer: httpx.Response) -> str:
    """What the page is about; it is a page of ours with our headers."""
    assert answer.status_code == 200
    check_headers(answer)
    [state] = ParsedPage(answer.text).values("div", "data-state")
    return state


def test_a_phone_opens_the_app(shop: RunningShop, phone: Visitor) -> None:
    """By itself and by a button, with the same link, which leads to our own start URL inside the app."""
    answer = phone.http.get(START, params={"return_to": "/cart"})
    assert state_of(answer) == "opening"
    delay, _, link = answer.headers["refresh"].partition(";url=")
    assert delay == "0"
    assert link.startswith("alipays://platformapi/startapp?appId=20000067&url=")
    assert link in ParsedPage(answer.text).values("a", "href")
    assert query_of(query_of(link)["url"]) == {"return_to": f"{shop.url}/cart", "in_app": "1"}
    assert "Opening Alipay" in answer.text
    assert "You are then logged in there, not in this browser." in answer.text
    assert "/connect/login?return_to=%2Fcart" in ParsedPage(answer.text).values("a", "href")
    assert set(set_cookies(answer)) == {"connect_opened"}


def test_who_comes_back_reads_where_the_login_goes_on(phone: Visitor) -> None:
    """The page does not open the app once more, and offers another way to log in here."""
    phone.http.get(START, params={"return_to": "/cart"})
    answer = phone.http.get(START, params={"return_to": "/cart"})
    assert state_of(answer) == "opened"
    assert "refresh" not in answer.headers
    assert "Continue in Alipay" in answer.text
    assert "Use this browser to log in instead" in answer.text


def test_who_comes_back_logged_in_reads_that(shop: RunningShop, phone: Visitor) -> None:
    """And goes on to the page wanted. A first visit opens the app all the same: the member may want another login."""
    assert phone.log_in("wechat", "h5").status_code == 303
    assert state_of(phone.http.get(START, params={"return_to": "/cart"})) == "opening"
    answer = phone.http.get(START, params={"return_to": "/cart"})
    assert state_of(answer) == "logged_in"
    assert "You are logged in" in answer.text
    assert f"{shop.url}/cart" in ParsedPage(answer.text).values("a", "href")


def test_a_desk_shows_a_qr_code(shop: RunningShop, phone: Visitor) -> None:
    """A link into an app does nothing there. The code holds our start URL, not the link."""
    answer = phone.http.get(START, params={"return_to": "/cart"}, headers={"user-agent": PC_AGENT})
    assert state_of(answer) == "desk"
    assert "alipays:" not in answer.text
    assert ("refresh" in answer.headers, set_cookies(answer)) == (False, {})
    [code_url] = [url for url in ParsedPage(answer.text).values("img", "src") if "code.svg" in url]
    code = phone.http.get(code_url)
    check_headers(code)
    assert (code.status_code, code.headers["content-type"]) == (200, "image/svg+xml")
    assert "/connect/handover?return_to=%2Fcart" in ParsedPage(answer.text).values("a", "href")


def test_another_apps_browser_that_blocks_the_link_is_left_first(shop: RunningShop, phone: Visitor) -> None:
    """The page says how, and shows the address to take along."""
    answer = phone.http.get(START, headers={"user-agent": IN_WECHAT})
    assert state_of(answer) == "elsewhere"
    assert "alipays:" not in answer.text
    assert "Open in browser" in answer.text
    assert f"{shop.url}{START}" in answer.text
    assert "refresh" not in answer.headers


@pytest.mark.parametrize("agent", [IN_LINE, IN_A_WEB_VIEW])
def test_a_web_view_opens_nothing_by_itself(phone: Visitor, agent: str) -> None:
    """It may show an error page of its own for a link that it cannot open; the button is there."""
    answer = phone.http.get(START, headers={"user-agent": agent})
    assert (state_of(answer), "refresh" in answer.headers) == ("opening", False)
    assert "data-open-app" in answer.text


def test_a_program_gets_the_link(phone: Visitor) -> None:
    """What does not accept a page is redirected, as before."""
    answer = phone.http.get(START, headers={"accept": "*/*"})
    assert (answer.status_code, set_cookies(answer)) == (303, {})
    assert answer.headers["location"].startswith("alipays://")


def test_the_page_keeps_the_rules_of_targets(phone: Visitor) -> None:
    """A target that is not allowed shows no page and no code."""
    for path in (START, f"{START}/code.svg"):
        answer = phone.http.get(path, params={"return_to": "https://evil.example/"}, headers={"accept": "*/*"})
        refused(answer, 400, "redirect_not_allowed")


def test_a_code_is_for_logins_that_open_an_app(phone: Visitor) -> None:
    """A login that needs no app has none, and an address that no code can hold is refused."""
    accept = {"accept": "*/*"}
    refused(phone.http.get("/connect/alipay/pc/login/code.svg", headers=accept), 404, "unsupported")
    long = phone.http.get(f"{START}/code.svg", params={"return_to": "/?" + "&" * 1000}, headers=accept)
    refused(long, 400, "bad_request")


def test_the_sandbox_plays_the_app() -> None:
    """In the demo the login goes round by clicking: our page, the sandbox's in place of the app, consent, done."""
    with run_shop(alipay_and_wechat()) as shop, Visitor(shop, user_agent=PC_AGENT) as visitor:
        visitor.http.headers.update(ENGLISH)
        answer = visitor.http.get(START, params={"return_to": "/cart"})
        assert state_of(answer) == "opening"
        app_url = answer.headers["refresh"].removeprefix("0;url=")
        [start_url] = ParsedPage(visitor.http.get(app_url).text).values("a", "href")
        consent_url = visitor.http.get(start_url).headers["location"]
        assert visitor.http.get(visitor.consent(consent_url)).headers["location"] == f"{shop.url}/cart"
        assert visitor.http.get(app_url.partition("url=")[0] + "url=javascript:alert(1)").status_code == 400
