"""The pages and their words: complete in both languages, safe with hostile names, whole under the strictest policy."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from connect_core.errors import every_error
from connect_core.settings import PageSettings
from connect_core.web.pages import Pages
from connect_core.web.pages.assets import load_assets
from connect_core.web.pages.messages import LANGUAGES, REFUSALS, TEXTS, Language
from connect_core.web.pages.theme_check import sample_pages
from connect_core.web.pages.views import ConnectionView, FirstLoginView, LoginChoice, LoginView, MemberView, NextStep

from ...kit.html_pages import CHINESE, HOSTILE, PAGES, ParsedPage

CHOICES = [
    LoginChoice("alipay", "支付宝", "/connect/alipay/pc/login", "mark"),
    LoginChoice("acme", "Acme", "/connect/acme/pc/login", ""),
]


OTHERS = len(LANGUAGES) - 1
"""Links to other languages, which stand before all others on a page."""


def every_page(language: Language, pages: Pages = PAGES, words: str = "李华") -> Iterator[ParsedPage]:
    """Each page, full and nearly empty, with `words` wherever somebody else's text can stand."""
    for is_full in (True, False):
        for make in sample_pages(pages, language, words, is_full=is_full):
            yield ParsedPage(make())


def test_every_error_code_has_its_words() -> None:
    """A member meets no code that the pages have no words for, and no words outlive their code."""
    own_words = {
        "bad_form",
        "handover_over",
        "method_not_allowed",
        "not_there",
        "not_this_member",
        "nothing_to_merge",
        "page_not_found",
        "page_outdated",
        "page_previewed",
        "provider_down",
        "too_many_tries",
        "unbind_cooldown",
    }
    assert set(REFUSALS) == {one.code for one in every_error()} | own_words


def test_operator_problems_read_as_not_available() -> None:
    """What only the operator can mend tells the member to choose another login, and nothing of the reason."""
    page = ParsedPage(PAGES.refused("en", "provider_config", "r-1", []))
    assert "This login is not available at the moment" in page.text
    assert REFUSALS["provider_config"].other_login


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_hold_under_the_strictest_policy(language: Language) -> None:
    """No script, nothing inline, and every file the pages load is one we serve: `default-src 'none'` breaks nothing."""
    served = {f"/connect/static/{name}" for name in load_assets()} | {"/connect/handover/code.svg"}
    for page in every_page(language):
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"script", "style", "iframe", "object", "embed", "base", "svg"}
        names = {name for _, attributes in page.elements for name in attributes}
        assert not [name for name in names if name == "style" or name.startswith("on")]
        loaded = {*page.values("img", "src"), *page.values("link", "href")}
        assert {address.partition("?")[0] for address in loaded} <= served


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_say_their_language_and_title(language: Language) -> None:
    """Screen readers get the language, a title, one heading and an alternative for every picture."""
    for page in every_page(language):
        assert page.values("html", "lang") == [language]
        tags = [tag for tag, _ in page.elements]
        assert (tags.count("title"), tags.count("h1"), tags.count("main")) == (1, 1, 1)
        assert len(page.values("img", "alt")) == tags.count("img")


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_to_press_or_fill_in_says_what_it_is(language: Language) -> None:
    """Links, buttons and fields have words; an id is used once, and what refers to one finds it."""
    for page in every_page(language):
        assert page.unnamed == []
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(set(ids)) == len(ids)
        named = {"aria-labelledby", "aria-describedby"}
        references = [attributes[name] for _, attributes in page.elements for name in named & attributes.keys()]
        assert {reference for value in references for reference in value.split()} <= set(ids)


@pytest.mark.parametrize("language", LANGUAGES)
def test_fields_tell_password_managers_what_they_are(language: Language) -> None:
    """A field for a name or a password says which it is, so that the right one is filled in, and a new one is kept."""
    told = {
        (attributes["name"], attributes.get("autocomplete"))
        for page in every_page(language)
        for tag, attributes in page.elements
        if tag == "input" and attributes["name"] in ("username", "password")
    }
    another = {("username", "off"), ("password", "off")}  # whose, the merge page asks, is not the one they keep
    own = {("username", "username"), ("password", "current-password"), ("password", "new-password")}
    assert told == own | another


