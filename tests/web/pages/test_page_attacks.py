"""What somebody else's words and targets can do to the pages: nothing, on every one of them."""

from collections.abc import Iterator

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.databases import run_shop
from ...kit.first_logins import choosing
from ...kit.qr_logins import start
from ...kit.web_shops import HTML, acme_shop, alipay_and_wechat, check_headers, come_back, refused

SVG = "<svg onload=alert(1)>"
EVIL = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "https://shop@evil.example",
]
MARKUP = [
    '/a"><script>alert(1)</script>',
    "/a'onmouseover='x",
    "/{{7*7}}",
    "/%3Cscript%3E",
    "/a?x=<img src=x onerror=y>",
]


@pytest.fixture(scope="module")
def asking() -> Iterator[RunningShop]:
    """A shop that asks newcomers."""
    with run_shop(alipay_and_wechat(), change=choosing) as shop:
        yield shop


def ask(visitor: Visitor, path: str) -> httpx.Response:
    """As a person's browser does."""
    return visitor.http.get(path, headers=HTML)


def send(visitor: Visitor, path: str, **form: str) -> httpx.Response:
    """Submit a form of our own page."""
    return visitor.http.post(path, data=form, headers={**HTML, "origin": visitor.shop.url})


def test_every_page_is_sent_with_the_strict_headers(asking: RunningShop) -> None:
    """Framed by nobody, run by nothing, kept by no cache: pages of every route, refused or not."""
    with Visitor(asking) as visitor, Visitor(asking) as pc:
        visitor.http.get(come_back(visitor, person=SVG))
        pages = [ask(visitor, "/connect/first-login"), send(visitor, "/connect/first-login", decision="join")]
        assert [page.status_code for page in pages] == [200, 401]
        send(visitor, "/connect/first-login", decision="register")
        path = start(pc)
        pages += [
            ask(visitor, "/connect/login"),
            ask(visitor, "/connect/account"),
            ask(visitor, "/connect/account/erase"),
            ask(pc, "/connect/handover"),
            ask(visitor, path),
            send(visitor, f"{path}/approve"),
            send(visitor, f"{path}/deny"),
            send(visitor, "/connect/wechat/pc/bind"),
        ]
        assert {page.status_code for page in pages[2:]} == {200}
        pages += [
            send(visitor, "/connect/connections/ALIPAY/unbind"),
            send(visitor, "/connect/connections/QQ/unbind"),
            ask(visitor, "/connect/alipay/pc/callback"),
        ]
        for page in pages:
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.text.startswith("<!doctype html>")
            assert "<svg" not in page.text
            check_headers(page)


@pytest.mark.parametrize("target", EVIL)
def test_pages_take_no_target_elsewhere(visitor: Visitor, target: str) -> None:
    """No page begins or ends a login, a hand-over or a bind that leads away, by address or by form."""
    visitor.log_in("alipay", "pc")
    for path in ("/connect/login", "/connect/handover", "/connect/alipay/pc/login"):
        refused(visitor.http.get(path, params={"return_to": target}), 400, "redirect_not_allowed")
    refused(visitor.http.post("/connect/wechat/pc/bind", json={"return_to": target}), 400, "redirect_not_allowed")
    begun = send(visitor, "/connect/handover", return_to=target)
    assert begun.headers["location"].startswith("/connect/handover?return_to=")
    refused(visitor.http.get(begun.headers["location"]), 400, "redirect_not_allowed")


@pytest.mark.parametrize("target", MARKUP)
def test_a_target_is_no_markup(visitor: Visitor, target: str) -> None:
    """A target on our own origin that holds markup stands in links and fields alone, and ends none of them."""
    phone = "Mozilla/5.0 (iPhone) Mobile MicroMessenger/8.0.50"
    for path in ("/connect/login", "/connect/handover"):
        page = visitor.http.get(path, params={"return_to": target}, headers={**HTML, "user-agent": phone})
        assert not [word for word in ("<script", "<img src=x", "'onmouseover", "/49") if word in page.text]


@pytest.mark.parametrize("name", ["client", "lang", "x"])
def test_no_parameter_is_repeated(visitor: Visitor, name: str) -> None:
    """What a page does not take it does not show."""
    page = visitor.http.get("/connect/login", params={name: SVG}, headers=HTML)
    assert "onload" not in page.text


def test_a_vendors_name_is_text() -> None:
    """A title with markup, which a configuration or a plugin may hold, is shown as it is."""
    with acme_shop(titles={"zh": SVG, "en": SVG}) as shop, Visitor(shop) as visitor:
        page = ask(visitor, "/connect/login").text
        assert "<svg" not in page
        assert "&lt;svg onload=alert(1)&gt;" in page
        assert visitor.http.get("/connect/providers?client=pc").json()[0]["name"] == SVG


def test_what_was_typed_is_text(asking: RunningShop) -> None:
    """The user name stays in its field after a wrong password, and ends no attribute."""
    with Visitor(asking) as visitor:
        visitor.http.get(come_back(visitor, person="typing"))
        page = send(visitor, "/connect/first-login", decision="join", username=f'"{SVG}', password="secret words")
        assert 'value="&#34;&lt;svg onload=alert(1)&gt;"' in page.text
        assert "secret words" not in page.text


def test_a_page_on_the_way_to_a_vendor_has_one_address(visitor: Visitor) -> None:
    """A target of many lines is refused, and the address that the browser goes to is in one header."""
    visitor.log_in("alipay", "pc")
    refused(
        visitor.http.post("/connect/wechat/pc/bind", json={"return_to": "/a\r\nset-cookie: x=y"}), 400, "bad_request"
    )
    page = send(visitor, "/connect/wechat/pc/bind", return_to="/订单?x=;url=https://evil.example")
    [refresh] = page.headers.get_list("refresh")
    assert refresh.startswith("0;url=http://")
    assert "evil" not in refresh
