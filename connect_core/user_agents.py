"""What a `User-Agent` header says: the browser, the system, and the app whose own browser shows the page.

Every name comes from the tables below, never from the header: whoever sends a phone a QR code must not choose the words
that it shows. A browser may send any header, so this is a hint for pages and never a check.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class InAppBrowser(StrEnum):
    """The browser inside an app, in which some vendors' logins do not work; see `find_in_app_browser`."""

    WECHAT = "wechat"
    WECOM = "wecom"
    ALIPAY = "alipay"
    QQ = "qq"
    """The browser inside the app QQ; QQ Browser is a browser of its own."""
    WEIBO = "weibo"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    """Feishu, and Lark, as it is called outside of China."""
    DOUYIN = "douyin"
    TIKTOK = "tiktok"
    LINE = "line"
    INSTAGRAM = "instagram"
    FACEBOOK = "facebook"
    """Facebook and Messenger."""
    KAKAOTALK = "kakaotalk"
    NAVER = "naver"
    ZALO = "zalo"
    BAIDU = "baidu"
    KUAISHOU = "kuaishou"
    """Kuaishou, Kuaishou Lite, and Kwai, as it is called outside of China."""
    TAOBAO = "taobao"
    JD = "jd"
    MEITUAN = "meituan"
    UNIONPAY = "unionpay"
    """UnionPay's app 云闪付 (Cloud QuickPass); the apps of banks name UnionPay, too, and are not meant."""
    BILIBILI = "bilibili"
    SNAPCHAT = "snapchat"
    PINTEREST = "pinterest"
    REDDIT = "reddit"
    LINKEDIN = "linkedin"
    TELEGRAM = "telegram"
    """Telegram on Android; on iPhones nothing in its header names it."""
    X = "x"
    ANDROID_WEB_VIEW = "android_web_view"
    """An Android app that this table does not know."""
    IOS_WEB_VIEW = "ios_web_view"
    """An app on an iPhone or iPad that this table does not know."""


class Software(NamedTuple):
    """The names of a browser and of the system it runs on, each empty where it is not known."""

    browser: str = ""
    system: str = ""


