"""Shops on loopback whose vendors are other sites, and visitors who come with Chromium, by desk and by phone.

Chromium and each shop are started once; before a test the shop's tables and its vendors' memories are emptied.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connect_core.cli.demo import demo_home
from connect_core.harness import RunningShop, run_shop
from connect_core.providers.registry import Plugins
from connect_core.web import responses
from connect_core.web.pages import Pages
from connect_core.web.pages.theme_check import sample_pages
from connect_core.web.requests import get_language

from ..kit.acme import execute
from ..kit.clock import Clock
from ..kit.databases import check
from ..kit.merges import Planner
from ..kit.web_shops import alipay_and_wechat
from .visitors import DESK, IN_ALIPAY, PHONE, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

THEME = Path(__file__).parents[2] / "docs/examples/theme"
PAGE = '<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="/connect/static/mark.svg">{}</html>'
CARELESS = '<p style="color: red">Inline style</p>'
FRAMING = '<iframe src="/connect/wechat/pc/login?return_to=/" width="500" height="600" title="code"></iframe>'
FRAMED = ("/connect/login", "/connect/account", "/connect/account/erase", "/connect/h/any", "/nowhere")
NUMBERS = range(len([*sample_pages(Pages(), "zh-CN")]))
"""The numbers of the sample pages."""
Visit = Callable[..., Visitor]
Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Manner:
    """How somebody comes."""

    device: dict[str, Any]
    locale: str
    scripts: bool


MANNERS = {
    "desk": Manner(DESK, "zh-CN", scripts=True),
    "phone": Manner(IN_ALIPAY, "en-GB", scripts=False),
    "desk, no scripts": Manner(DESK, "en-GB", scripts=False),
    "phone, scripts": Manner(IN_ALIPAY, "zh-CN", scripts=True),
    "phone, English": Manner(PHONE, "en-GB", scripts=True),
}
BOTH = ["desk", "phone"]
"""Between them: two sizes, two languages, scripts on and off."""


@pytest.fixture(scope="session")
def browser(require: Callable[[object, str], None]) -> Iterator["Browser"]:
    """Chromium, without a window."""
    require(find_spec("playwright"), "the package playwright is not installed")
    chromium = shutil.which("chromium")
    require(chromium, "Chromium is not installed")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - without it these tests are skipped, not broken

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--disable-quic"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def clock() -> Clock:
    """The clock of every shop."""
    return Clock()


@contextmanager
def running(clock: Clock, change: Change = lambda _: None, **options: Any) -> Iterator[RunningShop]:
    """A shop at 127.0.0.1, its vendors at localhost: another site, which puts SameSite cookies to use."""

    def change_all(raw: dict[str, Any]) -> None:
        move_vendors(raw)
        change(raw)

    own = {"/cart": cart, "/careless": careless, "/framing": framing, "/thief": thief, "/sample/{number:int}": sample}
    routes = [*demo_home(), *(Route(path, page) for path, page in own.items())]
    with run_shop(alipay_and_wechat(), routes=routes, change=change_all, now=clock, **options) as one:
        yield one


@pytest.fixture(scope="session")
def registering(browser: "Browser", clock: Clock) -> Iterator[RunningShop]:
    """The shop that registers newcomers at once."""
    with running(clock) as one:
        yield one


@pytest.fixture(scope="session")
def choosing(browser: "Browser", clock: Clock) -> Iterator[RunningShop]:
    """One that asks them first."""
    with running(clock, lambda raw: raw["service"].update(first_login="choose")) as one:
        yield one


@pytest.fixture(scope="session")
def merging(browser: "Browser", clock: Clock) -> Iterator[RunningShop]:
    """One that says what it would move when two accounts are merged."""
    with running(clock, plugins=Plugins([("planner", Planner())])) as one:
        yield one


@pytest.fixture(scope="session")
def particular(browser: "Browser", clock: Clock) -> Iterator[RunningShop]:
    """One that embeds WeChat's code on PC, and sends people to WeChat itself in H5."""

    def change(raw: dict[str, Any]) -> None:
        del raw["providers"]["wechat"]["h5"]["open_url"]
        raw["providers"]["wechat"]["pc"]["embed"] = {"style": "black"}

    with running(clock, change) as one:
        yield one


@pytest.fixture(scope="session")
def themed(browser: "Browser", clock: Clock) -> Iterator[RunningShop]:
    """One with the look of the documentation's example."""

    def change(raw: dict[str, Any]) -> None:
        raw["pages"] = {
            "name": {"zh": "梧桐茶铺", "en": "Wutong Tea"},
            "terms_url": "/terms",
            "stylesheet": str(THEME / "shop.css"),
            "template_folder": str(THEME / "templates"),
        }

    with running(clock, change) as one:
        yield one


@pytest.fixture
def shop(request: pytest.FixtureRequest, clock: Clock) -> Iterator[RunningShop]:
    """The shop of the file, `SHOP`, emptied; in the end its rows keep the rules of `db check`."""
    one: RunningShop = request.getfixturevalue(getattr(request.module, "SHOP", "registering"))
    clock.advance(time.time() - clock())
    for table in execute(one.database_url, "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'es_%'"):
        execute(one.database_url, f"DELETE FROM {table['name']}")
    for sandbox in one.sandboxes.values():
        sandbox.calls.clear()
        sandbox.faults.clear()
    yield one
    check(one.database_url)


@pytest.fixture(params=BOTH)
def manner(request: pytest.FixtureRequest) -> Manner:
    """How the test's visitors come, if they do not say otherwise."""
    return MANNERS[request.param]


@pytest.fixture
def visit(browser: "Browser", shop: RunningShop, manner: Manner) -> Iterator[Visit]:
    """`visit(device, **options)` brings a visitor; in the end no browser may have complained of anything."""
    visitors: list[Visitor] = []

    def come(device: dict[str, Any] | None = None, **options: Any) -> Visitor:
        options = {"locale": manner.locale, "java_script_enabled": manner.scripts, **options}
        visitors.append(Visitor.with_browser(browser, shop.url, device or manner.device, **options))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.context.close()
    assert [visitor.complaints for visitor in visitors] == [[] for _ in visitors]


def move_vendors(raw: dict[str, Any]) -> None:
    """Send browsers to the vendors' pages by another name of this machine."""
    for provider in raw["providers"].values():
        for settings in (provider[client] for client in ("pc", "h5")):
            for key in settings.keys() & {"authorize_url", "open_url"}:
                settings[key] = settings[key].replace("127.0.0.1", "localhost")


async def cart(request: Request) -> Response:
    """A page of the shop's own, which a member may want."""
    return HTMLResponse(PAGE.format("<h1>Cart</h1>"))


async def careless(request: Request) -> Response:
    """A page that breaks the policy it is sent with."""
    return responses.html_response(PAGE.format(CARELESS))


async def thief(request: Request) -> Response:
    """Another site's page, which frames ours: it is opened by another name of this machine."""
    frames = "".join(f'<iframe src="{request.query_params["of"]}{path}"></iframe>' for path in FRAMED)
    return HTMLResponse(PAGE.format(frames))


async def sample(request: Request) -> Response:
    """One of every page that there is, with the words that are asked for."""
    asked, pages = request.query_params, request.app.state.context.pages
    made = [*sample_pages(pages, get_language(request), asked["words"], is_full="full" in asked)]
    return responses.html_response(made[request.path_params["number"]]())


async def framing(request: Request) -> Response:
    """A page of the shop's own, with its own policy, and WeChat's code in a frame."""
    return HTMLResponse(PAGE.format(FRAMING))
