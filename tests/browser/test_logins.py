"""Whole logins in Chromium, on a desk and on a phone, as a member sees them."""

from urllib.parse import urlsplit

import pytest

from connect_alipay.sandbox import AlipaySandbox
from connect_core.harness import RunningShop
from connect_wechat.sandbox import WechatSandbox

from .conftest import Manner, Visit
from .visitors import DESK, PHONE, Visitor

TOKEN = "alipay.system.oauth.token"


def member_of(visitor: Visitor) -> int | None:
    """Ask the shop who is logged in in this browser."""
    answer = visitor.context.request.get(f"{visitor.shop}/connect/me")
    return answer.json()["uid"] if answer.ok else None


@pytest.mark.parametrize("manner", ["desk", "phone", "desk, no scripts", "phone, scripts"], indirect=True)
@pytest.mark.parametrize("provider", ["alipay", "wechat"])
def test_to_the_page_that_was_wanted(visit: Visit, shop: RunningShop, provider: str, manner: Manner) -> None:
    """Login page → vendor → another person than the first agrees → the page wanted; home shows her and her row."""
    visitor = visit()
    page = visitor.open("/connect/login?return_to=/cart")
    assert page.inner_text("h1") == visitor.says("log_in")
    visitor.log_in(page, provider, "wangfang")
    assert visitor.arrives(page, "/cart")
    page.goto(visitor.shop)
    assert visitor.is_home(page, '王芳 {"🙂"}')
    [row], sandbox = shop.rows("es_connect"), shop.sandboxes[provider]
    assert isinstance(sandbox, AlipaySandbox | WechatSandbox)
    strongest = sandbox.user_id("wangfang") if isinstance(sandbox, AlipaySandbox) else sandbox.union_id("wangfang")
    assert (row["union_type"], row["union_id"]) == (provider.upper(), strongest)
    assert f"es_connect #{row['id']}: {provider.upper()} {strongest}" in page.inner_text("main")
    assert [row["client_type"] for row in shop.rows("es_member_session")] == ["pc" if manner.device is DESK else "h5"]


def test_log_out(visit: Visit) -> None:
    """Shop → login page → logged in → the button on the member page → login page; going back shows no member."""
    visitor = visit()
    page = visitor.open("/")
    assert urlsplit(page.url).path == "/connect/login"
    visitor.log_in(page)
    page.get_by_role("button", name=visitor.says("log_out")).click()
    page.wait_for_url(f"{visitor.shop}/connect/login")
    assert member_of(visitor) is None
    page.go_back()
    page.wait_for_url(f"{visitor.shop}/connect/login")


def test_on_a_phone_outside_alipay(visit: Visit, shop: RunningShop) -> None:
    """Any browser → tap → our page opens the app → Alipay opens our start URL → the page wanted, there alone.

    The sandbox has a page in place of the app. A language that was chosen outside goes along. Who comes back to the
    first browser reads where the login went on.
    """
    outside, inside = visit(PHONE, locale="zh-CN"), visit(locale="zh-CN")
    page = outside.open("/connect/login?return_to=/cart")
    page.tap(".language summary")
    page.tap(".language a[lang=en]")
    page.wait_for_url("**lang=en**")
    page.tap("[data-provider=alipay]")
    assert outside.leaves(page)
    start_url = page.get_attribute("main a", "href") or ""
    assert start_url.startswith(f"{shop.url}/connect/alipay/h5/login?")
    assert {one["name"] for one in outside.context.cookies()} == {"connect_lang", "connect_opened"}
    outside.language = "en"
    again = outside.open("/connect/alipay/h5/login?return_to=/cart")
    assert again.inner_text("h1") == outside.says("app_opened", "Alipay")
    assert outside.fits(again)
    page = inside.open(start_url.removeprefix(shop.url))
    assert urlsplit(page.url).hostname == "localhost"
    inside.decide(page)
    assert inside.arrives(page, "/cart")
    page.goto(f"{inside.shop}/connect/account")
    assert page.get_attribute("html", "lang") == "en"
    assert member_of(inside) == shop.rows("es_member")[0]["id"]
    assert member_of(outside) is None


@pytest.mark.parametrize("manner", ["phone, scripts"], indirect=True)
def test_on_a_phone_inside_wechat(visit: Visit, shop: RunningShop) -> None:
    """WeChat's own browser → login page → WeChat → the page wanted."""
    visitor = visit({**PHONE, "user_agent": f"{PHONE['user_agent']} MicroMessenger/8.0.50"})
    page = visitor.open("/connect/login?return_to=/cart")
    assert page.locator("a.row").count() == 1
    visitor.log_in(page, "wechat")
    assert visitor.arrives(page, "/cart")
    assert [row["union_type"] for row in shop.rows("es_connect")] == ["WECHAT"]


def test_a_chosen_language_lasts(visit: Visit) -> None:
    """The other language, one click away → vendor → refused, in that language → logged in → so is the account page."""
    visitor = visit()
    page = visitor.open("/connect/login")
    visitor.language = "en" if visitor.language == "zh" else "zh"
    page.click(".language summary")
    page.click(f".language a[lang^={visitor.language}]:not([lang=zh-TW])")
    page.wait_for_url("**lang=**")
    assert page.inner_text("h1") == visitor.says("log_in")
    visitor.leave(page, "alipay")
    visitor.decide(page, "refuse")
    assert visitor.is_refused(page, "provider_denied", 400)
    page.get_by_role("link", name=visitor.says("start_again"), exact=True).click()
    assert visitor.leaves(page)
    visitor.decide(page)
    page.get_by_role("link", name=visitor.says("account")).click()
    page.wait_for_url("**/connect/account")
    assert visitor.says("connections") in page.inner_text("main")


@pytest.mark.parametrize("manner", ["desk"], indirect=True)
def test_two_tabs_at_once(visit: Visit, shop: RunningShop) -> None:
    """Two tabs begin, the first to begin ends last → both land at home, logged in as the same member."""
    visitor = visit()
    first, second = visitor.open("/connect/login"), visitor.open("/connect/login")
    for page in (first, second):
        visitor.leave(page, "alipay")
    for page in (second, first):
        visitor.decide(page)
        assert visitor.is_home(page)
    second.reload()
    assert visitor.is_home(second)
    assert len(shop.rows("es_member")) == 1
    assert shop.sandboxes["alipay"].called(TOKEN) == 2
