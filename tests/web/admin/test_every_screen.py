"""Rules of every route of the admin page: a route that is added falls under them by itself."""

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from starlette.routing import Route

from connect_core.administrators.roles import Role
from connect_core.harness import RunningShop
from connect_core.web import app
from connect_core.web.admin.catalogues import LOCALE_FOLDER, load_admin_catalogues
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages import frame
from connect_core.web.admin.routes import SCREENS
from connect_core.web.admin.screens import AdminRoute

from ...kit.admin_pages import AdminBrowser, AdminShop, get_text, run_admin_shop
from ...kit.databases import run_shop
from ...kit.web_shops import HTML, check_headers

FOR_EVERYBODY = {
    "GET /connect/admin/sign-in",
    "POST /connect/admin/sign-in",
    "POST /connect/admin/sign-in/openid",
    "GET /connect/admin/sign-in/openid/callback",
    "GET /connect/admin/set-up",
    "POST /connect/admin/set-up",
    "GET /connect/admin/static/admin.css",
}


def fill(path: str) -> str:
    """The path with an example in place of every parameter."""
    return re.sub(r"{\w+(:\w+)?}", "1", path)


def find_declared(shop: AdminShop) -> list[AdminRoute]:
    """The routes of all screens."""
    admin = AdminContext(shop.shop.app.state.context, SCREENS)
    return [route for screen in SCREENS for route in screen.make_routes(admin)]


def find_served(shop: RunningShop) -> set[str]:
    """The methods and addresses of all routes below the admin page."""
    routes = [route for route in shop.app.routes if isinstance(route, Route)]
    routes = [route for route in routes if not route.path.startswith("/connect/admin/api/")]  # see `api/test_api.py`
    return {
        f"{method} {route.path}"
        for route in routes
        if route.path.startswith("/connect/admin")
        for method in route.methods or ()
    }


def call(browser: AdminBrowser, method: str, path: str, token: str = "") -> httpx.Response:
    """Call a route as a browser does, without following a redirect."""
    return browser.request(method, path, data={"form_token": token} if method == "POST" else None)


def test_without_a_session_every_screen_leads_to_the_sign_in(admin_shop: AdminShop) -> None:
    """No route but those of the sign-in answers somebody who is not signed in, nor a program."""
    with admin_shop.browsing() as browser:
        for name in sorted(find_served(admin_shop.shop) - FOR_EVERYBODY):
            method, path = name.split()
            below = fill(path.removeprefix("/connect/admin"))
            answer = call(browser, method, below)
            assert (answer.status_code, "/connect/admin/sign-in" in answer.headers.get("location", "")) == (
                303,
                True,
            ), name
            check_headers(answer)
            program = browser.request(method, below, headers={"accept": "application/json"})
            assert program.status_code == 401, name


@pytest.mark.parametrize("role", list(Role))
def test_every_route_asks_for_its_role(admin_shop: AdminShop, role: Role) -> None:
    """A weaker role is refused on every route, by a page that names the role that is needed."""
    with admin_shop.browsing(role) as browser:
        menu = browser.get("/audit").text
        token = re.search('name="form_token" value="([0-9a-f]+)"', menu)
        assert token
        for route in find_declared(admin_shop):
            if role.includes(route.role):
                continue
            answer = call(browser, route.method, fill(route.path), token[1])
            assert answer.status_code == 403, route.path
            assert f"needs the role {route.role.title()}" in get_text(answer), route.path
        for screen in SCREENS:
            assert (f'href="/connect/admin{screen.path}"' in menu) == role.includes(screen.role), screen.name


def test_every_screen_answers_who_may_open_it(admin_shop: AdminShop) -> None:
    """Each page without a parameter is shown in the visitor's language, with one heading and strict headers."""
    with admin_shop.browsing("operator") as browser:
        pages = [route.path for route in find_declared(admin_shop) if route.method == "GET" and "{" not in route.path]
        languages = (("zh-TW", "zh-CN"), ("en", "en"), ("fr", "en"))
        for path, (accepted, language) in itertools.product(pages, languages):
            browser.http.headers["accept-language"] = accepted
            answer = browser.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.text.count("<h1") == 1, path
            assert f'<html lang="{language}"' in answer.text, path
            if not path.startswith("/buttons"):  # a page with a frame, and what stands in it
                check_headers(answer)


