"""The pop-up of the how-to page, as it is printed there: a login in its own window, which tells the page behind."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connect_core.harness import run_shop

from ..kit.web_shops import alipay_and_wechat
from .conftest import move_vendors

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "pop-up.md"
BLOCKS = re.findall(r"```(js|html)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
SCRIPTS = "\n".join(text for language, text in BLOCKS if language == "js")
[DONE] = [text for language, text in BLOCKS if language == "html"]
ORDER = """<!doctype html><title>Order</title><input id="note"><button id="login">Log in</button><p id="who"></p>
<script>const told = []; addEventListener('message', (event) => told.push(event.data.type));
function showMember(member) { document.querySelector('#who').textContent = member.uname; }
%s</script>"""


def test_a_pop_up_logs_in_and_tells_the_page_behind(browser: "Browser") -> None:
    """The vendor is another site; the window still knows who opened it, says that it is done, and closes."""

    async def order(request: Request) -> Response:
        return _page(request, ORDER % SCRIPTS)

    async def done(request: Request) -> Response:
        return _page(request, DONE)

    routes = [Route("/order", order), Route("/login-done", done)]
    with run_shop(alipay_and_wechat(), routes=routes, change=move_vendors) as shop:
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        page.goto(f"{shop.url}/order")
        page.fill("#note", "two of the red ones")
        with page.expect_popup() as opened:
            page.click("#login")
        popup = opened.value
        popup.locator('button[value="agree"]').click()
        page.wait_for_function("told.includes('connect-login')")
        page.wait_for_function("document.querySelector('#who').textContent.startsWith('m_')")
        page.wait_for_timeout(200)
        assert popup.is_closed()
        assert page.input_value("#note") == "two of the red ones"
        context.close()


def _page(request: Request, text: str) -> Response:
    origin = f"http://{request.headers['host']}"
    return HTMLResponse(text.replace("https://shop.example", origin))
