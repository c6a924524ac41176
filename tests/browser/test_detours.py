"""Logins that do not go straight on: refused, repeated, gone back on; and the log that all these tests rely on."""

import pytest

from connect_core.harness import RunningShop

from .conftest import Visit

TOKEN = "alipay.system.oauth.token"


@pytest.mark.parametrize("provider", ["alipay", "wechat"])
def test_refuse_and_start_again(visit: Visit, shop: RunningShop, provider: str) -> None:
    """At the vendor → refuse → "cancelled", nothing written → "log in again" → agree → the page wanted."""
    visitor = visit()
    page = visitor.open("/connect/login?return_to=/cart")
    visitor.leave(page, provider)
    visitor.decide(page, "refuse")
    assert visitor.is_refused(page, "provider_denied", 400)
    assert shop.rows("es_member") == []
    page.get_by_role("link", name=visitor.says("start_again"), exact=True).click()
    assert visitor.leaves(page)
    visitor.decide(page)
    assert visitor.arrives(page, "/cart")


def test_choose_another_login(visit: Visit, shop: RunningShop) -> None:
    """Refuse at Alipay → "choose another" → login page → WeChat → the page wanted, with WeChat's row alone."""
    visitor = visit()
    page = visitor.open("/connect/login?return_to=/cart")
    visitor.leave(page, "alipay")
    visitor.decide(page, "refuse")
    assert visitor.is_refused(page, "provider_denied", 400)
    page.get_by_role("link", name=visitor.says("other_login")).click()
    assert visitor.arrives(page, "/connect/login?return_to=%2Fcart")
    visitor.log_in(page, "wechat")
    assert visitor.arrives(page, "/cart")
    assert [row["union_type"] for row in shop.rows("es_connect")] == ["WECHAT"]


def test_open_the_callback_again(visit: Visit, shop: RunningShop) -> None:
    """Logged in → the callback's address once more, and reloaded → home, still logged in; the code is redeemed once."""
    visitor = visit()
    page = visitor.open("/connect/login")
    visitor.log_in(page)
    [callback] = visitor.callbacks()
    page.goto(callback)
    assert visitor.is_home(page)
    page.reload()
    assert visitor.is_home(page)
    assert len(visitor.callbacks()) == 2
    assert shop.sandboxes["alipay"].called(TOKEN) == len(shop.rows("es_member_session")) == 1


def test_go_back_and_agree_again(visit: Visit, shop: RunningShop) -> None:
    """Logged in → back over the vendor's page and forward → agree there once more → home, and no second login."""
    visitor = visit()
    page = visitor.open("/connect/login")
    visitor.log_in(page)
    page.go_back()
    assert not page.url.startswith(visitor.shop)
    page.go_back()
    assert page.url == f"{visitor.shop}/connect/login"
    page.go_forward()
    visitor.decide(page)
    assert visitor.is_home(page)
    assert len(visitor.callbacks()) == 2
    assert shop.sandboxes["alipay"].called(TOKEN) == len(shop.rows("es_member_session")) == 1


@pytest.mark.parametrize("manner", ["desk", "desk, no scripts"], indirect=True)
def test_a_violated_policy_is_noticed(visit: Visit) -> None:
    """A page with an inline style, which our policy forbids → the browser complains: a silent log means something."""
    visitor = visit()
    visitor.open("/careless")
    visitor.expect_complaint("Content Security Policy")
