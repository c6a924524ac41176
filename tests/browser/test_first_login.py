"""Newcomers who are asked whether they are new, in Chromium."""

from typing import TYPE_CHECKING

import pytest

from connect_core.harness import RunningShop

from ..kit.clock import Clock
from .conftest import Visit
from .visitors import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOP = "choosing"
PASSWORD = "correct horse battery staple"


def come(visitor: Visitor, person: str = "lihua", provider: str = "alipay") -> "Page":
    """Log in as somebody whom the shop does not know; returns the tab, which asks."""
    page = visitor.open("/connect/login?return_to=/cart")
    visitor.log_in(page, provider, person)
    assert visitor.arrives(page, "/connect/first-login")
    return page


def register(visitor: Visitor, page: "Page") -> None:
    """Say that one is new, and get to the page that was wanted."""
    page.get_by_role("button", name=visitor.says("i_am_new")).click()
    assert visitor.arrives(page, "/cart")


def join(visitor: Visitor, page: "Page", username: str, password: str) -> None:
    """Unfold the form, and fill it in by its labels."""
    if not page.locator("[data-password][open]").count():
        page.click("[data-password] summary")
    page.get_by_label(visitor.says("username")).fill(username)
    page.get_by_label(visitor.says("password")).fill(password)
    page.get_by_role("button", name=visitor.says("join")).click()


def test_a_newcomer_registers(visit: Visit, shop: RunningShop) -> None:
    """Login → "Hello, Wang Fang", nothing written → "I am new here" → the page wanted; the account page knows her."""
    visitor = visit()
    page = come(visitor, "wangfang")
    assert page.inner_text("h1") == f'{visitor.says("hello")}王芳 {{"🙂"}}'
    assert shop.rows("es_member") == []
    register(visitor, page)
    page.goto(f"{visitor.shop}/connect/account")
    assert page.inner_text("h1") == '王芳 {"🙂"}'


def test_an_older_account_is_joined(visit: Visit, shop: RunningShop) -> None:
    """A member sets a password → comes by WeChat → a wrong one is told, the name stays → the right one → both bound."""
    visitor, again = visit(), visit()
    page = come(visitor)
    register(visitor, page)
    page.goto(f"{visitor.shop}/connect/account")
    page.get_by_label(visitor.says("new_password")).fill(PASSWORD)
    page.get_by_role("button", name=visitor.says("set_password")).click()
    page.wait_for_url("**/connect/account")
    [member] = shop.rows("es_member")
    page = come(again, "maria", "wechat")
    join(again, page, member["uname"], "not that one")
    assert page.inner_text("[role=alert]") == again.says("wrong_credentials")
    again.expect_complaint("401")
    assert page.get_by_label(again.says("username")).input_value() == member["uname"]
    join(again, page, member["uname"], PASSWORD)
    assert again.arrives(page, "/cart")
    page.goto(f"{again.shop}/connect/account")
    assert page.locator("[data-unbind]").count() == 2
    assert len(shop.rows("es_member")) == 1


def test_an_account_is_joined_by_another_login(visit: Visit, shop: RunningShop) -> None:
    """By WeChat, with an account → a login that leads nowhere → told so → the right one → both are bound."""
    owner, again = visit(), visit()
    register(owner, come(owner))
    page = come(again, "maria", "wechat")
    for person in ("wangfang", "lihua"):
        page.click("[data-join=alipay]")
        assert again.leaves(page)
        again.decide(page, person=person)
        if person == "wangfang":
            assert again.arrives(page, "/connect/first-login")
            assert page.inner_text("[role=status]") == again.says("flash_join_nobody")
    assert again.arrives(page, "/cart")
    page.goto(f"{again.shop}/connect/account")
    assert page.locator("[data-unbind]").count() == 2
    assert len(shop.rows("es_member")) == 1


def test_a_password_is_a_way_in(visit: Visit, shop: RunningShop) -> None:
    """Password set → last login unlinked → logged out → a wrong password keeps the name → the right one → home."""
    visitor = visit()
    page = come(visitor)
    register(visitor, page)
    page.goto(f"{visitor.shop}/connect/account")
    name = page.get_by_label(visitor.says("username")).input_value()
    page.get_by_label(visitor.says("new_password")).fill(PASSWORD)
    page.get_by_role("button", name=visitor.says("set_password")).click()
    page.wait_for_url("**/connect/account")
    page.locator("li summary").click()
    page.click("[data-unbind=alipay]")
    page.wait_for_selector("[data-bind=alipay]")
    page.get_by_role("button", name=visitor.says("log_out")).click()
    page.goto(f"{visitor.shop}/connect/login?return_to=/cart")
    page.click("[data-password] summary")
    page.get_by_label(visitor.says("username")).fill(name)
    for password in ("not that one", PASSWORD):
        page.get_by_label(visitor.says("password")).fill(password)
        page.get_by_role("button", name=visitor.says("log_in"), exact=True).click()
        if password != PASSWORD:
            assert page.inner_text("[role=alert]") == visitor.says("wrong_credentials")
            visitor.expect_complaint("401")
            assert page.get_by_label(visitor.says("username")).input_value() == name
            assert visitor.fits(page)
    assert visitor.arrives(page, "/cart")


def test_who_takes_too_long_begins_anew(visit: Visit, clock: Clock) -> None:
    """Eleven minutes before the page → "expired" → again → login → vendor → asked once more → the page wanted."""
    visitor = visit()
    page = come(visitor)
    clock.advance(660)
    page.get_by_role("button", name=visitor.says("i_am_new")).click()
    assert visitor.is_refused(page, "state_expired", 400)
    page.get_by_role("link", name=visitor.says("start_again")).click()
    page.wait_for_url("**/connect/login?return_to=%2Fcart")
    visitor.log_in(page)
    assert visitor.arrives(page, "/connect/first-login")
    register(visitor, page)


@pytest.mark.parametrize("manner", ["phone, scripts"], indirect=True)
def test_a_foreign_ticket_is_refused(visit: Visit, shop: RunningShop) -> None:
    """A ticket that this shop did not seal → refused → "log in again" → login page."""
    visitor = visit()
    planted = {"name": "connect_pending", "value": f"{'0' * 32}.planted", "url": visitor.shop}
    visitor.context.add_cookies([planted])
    page = visitor.open("/connect/first-login")
    assert visitor.is_refused(page, "state_invalid", 400)
    page.get_by_role("link", name=visitor.says("start_again")).click()
    page.wait_for_url("**/connect/login")
    assert shop.rows("es_member") == []