def test_every_form_has_the_token_of_the_session(admin_shop: AdminShop) -> None:
    """A form that forgot it would be refused to everybody."""
    with admin_shop.browsing("operator") as browser:
        for route in find_declared(admin_shop):
            if route.method == "GET" and "{" not in route.path:
                forms = re.findall('<form [^>]*method="post".*?</form>', browser.get(route.path).text, re.DOTALL)
                assert all('name="form_token"' in form for form in forms), route.path


def test_no_post_is_taken_without_the_token_or_from_another_origin(admin_shop: AdminShop) -> None:
    """Neither a form of another site nor one of another session changes anything."""
    with admin_shop.browsing("operator") as browser, admin_shop.browsing("operator") as other:
        foreign = re.search('name="form_token" value="([0-9a-f]+)"', other.get("/audit").text)
        own = re.search('name="form_token" value="([0-9a-f]+)"', browser.get("/audit").text)
        assert foreign
        assert own
        before = admin_shop.shop.rows("es_admin_audit")
        for name in sorted(find_served(admin_shop.shop) - FOR_EVERYBODY):
            method, path = name.split()
            if method != "POST":
                continue
            below = fill(path.removeprefix("/connect/admin"))
            for token in ("", foreign[1]):
                assert call(browser, "POST", below, token).status_code == 403, name
            origin = {"origin": "https://evil.example"}
            evil = browser.request("POST", below, data={"form_token": own[1]}, headers=origin)
            assert evil.status_code == 403, name
        assert admin_shop.shop.rows("es_admin_audit") == before


def test_chinese_has_every_text_and_english_none_twice() -> None:
    """No text is missing in a catalogue, and no screen overwrites a text of another."""
    keys = [key for texts in (frame.TEXTS, *(screen.texts for screen in SCREENS)) for key in texts]
    assert len(keys) == len(set(keys))
    texts = load_admin_catalogues(SCREENS).texts
    same = {key for key, text in texts["en"].items() if texts["zh-CN"][key] == text}
    assert {key for key in same if re.search("[a-z]{3}", texts["en"][key])} == set()
    names = {path.stem for path in LOCALE_FOLDER.glob("*/LC_MESSAGES/*.po")}
    assert names == {"frame", *(screen.name for screen in SCREENS)}


@pytest.mark.parametrize("path", ["", "/sign-in", "/set-up", "/keys", "/sign-in/openid/callback", "/static/admin.css"])
def test_a_shop_without_the_admin_page_has_no_trace_of_it(path: str, plain_shop: RunningShop) -> None:
    """An address of the admin page is answered exactly as one that never existed."""
    with httpx.Client(base_url=plain_shop.url, headers=HTML) as http:
        unknown = http.get("/connect/xyzzy/abc/def/ghi")
        answer = http.get(f"/connect/admin{path}")
    assert answer.status_code == 404
    ids = [response.headers["x-request-id"] for response in (answer, unknown)]
    assert answer.text.replace(ids[0], "") == unknown.text.replace(ids[1], "")


def test_without_its_extra_the_page_is_off(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The service runs and says in its log what is missing; there is no trace of the page."""
    monkeypatch.setattr(app, "find_spec", lambda _: None)
    with run_admin_shop() as shop, shop.browsing() as browser:
        assert find_served(shop.shop) == set()
        assert browser.request("GET", "/sign-in").status_code == 404
    assert "admin_page_unavailable" in caplog.messages


def test_a_service_without_the_page_imports_nothing_of_it() -> None:
    """What is switched off costs nothing."""
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from connect_core.harness import make_settings\nfrom connect_core.web import create_app\n"
        "create_app(make_settings('http://127.0.0.1:8000', Path('x'), service={'database_url': 'sqlite://'}))\n"
        "print([name for name in sys.modules if 'web.admin' in name or name == 'pyotp'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def plain_shop() -> Iterator[RunningShop]:
    """A shop without `[admin]`."""
    with run_shop({}) as shop:
        yield shop
