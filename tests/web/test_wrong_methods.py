"""Unknown addresses, methods that an address does not take, and addresses of forms that a browser opens."""

from collections.abc import Iterator

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins

from ..kit.databases import run_shop
from ..kit.merges import Planner
from ..kit.web_shops import HTML, alipay_and_wechat, check_headers, legacy_refused, nothing_written, refused

ACCOUNT = "/connect/account"
FORMS = {
    "/connect/alipay/pc/bind": ACCOUNT,
    "/connect/connections/ALIPAY/unbind": ACCOUNT,
    "/connect/sessions/end": ACCOUNT,
    "/connect/sessions/x/end": ACCOUNT,
    f"{ACCOUNT}/password": ACCOUNT,
    "/connect/alipay/pc/merge": f"{ACCOUNT}/merge",
    f"{ACCOUNT}/merge/credentials": f"{ACCOUNT}/merge",
    f"{ACCOUNT}/merge/preview": f"{ACCOUNT}/merge",
    f"{ACCOUNT}/merge/cancel": f"{ACCOUNT}/merge",
    f"{ACCOUNT}/merges/1/undo": ACCOUNT,
    "/connect/handover/collect": "/connect/handover",
    "/connect/h/x%20y/approve": "/connect/h/x%20y",
    "/connect/h/x/deny": "/connect/h/x",
}


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with every page."""
    with run_shop(alipay_and_wechat(), plugins=Plugins([("planner", Planner())])) as running_shop:
        yield running_shop


@pytest.mark.parametrize(("path", "page"), FORMS.items())
def test_the_address_of_a_form_leads_to_the_page_with_the_form(visitor: Visitor, path: str, page: str) -> None:
    """A browser that opens it by its history is led there; a program gets 405, and what the address takes."""
    answer = visitor.http.get(path, headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    check_headers(answer)
    answer = visitor.http.get(path)
    refused(answer, 405, "unsupported")
    assert "POST" in answer.headers["allow"]
    assert "GET" not in answer.headers["allow"]


def test_without_merges_their_addresses_lead_to_the_account() -> None:
    """There is no page to merge on."""
    with run_shop(alipay_and_wechat()) as shop, Visitor(shop) as visitor:
        answer = visitor.http.get(f"{ACCOUNT}/merge/cancel", headers=HTML)
        assert (answer.status_code, answer.headers["location"]) == (303, ACCOUNT)


def test_a_link_logs_nobody_out(shop: RunningShop, visitor: Visitor) -> None:
    """GET shows the button; the button logs out. A program gets 405."""
    visitor.log_in("alipay", "pc")
    with nothing_written(shop):
        page = visitor.http.get("/connect/logout", headers=HTML)
        assert (page.status_code, "set-cookie" in page.headers) == (200, False)
        assert '<form class="actions" method="post" action="/connect/logout">' in page.text
        answer = visitor.http.get("/connect/logout")
        refused(answer, 405, "unsupported")
        assert answer.headers["allow"] == "POST"
    assert visitor.http.get("/connect/me").status_code == 200
    assert visitor.http.post("/connect/logout", headers={**HTML, "origin": shop.url}).status_code == 303
    assert visitor.http.get("/connect/me").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", ACCOUNT, "DELETE, GET"),
        ("POST", ACCOUNT, "DELETE, GET"),
        ("HEAD", "/connect/login", "GET"),
        ("OPTIONS", "/connect/login", "GET"),
        ("POST", "/connect/login", "GET"),
        ("DELETE", "/connect/alipay/pc/callback", "GET, POST"),
        ("GET", "/connect/token/refresh", "POST"),
        ("GET", "/connect/alipay/mini/token", "POST"),
        ("POST", "/healthz", "GET"),
        ("PUT", "/connect/first-login", "GET, POST"),
    ],
)
def test_a_wrong_method_hears_of_the_right_ones(visitor: Visitor, method: str, path: str, allowed: str) -> None:
    """405 with `Allow` of all routes at the address (RFC 9110 §15.5.6), as problem details or as a page."""
    answer = visitor.http.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        refused(answer, 405, "unsupported")
    page = visitor.http.request(method, path, headers={**HTML, "accept-language": "en"})
    assert (page.status_code, page.headers["allow"]) == (405, allowed)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    if method != "HEAD":
        assert "This address cannot be opened directly" in page.text
        assert page.headers["x-request-id"] in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/login/a-code"),
        ("POST", "/buyer/connect/alipay/h5/getLoginUrl"),
        ("POST", "/buyer/connect/alipay/pc/login"),
        ("GET", "/buyer/account-binder/unbind/ALIPAY"),
    ],
)
def test_older_front_ends_are_told_in_their_own_form(visitor: Visitor, method: str, path: str) -> None:
    """A wrong method is refused like anything else at the address, with a code that the front end knows."""
    answer = visitor.http.request(method, path)
    legacy_refused(answer, 405, "E130")
    assert method not in answer.headers["allow"]


def test_with_other_origins_a_plain_options_is_a_wrong_method() -> None:
    """A browser's question (CORS) is answered, and anything else by that method is not."""
    shops_own = "https://m.shop.example"
    with (
        run_shop(alipay_and_wechat(), change=lambda raw: raw["service"].update(cors_origins=[shops_own])) as shop,
        Visitor(shop) as visitor,
    ):
        question = {"origin": shops_own, "access-control-request-method": "GET"}
        assert visitor.http.options("/connect/me", headers=question).status_code == 200
        answer = visitor.http.options("/connect/me")
        refused(answer, 405, "unsupported")
        assert answer.headers["allow"] == "GET"
        answer = visitor.http.options(ACCOUNT)
        assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")