_IN_APP: tuple[tuple[InAppBrowser, re.Pattern[str], str], ...] = (
    (InAppBrowser.WECOM, re.compile("wxwork"), "WeCom"),
    (InAppBrowser.WECHAT, re.compile("MicroMessenger"), "WeChat"),
    (InAppBrowser.ALIPAY, re.compile("AlipayClient"), "Alipay"),
    (InAppBrowser.QQ, re.compile(r"\bQQ/"), "QQ"),
    (InAppBrowser.WEIBO, re.compile(r"\bWeibo\b|__weibo__"), "Weibo"),
    (InAppBrowser.DINGTALK, re.compile("DingTalk"), "DingTalk"),
    (InAppBrowser.FEISHU, re.compile(r"\bLark/|\bFeishu\b"), "Feishu"),
    (InAppBrowser.DOUYIN, re.compile(r"\baweme"), "Douyin"),
    (InAppBrowser.TIKTOK, re.compile(r"musical_ly|\btrill_|\bTikTok\b"), "TikTok"),
    (InAppBrowser.LINE, re.compile(r"\bLine/"), "LINE"),
    (InAppBrowser.INSTAGRAM, re.compile(r"\bInstagram\b"), "Instagram"),
    (InAppBrowser.FACEBOOK, re.compile(r"\bFB(?:AN|AV|_IAB)\b"), "Facebook"),
    (InAppBrowser.KAKAOTALK, re.compile("KAKAOTALK"), "KakaoTalk"),
    (InAppBrowser.NAVER, re.compile(r"\bNAVER\(inapp\b"), "Naver"),
    (InAppBrowser.ZALO, re.compile(r"\bZalo(?:/| android\b| iOS\b)"), "Zalo"),
    (InAppBrowser.BAIDU, re.compile("baiduboxapp/"), "Baidu"),
    (InAppBrowser.KUAISHOU, re.compile(r"\bKwai/|\bksNebula/"), "Kuaishou"),
    (InAppBrowser.TAOBAO, re.compile(r"\bAliApp\(TB/"), "Taobao"),
    (InAppBrowser.JD, re.compile(r"\bjdapp;"), "JD"),
    (InAppBrowser.MEITUAN, re.compile(r"\b(?:MeituanGroup|meituangroup)/"), "Meituan"),
    (InAppBrowser.UNIONPAY, re.compile(r"\bUnionPay/[\d.]+ CloudPay\b"), "UnionPay"),
    (InAppBrowser.BILIBILI, re.compile(r"\bBiliApp/"), "Bilibili"),
    (InAppBrowser.SNAPCHAT, re.compile(r"\bSnapchat/"), "Snapchat"),
    (InAppBrowser.PINTEREST, re.compile(r"\[Pinterest/"), "Pinterest"),
    (InAppBrowser.REDDIT, re.compile(r"\bReddit/"), "Reddit"),
    (InAppBrowser.LINKEDIN, re.compile(r"\[LinkedInApp\]"), "LinkedIn"),
    (InAppBrowser.TELEGRAM, re.compile(r"\bTelegram-Android/"), "Telegram"),
    (InAppBrowser.X, re.compile(r"\bTwitterAndroid\b|\bTwitter for iPhone\b"), "X"),
    # some browsers of phone makers are web views too
    (InAppBrowser.ANDROID_WEB_VIEW, re.compile(r"; wv\)(?!.*Browser/)"), ""),
    # WebKit adds "Version/… Safari/…" for Safari and for browsers built like it, and leaves it away in a WKWebView
    (InAppBrowser.IOS_WEB_VIEW, re.compile(r"\((?:iPhone|iPad|iPod)\b(?!.*Safari/).*AppleWebKit/"), ""),
)
"""An app's browser, what its header has and no other's, and the app's name. One that names others comes before them.

Few apps document their header. The words are those of headers that people have published, and of
https://github.com/matomo-org/device-detector and https://github.com/faisalman/ua-parser-js. These are documented:

- Android's: https://source.android.com/docs/compatibility/cdd, section 3.4.1
- KakaoTalk's: https://developers.kakao.com/docs/latest/en/kakaologin/utilize
- Telegram's: https://core.telegram.org/bots/webapps#additional-data-in-user-agent
"""
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("OPiOS/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("MiuiBrowser/", "Mi Browser"),
    ("VivoBrowser/", "vivo Browser"),
    ("HeyTapBrowser/", "HeyTap Browser"),
    ("UCBrowser/", "UC Browser"),
    ("QQBrowser/", "QQ Browser"),
    ("Quark/", "Quark"),
    ("MetaSr", "Sogou Browser"),
    ("SogouMobileBrowser/", "Sogou Browser"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""A mark in the header and the browser's name. A browser whose header names others too comes before them."""
_SYSTEMS = (
    ("Windows", "Windows"),
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LIMIT = 512
"""Characters of a header that are read; apps add much, and what counts comes early."""
_MOBILE = ("Mobile", "Android", "iPhone", "iPad", "HarmonyOS")
_CHINESE = {
    "WeCom": "企业微信",
    "WeChat": "微信",
    "Alipay": "支付宝",
    "Weibo": "微博",
    "DingTalk": "钉钉",
    "Feishu": "飞书",
    "Douyin": "抖音",
    "Baidu": "百度",
    "Kuaishou": "快手",
    "Taobao": "淘宝",
    "JD": "京东",
    "Meituan": "美团",
    "UnionPay": "云闪付",
    "Bilibili": "哔哩哔哩",
    "LinkedIn": "领英",
    "Samsung Internet": "三星浏览器",
    "Huawei Browser": "华为浏览器",
    "Mi Browser": "小米浏览器",
    "vivo Browser": "vivo 浏览器",
    "HeyTap Browser": "欢太浏览器",
    "UC Browser": "UC 浏览器",
    "QQ Browser": "QQ 浏览器",
    "Quark": "夸克",
    "Sogou Browser": "搜狗浏览器",
}


@lru_cache(256)
def find_in_app_browser(user_agent: str) -> InAppBrowser | None:
    """Return the app whose own browser sends this `User-Agent` header; None for a browser, and for other clients."""
    head = user_agent[:_LIMIT]
    return next((app for app, pattern, _ in _IN_APP if pattern.search(head)), None)


@lru_cache(256)
def read_software(user_agent: str) -> Software:
    """Return the browser and the system that a `User-Agent` header names, such as `("Chrome", "Windows")`.

    The browser inside an app has the app's name.
    """
    in_app = find_in_app_browser(user_agent)
    app_name = next((name for app, _, name in _IN_APP if app is in_app), "")
    return Software(app_name or _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent))


def is_mobile(user_agent: str) -> bool:
    """Tell whether a `User-Agent` header is that of a phone or tablet. An iPad's Safari names itself a Mac's."""
    return any(word in user_agent for word in _MOBILE)


def name_in(language: str, name: str) -> str:
    """Return what a browser or system is called in a language (`zh`, `zh-CN`, `en`); `name` is one of the tables'."""
    return _CHINESE.get(name, name) if language.startswith("zh") else name


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
