# ruff: noqa: INP001  (a script of the documentation, in no package)
"""Takes the pictures of the documentation anew: the hosted pages in Chromium, as members see them.

Run it after a change to a page, once `tox -e browser` has installed what it needs:
`.tox/browser/bin/python docs/screenshots.py`. Everything is on loopback; nothing but `docs/images` is written. What
differs from run to run, such as ports, is replaced by what a shop would show.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from connect_core.cli.demo import demo_home
from connect_core.harness import RunningShop, load_sandboxes, run_shop
from connect_core.plugin import Language, MergePlan, hookimpl
from connect_core.providers.registry import Plugins
from connect_core.sandbox import Sandbox

HERE = Path(__file__).parent
IMAGES = HERE / "images"
PHONE = ViewportSize(width=390, height=500)
DESK = ViewportSize(width=760, height=600)
LANGUAGES = ("zh", "en")
TALL = 1
"""The scale of long pages, which are shown small."""
SHOWN = ("alipay", "wechat", "qq")
LARGEST = 64_000
"""Bytes: a page with all its pictures stays light."""
Change = Callable[[dict[str, Any]], None]


def main() -> None:
    """Take every picture, and say how large each has become."""
    chromium = shutil.which("chromium") or sys.exit("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
        with running() as shop:
            show_login_pages(browser, shop)
            show_login(browser, shop)
            show_handover(browser, shop)
        with running(lambda raw: raw["service"].update(first_login="choose")) as shop:
            show_first_login_and_account(browser, shop)
        with running(plugins=Plugins([("orders", Orders())])) as shop:
            show_merge(browser, shop)
        with running(leave_to_wechat) as shop:
            show_login_pages_in_apps(browser, shop)
        with running(take_own_look) as shop:
            show_own_look(browser, shop)
        browser.close()
    for path in sorted(IMAGES.glob("*.png")):
        size = path.stat().st_size
        sys.stdout.write(f"{path.name:<28} {size:>6} bytes{'  TOO LARGE' if size > LARGEST else ''}\n")


def show_login_pages(browser: Browser, shop: RunningShop) -> None:
    """The hosted login page, on a phone and on a desk, in both languages."""
    for language in LANGUAGES:
        for device, viewport, client in (("phone", PHONE, "h5"), ("desk", DESK, "pc")):
            with visiting(browser, viewport) as page:
                page.goto(f"{shop.url}/connect/login?client={client}&lang={language}")
                keep(page, f"login-{device}-{language}")


def show_login(browser: Browser, shop: RunningShop) -> None:
    """A first login: the sandbox's page where a person agrees, then the shop that knows who it is; and a refusal."""
    with visiting(browser, DESK) as page:
        page.goto(f"{shop.url}/connect/login?client=pc&lang=en")
        page.click("[data-provider=alipay]")
        keep(page, "alipay-consent")
        agree(page, shop)
        page.wait_for_url(f"{shop.url}/")
        keep(page, "logged-in")
    for language in LANGUAGES:
        with visiting(browser, PHONE) as page:
            page.goto(f"{shop.url}/connect/wechat/h5/login?lang={language}")
            page.click("button[value=refuse]")
            page.wait_for_url(f"{shop.url}/**")
            replace(page, ".reference code", "8f3a1c09d2e4b657")
            keep(page, f"refused-{language}")


def show_handover(browser: Browser, shop: RunningShop) -> None:
    """A PC's QR code, and what the phone asks before it logs that PC in."""
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    for language in LANGUAGES:
        with visiting(browser, DESK, user_agent=agent) as desk, visiting(browser, PHONE, TALL) as phone:
            desk.goto(f"{shop.url}/connect/handover?lang={language}")
            keep(desk, f"handover-desk-{language}")
            [ticket] = [one["value"] for one in desk.context.cookies() if one["name"] == "connect_handover"]
            phone.goto(f"{shop.url}/connect/alipay/pc/login?lang={language}")
            agree(phone, shop)
            phone.goto(f"{shop.url}/connect/h/{ticket.partition('.')[0]}")
            replace(phone, "dd >> nth=0", "shop.example")
            replace(phone, "dd >> nth=4", "203.0.113.*")
            keep(phone, f"handover-confirm-{language}")


