"""An operator at the admin page in Chromium: on a narrow phone, by night."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..kit.admin_pages import AdminShop

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NARROW = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True, "locale": "en-GB"}


def open_page(browser: "Browser", shop: AdminShop, path: str, *, scripts: bool) -> "Page":
    """Open a page below `/connect/admin` as the operator, on a phone by night."""
    context = browser.new_context(**NARROW, java_script_enabled=scripts, color_scheme="dark")
    token = shop.open_session("operator")
    context.add_cookies([{"name": "connect_admin", "value": token, "url": shop.shop.url}])
    page = context.new_page()
    page.goto(f"{shop.shop.url}/connect/admin{path}")
    return page


def find_faults(browser: "Browser", shop: AdminShop, paths: Iterable[str]) -> list[str]:
    """Return which pages are wider than the phone, and which rules of axe they break, with what is folded opened."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - without it these tests are skipped

    page, faults = open_page(browser, shop, "", scripts=True), list[str]()
    for path in paths:
        page.goto(f"{shop.shop.url}/connect/admin{path}")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        width = page.evaluate("document.documentElement.scrollWidth")
        faults += [f"{path}: {width} pixels wide"] if width > NARROW["viewport"]["width"] else []
        rules = Axe().run(page).response["violations"]
        faults += [f"{path}: {rule['id']}: {node['html'][:120]}" for rule in rules for node in rule["nodes"]]
    return faults
