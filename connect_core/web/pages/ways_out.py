"""How a visitor gets from an app's own browser to the phone's browser, app by app. The words are in `messages`."""

from collections.abc import Mapping

from connect_core.user_agents import InAppBrowser
from connect_core.web.pages.views import WayOut

_BY_MENU = (
    InAppBrowser.WECHAT,
    InAppBrowser.WECOM,
    InAppBrowser.ALIPAY,
    InAppBrowser.WEIBO,
    InAppBrowser.DINGTALK,
    InAppBrowser.FEISHU,
    InAppBrowser.DOUYIN,
    InAppBrowser.TIKTOK,
)
_WORDS: Mapping[InAppBrowser | None, str] = {
    **dict.fromkeys((None, *InAppBrowser), "open_in_browser"),
    **dict.fromkeys(_BY_MENU, "leave_by_menu"),
    InAppBrowser.QQ: "leave_qq",
    InAppBrowser.LINE: "leave_by_link",
    InAppBrowser.INSTAGRAM: "leave_meta",
    InAppBrowser.FACEBOOK: "leave_meta",
    InAppBrowser.ANDROID_WEB_VIEW: "leave_android",
    InAppBrowser.IOS_WEB_VIEW: "leave_ios",
}
"""The key of the words that name the app's own menu; an app whose menu is not known has general words."""


def find_way_out(in_app: InAppBrowser | None, address: str) -> WayOut:
    """Return how to open `address`, this page's, in the phone's browser; `in_app` is the app whose browser shows it.

    LINE opens an address with `openExternalBrowser=1` in the phone's browser:
    https://developers.line.biz/en/docs/line-login/using-line-url-scheme/#opening-url-in-external-browser
    """
    url = f"{address}{'&' if '?' in address else '?'}openExternalBrowser=1" if in_app is InAppBrowser.LINE else ""
    return WayOut(_WORDS[in_app], url, address)
