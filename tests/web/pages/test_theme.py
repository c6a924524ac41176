"""The shop's own look: one stylesheet and one folder of templates; what is wrong with them is told at the start."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.harness import RunningShop, Visitor, make_settings, run_shop
from connect_core.settings import PageSettings
from connect_core.web import create_app
from connect_core.web.pages import Pages
from connect_core.web.pages.theme_check import load_pages
from connect_core.web.pages.views import LoginChoice, MemberView

from ...kit.web_shops import HEADERS, alipay_and_wechat, check_headers

CHOICES = [LoginChoice("alipay", "支付宝", "/connect/alipay/pc/login", "alipay")]
BRAND = '{% extends "connect/layout.html" %}{% block brand %}<p class="brand">Our shop</p>{% endblock %}'


def load(folder: Path, **templates: str) -> Pages:
    """The pages with these templates of the shop's."""
    for name, text in templates.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return load_pages(PageSettings(template_folder=folder), "/connect")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    """A shop with a look of its own."""
    (tmp_path / "layout.html").write_text(BRAND, "utf-8")
    (tmp_path / "ours.css").write_text(":root { --connect-accent: #b3261e; }", "utf-8")

    def change(raw: dict[str, Any]) -> None:
        raw["pages"] = {"stylesheet": str(tmp_path / "ours.css"), "template_folder": str(tmp_path)}

    with run_shop(alipay_and_wechat(), change=change) as one:
        yield one


def test_settings_bring_the_look_to_every_page(shop: RunningShop) -> None:
    """Template and stylesheet of `[pages]` are on login page and refusal alike, the stylesheet after ours."""
    with Visitor(shop) as visitor:
        for path in ("/connect/login", "/nowhere"):
            page = visitor.http.get(path, headers={"accept": "text/html"})
            check_headers(page)
            assert '<p class="brand">Our shop</p>' in page.text
            assert page.text.index("/static/connect.css?v=") < page.text.index("/static/shop.css?v=")


def test_a_stylesheet_is_kept_by_browsers_until_it_changes(shop: RunningShop) -> None:
    """Its own address may be kept for ever, another version's for an hour; who has it already is not sent it again."""
    with Visitor(shop) as visitor:
        address = visitor.http.get("/connect/login").text.partition("shop.css")[2].partition('"')[0]
        styles = visitor.http.get(f"/connect/static/shop.css{address}")
        assert styles.text == ":root { --connect-accent: #b3261e; }"
        assert styles.headers["content-type"] == "text/css; charset=utf-8"
        assert styles.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert {name: styles.headers[name] for name in HEADERS if name != "cache-control"} == {
            name: value for name, value in HEADERS.items() if name != "cache-control"
        }
        for older in ("", "?v=0", "?v="):
            answer = visitor.http.get(f"/connect/static/shop.css{older}")
            assert answer.headers["cache-control"] == "public, max-age=3600"
        tag = styles.headers["etag"]
        for known in (tag, f'W/{tag}, "x"', f'"x",{tag}', "*"):
            answer = visitor.http.get("/connect/static/shop.css", headers={"if-none-match": known})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        for other in ('"x"', "", tag.strip('"'), ","):
            assert visitor.http.get("/connect/static/shop.css", headers={"if-none-match": other}).status_code == 200


def test_without_a_stylesheet_there_is_none(tmp_path: Path) -> None:
    """Our styles alone are linked."""
    html = load(tmp_path).login("zh-CN", CHOICES)
    assert html.count('rel="stylesheet"') == 1


@pytest.mark.parametrize(
    ("content", "mistake"), [(b"/* \xb5\xea\xc6\xcc */", "is not UTF-8 text"), (None, "cannot be read")]
)
def test_a_stylesheet_that_cannot_be_read_stops_the_start(tmp_path: Path, content: bytes | None, mistake: str) -> None:
    """It is told with its key and name."""
    path = tmp_path / "ours.css"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=f"^pages.stylesheet: ours.css {mistake}"):
        Pages(PageSettings.model_construct(stylesheet=path))


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    """Windows editors write one."""
    (tmp_path / "ours.css").write_bytes("\ufeffbody {}".encode())
    assert Pages(PageSettings(stylesheet=tmp_path / "ours.css")).assets["shop.css"].content == b"body {}"