def show_first_login_and_account(browser: Browser, shop: RunningShop) -> None:
    """A newcomer is asked; then their account page, with a login on another device; and how they leave."""
    for language, person in zip(LANGUAGES, ("lihua", "maria"), strict=True):
        with visiting(browser, PHONE, TALL) as page, visiting(browser, PHONE) as other:
            page.goto(f"{shop.url}/connect/wechat/h5/login?lang={language}&return_to=/connect/account")
            agree(page, shop, person)
            keep(page, f"first-login-{language}")
            page.click("[value=register]")
            other.goto(f"{shop.url}/connect/wechat/pc/login?return_to=/connect/account")
            agree(other, shop, person)
            page.goto(f"{shop.url}/connect/account")
            keep(page, f"account-{language}")
            page.goto(f"{shop.url}/connect/account/erase")
            keep(page, f"erase-{language}")


def show_merge(browser: Browser, shop: RunningShop) -> None:
    """What a member is shown before two accounts become one."""
    for language, person, other in (("zh", "lihua", "maria"), ("en", "maria", "lihua")):
        with visiting(browser, PHONE, TALL) as second, visiting(browser, PHONE, TALL) as page:
            second.goto(f"{shop.url}/connect/wechat/pc/login")
            agree(second, shop, other)
            page.goto(f"{shop.url}/connect/alipay/pc/login?lang={language}&return_to=/connect/account/merge")
            agree(page, shop, person)
            page.click("[data-merge=wechat]")
            agree(page, shop, other)
            keep(page, f"merge-{language}")


def show_login_pages_in_apps(browser: Browser, shop: RunningShop) -> None:
    """The login page in browsers that cannot do every login: inside WeChat, and on a phone outside of it."""
    for language in LANGUAGES:
        for name, app in (("in-wechat", " MicroMessenger/8.0.50"), ("outside", "")):
            with visiting(browser, PHONE, user_agent=f"Mozilla/5.0 (Linux; Android 14) Mobile{app}") as page:
                page.goto(f"{shop.url}/connect/login?lang={language}")
                replace(page, ".reference code", "https://shop.example/connect/login")
                keep(page, f"login-{name}-{language}")


def show_own_look(browser: Browser, shop: RunningShop) -> None:
    """The same page in the look of the example."""
    for language in LANGUAGES:
        with visiting(browser, PHONE) as page:
            page.goto(f"{shop.url}/connect/login?client=h5&lang={language}")
            keep(page, f"login-themed-{language}")


class Orders:
    """A shop's part of a merge."""

    @hookimpl
    def connect_plan_merge(self, kept_id: int, merged_id: int, language: Language) -> MergePlan:
        """Say what would move."""
        return MergePlan(["3 个订单", "2 张优惠券"] if language == "zh" else ["3 orders", "2 coupons"])


@contextmanager
def running(change: Change = lambda _: None, **options: Any) -> Iterator[RunningShop]:
    """A shop with the doubles of the vendors that are shown."""
    loaded = load_sandboxes(Plugins())
    sandboxes: dict[str, Sandbox] = {name: loaded[name] for name in SHOWN}
    for sandbox in sandboxes.values():
        sandbox.people.pop("wangfang", None)  # her name holds an emoji, for which not every machine has a font
    with run_shop(sandboxes, routes=demo_home(), change=change, **options) as shop:
        yield shop


def leave_to_wechat(raw: dict[str, Any]) -> None:
    """A double works in every browser, WeChat does not."""
    del raw["providers"]["wechat"]["h5"]["open_url"]


def take_own_look(raw: dict[str, Any]) -> None:
    """The example of docs/how-to/theming.md."""
    theme = HERE / "examples" / "theme"
    raw["pages"] = {"stylesheet": theme / "shop.css", "template_folder": theme / "templates"}


@contextmanager
def visiting(browser: Browser, viewport: ViewportSize, scale: float = 1.5, **options: Any) -> Iterator[Page]:
    """A fresh visitor, whose browser prefers English; `scale` is the screen's, `options` are Playwright's."""
    context = browser.new_context(viewport=viewport, device_scale_factor=scale, locale="en-GB", **options)
    yield context.new_page()
    context.close()


def agree(page: Page, shop: RunningShop, person: str = "lihua") -> None:
    """Agree at the vendor, and come back to the shop."""
    page.check(f"[name=person][value={person}]")
    page.click("button[value=agree]")
    page.wait_for_url(f"{shop.url}/**")


def replace(page: Page, selector: str, text: str) -> None:
    """Show `text` where this machine's own addresses stand."""
    page.locator(selector).evaluate("(element, text) => element.textContent = text", text)


def keep(page: Page, name: str) -> None:
    """Write the whole page to `docs/images/NAME.png`."""
    page.screenshot(path=IMAGES / f"{name}.png", full_page=True, animations="disabled")


if __name__ == "__main__":
    main()