def test_forms_post_to_ourselves() -> None:
    """Every form posts, and to a path of ours: nothing typed stands in an address or goes elsewhere."""
    for page in every_page("zh-CN"):
        forms = [attributes for tag, attributes in page.elements if tag == "form"]
        assert all(form["method"] == "post" and form["action"].startswith("/") for form in forms)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_names_are_text(words: str) -> None:
    """Markup and template syntax in a nickname, province or title is shown as it is, and builds no element."""
    for harmless, hostile in zip(every_page("zh-CN"), every_page("zh-CN", words=words), strict=True):
        shape = [(tag, sorted(attributes)) for tag, attributes in harmless.elements]
        assert [(tag, sorted(attributes)) for tag, attributes in hostile.elements] == shape
        assert hostile.text.count(words) == harmless.text.count("李华")


def test_portraits_are_not_loaded() -> None:
    """The address of a portrait, which a vendor chose, stands nowhere on the page."""
    html = PAGES.member("zh-CN", MemberView("m_1", "李华", face="javascript:alert(1)"), [])
    assert "javascript" not in html


def test_bidi_names_are_isolated() -> None:
    """A name that turns the reading direction turns nothing but itself."""
    html = PAGES.member("en", MemberView("m_1", "\u202eevil", "", "\u202ea", "\u202eb"), [])
    assert html.count("\u202e") == html.count("<bdi>\u202e") == 3


def test_half_a_surrogate_pair_is_replaced() -> None:
    """A nickname that is no valid Unicode does not break the page."""
    html = PAGES.member("zh-CN", MemberView("m_1", "a\ud83d"), [])
    assert b"<bdi>a?</bdi>" in html.encode()


@pytest.mark.parametrize(
    ("nickname", "initial"), [("李华", "李"), ("\u202e<🙂>maria", "m"), ("🙂", "u"), ("", "u"), ("7up", "7")]
)
def test_initial_stands_for_a_portrait(nickname: str, initial: str) -> None:
    """The first letter or digit of the nickname, else of the member's name."""
    assert MemberView("u_1", nickname).initial == initial


def test_login_lists_choices_in_order() -> None:
    """Every provider is a plain link with its title, in the shop's order; a letter stands for an icon."""
    page = ParsedPage(PAGES.login("zh-CN", CHOICES))
    assert page.values("a", "data-provider") == ["alipay", "acme"]
    assert page.values("a", "href")[OTHERS:] == ["/connect/alipay/pc/login", "/connect/acme/pc/login"]
    assert page.values("img", "src")[1:] == ["/connect/static/mark.svg"]
    assert page.values("span", "class") == ["row-text", "tile", "row-text"]
    assert "支付宝登录" in page.text


def test_login_without_choices_says_so() -> None:
    """An empty list is told, not left blank."""
    page = ParsedPage(PAGES.login("en", []))
    assert TEXTS["no_choice"] in page.text
    assert len(page.values("a", "href")) == OTHERS


@pytest.mark.parametrize("query", ["", "?source=a", "?return_to=%2Fother"])
def test_return_target_travels_once(query: str) -> None:
    """The return target goes along in every login's address, encoded, once, beside what stood there before."""
    target = "/order?id=1&x=a b#end"
    choice = LoginChoice("a", "A", f"/connect/a/pc/login{query}", "")
    page = ParsedPage(PAGES.login("zh-CN", [choice], LoginView(target)))
    sent = parse_qs(urlsplit(page.values("a", "href")[OTHERS]).query)
    assert sent.pop("return_to") == [target]
    assert sent == ({"source": ["a"]} if "source" in query else {})


def test_addresses_of_apps_stay_whole() -> None:
    """An `alipays://` address already wraps its target; nothing is added to it."""
    url = "alipays://platformapi/startapp?appId=20000067&url=https%3A%2F%2Fshop.example%2Fx"
    page = ParsedPage(PAGES.login("zh-CN", [LoginChoice("a", "A", url, "")], LoginView("/order")))
    assert page.values("a", "href")[OTHERS] == url


