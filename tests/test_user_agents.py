"""Browsers, systems and apps are told by their `User-Agent`, with headers that were seen in use.

Most are those of https://github.com/fjqgx/web-browser-utils (tests/mock/useragent.ts) and of
https://juejin.cn/post/7122744808023687182.
"""

import pytest

from connect_core.user_agents import InAppBrowser, find_in_app_browser, is_mobile, name_in, read_software

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 12; DCO-AL00 Build/HUAWEIDCO-AL00; wv) AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
IN_APPS = [
    (
        InAppBrowser.WECHAT,
        f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.59(0x18003b26) NetType/4G Language/zh_CN",
        ("WeChat", "iOS"),
    ),
    (
        InAppBrowser.WECHAT,
        (
            f"{ANDROID} Version/4.0 Chrome/134.0.6998.136 Mobile Safari/537.36 XWEB/1340075 MMWEBSDK/20250201 "
            "MMWEBID/7690 MicroMessenger/8.0.58.2841(0x28003A3C) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN"
        ),
        ("WeChat", "Android"),
    ),
    (InAppBrowser.WECOM, f"{IPHONE} Mobile/14C92 wxwork/2.4.2 MicroMessenger/6.3.22 Language/zh", ("WeCom", "iOS")),
    (
        InAppBrowser.ALIPAY,
        (
            "Mozilla/5.0 (Linux; U; Android 14; zh-CN) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0 "
            "Mobile Safari/537.36 NebulaSDK/1.8.100112 Nebula AliApp(AP/10.6.26.8000) AlipayClient/10.6.26.8000"
        ),
        ("Alipay", "Android"),
    ),
    (
        InAppBrowser.QQ,
        (
            "Mozilla/5.0 (Linux; Android 10; PCT-AL10 Build/HUAWEIPCT-AL10; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Version/4.0 Chrome/89.0.4389.72 MQQBrowser/6.2 TBS/046011 Mobile Safari/537.36 "
            "V1_AND_SQ_8.8.88_2770_YYB_D A_8088800 QQ/8.8.88.7830 NetType/WIFI WebP/0.3.0 Pixel/1080"
        ),
        ("QQ", "Android"),
    ),
    (
        InAppBrowser.WEIBO,
        f"{IPHONE} Mobile/15E148 Weibo (iPhone13,3__weibo__12.5.0__iphone__os15.0)",
        ("Weibo", "iOS"),
    ),
    (
        InAppBrowser.DINGTALK,
        (
            f"{IPHONE} Mobile/22E252 AliApp(DingTalk/7.6.60) com.laiwang.DingTalk/45715949 Channel/201200 "
            "language/zh-Hans-CN UT4Aplus/0.0.6 WK"
        ),
        ("DingTalk", "iOS"),
    ),
    (
        InAppBrowser.FEISHU,
        f"{IPHONE} Version/18.4.1 Mobile/15E148 Safari/604.1 Lark/7.15.32 LarkLocale/zh_CN ChannelName/Feishu",
        ("Feishu", "iOS"),
    ),
    (
        InAppBrowser.DOUYIN,
        (
            f"{ANDROID} Version/4.0 Chrome/75.0.3770.156 Mobile Safari/537.36 aweme_210600 JsSdk/1.0 NetType/4G "
            "Channel/xiaomi_1128_64 AppName/aweme app_version/21.6.0 ByteLocale/zh-CN BytedanceWebview/d8a21c6"
        ),
        ("Douyin", "Android"),
    ),
    (
        InAppBrowser.TIKTOK,
        f"{ANDROID} Version/4.0 Chrome/120.0 Mobile Safari/537.36 musical_ly_2023 BytedanceWebview/d8a21c6",
        ("TikTok", "Android"),
    ),
    (InAppBrowser.LINE, f"{IPHONE} Mobile/15E148 Safari Line/14.9.0", ("LINE", "iOS")),
    (
        InAppBrowser.INSTAGRAM,
        f"{IPHONE} Mobile/15E148 Instagram 339.0.3.12.91 (iPhone15,2; iOS 18_4_1; ja_JP; scale=3.00)",
        ("Instagram", "iOS"),
    ),
    (
        InAppBrowser.FACEBOOK,
        f"{ANDROID} Version/4.0 Chrome/100.0.4896.88 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/377.0.0.22.107;]",
        ("Facebook", "Android"),
    ),
    (
        InAppBrowser.FACEBOOK,
        f"{IPHONE} Mobile/12H143 [FBAN/FBIOS;FBAV/35.0.0.34.220;FBBV/12945441;FBLC/en_US;FBOP/1]",
        ("Facebook", "iOS"),
    ),
    (
        InAppBrowser.ANDROID_WEB_VIEW,
        f"{ANDROID} Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36",
        ("Chrome", "Android"),
    ),
    (InAppBrowser.IOS_WEB_VIEW, f"{IPHONE} Mobile/15E148", ("", "iOS")),
]
BROWSERS = [
    (f"{IPHONE} Version/18.4 Mobile/15E148 Safari/604.1", ("Safari", "iOS")),
    (f"{IPHONE} CriOS/136.0.7103.91 Mobile/15E148 Safari/604.1", ("Chrome", "iOS")),
    (f"{IPHONE} EdgiOS/138.0.3351.109 Version/18.0 Mobile/15E148 Safari/604.1", ("Edge", "iOS")),
    (
        f"{IPHONE} Version/18.0 MQQBrowser/19.2.7 Mobile/15E148 Safari/604.1 QBWebViewUA/2 QBWebViewType/1 WKType/1",
        ("QQ Browser", "iOS"),
    ),
    (
        (
            "Mozilla/5.0 (Linux; Android 12; HarmonyOS; DCO-AL00; HMSCore 6.15.0.302) AppleWebKit/537.36 (KHTML, like "
            "Gecko) Chrome/114.0.5735.196 HuaweiBrowser/16.0.4.301 Mobile Safari/537.36"
        ),
        ("Huawei Browser", "HarmonyOS"),
    ),
    (
        (
            "Mozilla/5.0 (Linux; Android 8.1.0; vivo X20A Build/OPM1.171019.011; wv) AppleWebKit/537.36 (KHTML, like "
            "Gecko) Version/4.0 Chrome/131.0.6778.200 Mobile Safari/537.36 VivoBrowser/25.5.52.0"
        ),
        ("vivo Browser", "Android"),
    ),
    (
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.1 "
            "Chrome/130.0.0.0 Mobile Safari/537.36"
        ),
        ("Samsung Internet", "Android"),
    ),
    ("Mozilla/5.0 (Android 12; Mobile; rv:134.0) Gecko/134.0 Firefox/134.0", ("Firefox", "Android")),
    (f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36", ("Chrome", "Windows")),
    (f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", ("Edge", "Windows")),
    (f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0", ("Opera", "Windows")),
    (f"{WINDOWS} Chrome/78.0.3904.108 Safari/537.36 SE 2.X MetaSr 1.0", ("Sogou Browser", "Windows")),
    ("curl/8.9.1", ("", "")),
    ("", ("", "")),
]


@pytest.mark.parametrize(("app", "agent", "software"), IN_APPS)
def test_an_apps_own_browser_is_known(app: InAppBrowser, agent: str, software: tuple[str, str]) -> None:
    """On iPhones and Android; the app's name is the browser's."""
    assert find_in_app_browser(agent) is app
    assert read_software(agent) == software
    assert is_mobile(agent)


@pytest.mark.parametrize(("agent", "software"), BROWSERS)
def test_a_browser_is_no_apps(agent: str, software: tuple[str, str]) -> None:
    """Those of phone makers that are built on a web view included, and what is no browser at all."""
    assert find_in_app_browser(agent) is None
    assert read_software(agent) == software


def test_every_app_is_tried() -> None:
    """An app that is added needs a header that was seen."""
    assert {app for app, _, _ in IN_APPS} == set(InAppBrowser)


def test_names_are_in_the_pages_language() -> None:
    """Chinese names on Chinese pages; a name without one stays."""
    assert (name_in("zh", "WeChat"), name_in("zh-CN", "Alipay"), name_in("en", "WeChat")) == (
        "微信",
        "支付宝",
        "WeChat",
    )
    assert name_in("zh", "Chrome") == "Chrome"


@pytest.mark.parametrize("hostile", ["(iPhone" * 20_000, "; wv)" * 20_000, "Browser/" * 20_000, "\n(iPhone\n" * 9])
def test_no_header_is_read_for_long(hostile: str) -> None:
    """Only its beginning counts."""
    read_software(hostile)
