"""The admin page in Chromium, on a narrow phone without scripts: an account is set up, and used; axe finds nothing."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from connect_core.administrators.roles import Role
from connect_core.crypto.one_time_passwords import get_totp

from ..kit.admin_pages import AdminShop, run_admin_shop

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NARROW = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True, "locale": "en-GB"}
PASSWORD = "a password of their own"
SCREENS = ("/administrators", "/keys", "/keys/count", "/audit", "/confirm")


@pytest.fixture(scope="module")
def admin_shop(browser: "Browser") -> Iterator[AdminShop]:
    """A shop with the admin page and one operator."""
    with run_admin_shop() as shop:
        shop.create("operator", Role.OPERATOR)
        yield shop


def open_page(browser: "Browser", shop: AdminShop, path: str, *, scripts: bool = False, token: str = "") -> "Page":
    """Open a page below `/connect/admin` in a profile of its own."""
    context = browser.new_context(**NARROW, java_script_enabled=scripts, color_scheme="dark")
    if token:
        context.add_cookies([{"name": "connect_admin", "value": token, "url": shop.shop.url}])
    page = context.new_page()
    page.goto(f"{shop.shop.url}/connect/admin{path}")
    return page


def test_an_account_is_created_set_up_and_used(browser: "Browser", admin_shop: AdminShop) -> None:
    """From the operator's form to the new administrator's first page, by links and forms alone."""
    operator = open_page(browser, admin_shop, "/administrators", token=admin_shop.open_session("operator"))
    operator.get_by_label("Name").fill("zhao")
    operator.locator("select[name=role]").last.select_option("support")
    operator.get_by_role("button", name="Create").click()
    code = operator.locator("#code").inner_text()
    page = open_page(browser, admin_shop, "/sign-in")
    page.get_by_role("link", name="I have a set-up code").click()
    page.get_by_label("Name").fill("zhao")
    page.get_by_label("Set-up code").fill(code)
    page.get_by_role("button", name="Continue").click()
    assert page.locator("svg.code").bounding_box()
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("One-time password").fill(get_totp(secret, int(admin_shop.clock())))
    page.get_by_role("button", name="Finish").click()
    assert "Your account is ready." in page.get_by_role("status").inner_text()
    admin_shop.clock.advance(31)
    page.get_by_label("Name").fill("zhao")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("One-time password").fill(get_totp(secret, int(admin_shop.clock())))
    page.get_by_role("button", name="Sign in").click()
    assert page.locator("h1").inner_text() == "Dashboard"
    assert "zhao" in page.locator("header").inner_text()
    page.get_by_role("link", name="简体中文").click()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_role("button", name="退出登录").click()
    assert page.url.endswith("/connect/admin/sign-in")
    assert "您已退出登录。" in page.get_by_role("status").inner_text()


def test_every_screen_fits_a_phone_and_axe_finds_nothing(browser: "Browser", admin_shop: AdminShop) -> None:
    """Nothing is wider than 320 pixels, and no rule of axe is broken, by night and with what is folded opened."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - without it these tests are skipped

    token, violations = admin_shop.open_session("operator"), []
    page = open_page(browser, admin_shop, "/sign-in", scripts=True)
    for path in ("/sign-in", "/set-up", *SCREENS):
        if path == SCREENS[0]:
            page.context.add_cookies([{"name": "connect_admin", "value": token, "url": admin_shop.shop.url}])
        page.goto(f"{admin_shop.shop.url}/connect/admin{path}")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        rules = Axe().run(page).response["violations"]
        violations += [f"{path}: {rule['id']}: {node['html'][:120]}" for rule in rules for node in rule["nodes"]]
    assert violations == []


def test_somebody_who_comes_by_a_link_of_another_site_is_signed_in(browser: "Browser", admin_shop: AdminShop) -> None:
    """The cookie with SameSite=Strict is held back at first; the page in between brings it along, without a script."""
    page = open_page(browser, admin_shop, "/keys", token=admin_shop.open_session("operator"))
    cookie = page.context.cookies()[0]
    page.context.add_cookies([{**cookie, "sameSite": "Strict"}])
    elsewhere = admin_shop.shop.url.replace("127.0.0.1", "localhost")
    page.goto(f"{elsewhere}/connect/login")
    page.set_content(f'<a href="{admin_shop.shop.url}/connect/admin/audit?actor=li">to the audit log</a>')
    page.get_by_role("link").click()
    page.wait_for_url(re.compile("/connect/admin/audit"))
    page.wait_for_selector("table, .empty")
    assert page.locator("h1").inner_text() == "Audit log"
