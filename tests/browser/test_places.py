"""Apps with browsers of their own, and WeChat's QR code inside the shop's page, in Chromium."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connect_core.cli.demo import demo_home
from connect_core.rehearsal import Stage, on_stage

from ..web.stage import doubles
from .conftest import Visit, move_vendors
from .visitors import DESK, PHONE

FRAMING = """<!doctype html><html lang="zh"><title>Shop</title><link rel="icon" href="/connect/static/mark.svg">
<iframe src="/connect/wechat/pc/login?return_to=/" width="500" height="600" title="code"></iframe></html>
"""


def inside(app: str) -> dict[str, Any]:
    """A phone, in the browser of an app."""
    return {**PHONE, "user_agent": f"{PHONE['user_agent']} {app}"}


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A shop that embeds WeChat's code on PC, and sends people to WeChat itself in H5."""

    def change(raw: dict[str, Any]) -> None:
        move_vendors(raw)
        del raw["providers"]["wechat"]["h5"]["open_url"]
        raw["providers"]["wechat"]["pc"]["embed"] = {"style": "black"}

    with on_stage(doubles(), routes=[*demo_home(), Route("/framing", framing)], change=change) as one:
        yield one


async def framing(request: Request) -> Response:
    """A page of the shop's own, with its own policy."""
    return HTMLResponse(FRAMING)


def test_inside_wechat(visit: Visit) -> None:
    """WeChat is a link, Alipay says where it works; the page fits, and its address can be taken along."""
    visitor = visit(inside("MicroMessenger/8.0.50"))
    page = visitor.open("/connect/login?return_to=/cart")
    assert page.locator("a.row").count() == 1
    assert "在浏览器打开" in page.inner_text("[data-elsewhere=alipay]")
    assert page.inner_text("code") == f"{visitor.shop}/connect/login?return_to=%2Fcart"
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["viewport"]["width"]


def test_where_nothing_works(visit: Visit) -> None:
    """WeCom's browser: no link at all, but the two places."""
    page = visit(inside("wxwork/4.1.28 MicroMessenger/7.0.1")).open("/connect/login")
    assert page.locator("a.row").count() == 0
    assert page.inner_text("header p") == "这里无法登录，请按下面的提示打开本页"
    assert "请在微信中打开本页" in page.inner_text("[data-elsewhere=wechat]")


def test_code_in_a_frame(visit: Visit, stage: Stage) -> None:
    """Shop's page → WeChat's code in a frame, on another site → scanned → the whole window is home, logged in."""
    visitor = visit(DESK)
    page = visitor.open("/framing")
    frame = page.frame_locator("iframe")
    frame.locator("button[value=agree]").click()
    page.wait_for_url(lambda url: url.partition("#")[0] == f"{visitor.shop}/")
    assert visitor.is_home(page)
    assert [row["union_type"] for row in stage.rows("es_connect")] == ["WECHAT"]
