"""A shop on loopback whose vendors are other sites, and visitors who come with Chromium, with scripts on and off."""

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connect_core.cli.demo import demo_home
from connect_core.rehearsal import Stage, on_stage
from connect_core.web import answers

from .visitors import DESK, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CARELESS = """<!doctype html><html lang="en"><title>Careless</title>
<link rel="icon" href="/connect/static/mark.svg"><p style="color: red">Inline style</p></html>
"""
Visit = Callable[..., Visitor]


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


@pytest.fixture
def stage() -> Iterator[Stage]:
    """The demo's shop at 127.0.0.1, its vendors at localhost: another site, which puts SameSite cookies to use."""
    with on_stage(routes=[*demo_home(), Route("/careless", careless)], change=move_vendors) as one:
        yield one


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def visit(browser: "Browser", stage: Stage, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """`visit(device, **options)` brings a visitor; in the end no browser may have complained of anything."""
    visitors: list[Visitor] = []

    def come(device: dict[str, Any] = DESK, **options: Any) -> Visitor:
        visitors.append(Visitor.with_browser(browser, stage.url, device, java_script_enabled=request.param, **options))
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


async def careless(request: Request) -> Response:
    """A page that breaks the policy it is sent with."""
    return answers.page(CARELESS)
