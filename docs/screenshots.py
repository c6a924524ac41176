# ruff: noqa: INP001  (a script of the documentation, in no package)
"""Takes the pictures of the documentation anew: the hosted pages in Chromium, as members see them.

Run it after a change to a page, once `tox -e browser` has installed what it needs: `.tox/browser/bin/python
docs/screenshots.py`. Everything is on loopback; nothing but `docs/images` is written. What differs from run to run is
fixed (the clock) or replaced by what a shop would show (addresses, references, names).

The pictures are called `PAGE-LANGUAGE.png`, in dark mode `PAGE-LANGUAGE-dark.png`. With the names of functions as
arguments it takes only their pictures: `docs/screenshots.py show_merge`.
"""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, ViewportSize, sync_playwright

from connect_core.acts import OperatorAct
from connect_core.administrators.accounts import Accounts
from connect_core.administrators.roles import Role
from connect_core.administrators.sessions import AdministratorSessions
from connect_core.cli.demo import demo_home
from connect_core.doctor.last_run import store_last_run
from connect_core.findings import Finding, Level
from connect_core.harness import RunningShop, load_sandboxes, run_shop
from connect_core.plugin import Language, MergePlan, hookimpl
from connect_core.providers.circuits import Circuits
from connect_core.providers.registry import Plugins
from connect_core.sandbox import Sandbox
from connect_core.store import Database

HERE = Path(__file__).parent
IMAGES = HERE / "images"
LANGUAGES = ("zh", "en")
SHOWN = ("alipay", "wechat", "qq", "weibo", "google", "apple")
LARGEST = 64_000
"""Bytes: a page with all its pictures stays light."""
DAY = 86_400
MORNING = 1_790_820_000.0
"""2026-10-01 10:00 in Shanghai, a Unix time in seconds."""
IN_WECHAT = " MicroMessenger/8.0.50"
Change = Callable[[dict[str, Any]], None]

VIEWPORTS = {
    "phone": ViewportSize(width=390, height=500),
    "tall-phone": ViewportSize(width=390, height=844),
    "desk": ViewportSize(width=1280, height=760),
    "far-desk": ViewportSize(width=1280, height=800),
    "small-desk": ViewportSize(width=760, height=600),
}
SCALES = {"phone": 1.25, "tall-phone": 1, "desk": 1, "far-desk": 0.65, "small-desk": 1}
_ANDROID = "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
AGENTS = {"phone": _ANDROID, "tall-phone": _ANDROID, "desk": _WINDOWS, "far-desk": _WINDOWS, "small-desk": _WINDOWS}


class Clock:
    """The shop's time: a callable that returns `moment`, a Unix time in seconds."""

    def __init__(self) -> None:
        self.moment = MORNING

    def __call__(self) -> float:
        """Return the time."""
        return self.moment


