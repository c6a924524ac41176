"""Whole logins in Chromium, on a desk and on a phone, as a member sees them."""

from urllib.parse import parse_qs, urlsplit

import pytest

from connect_alipay.sandbox import AlipaySandbox
from connect_core.rehearsal import Stage
from connect_wechat.sandbox import WechatSandbox

from .conftest import Visit
from .visitors import DESK, IN_ALIPAY, PHONE, Visitor

TOKEN = "alipay.system.oauth.token"


def member_of(visitor: Visitor) -> int | None:
    """Ask the shop who is logged in in this browser."""
    answer = visitor.context.request.get(f"{visitor.shop}/connect/me")
    return answer.json()["uid"] if answer.ok else None


def assert_fits(visitor: Visitor) -> None:
    """Nothing may be wider than the screen."""
    page = visitor.context.pages[-1]
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["viewport"]["width"]


@pytest.mark.parametrize("provider", ["alipay", "wechat"])
def test_on_a_pc(visit: Visit, stage: Stage, provider: str) -> None:
    """Shop → hosted login page → vendor → another person than the first agrees → home shows her and her row; reload."""
    visitor = visit(DESK)
    page = visitor.open("/")
    assert (urlsplit(page.url).path, page.inner_text("h1")) == ("/connect/login", "登录")
    visitor.log_in(page, provider, "wangfang")
    assert visitor.is_home(page, '王芳 {"🙂"}')
    [row], sandbox = stage.rows("es_connect"), stage.sandboxes[provider]
    assert isinstance(sandbox, AlipaySandbox | WechatSandbox)
    strongest = sandbox.user_id("wangfang") if isinstance(sandbox, AlipaySandbox) else sandbox.union_id("wangfang")
    assert (row["union_type"], row["union_id"]) == (provider.upper(), strongest)
    assert f"es_connect #{row['id']}: {provider.upper()} {strongest}" in page.inner_text("main")
    page.reload()
    assert visitor.is_home(page, '王芳 {"🙂"}')


def test_log_out(visit: Visit) -> None:
    """Logged in → the button on the member page → login page; the shop knows nobody; going back shows no member."""
    visitor = visit(DESK)
    page = visitor.open("/connect/login")
    visitor.log_in(page)
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url(f"{visitor.shop}/connect/login")
    assert member_of(visitor) is None
    page.go_back()
    page.wait_for_url(f"{visitor.shop}/connect/login")


def test_on_a_phone_inside_alipay(visit: Visit, stage: Stage) -> None:
    """Alipay's own browser → login page for phones → no wake-up, straight to consent → home."""
    visitor = visit(IN_ALIPAY)
    page = visitor.open("/connect/login")
    assert_fits(visitor)
    visitor.log_in(page)
    assert visitor.is_home(page)
    assert_fits(visitor)
    assert [row["client_type"] for row in stage.rows("es_member_session")] == ["h5"]


def test_on_a_phone_outside_alipay(visit: Visit, stage: Stage) -> None:
    """Any browser → tap → the wake-up link holds our start URL → Alipay opens it → logged in there, and only there."""
    outside, inside = visit(PHONE), visit(IN_ALIPAY)
    page = outside.open("/connect/login")
    assert_fits(outside)
    with page.expect_response(lambda response: response.status == 303) as tapped:
        page.tap("[data-provider=alipay]")
    wake_up = urlsplit(tapped.value.headers["location"])
    assert (wake_up.scheme, wake_up.netloc, wake_up.path) == ("alipays", "platformapi", "/startapp")
    [start_url] = parse_qs(wake_up.query)["url"]
    assert start_url.startswith(f"{stage.url}/connect/alipay/h5/login?")
    assert outside.context.cookies() == []
    page = inside.open(start_url.removeprefix(stage.url))
    inside.decide(page)
    assert inside.is_home(page)
    assert (member_of(inside), member_of(outside)) == (1, None)


def test_english_reads_english(visit: Visit) -> None:
    """An English browser → English login page → refuses → English refusal; the other language is one click away."""
    visitor = visit(DESK, locale="en-GB")
    page = visitor.open("/connect/login")
    assert (page.get_attribute("html", "lang"), page.inner_text("h1")) == ("en", "Log in")
    assert page.inner_text("[data-provider=alipay]") == "Continue with Alipay"
    page.click(".language a")
    page.wait_for_url("**lang=zh**")
    assert (page.get_attribute("html", "lang"), page.inner_text("h1")) == ("zh-CN", "登录")
    page.go_back()
    visitor.leave(page, "alipay")
    visitor.decide(page, "refuse")
    assert page.inner_text("h1") == "The login was cancelled"
    visitor.expect_complaint("400")


def test_two_tabs_at_once(visit: Visit, stage: Stage) -> None:
    """Two tabs begin, the first to begin ends last → both land at home, logged in as the same member."""
    visitor = visit(DESK)
    first, second = visitor.open("/connect/login"), visitor.open("/connect/login")
    for page in (first, second):
        visitor.leave(page, "alipay")
    for page in (second, first):
        visitor.decide(page)
        assert visitor.is_home(page)
    second.reload()
    assert visitor.is_home(second)
    assert len(stage.rows("es_member")) == 1
    assert stage.sandboxes["alipay"].called(TOKEN) == 2
