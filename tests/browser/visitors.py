"""Visitors with a Chromium of their own: devices, what they do on pages, and what their browser complained of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from connect_core.identity import Language
from connect_core.sandbox import PEOPLE
from connect_core.web.pages.catalogues import load_catalogues

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

_CATALOGUES = load_catalogues()
_MOBILE = (
    "Mozilla/5.0 (Linux; U; Android 14; zh-CN; ALN-AL00) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile"
)
_PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True, "has_touch": True}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {**_PHONE, "user_agent": f"{_MOBILE} Safari/537.36"}
IN_ALIPAY: dict[str, Any] = {
    **_PHONE,
    "user_agent": f"{_MOBILE} Safari/537.36 AliApp(AP/10.7.20.8000) AlipayClient/10.7.20.8000 Language/zh-Hans",
}


@dataclass
class Visitor:
    """Somebody with one browser profile: cookies of their own, any number of tabs.

    `complaints` is what the browser logged, CSP violations and failed requests included, about pages and resources of
    the shop; the vendors' pages are the vendors'. `responses` are the shop's, in order.
    """

    shop: str
    context: "BrowserContext"
    language: Language = "zh"
    complaints: list[str] = field(default_factory=list)
    responses: list["Response"] = field(default_factory=list)

    @classmethod
    def with_browser(cls, browser: "Browser", shop: str, device: dict[str, Any], **options: Any) -> Self:
        """Open a profile of its own; `options` are Playwright's, as `locale`."""
        context = browser.new_context(**{"locale": "zh-CN", **device, **options})
        context.set_default_timeout(15_000)
        visitor = cls(shop, context, "en" if options.get("locale", "").startswith("en") else "zh")
        context.on("console", visitor._note)
        context.on("weberror", lambda error: visitor.complaints.append(str(error.error)))
        context.on("response", visitor._keep)
        return visitor

    @property
    def _texts(self) -> Mapping[str, str]:
        return _CATALOGUES.texts[_CATALOGUES.find_language(self.language) or ""]

    def says(self, key: str, *shown: str) -> str:
        """The words of a page in this visitor's language."""
        text = self._texts[key]
        return text % shown if shown else text

    def is_refused(self, page: "Page", wording: str, status: int) -> bool:
        """Tell whether the tab shows a refusal in the language of the visitor, whose one complaint is taken."""
        self.expect_complaint(str(status))
        return page.inner_text("h1") == self._texts[f"refusal.{wording}.title"]

    def open(self, path: str) -> "Page":
        """Open a page of the shop in a new tab."""
        page = self.context.new_page()
        page.goto(self.shop + path)
        return page

    def leave(self, page: "Page", provider: str) -> None:
        """Choose a login on the hosted page, and wait for the vendor's."""
        page.click(f"[data-provider={provider}]")
        assert self.leaves(page)

    def leaves(self, page: "Page") -> bool:
        """Tell whether the tab gets to a page of a vendor."""
        page.wait_for_url(lambda url: not url.startswith(self.shop))
        return True

    def decide(self, page: "Page", decision: str = "agree", person: str = "lihua") -> None:
        """Decide on the vendor's page, and wait until the shop shows one of its own."""
        if person in {one.key for one in PEOPLE}:
            page.check(f"[name=person][value={person}]")
        else:
            page.fill("[name=somebody]", person)
        page.click(f"button[value={decision}]")
        page.wait_for_url(lambda url: url.startswith(self.shop))

    def log_in(self, page: "Page", provider: str = "alipay", person: str = "lihua") -> None:
        """From the hosted login page, log in and come back."""
        self.leave(page, provider)
        self.decide(page, person=person)

    def fits(self, page: "Page") -> bool:
        """Tell whether nothing is wider than the screen."""
        return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

    def arrives(self, page: "Page", path: str) -> bool:
        """Tell whether the tab gets to a page of the shop."""
        # WeChat's addresses end in a fragment, which browsers carry along through redirects (RFC 9110 §10.2.2)
        page.wait_for_url(lambda url: url.partition("#")[0] == self.shop + path)
        return True

    def is_home(self, page: "Page", nickname: str = "李华") -> bool:
        """Tell whether the tab shows the shop's home, and on it the member of that name."""
        return page.url.partition("#")[0] == f"{self.shop}/" and page.inner_text("h1") == nickname

    def expect_complaint(self, text: str) -> None:
        """Take the one complaint, which must hold `text`, off the list; the log may come after the page."""
        for _ in range(100):
            if self.complaints:
                break
            self.context.pages[-1].wait_for_timeout(20)
        [complaint] = self.complaints
        assert text in complaint
        self.complaints.clear()

    def forget_complaints(self, text: str) -> None:
        """Take every complaint that holds `text`, of which there must be one, off the list."""
        assert [one for one in self.complaints if text in one]
        self.complaints[:] = [one for one in self.complaints if text not in one]

    def callbacks(self) -> list[str]:
        """The addresses of our callback at which the vendor sent this browser back."""
        return [one.url for one in self.responses if urlsplit(one.url).path.endswith("/callback")]

    def _note(self, message: "ConsoleMessage") -> None:
        where = message.location["url"]
        if message.type in ("error", "warning") and (not where or where.startswith(self.shop)):
            self.complaints.append(f"{message.type}: {message.text} ({urlsplit(where).path})")

    def _keep(self, response: "Response") -> None:
        if response.url.startswith(self.shop):
            self.responses.append(response)
