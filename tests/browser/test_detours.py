"""Logins that do not go straight on: refused, repeated, gone back on; and the log that all these tests rely on."""

import pytest

from connect_core.rehearsal import Stage

from .conftest import Visit
from .visitors import DESK, PHONE

TOKEN = "alipay.system.oauth.token"


@pytest.mark.parametrize(("provider", "device"), [("alipay", DESK), ("wechat", PHONE)])
def test_refuse_and_start_again(visit: Visit, stage: Stage, provider: str, device: dict[str, object]) -> None:
    """At the vendor → refuse → "cancelled", nothing written → "log in again" → agree → home."""
    visitor = visit(device)
    page = visitor.open("/connect/login")
    visitor.leave(page, provider)
    visitor.decide(page, "refuse")
    assert page.inner_text("h1") == "登录已取消"
    assert stage.rows("es_member") == []
    visitor.expect_complaint("400")
    page.get_by_role("link", name="重新登录").click()
    page.wait_for_url(lambda url: not url.startswith(visitor.shop))
    visitor.decide(page)
    assert visitor.is_home(page)


def test_choose_another_login(visit: Visit, stage: Stage) -> None:
    """Refuse at Alipay → "choose another" → login page → WeChat → home, with WeChat's row alone."""
    visitor = visit(DESK)
    page = visitor.open("/connect/login")
    visitor.leave(page, "alipay")
    visitor.decide(page, "refuse")
    visitor.expect_complaint("400")
    page.get_by_role("link", name="选择其他登录方式").click()
    page.wait_for_url("**/connect/login")
    visitor.log_in(page, "wechat")
    assert visitor.is_home(page)
    assert [row["union_type"] for row in stage.rows("es_connect")] == ["WECHAT"]


def test_open_the_callback_again(visit: Visit, stage: Stage) -> None:
    """Logged in → the callback's address once more, and reloaded → home, still logged in; the code is redeemed once."""
    visitor = visit(DESK)
    page = visitor.open("/connect/login")
    visitor.log_in(page)
    [callback] = visitor.callbacks()
    page.goto(callback)
    assert visitor.is_home(page)
    page.reload()
    assert visitor.is_home(page)
    assert len(visitor.callbacks()) == 2
    assert stage.sandboxes["alipay"].called(TOKEN) == len(stage.rows("es_member_session")) == 1


def test_go_back_and_agree_again(visit: Visit, stage: Stage) -> None:
    """Logged in → back to the vendor's page → agree once more, with the spent state → home, no second login."""
    visitor = visit(DESK)
    page = visitor.open("/connect/login")
    visitor.log_in(page)
    page.go_back()
    assert not page.url.startswith(visitor.shop)
    visitor.decide(page)
    assert visitor.is_home(page)
    assert len(visitor.callbacks()) == 2
    assert stage.sandboxes["alipay"].called(TOKEN) == len(stage.rows("es_member_session")) == 1


def test_go_back_and_forward(visit: Visit) -> None:
    """Logged in → back over the vendor's page to the login page → forward again → home, still logged in."""
    visitor = visit(DESK)
    page = visitor.open("/connect/login")
    visitor.log_in(page)
    page.go_back()
    page.go_back()
    assert page.url == f"{visitor.shop}/connect/login"
    page.go_forward()
    page.go_forward()
    assert visitor.is_home(page)


def test_a_violated_policy_is_noticed(visit: Visit) -> None:
    """A page with an inline style, which our policy forbids → the browser complains: a silent log means something."""
    visitor = visit(DESK)
    visitor.open("/careless")
    visitor.expect_complaint("Content Security Policy")
