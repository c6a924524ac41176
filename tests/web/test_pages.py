"""The pages and their words: complete in both languages, safe with hostile names, whole under the strictest policy."""

import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from connect_core.errors import SettingsError, every_error
from connect_core.web.pages import Choice, Elsewhere, Pages, ShownConnection, ShownMember, static_files
from connect_core.web.texts import LANGUAGES, REFUSALS, TEXTS, Language, Wording, pick_language

PAGES = Pages()
CHOICES = [
    Choice("alipay", "支付宝", "/connect/alipay/pc/login", "alipay"),
    Choice("acme", "Acme", "/connect/acme/pc/login", "acme"),
]
HOSTILE = ['<svg onload="alert(1)">', "{{7*7}}{0.__class__}%s", "</script><script>alert(1)</script>", "' onerror='x"]
WORDINGS = [
    *TEXTS.items(),
    *[(f"{code}.title", refusal.title) for code, refusal in REFUSALS.items()],
    *[(f"{code}.advice", refusal.advice) for code, refusal in REFUSALS.items()],
]
VOID = frozenset({"meta", "link", "img", "input", "br"})


class _Page(HTMLParser):
    """A page taken apart: its elements with their attributes and its visible text; unbalanced tags are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [attributes[attribute] for name, attributes in self.elements if name == tag and attribute in attributes]


def every_page(language: Language, pages: Pages = PAGES, words: str = "李华") -> Iterator[_Page]:
    """Each page, with `words` wherever somebody else's text can stand."""
    choices = [Choice(words, words, f"/{words}", words, place) for place in (None, *Elsewhere)]
    yield _Page(pages.login(language, choices, return_to=words, client=words, origin=words))
    yield _Page(pages.login(language, []))
    yield _Page(pages.refused(language, words, words, f"/?{words}"))
    yield _Page(pages.refused(language, "provider_config", "", None))
    member = ShownMember(words, words, words, words, words)
    yield _Page(pages.member(language, member, [ShownConnection(words, words, date(2026, 3, 1))]))
    yield _Page(pages.member(language, ShownMember("m_1"), []))


def test_every_error_code_has_its_words() -> None:
    """A member meets no code that the pages have no words for, and no words outlive their code."""
    assert set(REFUSALS) == {one.code for one in every_error()} | {"login_too_old", "handover_over", "nothing_to_merge"}


@pytest.mark.parametrize(("key", "wording"), WORDINGS)
def test_both_languages_are_written(key: str, wording: Wording) -> None:
    """Each text is Chinese in Chinese and English in English."""
    assert wording.in_language("zh") == wording.zh
    assert wording.in_language("en") == wording.en
    assert wording.en.isascii()
    assert re.search("[\u4e00-\u9fff]", wording.zh) or key == "html_language"


@pytest.mark.parametrize("code", REFUSALS)
def test_advice_is_one_sentence(code: str) -> None:
    """A refusal has a short title and exactly one sentence that says what to do."""
    title, advice, _ = REFUSALS[code]
    assert (advice.zh.count("。"), advice.zh[-1]) == (1, "。")
    assert (advice.en.count("."), advice.en[-1]) == (1, ".")
    assert (len(title.zh) <= 16, len(title.en) <= 48) == (True, True)
    assert not {title.zh[-1], title.en[-1]} & {"。", "."}


@pytest.mark.parametrize(("key", "wording"), WORDINGS)
def test_words_are_plain(key: str, wording: Wording) -> None:
    """No technical word reaches a member."""
    technical = "state|code|token|provider|oauth|signature|certificate|config|server|database|redirect|error|invalid"
    assert not re.search(rf"\b({technical})\b", wording.en.replace("QR code", ""), re.IGNORECASE)
    assert not re.search("签名|证书|配置|参数|令牌|回调|授权码|服务器|数据库|错误|非法", wording.zh)