def test_language_links_keep_the_query() -> None:
    """Every other language is a link away, in its own words, on the same address with the same parameters."""
    page = ParsedPage(PAGES.login("zh-CN", CHOICES, LoginView("/order?id=1&x=2", "h5")))
    links = [
        (attributes["lang"], attributes["hreflang"], attributes["href"])
        for tag, attributes in page.elements
        if tag == "a" and "lang" in attributes
    ]
    assert [language for language, _, _ in links] == ["zh-TW", "en", "ja", "ko"]
    for language, target, address in links:
        assert target == language
        assert address.startswith("?")
        assert parse_qs(address[1:]) == {"lang": [language], "client": ["h5"], "return_to": ["/order?id=1&x=2"]}
    assert "繁體中文" in page.text
    assert page.values("nav", "aria-label") == ["语言"]


def test_two_languages_need_no_menu() -> None:
    """Where a shop offers two, the other one is a plain link; where it offers one, there is none."""
    two = ParsedPage(Pages(PageSettings(languages=["zh-CN", "en"])).member("en", MemberView("m_1"), []))
    assert two.values("a", "href")[0] == "?lang=zh-CN"
    assert "summary" not in [tag for tag, _ in two.elements]
    pages = Pages(PageSettings(languages=["ja"]))
    for made in (pages.member("ja", MemberView("m_1"), []), pages.refused("ja", "code_seen", "r", [])):
        assert not {"nav", "details"} & {tag for tag, _ in ParsedPage(made).elements}


@pytest.mark.parametrize(("language", "second"), [("en", "zh-CN"), ("zh-CN", "en"), ("zh-TW", "en"), ("ko", "en")])
def test_a_refusal_has_english_below_or_chinese(language: Language, second: Language) -> None:
    """The second language of a refusal is English, on an English page Chinese."""
    page = ParsedPage(PAGES.refused(language, "code_seen", "r", []))
    assert page.values("details", "lang") == [second]
    assert PAGES.catalogues.texts[second]["refusal.code_seen.advice"] in page.text


def test_refused_page_tells_and_helps() -> None:
    """An alert with title and advice, the ways on, and the reference for customer service, with the error's code."""
    next_steps = [NextStep("start_again", "/connect/alipay/pc/login?return_to=%2Fa&x=1"), NextStep("to_shop", "/")]
    page = ParsedPage(PAGES.refused("zh-CN", "state_expired", "req-42", next_steps))
    assert "alert" in page.values("div", "role")
    assert CHINESE["refusal.state_expired.title"] in page.text
    assert CHINESE["refusal.state_expired.advice"] in page.text
    assert "req-42 state_expired" in " ".join(page.text.split())
    other = ParsedPage(PAGES.refused("zh-CN", "not_this_member", "req-42", [], "forbidden"))
    assert "req-42 forbidden" in " ".join(other.text.split())
    assert page.values("a", "href") == ["/connect/alipay/pc/login?return_to=%2Fa&x=1", "/"]
    assert page.values("a", "class") == ["button", "button quiet"]


def test_refused_page_needs_no_second_request_for_the_other_language() -> None:
    """Both languages stand on the page, so no link leads back to an address with a code and a state in it."""
    page = ParsedPage(PAGES.refused("zh-CN", "code_seen", "r", []))
    assert REFUSALS["code_seen"].advice in page.text
    assert page.values("details", "lang") == ["en"]
    assert page.values("a", "href") == []


def test_an_unknown_code_still_has_a_page() -> None:
    """A code from elsewhere reads as `unavailable` and is not printed."""
    page = ParsedPage(PAGES.refused("en", "acme_special", "r", []))
    assert REFUSALS["unavailable"].title in page.text
    assert "acme_special" not in page.text


@pytest.mark.parametrize("address", ["javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x"])
def test_start_again_leads_to_a_web_address_only(address: str) -> None:
    """A link that would run something is left out."""
    assert (
        ParsedPage(PAGES.refused("zh-CN", "code_seen", "r", [NextStep("start_again", address)])).values("a", "href")
        == []
    )


