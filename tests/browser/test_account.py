"""What members do with their own account, in Chromium: bind, unbind, end sessions, take along, leave."""

import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from connect_core.harness import RunningShop

from ..kit.account_page import bound
from ..kit.clock import Clock
from .account_page import ACCOUNT, account_of, bind
from .conftest import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

SVG = "<svg onload=alert(1)>"


def unbind(page: "Page", provider: str, *, logs_out: bool = False) -> None:
    """Open the row, and confirm."""
    row = page.locator("li", has=page.locator(f"[data-unbind={provider}]"))
    row.locator("summary").click()
    if logs_out:
        row.locator("[name=logout]").check()
    row.locator("[data-unbind]").click()


def test_bind_and_unbind(visit: Visit, shop: RunningShop) -> None:
    """The last way in stays, "go back" → WeChat bound → Alipay unbound → still logged in, with WeChat alone."""
    visitor = visit()
    page = account_of(visitor)
    unbind(page, "alipay")
    page.wait_for_url("**/unbind")
    assert visitor.is_refused(page, "last_connection", 409)
    page.get_by_role("link", name=visitor.says("keep"), exact=True).click()
    assert visitor.arrives(page, ACCOUNT)
    bind(visitor, page, "wechat")
    assert visitor.arrives(page, ACCOUNT)
    assert page.locator("[data-unbind]").count() == 2
    unbind(page, "alipay")
    page.wait_for_selector("[data-bind=alipay]")
    assert page.locator("[data-unbind]").count() == 1
    assert [union_type for _, union_type in bound(shop)] == ["WECHAT"]


def test_what_is_anothers_is_not_bound(visit: Visit, shop: RunningShop) -> None:
    """A member has this WeChat → another binds it → refused, nothing told of the owner → back at the account page."""
    owner, visitor = visit(), visit()
    account_of(owner, "maria", "wechat")
    page, before = account_of(visitor), bound(shop)
    bind(visitor, page, "wechat", "maria")
    assert visitor.is_refused(page, "already_bound", 409)
    assert "Maria" not in page.inner_text("body")
    page.get_by_role("link", name=visitor.says("keep"), exact=True).click()
    assert visitor.arrives(page, ACCOUNT)
    assert bound(shop) == before


def test_a_bind_that_is_refused_at_the_vendor_leads_back(visit: Visit, shop: RunningShop) -> None:
    """Bind → refuse at the vendor → "cancelled" → back at the account page, still logged in, nothing bound."""
    visitor = visit()
    page = account_of(visitor)
    page.click("[data-bind=wechat]")
    assert visitor.leaves(page)
    visitor.decide(page, "refuse")
    assert visitor.is_refused(page, "provider_denied", 400)
    page.get_by_role("link", name=visitor.says("keep"), exact=True).click()
    page.wait_for_selector("[data-bind=wechat]")
    assert [union_type for _, union_type in bound(shop)] == ["ALIPAY"]


def test_unbind_and_log_out(visit: Visit, shop: RunningShop) -> None:
    """Two logins, another device came by WeChat → WeChat unbound, "log out here as well" → both devices are out."""
    visitor, other = visit(), visit()
    page = account_of(visitor)
    bind(visitor, page, "wechat")
    there = account_of(other, provider="wechat")
    page.reload()
    unbind(page, "wechat", logs_out=True)
    assert visitor.arrives(page, "/connect/login?return_to=%2Fconnect%2Faccount")
    there.reload()
    assert other.arrives(there, "/connect/login?return_to=%2Fconnect%2Faccount")
    assert [union_type for _, union_type in bound(shop)] == ["ALIPAY"]


def test_end_sessions(visit: Visit) -> None:
    """Three devices → one is logged out from another, then all others at once → this one alone is still in."""
    visitor, second, third = visit(), visit(), visit()
    page, *others = (account_of(one) for one in (visitor, second, third))
    page.reload()
    assert page.locator("form[action$='/end']").count() == 3
    page.locator("li form[action$='/end'] button").first.click()
    page.wait_for_function("document.querySelectorAll(\"form[action$='/end']\").length === 2")
    assert sorted(still_in(one) for one in others) == [False, True]
    page.get_by_role("button", name=visitor.says("end_other_sessions")).click()
    page.wait_for_function("document.querySelectorAll(\"form[action$='/end']\").length === 0")
    assert [still_in(one) for one in (page, *others)] == [True, False, False]