def test_operator_problems_read_as_not_available() -> None:
    """What only the operator can mend tells the member to choose another login, and nothing of the reason."""
    page = _Page(PAGES.refused("en", "provider_config", "r-1", None))
    assert "This login is not available at the moment" in page.text
    assert page.values("a", "href") == ["/connect/login"]


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
    """A range that breaks the grammar counts for nothing, and its neighbours still count."""
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_hold_under_the_strictest_policy(language: Language) -> None:
    """No script, nothing inline, and every file the pages load is one we serve: `default-src 'none'` breaks nothing."""
    served = {f"/connect/static/{name}" for name in static_files()}
    for page in every_page(language):
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"script", "style", "iframe", "object", "embed", "base", "svg"}
        names = {name for _, attributes in page.elements for name in attributes}
        assert not [name for name in names if name == "style" or name.startswith("on")]
        assert {*page.values("img", "src"), *page.values("link", "href")} <= served


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_say_their_language_and_title(language: Language) -> None:
    """Screen readers get the language, a title, one heading and an alternative for every picture."""
    for page in every_page(language):
        assert page.values("html", "lang") == [{"zh": "zh-CN", "en": "en"}[language]]
        tags = [tag for tag, _ in page.elements]
        assert (tags.count("title"), tags.count("h1"), tags.count("main")) == (1, 1, 1)
        assert len(page.values("img", "alt")) == tags.count("img")


@pytest.mark.parametrize("words", HOSTILE)
def test_l07_hostile_names_are_text(words: str) -> None:
    """L07: markup and template syntax in a nickname, province or title is shown as it is, and builds no element."""
    for harmless, hostile in zip(every_page("zh"), every_page("zh", words=words), strict=True):
        shape = [(tag, sorted(attributes)) for tag, attributes in harmless.elements]
        assert [(tag, sorted(attributes)) for tag, attributes in hostile.elements] == shape
        assert hostile.text.count(words) == harmless.text.count("李华")


def test_l07_portraits_are_not_loaded() -> None:
    """L07: the address of a portrait, which a vendor chose, stands nowhere on the page."""
    html = PAGES.member("zh", ShownMember("m_1", "李华", face="javascript:alert(1)"), [])
    assert "javascript" not in html


def test_l07_a_shops_own_template_escapes_too(tmp_path: Path) -> None:
    """L07: autoescape holds in a shop's template, whatever its file is called."""
    (tmp_path / "member.html").write_text('<img src="{{ member.face }}" alt="">{{ member.nickname }}')
    html = Pages(tmp_path).member("zh", ShownMember("m_1", HOSTILE[0], face='"><svg onload=x>'), [])
    assert "<svg" not in html
    assert html.count("&lt;svg") == 2


def test_bidi_names_are_isolated() -> None:
    """A name that turns the reading direction turns nothing but itself."""
    html = PAGES.member("en", ShownMember("m_1", "\u202eevil", "", "\u202ea", "\u202eb"), [])
    assert html.count("\u202e") == html.count("<bdi>\u202e") == 3


def test_half_a_surrogate_pair_is_replaced() -> None:
    """A nickname that is no valid Unicode does not break the page."""
    html = PAGES.member("zh", ShownMember("m_1", "a\ud83d"), [])
    assert b"<bdi>a?</bdi>" in html.encode()


@pytest.mark.parametrize(
    ("nickname", "initial"), [("李华", "李"), ("\u202e<🙂>maria", "m"), ("🙂", "u"), ("", "u"), ("7up", "7")]
)
def test_initial_stands_for_a_portrait(nickname: str, initial: str) -> None:
    """The first letter or digit of the nickname, else of the member's name."""
    assert ShownMember("u_1", nickname).initial == initial


def test_login_lists_choices_in_order() -> None:
    """Every provider is a plain link with its title, in the shop's order; one without an icon gets the key."""
    page = _Page(PAGES.login("zh", CHOICES))
    assert page.values("a", "data-provider") == ["alipay", "acme"]
    assert page.values("a", "href")[1:] == ["/connect/alipay/pc/login", "/connect/acme/pc/login"]
    assert page.values("img", "src")[1:] == ["/connect/static/alipay.svg", "/connect/static/key.svg"]
    assert "支付宝登录" in page.text


