# ruff: noqa: INP001  (a script of the documentation, in no package)
"""Takes the pictures of the documentation anew: the pages of `connect-login demo` in Chromium, as a visitor sees them.

Run it after a change to a page, once `tox -e browser` has installed what it needs:
`.tox/browser/bin/python docs/screenshots.py`. Everything is on loopback; nothing but `docs/images` is written.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from connect_core.cli.demo import demo_home
from connect_core.registry import Plugins
from connect_core.rehearsal import Stage, load_sandboxes, on_stage
from connect_core.sandbox import Sandbox

IMAGES = Path(__file__).parent / "images"
PHONE = ViewportSize(width=390, height=500)
DESK = ViewportSize(width=760, height=600)
ADDRESS = "https://shop.example/connect/login"
LARGEST = 60_000
"""Bytes: a page with all its pictures stays light."""


def main() -> None:
    """Take every picture, and say how large each has become."""
    chromium = shutil.which("chromium") or sys.exit("Chromium is not installed")
    sandboxes = load_sandboxes(Plugins())
    for sandbox in sandboxes.values():
        sandbox.people.pop("wangfang", None)  # her name holds an emoji, for which not every machine has a font
    with on_stage(sandboxes, routes=demo_home()) as stage, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
        show_login_page(browser, stage)
        show_login(browser, stage)
        show_refusal(browser, stage)
        show_handover(browser, stage)
        show_login_page_in_an_app(browser, sandboxes)
        browser.close()
    for path in sorted(IMAGES.glob("*.png")):
        size = path.stat().st_size
        sys.stdout.write(f"{path.name:<24} {size:>6} bytes{'  TOO LARGE' if size > LARGEST else ''}\n")


def show_login_page(browser: Browser, stage: Stage) -> None:
    """The hosted login page, on a phone and on a desk, in both languages."""
    for name, viewport, client, language in (
        ("login-phone-zh", PHONE, "h5", "zh"),
        ("login-phone-en", PHONE, "h5", "en"),
        ("login-desk-zh", DESK, "pc", "zh"),
        ("login-desk-en", DESK, "pc", "en"),
    ):
        with visiting(browser, viewport) as page:
            page.goto(f"{stage.url}/connect/login?client={client}&lang={language}")
            keep(page, name)


def show_login_page_in_an_app(browser: Browser, sandboxes: Mapping[str, Sandbox]) -> None:
    """The same page in browsers that cannot do every login: inside WeChat, and on a phone outside of it."""

    def change(raw: dict[str, Any]) -> None:
        del raw["providers"]["wechat"]["h5"]["open_url"]  # a double works in every browser

    with on_stage(sandboxes, change=change) as stage:
        for name, language, app in (
            ("login-in-wechat-zh", "zh", " MicroMessenger/8.0.50"),
            ("login-outside-en", "en", ""),
        ):
            with visiting(browser, PHONE, user_agent=f"Mozilla/5.0 (Linux; Android 14) Mobile{app}") as page:
                page.goto(f"{stage.url}/connect/login?lang={language}")
                page.evaluate("address => document.querySelector('code').textContent = address", ADDRESS)
                keep(page, name)


def show_login(browser: Browser, stage: Stage) -> None:
    """A first login: the sandbox's page where a person agrees, then the shop that knows who it is."""
    with visiting(browser, DESK) as page:
        page.goto(f"{stage.url}/connect/login?client=pc&lang=en")
        page.click("[data-provider=alipay]")
        keep(page, "alipay-consent")
        page.click("button[value=agree]")
        page.wait_for_url(f"{stage.url}/")
        keep(page, "logged-in")


def show_refusal(browser: Browser, stage: Stage) -> None:
    """The page after the person refused."""
    with visiting(browser, DESK) as page:
        page.goto(f"{stage.url}/connect/alipay/pc/login?lang=en")
        page.click("button[value=refuse]")
        page.wait_for_url(f"{stage.url}/connect/alipay/pc/callback*")
        keep(page, "refused")


def show_handover(browser: Browser, stage: Stage) -> None:
    """A PC's QR code, and what the phone asks before it logs that PC in."""
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    for language in ("zh", "en"):
        with visiting(browser, DESK, user_agent=agent) as desk, visiting(browser, PHONE) as phone:
            desk.goto(f"{stage.url}/connect/handover?lang={language}")
            keep(desk, f"handover-desk-{language}")
            [ticket] = [one["value"] for one in desk.context.cookies() if one["name"] == "connect_handover"]
            phone.goto(f"{stage.url}/connect/alipay/pc/login")
            phone.click("button[value=agree]")
            phone.wait_for_url(f"{stage.url}/")
            phone.goto(f"{stage.url}/connect/h/{ticket.partition('.')[0]}?lang={language}")
            keep(phone, f"handover-confirm-{language}")


@contextmanager
def visiting(browser: Browser, viewport: ViewportSize, **options: Any) -> Iterator[Page]:
    """A fresh visitor, whose browser prefers English; `options` are Playwright's."""
    context = browser.new_context(viewport=viewport, device_scale_factor=1.5, locale="en-GB", **options)
    yield context.new_page()
    context.close()


def keep(page: Page, name: str) -> None:
    """Write the whole page to `docs/images/NAME.png`."""
    page.screenshot(path=IMAGES / f"{name}.png", full_page=True, animations="disabled")


if __name__ == "__main__":
    main()