def still_in(page: "Page") -> bool:
    """Reload, and tell whether it is still the account page."""
    page.reload()
    return urlsplit(page.url).path == ACCOUNT


def test_take_along_and_leave(visit: Visit, shop: RunningShop) -> None:
    """Download → a file with what is held; delete → what goes is told → "go back" → again, and gone."""
    visitor = visit()
    page = account_of(visitor)
    with page.expect_download() as downloading:
        page.get_by_role("link", name=visitor.says("export")).click()
    assert downloading.value.suggested_filename == "account.json"
    held = json.loads(Path(downloading.value.path()).read_text("utf-8"))
    assert held["member"]["nickname"] == "李华"
    for answer in ("keep", "erase"):
        page.get_by_role("link", name=visitor.says("erase")).click()
        page.wait_for_url("**/account/erase")
        role = "link" if answer == "keep" else "button"
        page.get_by_role(role, name=visitor.says(answer), exact=True).click()
        page.wait_for_url(f"**{ACCOUNT}" if answer == "keep" else "**/connect/login")
    assert shop.rows("es_connect") == []
    assert [row["nickname"] for row in shop.rows("es_member")] == [""]


def test_an_old_login_is_confirmed(visit: Visit, clock: Clock, shop: RunningShop) -> None:
    """Eleven minutes later → "delete my account" → own logins alone → somebody else is refused → oneself → it asks."""
    visitor = visit()
    page = account_of(visitor)
    clock.advance(660)
    page.get_by_role("link", name=visitor.says("erase")).click()
    for person in ("maria", "lihua"):
        page.wait_for_url("**/connect/reauthenticate?return_to=%2Fconnect%2Faccount%2Ferase")
        assert visitor.fits(page)
        assert page.locator("[data-confirm]").count() == 1
        page.click("[data-confirm=alipay]")
        assert visitor.leaves(page)
        visitor.decide(page, person=person)
        if person == "maria":
            assert visitor.is_refused(page, "not_this_member", 403)
            page.get_by_role("link", name=visitor.says("confirm_again")).click()
    assert visitor.arrives(page, "/connect/account/erase")
    assert len(shop.rows("es_member")) == 1


def test_a_form_is_repeated_after_confirming(visit: Visit, clock: Clock) -> None:
    """Eleven minutes later → link WeChat → confirm → account page, which asks to go on → linked."""
    visitor = visit()
    page = account_of(visitor)
    clock.advance(660)
    page.click("[data-bind=wechat]")
    page.click("[data-confirm=alipay]")
    assert visitor.leaves(page)
    visitor.decide(page)
    assert visitor.arrives(page, ACCOUNT)
    assert page.inner_text("[role=status]") == visitor.says("flash_confirmed")
    bind(visitor, page, "wechat")
    assert visitor.arrives(page, ACCOUNT)
    assert page.locator("[data-unbind]").count() == 2


def test_who_is_logged_in_reads_so_on_the_login_page(visit: Visit) -> None:
    """Logged in → login page → "you are logged in as" → on to the page wanted; or the list for somebody else."""
    visitor = visit()
    page = account_of(visitor)
    page.goto(f"{visitor.shop}/connect/login?return_to=/cart")
    assert "李华" in page.inner_text("h1")
    assert visitor.fits(page)
    page.click("[data-another]")
    assert page.locator("[data-provider]").count() == 2
    page.go_back()
    page.click("[data-go-on]")
    assert visitor.arrives(page, "/cart")


@pytest.mark.parametrize("manner", ["desk"], indirect=True)
def test_a_nickname_runs_nothing(visit: Visit) -> None:
    """A nickname of markup is text on the account page and on the page that asks before deleting."""
    visitor = visit()
    page = account_of(visitor, SVG)
    assert page.inner_text("h1") == SVG
    page.get_by_role("link", name=visitor.says("erase")).click()
    page.wait_for_url("**/account/erase")
    assert SVG in page.inner_text("main")
    assert page.locator("svg").count() == 0
