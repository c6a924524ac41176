"""The shop on every page: its name, its logo, its links, and what newcomers agree to."""

from pathlib import Path
from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.harness import Visitor
from connect_core.languages import find_text
from connect_core.settings import PageSettings
from connect_core.settings.loading import parse_settings
from connect_core.web.pages import Pages
from connect_core.web.pages.messages import LANGUAGES, Language
from connect_core.web.pages.theme_check import sample_pages

from ...kit.databases import run_shop
from ...kit.html_pages import ParsedPage
from ...kit.web_shops import check_headers

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4"/></svg>'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L" + bytes(20)
NAMES = {"zh": "梧桐茶铺", "en": "Wutong Tea"}
TERMS = {"terms_url": "https://shop.example/terms", "privacy_url": "/privacy"}


def file(folder: Path, name: str, content: bytes) -> Path:
    """A file of the shop's."""
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_shows_the_shop_and_leads_back_to_it(language: Language, tmp_path: Path) -> None:
    """Name, logo, title, home, terms, privacy; with nothing set there is none of it."""
    settings = PageSettings(name=NAMES, logo=file(tmp_path, "ours.svg", SVG), **TERMS)
    name = find_text(NAMES, language)
    for make in sample_pages(Pages(settings, home_url="https://shop.example/"), language):
        text = make()
        page = ParsedPage(text)
        assert f" · {name}</title>" in text
        assert f"<span>{name}</span>" in text
        assert page.values("a", "href").count("https://shop.example/") >= 2
        assert {"https://shop.example/terms", "/privacy"} <= set(page.values("a", "href"))
        assert str(page.values("img", "src")[0]).startswith("/connect/static/logo.svg?v=")
        assert page.unnamed == []
    for make in sample_pages(Pages(), language):
        text = make()
        assert ('class="shop"' in text, "<footer" in text, " · </title>" in text) == (False, False, False)


@pytest.mark.parametrize("consent", ["off", "shown", "required"])
def test_every_page_links_the_terms_once(consent: str) -> None:
    """At its foot, or where it asks people to agree to them."""
    pages = Pages(PageSettings(consent=consent, terms_version="1", **TERMS))
    for is_full in (True, False):
        for make in sample_pages(pages, "en", is_full=is_full):
            links = ParsedPage(make()).values("a", "href")
            assert (links.count("https://shop.example/terms"), links.count("/privacy")) == (1, 1)


def test_one_name_does_for_both_languages() -> None:
    """A text is a name in every language; a table without the visitor's language gives the other one."""
    assert [PageSettings(name="Tea").get_name(language) for language in LANGUAGES] == ["Tea"] * len(LANGUAGES)
    assert PageSettings(name={"en": "Tea"}).get_name("zh") == "Tea"


def test_a_hostile_name_is_text() -> None:
    """The name is escaped wherever it stands."""
    page = Pages(PageSettings(name="<script>alert(1)</script>")).leaving("en", "/x")
    assert "<script>" not in page


def test_a_logo_alone_says_where_it_leads(tmp_path: Path) -> None:
    """Without a name the picture has an alternative."""
    pages = Pages(PageSettings(logo=file(tmp_path, "ours.png", PNG)), home_url="/")
    assert ParsedPage(pages.leaving("en", "/x")).values("img", "alt")[0] == "Back to the shop"


@pytest.mark.parametrize(
    ("name", "content", "kind"), [("a.svg", SVG, "svg+xml"), ("a.PNG", PNG, "png"), ("a.webp", WEBP, "webp")]
)
def test_we_serve_the_logo(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    """With our own headers, and to be kept for ever under the address that the pages have."""

    def change(raw: dict[str, Any]) -> None:
        raw["pages"] = {"logo": str(file(tmp_path, name, content))}

    with run_shop(change=change) as shop, Visitor(shop) as visitor:
        address = ParsedPage(visitor.http.get("/connect/login").text).values("img", "src")[0]
        logo = visitor.http.get(str(address))
        assert (logo.content, logo.headers["content-type"]) == (content, f"image/{kind}")
        assert "immutable" in logo.headers["cache-control"]
        assert logo.headers["content-security-policy"].startswith("default-src 'none'")
        check_headers(visitor.http.get("/connect/login"))


@pytest.mark.parametrize(
    ("name", "content", "mistake"),
    [
        ("ours.gif", b"GIF89a", "give a file that ends in .svg, .png or .webp"),
        ("ours.png", SVG, "ours.png is no PNG picture"),
        ("ours.svg", PNG, "ours.svg is no SVG picture"),
        ("ours.webp", b"RIFF", "ours.webp is no WEBP picture"),
        ("ours.png", PNG + bytes(256 * 1024), "ours.png is larger than 256 KiB"),
    ],
)
def test_a_logo_that_pages_cannot_show_stops_the_start(tmp_path: Path, name: str, content: bytes, mistake: str) -> None:
    """It is told with its key."""
    with pytest.raises(SettingsError, match=f"^pages.logo: {mistake}"):
        Pages(PageSettings(logo=file(tmp_path, name, content)))


@pytest.mark.parametrize(
    ("pages", "mistake"),
    [
        ({"consent": "required", "terms_version": "1"}, "pages: consent needs terms_url, which people agree to"),
        ({"consent": "shown"}, "pages: consent needs terms_url, which people agree to"),
        (
            {"consent": "required", "terms_url": "/terms"},
            'pages: consent = "required" needs terms_version, which is stored with who agreed',
        ),
        ({"terms_url": "javascript:alert(1)"}, "pages.terms_url: give a path such as /terms"),
        ({"terms_url": "//evil.example"}, "pages.terms_url: give a path such as /terms"),
        ({"privacy_url": "terms"}, "pages.privacy_url: give a path such as /terms"),
        ({"privacy_url": "/a b"}, "pages.privacy_url: give a path such as /terms"),
        ({"terms_version": "1 2"}, "pages.terms_version: "),
        ({"consent": "always"}, "pages.consent: "),
        ({"name": {"f_r": "Thé"}}, "pages.name"),
    ],
)
def test_a_mistake_is_told_with_its_key(pages: dict[str, Any], mistake: str) -> None:
    """Before the service starts."""
    service = {"public_url": "https://shop.example", "secret_keys": ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]}
    with pytest.raises(SettingsError) as caught:
        parse_settings({"service": service, "pages": pages})
    assert any(line.startswith(mistake) for line in caught.value.mistakes), caught.value.mistakes


@pytest.mark.parametrize(
    ("settings", "consent"),
    [
        ({}, "off"),
        ({"terms_url": "/t"}, "shown"),
        ({"privacy_url": "/p"}, "off"),
        ({"terms_url": "/t", "consent": "off"}, "off"),
    ],
)
def test_consent_is_shown_where_there_are_terms(settings: dict[str, Any], consent: str) -> None:
    """Unless the shop says otherwise."""
    assert PageSettings(**settings).consent_mode == consent