def test_login_without_choices_says_so() -> None:
    """An empty list is told, not left blank."""
    page = _Page(PAGES.login("en", []))
    assert TEXTS["no_choice"].en in page.text
    assert len(page.values("a", "href")) == 1


@pytest.mark.parametrize("query", ["", "?source=a", "?return_to=%2Fother"])
def test_return_target_travels_once(query: str) -> None:
    """The return target goes along in every login's address, encoded, once, beside what stood there before."""
    target = "/order?id=1&x=a b#end"
    page = _Page(PAGES.login("zh", [Choice("a", "A", f"/connect/a/pc/login{query}", "")], target))
    sent = parse_qs(urlsplit(page.values("a", "href")[1]).query)
    assert sent.pop("return_to") == [target]
    assert sent == ({"source": ["a"]} if "source" in query else {})


def test_addresses_of_apps_stay_whole() -> None:
    """An `alipays://` address already wraps its target; nothing is added to it."""
    url = "alipays://platformapi/startapp?appId=20000067&url=https%3A%2F%2Fshop.example%2Fx"
    assert _Page(PAGES.login("zh", [Choice("a", "A", url, "")], "/order")).values("a", "href")[1] == url


def test_language_link_keeps_the_query() -> None:
    """The other language is one link away, on the same address with the same client type and return target."""
    link = _Page(PAGES.login("zh", CHOICES, "/order?id=1&x=2", client="h5")).values("a", "href")[0]
    assert link.startswith("?")
    assert parse_qs(link[1:]) == {"lang": ["en"], "client": ["h5"], "return_to": ["/order?id=1&x=2"]}
    assert _Page(PAGES.member("en", ShownMember("m_1"), [])).values("a", "href") == ["?lang=zh"]


def test_refused_page_tells_and_helps() -> None:
    """An alert with title and advice, the way to start again, and the reference for customer service."""
    page = _Page(PAGES.refused("zh", "state_expired", "req-42", "/connect/alipay/pc/login?return_to=%2Fa&x=1"))
    assert "alert" in page.values("div", "role")
    assert REFUSALS["state_expired"].title.zh in page.text
    assert REFUSALS["state_expired"].advice.zh in page.text
    assert "req-42" in page.text
    assert page.values("a", "href") == ["/connect/alipay/pc/login?return_to=%2Fa&x=1"]


def test_refused_page_needs_no_second_request_for_the_other_language() -> None:
    """Both languages stand on the page, so no link leads back to an address with a code and a state in it."""
    page = _Page(PAGES.refused("zh", "code_seen", "r", None))
    assert REFUSALS["code_seen"].advice.en in page.text
    assert page.values("details", "lang") == ["en"]
    assert page.values("a", "href") == []


def test_an_unknown_code_still_has_a_page() -> None:
    """A code from elsewhere reads as `unavailable` and is not printed."""
    page = _Page(PAGES.refused("en", "acme_special", "r", None))
    assert REFUSALS["unavailable"].title.en in page.text
    assert "acme_special" not in page.text


@pytest.mark.parametrize("address", ["javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x"])
def test_start_again_leads_to_a_web_address_only(address: str) -> None:
    """A link that would run something is left out."""
    assert _Page(PAGES.refused("zh", "code_seen", "r", address)).values("a", "href") == []


def test_member_page_logs_out_with_a_plain_form() -> None:
    """Who is logged in, through what since when, and a form that posts to the logout route."""
    connections = [ShownConnection("Alipay", "alipay", date(2026, 3, 1)), ShownConnection("WeChat", "wechat")]
    page = _Page(PAGES.member("en", ShownMember("m_1", "李华", "", "浙江省", "杭州市"), connections))
    for shown in ("李华", "m_1", "浙江省", "杭州市", "Alipay", "2026-03-01", "WeChat", "You are logged in"):
        assert shown in page.text
    assert (page.values("form", "method"), page.values("form", "action")) == (["post"], ["/connect/logout"])


def test_prefix_moves_every_address() -> None:
    """Mounted elsewhere, no page points to the default prefix."""
    for page in every_page("zh", Pages(prefix="/auth")):
        addresses = [value for _, attributes in page.elements for value in attributes.values()]
        assert not [value for value in addresses if value.startswith("/connect")]
        assert "/auth/static/connect.css" in addresses