def test_member_page_logs_out_with_a_plain_form() -> None:
    """Who is logged in, through what since when, and a form that posts to the logout route."""
    connections = [
        ConnectionView("Alipay", "alipay", datetime(2026, 3, 1, tzinfo=UTC)),
        ConnectionView("WeChat", "wechat"),
    ]
    page = ParsedPage(PAGES.member("en", MemberView("m_1", "李华", "", "浙江省", "杭州市"), connections))
    for shown in ("李华", "m_1", "浙江省", "杭州市", "Alipay", "Mar 1, 2026", "WeChat", "You are logged in"):
        assert shown in page.text
    assert (page.values("form", "method"), page.values("form", "action")) == (["post"], ["/connect/logout"])


def test_many_logins_share_a_row_of_icons() -> None:
    """At a first login three have a row each; the others are buttons that say their name."""
    choices = [LoginChoice(name, name.upper(), f"/connect/{name}/pc/join", "") for name in "abcde"]
    page = ParsedPage(PAGES.first_login("en", FirstLoginView("WeChat", choices=choices)))
    assert page.values("button", "data-join") == ["a", "b", "c", "d", "e"]
    assert page.values("button", "aria-label") == ["Continue with D", "Continue with E"]
    assert [action for action in page.values("form", "action") if action.endswith("/join")] == [
        choice.url for choice in choices
    ]


def test_logins_that_work_elsewhere_come_last() -> None:
    """Below the icons, which work here."""
    choices = [LoginChoice(name, name.upper(), f"/connect/{name}/pc/login", "") for name in "abcd"]
    away = replace(choices[0], name="away", place="vendor_app")
    html = PAGES.login("en", [away, *choices], LoginView("/order"))
    assert html.index('data-provider="d"') < html.index('data-elsewhere="away"')


def test_prefix_moves_every_address() -> None:
    """Mounted elsewhere, no page points to the default prefix."""
    for page in every_page("zh-CN", Pages(prefix="/auth")):
        addresses = [value for _, attributes in page.elements for value in attributes.values()]
        assert not [value for value in addresses if value.startswith("/connect")]
        assert [value for value in addresses if value.startswith("/auth/static/connect.css?v=")]


def test_icons_are_plain_drawings() -> None:
    """Every SVG is well-formed and holds neither scripts, styles, links nor fonts."""
    icons = {name: asset.content for name, asset in load_assets().items() if asset.media_type == "image/svg+xml"}
    assert set(icons) == {"done.svg", "mark.svg", "notice.svg"}
    for content in icons.values():
        elements = list(ET.fromstring(content).iter())
        assert {element.tag.rpartition("}")[2] for element in elements} <= {"svg", "g", "rect", "circle", "path"}
        assert not {name for element in elements for name in element.attrib} & {"style", "href", "class"}


def test_stylesheet_loads_nothing() -> None:
    """The stylesheet names no other file, so nothing is fetched from anywhere else."""
    styles = load_assets()["connect.css"]
    assert styles.media_type == "text/css; charset=utf-8"
    assert not re.search(r"url\(|@import|@font-face|expression", styles.content.decode())


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
        ("mistake", "surface", 4.5),
        ("on-mistake", "mistake", 4.5),
        *[(kind, f"{kind}-ground", 4.5) for kind in ("success", "notice", "mistake")],
        ("on-tile", "tile", 4.5),
        ("field-line", "surface", 3.0),
        *[("accent", ground, 4.5) for ground in ("ground", "surface")],
        *[("focus", ground, 3.0) for ground in ("ground", "surface")],
    ],
)
def test_colours_have_contrast(scheme: str, front: str, back: str, least: float) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 for the focus ring and a field's edge, in both colour schemes."""
    light, dark = re.findall(r":root \{(.*?)\}", load_assets()["connect.css"].content.decode(), re.DOTALL)
    colours = dict(re.findall(r"--connect-([a-z-]+): (#[0-9a-f]{6});", light + dark * (scheme == "dark")))
    brighter, darker = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
    assert (brighter + 0.05) / (darker + 0.05) >= least
