"""Which language a visitor gets: chosen and remembered, else the browser's, else the default; through a whole login."""

from urllib.parse import parse_qs, urlsplit

import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.databases import run_shop
from ...kit.web_shops import HTML, HttpsVisitor, behind_tls, come_back, set_cookies

COOKIE = "connect_lang"
CHINESE = {**HTML, "accept-language": "zh-CN"}


def language_of(visitor: Visitor, path: str) -> str:
    """The language of a page, for a browser that prefers Chinese."""
    page = visitor.http.get(path, headers=CHINESE)
    assert page.headers["content-type"].startswith("text/html"), page.text
    return page.text.partition('<html lang="')[2].partition('"')[0]


def test_a_chosen_language_lasts_through_a_login(visitor: Visitor) -> None:
    """`?lang=en` once: the login page, the refusal, the login that follows and the account page are English."""
    assert language_of(visitor, "/connect/login") == "zh-CN"
    assert language_of(visitor, "/connect/login?lang=en") == "en"
    assert language_of(visitor, "/connect/login") == "en"
    refusal = visitor.consent(visitor.begin("alipay", "pc"), decision="refuse")
    assert language_of(visitor, refusal) == "en"
    visitor.http.get(come_back(visitor))
    for path in ("/connect/account", "/connect/account/erase", "/connect/handover", "/nowhere"):
        assert language_of(visitor, path) == "en"
    assert language_of(visitor, "/connect/account?lang=zh") == "zh-CN"
    assert language_of(visitor, "/connect/account") == "zh-CN"


def test_a_language_is_remembered_when_it_is_asked_for_alone(visitor: Visitor) -> None:
    """A cookie comes of `?lang=` with a language of ours on a page, and of nothing else."""
    for path in ("/connect/login", "/connect/login?lang=fr", "/connect/login?lang=", "/connect/login?return_to=/?lang"):
        assert set_cookies(visitor.http.get(path, headers=CHINESE)) == {}
    assert set_cookies(visitor.http.get("/connect/providers?client=pc&lang=en")) == {}
    told = set_cookies(visitor.http.get("/connect/login?lang=EN-gb", headers=CHINESE))
    assert told.keys() == {COOKIE}
    assert {*told[COOKIE].split("; ")} == {"en", "HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=lax"}


def test_json_is_in_the_chosen_language_too(visitor: Visitor) -> None:
    """A front end's own page gets the vendors' names as the hosted pages show them."""

    def names() -> list[str]:
        shown = visitor.http.get("/connect/providers?client=pc", headers={"accept-language": "zh"})
        return [one["name"] for one in shown.json()]

    assert names()[0] == "支付宝"
    visitor.http.get("/connect/login?lang=en", headers=HTML)
    assert names()[0] == "Alipay"


def test_a_chosen_language_goes_along_into_the_vendors_app(shop: RunningShop) -> None:
    """The wake-up link opens in another browser, which has no cookie of ours."""

    def woken(path: str) -> dict[str, list[str]]:
        with Visitor(shop, user_agent="Mozilla/5.0 (Linux; Android 14) Mobile") as visitor:
            link = visitor.http.get(path, headers={**CHINESE, "accept": "*/*"}).headers["location"]
            return parse_qs(urlsplit(parse_qs(urlsplit(link).query)["url"][0]).query)

    assert woken("/connect/alipay/h5/login?lang=en&return_to=/cart")["lang"] == ["en"]
    assert "lang" not in woken("/connect/alipay/h5/login?return_to=/cart")


@pytest.mark.parametrize(
    "cookie",
    [
        "connect_lang=xx",
        "connect_lang=en-GB",
        "connect_lang=",
        "connect_lang",
        "connect_lang=en<script>",
        "xconnect_lang=en",
        "a=connect_lang=en",
        "connect_lang=EN; connect_lang=fr",
        "connect_lang=" + "en" * 9000,
    ],
)
def test_a_cookie_that_is_none_chooses_nothing(visitor: Visitor, cookie: str) -> None:
    """What somebody planted is no language: the browser's own counts, and nothing of it is shown."""
    page = visitor.http.get("/connect/login", headers={**CHINESE, "cookie": cookie})
    assert page.status_code == 200
    assert '<html lang="zh-CN">' in page.text
    assert "<script" not in page.text


def test_behind_tls_the_cookie_is_for_this_host_alone() -> None:
    """`__Host-` and Secure, as every cookie of ours, and read under that name."""
    with behind_tls() as running_shop, HttpsVisitor(running_shop) as visitor:
        told = set_cookies(visitor.http.get("/connect/login?lang=en", headers=CHINESE))
        assert told.keys() == {f"__Host-{COOKIE}"}
        assert "Secure" in told[f"__Host-{COOKIE}"]
        assert language_of(visitor, "/connect/login") == "en"


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("zh", "zh-CN"), ("zh-TW", "zh-TW"), ("zh-hk", "zh-TW"), ("ja", "ja"), ("ko-KR", "ko"), ("fr", "zh-CN")],
)
def test_a_language_is_asked_for_by_its_tag(visitor: Visitor, asked: str, shown: str) -> None:
    """`?lang=` takes tags, and what was asked for is remembered; one that is not offered changes nothing."""
    assert language_of(visitor, f"/connect/login?lang={asked}") == shown
    assert language_of(visitor, "/connect/login") == shown


@pytest.mark.parametrize("cookie", ["connect_lang=zh", "connect_lang=zh-CN", "connect_lang=xx; __Host-connect_lang=zh"])
def test_cookies_of_earlier_versions_still_count(visitor: Visitor, cookie: str) -> None:
    """`zh` is what Chinese was called before there were two of them."""
    page = visitor.http.get("/connect/login", headers={**HTML, "accept-language": "ja", "cookie": cookie})
    assert '<html lang="zh-CN">' in page.text


def test_a_shop_says_which_languages_it_offers() -> None:
    """Only those of `[pages] languages`, and `default_language` for everybody else, also in JSON and of old cookies."""
    pages = {"languages": ["ja", "zh"], "default_language": "ja"}
    with run_shop(change=lambda raw: raw.update(pages=pages)) as shop, Visitor(shop) as visitor:

        def shown(header: str, cookie: str = "") -> str:
            headers = {**HTML, "accept-language": header, "cookie": cookie}
            page = visitor.http.get("/connect/login", headers=headers).text
            return page.partition('<html lang="')[2].partition('"')[0]

        assert [shown(header) for header in ("en", "fr", "", "zh-TW", "ja;q=0.1")] == [
            "ja",
            "ja",
            "ja",
            "zh-CN",
            "ja",
        ]
        assert (shown("ja", "connect_lang=zh"), shown("ja", "connect_lang=en")) == ("zh-CN", "ja")
        names = visitor.http.get("/connect/providers?client=pc", headers={"accept-language": "ja"}).json()
        assert "Alipay" in {row["name"] for row in names}