@pytest.mark.parametrize("path", ["/nowhere", "/connect", "/connect/nowhere", "/connect/alipay/pc/nowhere"])
def test_an_unknown_address_is_page_not_found(visitor: Visitor, path: str) -> None:
    """In those words, which no unknown provider has."""
    page = visitor.http.get(path, headers={**HTML, "accept-language": "en"})
    assert (page.status_code, "<h1>Page not found</h1>" in page.text) == (404, True)
    assert "<code>unsupported</code>" in page.text
    refused(visitor.http.get(path), 404, "unsupported")


@pytest.mark.parametrize(
    "path", ["/connect/nobody/pc/login", "/connect/alipay/tablet/login", "/connect/login?client=x"]
)
def test_an_unknown_login_is_not_a_page(visitor: Visitor, path: str) -> None:
    """It is a login that this shop does not offer."""
    page = visitor.http.get(path, headers={**HTML, "accept-language": "en"})
    assert (page.status_code, "<h1>This login is not offered here</h1>" in page.text) == (404, True)


@pytest.mark.parametrize(
    "path", ["/connect/sessions/x/end", "/connect/connections/QQ/unbind", f"{ACCOUNT}/merges/9/undo"]
)
def test_what_has_gone_meanwhile_is_no_longer_there(shop: RunningShop, visitor: Visitor, path: str) -> None:
    """Two tabs show the same row; the second one that ends it is not told of logins."""
    visitor.log_in("alipay", "pc")
    page = visitor.http.post(path, headers={**HTML, "accept-language": "en", "origin": shop.url})
    assert (page.status_code, "<h1>This is no longer available</h1>" in page.text) == (404, True)
    assert f'href="{ACCOUNT}"' in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/buyer"),
        ("GET", "/buyer/"),
        ("GET", "/buyer/nowhere"),
        ("GET", "/buyer/connect/alipay/h5/getLoginURL"),
        ("POST", "/buyer/account-binder/lists"),
        ("DELETE", "/buyer/passport/connect"),
        ("GET", "/login"),
        ("POST", "/login/"),
        ("POST", "/login/a/b"),
    ],
)
def test_an_unknown_address_of_older_front_ends_is_told_in_their_form(visitor: Visitor, method: str, path: str) -> None:
    """As a program; a person who opens it in a browser gets the shop's page, which leads on."""
    answer = visitor.http.request(method, path)
    legacy_refused(answer, 404, "E130")
    assert answer.headers["x-request-id"]
    page = visitor.http.request(method, path, headers={**HTML, "accept-language": "en"})
    assert (page.status_code, "<h1>Page not found</h1>" in page.text) == (404, True)


@pytest.mark.parametrize(
    "path", ["/buyers/x", "/loginx", "/connect/buyer/x", "/connect/admin/x", "/connect/admin/api/x"]
)
def test_a_similar_address_is_the_shops(visitor: Visitor, path: str) -> None:
    """So is one of the admin page, where that is off."""
    refused(visitor.http.get(path), 404, "unsupported")
    assert "<h1>Page not found</h1>" in visitor.http.get(path, headers={**HTML, "accept-language": "en"}).text


def test_below_a_root_older_front_ends_are_told_in_their_form() -> None:
    """The path of the surface comes after that of the mount."""
    with (
        run_shop(alipay_and_wechat(), change=lambda raw: raw["service"].update(root_path="/shop")) as shop,
        Visitor(shop) as visitor,
    ):
        legacy_refused(visitor.http.get("/shop/buyer/nowhere"), 404, "E130")
        legacy_refused(visitor.http.get("/buyer/nowhere"), 404, "E130")
        refused(visitor.http.get("/shop/connect/nowhere"), 404, "unsupported")


@pytest.mark.parametrize("path", ["/login/a-code", "/buyer/passport/login-binder/wap/x"])
def test_a_large_body_is_refused_in_their_form(visitor: Visitor, path: str) -> None:
    """Whatever its media type says."""
    for media_type in ("application/json", "application/x-www-form-urlencoded", "application/zip"):
        answer = visitor.http.post(path, content=b"x" * 2_000_000, headers={"content-type": media_type})
        legacy_refused(answer, 400, "E131")