def test_a_shops_stylesheet_comes_last() -> None:
    """The shop's stylesheet is linked after ours, so that its properties win."""
    page = _Page(Pages(stylesheet="/theme.css?v=2").login("zh", CHOICES))
    assert page.values("link", "href")[1:] == ["/connect/static/connect.css", "/theme.css?v=2"]


@pytest.mark.parametrize("stylesheet", ["https://cdn.example/a.css", "//cdn.example/a.css", "theme.css", ""])
def test_a_stylesheet_elsewhere_stops_the_start(stylesheet: str) -> None:
    """The policy would block it in silence; the start says so instead."""
    with pytest.raises(SettingsError, match="stylesheet: give a path on our own origin"):
        Pages(stylesheet=stylesheet)


def test_a_shops_templates_come_first(tmp_path: Path) -> None:
    """A shop replaces one file; the others stay ours and use it."""
    (tmp_path / "layout.html").write_text("<h6>Our shop</h6>{% block content %}{% endblock %}")
    html = Pages(tmp_path).login("zh", CHOICES)
    assert html.startswith("<h6>Our shop</h6>")
    assert "支付宝登录" in html


@pytest.mark.parametrize(
    ("template", "mistake"),
    [
        ("\n{% if %}", r"login\.html, line 2: "),
        ("\n\n{{ nickname }}", r"login\.html, line 3: 'nickname' is undefined"),
        ("{{ t.no_such_text }}", r"login\.html, line 1: .*no_such_text"),
        ('\n{% extends "frame.html" %}', r"login\.html, line 2: .*frame\.html"),
    ],
)
def test_a_faulty_template_stops_the_start(tmp_path: Path, template: str, mistake: str) -> None:
    """Not a member but the operator meets the mistake, with its file and line."""
    (tmp_path / "login.html").write_text(template)
    with pytest.raises(SettingsError, match=f"^template_folder: {mistake}"):
        Pages(tmp_path)


def test_a_missing_template_folder_stops_the_start(tmp_path: Path) -> None:
    """A misspelt folder is a mistake, not a silent fall-back to our templates."""
    with pytest.raises(SettingsError, match="template_folder: there is no folder"):
        Pages(tmp_path / "themes")


def test_icons_are_plain_drawings() -> None:
    """Every SVG is well-formed and holds neither scripts, styles, links nor fonts."""
    icons = {name: content for name, (content, kind) in static_files().items() if kind == "image/svg+xml"}
    assert {"alipay.svg", "wechat.svg", "key.svg"} <= set(icons)
    for content in icons.values():
        elements = list(ET.fromstring(content).iter())
        assert {element.tag.rpartition("}")[2] for element in elements} <= {"svg", "g", "rect", "circle", "path"}
        assert not {name for element in elements for name in element.attrib} & {"style", "href", "class"}


def test_stylesheet_loads_nothing() -> None:
    """The stylesheet names no other file, so nothing is fetched from anywhere else."""
    content, media_type = static_files()["connect.css"]
    assert media_type == "text/css; charset=utf-8"
    assert not re.search(r"url\(|@import|@font-face|expression", content.decode())


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        *[(ink, ground, 4.5) for ink in ("ink", "ink-soft") for ground in ("ground", "surface", "row", "row-pressed")],
        *[("on-accent", ground, 4.5) for ground in ("accent", "accent-pressed")],
        *[("accent", ground, 4.5) for ground in ("ground", "surface")],
        *[("focus", ground, 3.0) for ground in ("ground", "surface")],
    ],
)
def test_colours_have_contrast(scheme: str, front: str, back: str, least: float) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 for the focus ring, in both colour schemes."""
    light, dark = re.findall(r":root \{(.*?)\}", static_files()["connect.css"][0].decode(), re.DOTALL)
    colours = dict(re.findall(r"--connect-([a-z-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark))
    brighter, darker = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
    assert (brighter + 0.05) / (darker + 0.05) >= least
