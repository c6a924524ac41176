"""Which language a visitor gets: chosen and remembered, else the browser's, else Chinese; through a whole login."""

from urllib.parse import parse_qs, urlsplit

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.web.pages.messages import LANGUAGES, Language, pick_language

from ...kit.web_shops import HTML, HttpsVisitor, behind_tls, come_back, set_cookies


@pytest.mark.parametrize(
    ("asked", "header", "language"),
    [
        (None, "", "zh"),
        (None, "fr-FR,fr;q=0.9,de", "zh"),
        (None, "zh;q=0.8,en,en-GB;q=0.7", "en"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "EN-us", "en"),
        (None, "zh-Hant-TW", "zh"),
        (None, "en;q=0.8,zh;q=0.9", "zh"),
        (None, "zh;q=0.8 , en ; q=0.9", "en"),
        (None, "zh;q=0.5,en;Q=0.501", "en"),
        (None, "en,zh", "en"),
        (None, "zh,en", "zh"),
        (None, "fr,en;q=0.1", "en"),
        (None, "*", "zh"),
        (None, "en;q=0.3,*;q=0.5", "zh"),
        (None, "zh;q=0.3,*;q=0.5", "en"),
        (None, "zh;q=0", "en"),
        (None, "zh;q=0,*;q=0.1", "en"),
        (None, "en;q=0,*", "zh"),
        (None, "*;q=0,en;q=0.001", "en"),
        ("en", "zh", "en"),
        ("zh-CN", "en", "zh"),
        ("EN-US", "zh", "en"),
        ("fr", "en", "en"),
        ("", "en", "en"),
        ("<script>", "zh", "zh"),
    ],
)
def test_language_follows_quality_values(asked: str | None, header: str, language: Language) -> None:
    """RFC 9110 §12.5.4: the highest weight wins; the query beats the header; Chinese where nothing is said."""
    assert pick_language(asked, header) == language


@pytest.mark.parametrize(
    "garbage",
    ["en;q=2", "en;q=-1", "en;q=0.9999", "en;q=nan", "en;q=٠", "en q=1", "en;", "én", "en--GB", "en_GB", "\0en", ";q"],
)
def test_malformed_ranges_are_passed_over(garbage: str) -> None:
    """A range that breaks the grammar counts for nothing, and the ranges beside it still count."""
    assert pick_language(None, garbage) == "zh"
    assert pick_language(None, f"{garbage},,zh;q=0.5,en;q=0.6") == "en"


@pytest.mark.parametrize("filler", [",", "-", "en-", ";q=0.", "a-" * 8, " ", "*", "\ud800", "en;q=0.1,"])
def test_long_headers_are_read_up_to_4_kib(filler: str) -> None:
    """Whatever fills 4 KiB is survived, and one character more leaves the header unread."""
    begin = "en;q=0.7,zh;q=0.6,fr"
    header = begin + "," + (filler * 4096)[: 4095 - len(begin)]
    assert len(header) == 4096
    assert pick_language(filler * 4096, header) in LANGUAGES
    assert pick_language(None, "en".ljust(4096)) == "en"
    assert pick_language(None, "en".ljust(4097)) == "zh"


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
            link = visitor.http.get(path, headers=CHINESE).headers["location"]
            return parse_qs(urlsplit(parse_qs(urlsplit(link).query)["url"][0]).query)

    assert woken("/connect/alipay/h5/login?lang=en&return_to=/cart")["lang"] == ["en"]
    assert "lang" not in woken("/connect/alipay/h5/login?return_to=/cart")


@pytest.mark.parametrize(
    "cookie",
    [
        "connect_lang=xx",
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
