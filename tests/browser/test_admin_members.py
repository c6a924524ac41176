"""The screens of members, conflicts, events and webhooks in Chromium, on a narrow phone at night; axe finds nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from ..kit.admin_pages import AdminShop
from ..kit.admin_people import WEBHOOK, bring_conflict, log_in, run_people_shop
from .operators import find_faults, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCREENS = ("", "/members?q=m_", "/members/1?ids=1", "/members/conflicts", "/events", "/events/webhooks", "/doctor")


@pytest.fixture(scope="module")
def peopled(browser: "Browser") -> Iterator[AdminShop]:
    """A shop with members, a conflict of identity, and an endpoint that does not answer."""
    with run_people_shop(webhooks={"crm": WEBHOOK}) as shop:
        log_in(shop, "lihua.1", "wang.1")
        bring_conflict(shop, "zhang")
        yield shop


def test_a_member_is_disabled_with_a_reason_without_scripts(browser: "Browser", peopled: AdminShop) -> None:
    """From the search to the member, by forms alone; the audit log has the reason."""
    page = open_page(browser, peopled, "/members", scripts=False)
    page.locator("[name=q]").fill("2")
    page.locator("main form button").first.click()
    page.locator("main td a, main th a").first.click()
    form = page.locator("form", has=page.get_by_role("button", name="Disable the member"))
    form.locator("[name=reason]").fill("stolen phone")
    form.get_by_role("button").click()
    assert page.get_by_text("Disabled", exact=True).first.is_visible()
    page.goto(f"{peopled.shop.url}/connect/admin/audit")
    assert "stolen phone" in page.locator("main").inner_text()


def test_every_screen_fits_a_phone_and_axe_finds_nothing(browser: "Browser", peopled: AdminShop) -> None:
    """Nothing is wider than 320 pixels, and no rule of axe is broken, with what is folded opened."""
    assert find_faults(browser, peopled, SCREENS) == []