def main() -> None:
    """Take every picture, and say how large each has become."""
    chromium = shutil.which("chromium") or sys.exit("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
        for show, changes in PICTURES:
            if sys.argv[1:] and show.__name__ not in sys.argv[1:]:
                continue
            clock = Clock()
            with running(changes, clock) as shop:
                show(browser, shop, clock)
        browser.close()
    for path in sorted(IMAGES.glob("*.png")):
        size = path.stat().st_size
        sys.stdout.write(f"{path.name:<36} {size:>6} bytes{'  TOO LARGE' if size > LARGEST else ''}\n")


def show_login(browser: Browser, shop: RunningShop, _: Clock) -> None:
    """The login page; what it says to who is logged in; a refusal; an address that leads nowhere."""
    for language in LANGUAGES:
        for device, client in (("phone", "h5"), ("desk", "pc")):
            with visiting(browser, device) as page:
                page.goto(f"{shop.url}/connect/login?client={client}&lang={language}")
                keep_light_and_dark(page, f"login-{device}-{language}")
        with visiting(browser) as page:
            page.goto(f"{shop.url}/connect/wechat/h5/login?lang={language}")
            page.click("button[value=refuse]")
            page.wait_for_url(f"{shop.url}/**")
            replace(page, ".reference code >> nth=0", "8f3a1c09d2e4b657")
            keep(page, f"refused-{language}")
            page.goto(f"{shop.url}/connect/nothing-here")
            replace(page, ".reference code >> nth=0", "5d20b7e81f6c43a9")
            keep(page, f"page-not-found-{language}")
            log_in(page, shop, "wechat/h5", language)
            page.goto(f"{shop.url}/connect/login?return_to=/cart")
            keep(page, f"already-logged-in-{language}")


def show_demo(browser: Browser, shop: RunningShop, _: Clock) -> None:
    """A login in the demo: the sandbox's page where a person agrees, then the shop that knows who it is."""
    for language in LANGUAGES:
        with visiting(browser, "small-desk") as page:
            page.goto(f"{shop.url}/connect/login?client=pc&lang={language}")
            page.click("[data-provider=alipay]")
            keep(page, "alipay-consent")
            agree(page, shop, PERSON[language])
            page.wait_for_url(f"{shop.url}/")
            name_member(page)
            keep(page, f"logged-in-{language}")


def show_handover(browser: Browser, shop: RunningShop, clock: Clock) -> None:
    """A PC's QR code, and what the phone asks before it logs that PC in."""
    for language in LANGUAGES:
        with visiting(browser, "small-desk") as desk, visiting(browser, "tall-phone") as phone:
            desk.goto(f"{shop.url}/connect/handover?lang={language}")
            keep(desk, f"handover-desk-{language}")
            [ticket] = [cookie["value"] for cookie in desk.context.cookies() if cookie["name"] == "connect_handover"]
            log_in(phone, shop, "wechat/h5", language)
            clock.moment += 8
            phone.goto(f"{shop.url}/connect/h/{ticket.partition('.')[0]}")
            replace(phone, "dd >> nth=0", "shop.example")
            replace(phone, "dd >> nth=4", "203.0.113.*")
            keep(phone, f"handover-confirm-{language}")


def show_first_login_and_account(browser: Browser, shop: RunningShop, clock: Clock) -> None:
    """A newcomer is asked; then their account page, with a login on another device; how they leave; who they are."""
    for language in LANGUAGES:
        clock.moment = MORNING - DAY
        with visiting(browser, "tall-phone") as phone, visiting(browser, "far-desk") as desk:
            log_in(phone, shop, "wechat/h5", language)
            keep(phone, f"first-login-{language}")
            phone.click("[value=register]")
            phone.goto(f"{shop.url}/connect/account")
            phone.click("[data-bind=apple]")
            agree(phone, shop, PERSON[language])
            phone.fill("[name=password]", "a long walk in Hangzhou")
            phone.click("form[action$=password] button")
            clock.moment = MORNING
            log_in(desk, shop, "wechat/pc", language)
            desk.goto(f"{shop.url}/connect/account")
            name_member(desk)
            keep_light_and_dark(desk, f"account-desk-{language}", is_whole=False)
            clock.moment += 1500
            phone.goto(f"{shop.url}/connect/account/erase")
            keep(phone, f"confirm-identity-{language}")
            phone.click("[data-confirm=wechat]")
            agree(phone, shop, PERSON[language])
            phone.goto(f"{shop.url}/connect/account")
            name_member(phone)
            keep_light_and_dark(phone, f"account-phone-{language}", is_whole=False)
            phone.goto(f"{shop.url}/connect/account/erase")
            name_member(phone)
            keep(phone, f"erase-{language}")
        with visiting(browser, "tall-phone") as page:
            page.goto(f"{shop.url}/connect/login?client=h5&lang={language}")
            page.click("[data-password] summary")
            keep(page, f"login-password-{language}")


def show_consent(browser: Browser, shop: RunningShop, _: Clock) -> None:
    """A newcomer who has to agree to the terms."""
    for language in LANGUAGES:
        with visiting(browser, "tall-phone") as page:
            log_in(page, shop, "wechat/h5", language)
            keep(page, f"first-login-consent-{language}")


def show_merge(browser: Browser, shop: RunningShop, _: Clock) -> None:
    """What a member is shown before two accounts become one."""
    for language, other in zip(LANGUAGES, reversed(LANGUAGES), strict=True):
        with visiting(browser, "small-desk") as second, visiting(browser, "small-desk") as page:
            log_in(second, shop, "wechat/pc", language, PERSON[other])
            log_in(page, shop, "alipay/pc", language)
            page.goto(f"{shop.url}/connect/account/merge")
            page.click("[data-merge=wechat]")
            agree(page, shop, PERSON[other])
            name_member(page)
            keep(page, f"merge-{language}")


def show_apps(browser: Browser, shop: RunningShop, _: Clock) -> None:
    """Browsers that cannot do every login, inside WeChat and outside of it; the pages that open Alipay's app."""
    for language in LANGUAGES:
        for name, app in (("in-wechat", IN_WECHAT), ("outside", "")):
            with visiting(browser, "tall-phone", user_agent=_ANDROID + app) as page:
                page.goto(f"{shop.url}/connect/login?lang={language}")
                replace(page, ".reference code", "https://shop.example/connect/login")
                keep(page, f"login-{name}-{language}")
        for name, device in (("opening-app", "phone"), ("opening-app-desk", "small-desk")):
            with visiting(browser, device) as page:
                page.route("**/connect/alipay/h5/login?*", stay)
                page.goto(f"{shop.url}/connect/alipay/h5/login?lang={language}")
                # its words change after some seconds, which a picture without animations would show
                page.screenshot(path=IMAGES / f"{name}-{language}.png", full_page=True)


def show_outage(browser: Browser, shop: RunningShop, _: Clock) -> None:
    """The login page while WeChat is down, and what somebody sees who begins that login all the same."""
    shop.sandboxes["wechat"].faults.add("status", 503, on="token")
    with visiting(browser) as page:
        log_in(page, shop, "wechat/h5", "en")
    for language in LANGUAGES:
        with visiting(browser) as page:
            page.goto(f"{shop.url}/connect/login?client=h5&lang={language}")
            keep_light_and_dark(page, f"login-outage-{language}")
            page.goto(f"{shop.url}/connect/wechat/h5/login?lang={language}")
            replace(page, ".reference code >> nth=0", "b71e50c3d9a24f68")
            keep(page, f"held-back-{language}")


def show_admin_page(browser: Browser, shop: RunningShop, clock: Clock) -> None:
    """What an operator sees of the providers, of the order of their buttons, and of the administrators."""
    names = {"li": Role.OPERATOR, "wang": Role.SUPPORT, "zhao": Role.VIEWER}
    with ThreadPoolExecutor(1) as threads:  # Playwright's loop runs on this thread
        token = threads.submit(asyncio.run, add_administrators(shop, clock, names)).result()
        threads.submit(asyncio.run, store_last_run(shop.manager.settings, FOUND, int(clock()) - 3600)).result()
    for language in LANGUAGES:
        with visiting(browser, "far-desk") as page:
            page.context.add_cookies([{"name": "connect_admin", "value": token, "url": shop.url}])
            page.goto(f"{shop.url}/connect/admin/providers?lang={language}")
            keep(page, f"admin-providers-{language}", is_whole=False)
            page.goto(f"{shop.url}/connect/admin/buttons?order=wechat,alipay,google")
            page.frame_locator("iframe").locator("h1").wait_for()
            keep(page, f"admin-buttons-{language}", is_whole=False)
            page.goto(f"{shop.url}/connect/admin/administrators")
            keep(page, f"admin-administrators-{language}")


FOUND = [
    Finding(
        "certificate_expires",
        Level.WARNING,
        "The certificate app_cert is valid until 2026-10-13, for 12 more days.",
        "Download a new one from the vendor's console, and upload it here.",
        "alipay/pc",
    ),
    *(Finding("credentials_accepted", Level.OK, "", "", f"{name}/pc") for name in SHOWN),
]
"""What the doctor is said to have found."""


async def add_administrators(shop: RunningShop, clock: Clock, names: dict[str, Role]) -> str:
    """Create administrators, and return the token of a session of the first."""
    settings = shop.manager.settings
    with closing(Database(shop.database_url)) as database:
        accounts = Accounts(database, settings.service.keys, lambda: int(clock()))
        for name, role in names.items():
            ready = {"password_hash": "no password", "totp_secret": "A" * 32} if role is not Role.VIEWER else {}
            await accounts.create(name, role, OperatorAct("docs", "", "0" * 16), **ready)
        sessions = AdministratorSessions(database, settings.admin, lambda: int(clock()))
        return await database.write(lambda tx: sessions.open(tx, next(iter(names)), Role.OPERATOR))


def show_own_look(browser: Browser, shop: RunningShop, _: Clock) -> None:
    """The login page in the look of the example."""
    for language in LANGUAGES:
        with visiting(browser) as page:
            page.goto(f"{shop.url}/connect/login?client=h5&lang={language}")
            keep(page, f"login-themed-{language}")


class Orders:
    """A shop's part of a merge."""

    @hookimpl
    def connect_plan_merge(self, kept_id: int, merged_id: int, language: Language) -> MergePlan:
        """Say what would move."""
        return MergePlan(["3 个订单", "2 张优惠券"] if language.startswith("zh") else ["3 orders", "2 coupons"])


PERSON = {"zh": "lihua", "en": "maria"}
"""Who logs in, by the language of the page."""


@contextmanager
def running(changes: Sequence[Change], clock: Clock) -> Iterator[RunningShop]:
    """A shop with a name, terms and the doubles of the vendors that are shown."""

    def change(raw: dict[str, Any]) -> None:
        for each in changes:
            each(raw)

    loaded = load_sandboxes(Plugins())
    sandboxes: dict[str, Sandbox] = {name: loaded[name] for name in SHOWN}
    for sandbox in sandboxes.values():
        sandbox.people.pop("wangfang", None)  # her name holds an emoji, for which not every machine has a font
    parts: dict[str, Any] = {"plugins": Plugins([("orders", Orders())]), "circuits": Circuits("1/minute", clock)}
    with run_shop(sandboxes, routes=demo_home(), change=change, now=clock, **parts) as shop:
        yield shop


def name_shop(raw: dict[str, Any]) -> None:
    """A shop as the how-to guides describe it."""
    raw["pages"] = {
        "name": {"zh": "梧桐茶铺", "en": "Wutong Tea"},
        "terms_url": "https://shop.example/terms",
        "privacy_url": "https://shop.example/privacy",
        "time_zone": "Asia/Shanghai",
    }


def open_admin_page(raw: dict[str, Any]) -> None:
    """A shop whose operators change settings in the browser."""
    raw["service"]["settings"] = "database"
    raw["admin"] = {"enabled": True}


def ask_newcomers(raw: dict[str, Any]) -> None:
    """A first login registers nobody by itself."""
    raw["service"]["first_login"] = "choose"


def want_consent(raw: dict[str, Any]) -> None:
    """Newcomers tick a box."""
    raw["pages"].update(consent="required", terms_version="2026-09-01")


def leave_to_apps(raw: dict[str, Any]) -> None:
    """A double works in every browser; WeChat does not, and Alipay's links lead into its app."""
    del raw["providers"]["wechat"]["h5"]["open_url"]
    raw["providers"]["alipay"]["h5"]["authorize_url"] = "https://openauth.example/oauth2/publicAppAuthorize.htm"


def take_own_look(raw: dict[str, Any]) -> None:
    """The example of docs/how-to/theming.md."""
    theme = HERE / "examples" / "theme"
    name_shop(raw)
    raw["pages"] |= {"stylesheet": theme / "shop.css", "template_folder": theme / "templates"}


PICTURES: Sequence[tuple[Callable[[Browser, RunningShop, Clock], None], Sequence[Change]]] = [
    (show_login, [name_shop]),
    (show_demo, []),
    (show_handover, [name_shop]),
    (show_first_login_and_account, [name_shop, ask_newcomers]),
    (show_consent, [name_shop, ask_newcomers, want_consent]),
    (show_merge, [name_shop]),
    (show_apps, [name_shop, leave_to_apps]),
    (show_outage, [name_shop]),
    (show_own_look, [take_own_look]),
    (show_admin_page, [name_shop, open_admin_page]),
]


@contextmanager
def visiting(browser: Browser, device: str = "phone", **options: Any) -> Iterator[Page]:
    """A fresh visitor, whose browser prefers English; `options` are Playwright's."""
    options = {"user_agent": AGENTS[device], "device_scale_factor": SCALES[device], **options}
    context = browser.new_context(viewport=VIEWPORTS[device], locale="en-GB", **options)
    yield context.new_page()
    context.close()


def log_in(page: Page, shop: RunningShop, path: str, language: str, person: str = "") -> None:
    """Log in by `path`, such as `wechat/pc`, as the person of that language if no other is named."""
    page.goto(f"{shop.url}/connect/{path}/login?lang={language}")
    agree(page, shop, person or PERSON[language])


def agree(page: Page, shop: RunningShop, person: str) -> None:
    """Agree at the vendor, and come back to the shop."""
    page.check(f"[name=person][value={person}]")
    page.click("button[value=agree]")
    page.wait_for_url(f"{shop.url}/**")


def stay(route: Route) -> None:
    """Show the page that opens an app, and leave the app closed."""
    answer = route.fetch()
    headers = {name: value for name, value in answer.headers.items() if name != "refresh"}
    route.fulfill(response=answer, headers=headers)


def replace(page: Page, selector: str, text: str) -> None:
    """Show `text` where this machine's own addresses stand."""
    page.locator(selector).evaluate("(element, text) => element.textContent = text", text)


def name_member(page: Page) -> None:
    """Show the same member names in every run."""
    page.evaluate("""() => {
        const names = ["m_gqc9wvqvwb", "m_4vgej6wvge"], given = {};
        const replace = text => text.replace(/m_[a-z0-9]{10}/g, name => given[name] ||= names.shift());
        for (const node of document.querySelectorAll("bdi, .hint")) node.textContent = replace(node.textContent);
        for (const input of document.querySelectorAll("[name=username]")) input.value = replace(input.value);
    }""")


def keep_light_and_dark(page: Page, name: str, *, is_whole: bool = True) -> None:
    """Write the page as it looks by day and by night."""
    keep(page, name, is_whole=is_whole)
    page.emulate_media(color_scheme="dark")
    keep(page, f"{name}-dark", is_whole=is_whole)
    page.emulate_media(color_scheme="light")


def keep(page: Page, name: str, *, is_whole: bool = True) -> None:
    """Write the page to `docs/images/NAME.png`, or only what is on the screen without scrolling."""
    page.screenshot(path=IMAGES / f"{name}.png", full_page=is_whole, animations="disabled")


if __name__ == "__main__":
    main()
