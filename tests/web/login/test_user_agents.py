"""The hosted login page where a login does not work in the browser at hand: it says where it does."""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.identity import ClientType
from connect_core.providers.abilities import RequiredBrowser
from connect_core.providers.registry import ConfiguredProvider
from connect_core.user_agents import InAppBrowser
from connect_core.web.login.browsers import find_better_place
from connect_core.web.pages.messages import TEXTS
from connect_core.web.pages.ways_out import find_way_out

from ...kit.web_shops import alipay_and_wechat

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
IN_WECHAT = f"{PHONE} MicroMessenger/8.0.50(0x1800323d) NetType/WIFI Language/zh_CN"
BROWSERS = {
    "Safari": (f"{PHONE} Safari/604.1", {"alipay"}),
    "WeChat": (IN_WECHAT, {"wechat"}),
    "WeCom": (f"{PHONE} wxwork/4.1.28 MicroMessenger/7.0.1 Language/zh", set()),
    "Alipay": (f"{PHONE} AliApp(AP/10.7.20.8000) AlipayClient/10.7.20.8000", {"alipay"}),
    "QQ": (f"{PHONE} QQ/9.0.70.615 V1_IPH_SQ_9.0.70_1_APP_A Pixel/1170", set()),
    "QQ Browser": (f"{PHONE} MQQBrowser/15.1.0 Safari/604.1", {"alipay"}),
    "DingTalk": (f"{PHONE} AliApp(DingTalk/7.5.10) com.laiwang.DingTalk/1", {"alipay"}),
    "Lark": (f"{PHONE} Lark/7.20.6 LarkLocale/zh_CN ChannelName/Feishu", {"alipay"}),
    "Douyin": (f"{PHONE} aweme_31.5.0 JsSdk/2.0 NetType/WIFI", set()),
}


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop that sends people to WeChat itself; nobody goes there."""

    def change(raw: dict[str, Any]) -> None:
        del raw["providers"]["wechat"]["h5"]["open_url"]

    with run_shop(alipay_and_wechat(), change=change) as one:
        yield one


def open_page(shop: RunningShop, user_agent: str, path: str = "/connect/login") -> str:
    """The hosted login page, as this browser gets it."""
    with Visitor(shop, user_agent=user_agent) as visitor:
        return visitor.http.get(path, headers={"accept-language": "en"}).text


@pytest.mark.parametrize("name", BROWSERS)
def test_page_offers_what_works_here(shop: RunningShop, name: str) -> None:
    """Every login stands there once: as a link where it works, else with the place where it does."""
    user_agent, usable = BROWSERS[name]
    page = open_page(shop, user_agent)
    assert set(re.findall(r'data-provider="(\w+)"', page)) == usable
    assert set(re.findall(r'data-elsewhere="(\w+)"', page)) == {"alipay", "wechat"} - usable
    assert ("Please open this page in WeChat" in page) == ("wechat" not in usable)
    assert bool(re.search(r"pen (this page )?in (browser|external|Safari|your)", page)) == ("alipay" not in usable)
    assert ("You cannot log in here" in page) == (not usable)


def test_what_works_stands_first(shop: RunningShop) -> None:
    """In the shop's order, with those that do not work behind it."""
    page = open_page(shop, IN_WECHAT)
    assert page.index('data-provider="wechat"') < page.index('data-elsewhere="alipay"')


def test_an_apps_own_login_stands_first() -> None:
    """Inside WeChat that is WeChat, wherever the shop lists it; elsewhere the shop's order counts."""
    with run_shop(alipay_and_wechat()) as shop:  # the sandbox's logins work in any browser
        for agent, names in ((IN_WECHAT, ["wechat"]), (BROWSERS["Safari"][0], ["alipay", "wechat"])):
            assert re.findall(r'data-provider="(\w+)"', open_page(shop, agent)) == names
        inside = open_page(shop, BROWSERS["WeChat"][0].replace("MicroMessenger", "AlipayClient"))
        assert re.findall(r'data-provider="(\w+)"', inside) == ["alipay", "wechat"]


WAYS_OUT = {
    "WeChat": "Tap &#39;...&#39; at the top right, then &#39;Open in browser&#39;",
    "WeCom": "Tap &#39;...&#39; at the top right, then &#39;Open in browser&#39;",
    "QQ": "Tap the menu at the top right",
}


@pytest.mark.parametrize("name", WAYS_OUT)
def test_the_way_out_names_the_apps_own_menu(shop: RunningShop, name: str) -> None:
    """Word for word what the visitor taps."""
    assert WAYS_OUT[name] in open_page(shop, BROWSERS[name][0])


def test_every_app_has_a_way_out() -> None:
    """With words in every language; LINE alone opens a link in the phone's browser."""
    for app in (None, *InAppBrowser):
        way_out = find_way_out(app, "https://shop.example/connect/login?client=h5")
        assert way_out.text in TEXTS
        link = "https://shop.example/connect/login?client=h5&openExternalBrowser=1"
        assert way_out.url == (link if app is InAppBrowser.LINE else "")
    assert find_way_out(InAppBrowser.DOUYIN, "https://shop.example/").text == "leave_by_menu"
    assert find_way_out(InAppBrowser.KAKAOTALK, "https://shop.example/").text == "open_in_browser"
    assert find_way_out(InAppBrowser.LINE, "https://shop.example/").url == "https://shop.example/?openExternalBrowser=1"


def test_page_tells_its_address_to_take_along(shop: RunningShop) -> None:
    """Made of `public_url`, with where the visitor wants to go; nothing of the kind where all works."""
    page = open_page(shop, BROWSERS["QQ"][0], "/connect/login?client=h5&return_to=%2Fcart%3Fa%3D1&lang=en")
    assert f"<code>{shop.url}/connect/login?client=h5&amp;return_to=%2Fcart%3Fa%3D1</code>" in page
    assert "<code>" not in open_page(shop, "Mozilla/5.0 (Windows NT 10.0)")


def test_pc_shows_its_codes_anywhere(shop: RunningShop) -> None:
    """A QR code is scanned by another device."""
    for user_agent, _ in BROWSERS.values():
        assert "data-elsewhere" not in open_page(shop, user_agent, "/connect/login?client=pc")


def test_list_of_providers_does_not_look_at_the_browser(shop: RunningShop) -> None:
    """Front ends rely on its shape."""
    with Visitor(shop, user_agent=BROWSERS["QQ"][0]) as visitor:
        shown = visitor.http.get("/connect/providers", params={"client": "h5"}).json()
    assert [row["provider"] for row in shown] == ["alipay", "wechat"]
    assert all(row.keys() == {"provider", "name", "login_url"} for row in shown)


def raising() -> object:
    """A plugin's mistake."""
    raise ValueError("any")


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (lambda: RequiredBrowser.BROWSER, RequiredBrowser.BROWSER),
        (lambda: None, None),
        (lambda: "browser", None),
        (lambda: 7, None),
        (raising, None),
        (sys.exit, None),
    ],
)
def test_plugin_that_cannot_say_does_not_cost_the_page(
    shop: RunningShop, answer: Callable[[], object], place: RequiredBrowser | None
) -> None:
    """Nonsense and exceptions count as "works here"."""
    configured = shop.manager.registry.find("wechat", "h5")

    class Odd(type(configured.provider)):  # type: ignore[misc]
        def find_required_browser(self, client_type: ClientType, user_agent: str) -> object:
            return answer()

    odd: ConfiguredProvider = replace(configured, provider=Odd(configured.provider.settings, configured.provider.http))
    assert find_better_place(odd, IN_WECHAT) is place