def test_a_shops_templates_come_first(tmp_path: Path) -> None:
    """A shop replaces one file; the others stay ours and use it."""
    html = load(tmp_path, layout="<h6>Our shop</h6>{% block content %}{% endblock %}").login("zh-CN", CHOICES)
    assert html.startswith("<h6>Our shop</h6>")
    assert "支付宝登录" in html


def test_a_shops_template_builds_on_ours(tmp_path: Path) -> None:
    """Below `connect/` it finds the one that it replaces, so that a block is all it has to say."""
    login = '{% extends "connect/login.html" %}{% block title %}Our shop: {{ super() }}{% endblock %}'
    html = load(tmp_path, layout=BRAND, login=login).login("en", CHOICES)
    assert "<title>Our shop: Log in</title>" in html
    assert html.index('<p class="brand">Our shop</p>') < html.index("<main")


def test_a_shops_own_template_escapes_too(tmp_path: Path) -> None:
    """Autoescape holds in a shop's template, whatever it shows."""
    pages = load(tmp_path, member='<img src="{{ member.face }}" alt="">{{ member.nickname }}')
    html = pages.member("zh-CN", MemberView("m_1", '<svg onload="alert(1)">', face='"><svg onload=x>'), [])
    assert "<svg" not in html
    assert html.count("&lt;svg") == 2


@pytest.mark.parametrize(
    ("name", "template", "mistake"),
    [
        ("login", "\n{% if %}", r"login\.html, line 2: "),
        ("login", "\n\n{{ nickname }}", r"login\.html, line 3: 'nickname' is undefined"),
        ("login", "{{ t.no_such_text }}", r"login\.html, line 1: .*no_such_text"),
        ("login", '\n{% extends "frame.html" %}', r"login\.html, line 2: there is no template frame\.html"),
        ("login", '{% extends "login.html" %}', r"login\.html, line 1: RecursionError: "),
        ("login", "{% if not logins %}\n{{ nothing }}{% endif %}", r"login\.html, line 2: 'nothing' is undefined"),
        ("login", "{% if elsewhere %}\n{{ nothing }}{% endif %}", r"login\.html, line 2: 'nothing' is undefined"),
        ("first_login", "{% if not nickname %}\n{{ nothing }}{% endif %}", r"first_login\.html, line 2: "),
        ("first_login", "{% if is_wrong %}\n{{ nothing }}{% endif %}", r"first_login\.html, line 2: "),
        ("handover", '{% if state == "denied" %}\n{{ nothing }}{% endif %}', r"handover\.html, line 2: "),
        ("account", "\n{{ 1 // 0 }}", r"account\.html, line 2: ZeroDivisionError: "),
        ("account", "\n{{ sessions[0] + 1 }}", r"account\.html, line 2: TypeError: "),
        ("refused", "{% if request_id == '' %}\n{{ t[code] }}{% endif %}", r"refused\.html, line 2: "),
        ("loging", "\n\n{% block %}", r"loging\.html, line 3: "),
    ],
)
def test_a_faulty_template_stops_the_start(tmp_path: Path, name: str, template: str, mistake: str) -> None:
    """Not a member but the operator meets the mistake, with its file and line, wherever on a page it is."""
    with pytest.raises(SettingsError, match=f"^pages.template_folder: {mistake}"):
        load(tmp_path, **{name: template})


def test_a_faulty_part_is_told_by_its_own_name(tmp_path: Path) -> None:
    """Templates in folders of the folder count, also those that only others include."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "logo.html").write_text("\n{{ logo }}")
    with pytest.raises(SettingsError, match=r"^pages.template_folder: parts/logo\.html, line 2: 'logo' is undefined"):
        load(tmp_path, login='{% include "parts/logo.html" %}')


def test_a_template_in_another_encoding_is_told_by_its_name(tmp_path: Path) -> None:
    """There is no line to tell, but there is a file."""
    (tmp_path / "login.html").write_bytes("登录".encode("gbk"))
    with pytest.raises(SettingsError, match=r"^pages.template_folder: login\.html: UnicodeDecodeError: "):
        load(tmp_path)


def test_the_service_does_not_start_with_a_faulty_template(tmp_path: Path) -> None:
    """`create_app` raises, before anything listens."""
    (tmp_path / "login.html").write_text("{% if %}")
    settings = make_settings("http://127.0.0.1:8000", tmp_path / "connect.db", pages={"template_folder": str(tmp_path)})
    with pytest.raises(SettingsError, match=r"^pages.template_folder: login\.html, line 1: "):
        create_app(settings)
