"""Apps with browsers of their own, and WeChat's QR code inside the shop's page, in Chromium."""

from typing import Any

import pytest

from connect_core.harness import RunningShop

from .conftest import Visit
from .visitors import DESK, PHONE

SHOP = "particular"


def inside(app: str) -> dict[str, Any]:
    """A phone, in the browser of an app."""
    return {**PHONE, "user_agent": f"{PHONE['user_agent']} {app}"}


def test_inside_wechat(visit: Visit) -> None:
    """WeChat is a link, Alipay says where it works; the page's address can be taken along."""
    visitor = visit(inside("MicroMessenger/8.0.50"))
    page = visitor.open("/connect/login?return_to=/cart")
    assert page.locator("a.row").count() == 1
    assert page.locator("a.row").get_attribute("href") == "/connect/wechat/h5/login?return_to=%2Fcart"
    assert visitor.says("leave_by_menu") in page.inner_text("[data-elsewhere=alipay]")
    assert page.inner_text("code") == f"{visitor.shop}/connect/login?return_to=%2Fcart"


@pytest.mark.parametrize("manner", ["phone, scripts"], indirect=True)
def test_where_nothing_works(visit: Visit) -> None:
    """WeCom's browser: no link at all, but the two places."""
    page = visit(inside("wxwork/4.1.28 MicroMessenger/7.0.1")).open("/connect/login")
    assert page.locator("a.row").count() == 0
    assert page.inner_text("header p") == "这里无法登录，请按下面的提示打开本页"
    assert "请在微信中打开本页" in page.inner_text("[data-elsewhere=wechat]")


@pytest.mark.parametrize("manner", ["desk", "desk, no scripts"], indirect=True)
def test_code_in_a_frame(visit: Visit, shop: RunningShop) -> None:
    """Shop's page → WeChat's code in a frame, on another site → scanned → the whole window is home, logged in."""
    visitor = visit(DESK)
    page = visitor.open("/framing")
    frame = page.frame_locator("iframe")
    frame.locator("button[value=agree]").click()
    assert visitor.arrives(page, "/")
    assert visitor.is_home(page)
    assert [row["union_type"] for row in shop.rows("es_connect")] == ["WECHAT"]
