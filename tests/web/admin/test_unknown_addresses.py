"""Addresses and methods below the admin page that it does not have: its own page says so, and leads back to it."""

import httpx
import pytest

from connect_core.web.admin.api.guard import REALM

from ...kit.admin_pages import AdminShop, get_text
from ...kit.web_shops import HTML, check_headers, refused

UNKNOWN = ("/nowhere", "/member", "/members/1/nowhere", "/static/nowhere.css", "/keys/")


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("name", ["", "viewer", "operator"])
def test_a_mistyped_address_is_answered_by_the_admin_page(admin_shop: AdminShop, name: str, path: str) -> None:
    """Signed in or not, with a link back to its start; the menu is for those who are signed in."""
    with admin_shop.browsing(name) as browser:
        answer = browser.request("GET", path)
        check_headers(answer)
        assert (answer.status_code, "<h1>There is no page at this address</h1>" in answer.text) == (404, True)
        assert '<a class="button" href="/connect/admin">' in answer.text
        assert ('<nav class="menu"' in answer.text) == bool(name)
        assert answer.headers["x-request-id"] in answer.text
        assert browser.get("").status_code == 200, "the link leads to a page, by the sign-in if need be"
        refused(browser.request("GET", path, headers={"accept": "application/json"}), 404, "unsupported")


def test_it_is_in_the_administrators_language(admin_shop: AdminShop) -> None:
    """As every page of the admin page."""
    with admin_shop.browsing("viewer", language="zh-CN") as browser:
        assert "此网址没有页面 请检查网址，或从首页继续。" in get_text(browser.request("GET", "/nowhere"))


@pytest.mark.parametrize("name", ["", "operator"])
def test_a_wrong_method_is_answered_by_the_admin_page(admin_shop: AdminShop, name: str) -> None:
    """With the methods of the address; the address of a form still leads to the page with the form."""
    with admin_shop.browsing(name) as browser:
        answer = browser.request("PUT", "/keys")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
        assert "<h1>There is no page at this address</h1>" in answer.text
        assert browser.request("GET", "/sign-out").headers["location"].startswith("/connect/admin")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "", 404), ("GET", "/nowhere", 404), ("POST", "/members/1/nowhere", 404), ("PUT", "/members", 405)],
)
def test_the_api_has_no_pages(admin_shop: AdminShop, method: str, path: str, status: int) -> None:
    """Below it an unknown address is problem details even for a browser that navigates."""
    with httpx.Client(base_url=f"{admin_shop.shop.url}/connect/admin/api", headers=HTML) as http:
        refused(http.request(method, path), status, "unsupported")
        refused(http.get("/members"), 401, "token_invalid")
        assert http.get("/members").headers["www-authenticate"] == REALM
