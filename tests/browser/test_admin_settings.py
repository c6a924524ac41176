"""The screens of providers, settings and buttons in Chromium, on a narrow phone at night; axe finds nothing."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from connect_core.administrators.roles import Role
from connect_core.store import Database, doctor_runs

from ..kit.admin_pages import AdminShop, run_admin_shop
from ..kit.web_shops import alipay_and_wechat
from .operators import find_faults, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCREENS = (
    *("/providers", "/providers/new", "/providers/wechat/edit", "/accounts/new"),
    *("/buttons?client=h5", "/settings", "/settings/limits", "/settings/pages"),
)
RUN_TIME = 1_790_820_000
RUN = {
    "time": RUN_TIME,
    "count": 9,
    "providers": ["alipay", "wechat"],
    "findings": [
        {
            "id": "certificate_expires",
            "level": "warning",
            "text": "The certificate of app_cert expires in 12 days, on 2026-10-13.",
            "remedy": "Download a new one from the console, and upload it.",
            "subject": "alipay/pc",
        }
    ],
}
"""What the doctor is said to have found."""


def use_database(raw: dict[str, Any]) -> None:
    """Let settings change at run time."""
    raw["service"]["settings"] = "database"


def store_run(shop: AdminShop) -> None:
    """Have the doctor's last run say `RUN`, on a thread of its own: Playwright's loop runs on this one."""
    with closing(Database(shop.shop.database_url)) as database, ThreadPoolExecutor(1) as threads:
        work = database.write(lambda tx: doctor_runs.store_run(tx, json.dumps(RUN), RUN_TIME))
        threads.submit(asyncio.run, work).result()


@pytest.fixture(scope="module")
def steered(browser: "Browser") -> Iterator[AdminShop]:
    """A shop whose settings change at run time, and one operator."""
    with run_admin_shop(alipay_and_wechat(), change=use_database) as shop:
        shop.create("operator", Role.OPERATOR)
        store_run(shop)
        yield shop


def test_what_the_doctor_found_stands_on_the_card(browser: "Browser", steered: AdminShop) -> None:
    """Without scripts, on a narrow phone: the finding with what to do, and a quiet line where all is well."""
    page = open_page(browser, steered, "/providers", scripts=False)
    findings = page.get_by_role("list", name="Findings of the doctor for Alipay")
    assert "What to do: Download a new one" in findings.inner_text()
    assert page.get_by_text("The doctor found nothing to do").count() == 1


def test_a_setting_is_changed_tested_and_activated_without_scripts(browser: "Browser", steered: AdminShop) -> None:
    """From the card of a provider to the active draft by links and forms alone, with a mistake on the way."""
    page = open_page(browser, steered, "/providers", scripts=False)
    page.get_by_role("link", name="Settings of wechat").click()
    page.get_by_text("Only for: Computer").click()
    page.locator('[id="providers-wechat-pc-api_url"]').fill("ftp://wrong.example")
    page.get_by_role("button", name="Check and save as a draft").click()
    assert page.locator('[id="providers-wechat-pc-api_url-mistake"]').is_visible()
    page.goto(f"{steered.shop.url}/connect/admin/settings/limits")
    page.get_by_label("per_address", exact=True).fill("900/minute")
    page.get_by_role("button", name="Check and save as a draft").click()
    assert "The draft is saved." in page.get_by_role("status").inner_text()
    page.get_by_role("button", name="Activate").click()
    assert "The settings are active." in page.get_by_role("status").inner_text()
    page.goto(f"{steered.shop.url}/connect/admin/providers/wechat/edit")
    page.get_by_role("button", name="Test this connection").click()
    page.get_by_text("The test has ended.").wait_for()


def test_an_arrow_moves_a_button_in_the_preview_too(browser: "Browser", steered: AdminShop) -> None:
    """Without scripts the arrows work, and the frame shows the login page in the new order, which is then saved."""
    page = open_page(browser, steered, "/buttons?client=pc", scripts=False)
    titles = page.locator(".order .row-text").all_inner_texts()
    page.get_by_role("button", name=f"Move {titles[0]} down").click()
    assert page.locator(".order .row-text").all_inner_texts() == [titles[1], titles[0], *titles[2:]]
    shown = page.frame_locator("iframe").locator("[data-provider]")
    assert titles[1] in shown.first.inner_text()
    page.get_by_role("button", name="Save this order").click()
    assert "The order is saved." in page.get_by_role("status").inner_text()


def test_every_screen_fits_a_phone_and_axe_finds_nothing(browser: "Browser", steered: AdminShop) -> None:
    """Nothing is wider than 320 pixels, and no rule of axe is broken, with what is folded opened."""
    assert find_faults(browser, steered, SCREENS) == []
