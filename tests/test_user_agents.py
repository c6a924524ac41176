"""Browsers, systems and apps are told by their `User-Agent`, with headers that were seen in use.

Most are those of https://github.com/fjqgx/web-browser-utils (tests/mock/useragent.ts), of
https://juejin.cn/post/7122744808023687182, and of the tests of https://github.com/matomo-org/device-detector,
https://github.com/faisalman/ua-parser-js and https://github.com/ua-parser/uap-core.
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
    (InAppBrowser.KAKAOTALK, f"{IPHONE} Mobile/15E148 BizWebView KAKAOTALK 9.7.6", ("KakaoTalk", "iOS")),
    (InAppBrowser.KAKAOTALK, f"{IPHONE} Mobile/15E148 Safari/604.1 KAKAOTALK/11.3.1 (INAPP)", ("KakaoTalk", "iOS")),
    (
        InAppBrowser.KAKAOTALK,
        f"{ANDROID} Version/4.0 Chrome/100.0.4896.79 Mobile Safari/537.36;KAKAOTALK 2409760",
        ("KakaoTalk", "Android"),
    ),
    (
        InAppBrowser.NAVER,
        (
            f"{ANDROID} Version/4.0 Chrome/90.0.4430.232 Whale/1.0.0.0 Crosswalk/26.90.3.21 Mobile Safari/537.36 "
            "NAVER(inapp; search; 1010; 11.11.2)"
        ),
        ("Naver", "Android"),
    ),
    (
        InAppBrowser.NAVER,
        f"{IPHONE} Version/13.0 Mobile/15E148 Safari/605.1 NAVER(inapp; search; 720; 10.25.0; 11PRO)",
        ("Naver", "iOS"),
    ),
    (InAppBrowser.ZALO, f"{IPHONE} Zalo/20.05.01 Mobile/15E148", ("Zalo", "iOS")),
    (InAppBrowser.ZALO, f"{IPHONE} Mobile/15E148 Zalo iOS/448 ZaloTheme/light ZaloLanguage/en", ("Zalo", "iOS")),
    (
        InAppBrowser.ZALO,
        f"{ANDROID} Version/4.0 Chrome/80.0.3987.149 Mobile Safari/537.36 Zalo android/12100486",
        ("Zalo", "Android"),
    ),
    (
        InAppBrowser.BAIDU,
        f"{IPHONE} Mobile/16C101 main%2F1.0 baiduboxapp/11.12.0.18 (Baidu; P2 12.1)",
        ("Baidu", "iOS"),
    ),
    (
        InAppBrowser.BAIDU,
        (
            f"{ANDROID} Version/4.0 Chrome/76.0.3809.89 Mobile Safari/537.36 T7/12.9 SP-engine/2.28.0 "
            "baiduboxapp/12.9.0.11 (Baidu; P1 10) NABar/1.0"
        ),
        ("Baidu", "Android"),
    ),
    (
        InAppBrowser.KUAISHOU,
        f"{IPHONE} Mobile/15E148 Kwai/12.9.10.8962 ISLP/0 StatusHT/24 NetType/WIFI Yoda/3.0.3.1 WebViewType/WK",
        ("Kuaishou", "iOS"),
    ),
    (
        InAppBrowser.KUAISHOU,
        (
            f"{ANDROID} Version/4.0 Chrome/90.0.4430.226 KsWebView/1.8.90.754 (rel;rg;low) Mobile Safari/537.36 "
            "Yoda/3.2.9-rc1 ksNebula/12.11.30.9265 OS_PRO_BIT/32 NetType/WIFI"
        ),
        ("Kuaishou", "Android"),
    ),
    (
        InAppBrowser.TAOBAO,
        (
            "Mozilla/5.0 (Linux; U; Android 7.1.1; zh-CN; OPPO R11st) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Version/4.0 Chrome/57.0.2987.108 UCBrowser/11.9.4.974 UWS/2.14.0.3 Mobile Safari/537.36 AliApp(TB/7.8.3) "
            "UCBS/2.11.1.1 TTID/600000@taobao_android_7.8.3 WindVane/8.3.0 1080X2016"
        ),
        ("Taobao", "Android"),
    ),
    (
        InAppBrowser.JD,
        (
            f"jdapp;android;10.0.2;10;network/wifi;{ANDROID} Version/4.0 Chrome/77.0.3865.120 MQQBrowser/6.2 "
            "TBS/045230 Mobile Safari/537.36"
        ),
        ("JD", "Android"),
    ),
    (InAppBrowser.JD, f"jdapp;iPhone;10.0.2;14.3;network/4g;{IPHONE} Mobile/15E148;supportJDSHWK/1", ("JD", "iOS")),
    (
        InAppBrowser.MEITUAN,
        (
            f"{ANDROID} Version/4.0 Chrome/68.0.3440.91 Mobile Safari/537.36 TitansX/11.19.6 KNB/1.2.0 android/6.0.1 "
            "mt/com.sankuai.meituan/10.0.202 App/10120/10.0.202 MeituanGroup/10.0.202"
        ),
        ("Meituan", "Android"),
    ),
    (
        InAppBrowser.MEITUAN,
        (
            f"{IPHONE} Mobile/15E148 TitansX/20.0.1.old KNB/1.0 iOS/17.4.1 meituangroup/com.meituan.imeituan/12.26.406 "
            "meituangroup/12.26.406 App/10110/12.26.406 iPhone/iPhoneSE2 WKWebView"
        ),
        ("Meituan", "iOS"),
    ),
    (
        InAppBrowser.UNIONPAY,
        (
            f"{IPHONE} Mobile/15E148 /sa-sdk-ios/sensors-verify/analytics.95516.com?production (com.unionpay.chsp) "
            "(cordova 4.5.4) (updebug 0) (version 929) (UnionPay/1.0 CloudPay) (clientVersion 189) (language zh_CN)"
        ),
        ("UnionPay", "iOS"),
    ),
    (
        InAppBrowser.UNIONPAY,
        (
            f"{ANDROID} Version/4.0 Chrome/78.0.3904.96 Mobile Safari/537.36(com.unionpay.mobilepay) (cordova 7.0.0) "
            "(updebug 0) (clientVersion 233) (version 803)(UnionPay/1.0 CloudPay)(language zh_CN)"
        ),
        ("UnionPay", "Android"),
    ),
    (
        InAppBrowser.BILIBILI,
        f"{IPHONE} Mobile/22B91 BiliApp/83000100 os/ios model/iPhone 13 mobi_app/iphone build/83000100 osVer/18.1.1",
        ("Bilibili", "iOS"),
    ),
    (
        InAppBrowser.BILIBILI,
        (
            f"{ANDROID} Version/4.0 Chrome/91.0.4472.114 Mobile Safari/537.36 os/android model/PCRT00 build/8130300 "
            "osVer/9 sdkInt/28 network/2 BiliApp/8130300 mobi_app/android channel/master"
        ),
        ("Bilibili", "Android"),
    ),
    (
        InAppBrowser.SNAPCHAT,
        f"{IPHONE} Version/16.0 Mobile/15E148 Snapchat/12.33.0.36 (like Safari/8614.1.25.0.31, panda)",
        ("Snapchat", "iOS"),
    ),
    (InAppBrowser.PINTEREST, f"{IPHONE} Mobile/10B350 [Pinterest/iOS]", ("Pinterest", "iOS")),
    (
        InAppBrowser.PINTEREST,
        f"{ANDROID} Version/4.0 Chrome/63.0.3239.111 Mobile Safari/537.36 [Pinterest/Android]",
        ("Pinterest", "Android"),
    ),
    (
        InAppBrowser.REDDIT,
        (
            f"{ANDROID} Version/4.0 Chrome/103.0.5060.129 Mobile Safari/537.36 "
            "Reddit/Version 2022.28.0/Build 533235/Android 12"
        ),
        ("Reddit", "Android"),
    ),
    (InAppBrowser.LINKEDIN, f"{IPHONE} Mobile/15E148 [LinkedInApp]/9.24.1488", ("LinkedIn", "iOS")),
    (
        InAppBrowser.LINKEDIN,
        f"{ANDROID} Version/4.0 Chrome/87.0.4280.141 Mobile Safari/537.36 [LinkedInApp]",
        ("LinkedIn", "Android"),
    ),
    (
        InAppBrowser.TELEGRAM,
        (
            "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.7559.132 "
            "Safari/537.36 Telegram-Android/12.4.1 (Xiaomi 2405CRPFDG; Android 15; SDK 35; HIGH)"
        ),
        ("Telegram", "Android"),
    ),
    (InAppBrowser.X, f"{IPHONE} Mobile/19H12 Twitter for iPhone/10.34", ("X", "iOS")),
    (
        InAppBrowser.X,
        f"{ANDROID} Version/4.0 Chrome/123.0.6312.120 Mobile Safari/537.36 TwitterAndroid",
        ("X", "Android"),
    ),
    (
        InAppBrowser.ANDROID_WEB_VIEW,
        f"{ANDROID} Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36",
        ("Chrome", "Android"),
    ),
    (InAppBrowser.IOS_WEB_VIEW, f"{IPHONE} Mobile/15E148", ("", "iOS")),
    (InAppBrowser.IOS_WEB_VIEW, f"{IPHONE} Mobile/15E148 (UnionPay/1.0 ICBCeLife)", ("", "iOS")),  # a bank's app
    (
        InAppBrowser.ANDROID_WEB_VIEW,
        (
            f"{ANDROID} Version/4.0 Chrome/129.0.6668.100 Mobile Safari/537.36 Yoda/oversea-3.1.1-rc6-cache ISDR/0 "
            "Kwai_Pro/10.9.10.537204 NetType/WIFI"
        ),
        ("Chrome", "Android"),
    ),
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
    (
        f"{WINDOWS} Chrome/127.0.6533.120 OBS/31.0.3 NAVER(pc; prism; prism-pc; 5.0.1;) Safari/537.36",
        ("Chrome", "Windows"),
    ),
    ("facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984", ("", "")),
    ("Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)", ("", "")),
    ("Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)", ("", "")),
    ("LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)", ("", "")),
    ("TelegramBot (like TwitterBot)", ("", "")),
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
