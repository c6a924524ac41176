"""A success is told once, on the next page of ours, and nobody can make a page say anything else."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins
from connect_core.web import responses
from connect_core.web.pages.flash import MESSAGES, Flash, parse_flash
from connect_core.web.pages.messages import TEXTS
from connect_core.web.pages.views import MemberView

from ..kit.account_page import ACCOUNT, start_bind
from ..kit.clock import Clock
from ..kit.databases import run_shop
from ..kit.first_logins import PASSWORD
from ..kit.merges import Planner
from ..kit.web_merges import MERGE, merges, prove
from ..kit.web_shops import HTML, alipay_and_wechat, behind_tls

COOKIE = "connect_flash"
LOGIN = "/connect/login"


def choosing_home(raw: dict[str, Any]) -> None:
    """A shop with passwords, whose home is a page of ours."""
    raw["service"] |= {"first_login": "choose", "home_url": LOGIN}


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop in which everything that can succeed does."""
    plugins = Plugins([("planner", Planner())])
    with run_shop(alipay_and_wechat(), now=clock, plugins=plugins, change=choosing_home) as running_shop:
        yield running_shop


@pytest.fixture
def visitor(shop: RunningShop) -> Iterator[Visitor]:
    """A member with Alipay."""
    with Visitor(shop) as browser:
        log_in(browser)
        yield browser


def log_in(browser: Visitor, provider: str = "alipay", person: str = "lihua") -> None:
    """Log in, and register where that is asked."""
    if browser.log_in(provider, "pc", person).headers["location"] == "/connect/first-login":
        send(browser, "/connect/first-login", decision="register")


def send(browser: Visitor, path: str, **form: str) -> httpx.Response:
    """Submit a form of our own page."""
    return browser.http.post(path, data=form, headers={**HTML, "origin": browser.shop.url})


def link(browser: Visitor, provider: str = "wechat") -> httpx.Response:
    """Link a login as the account page does."""
    vendor = start_bind(browser, provider, return_to=ACCOUNT).json()["login_url"]
    return browser.http.get(browser.consent(vendor), headers=HTML)


def read(browser: Visitor, path: str = ACCOUNT, kind: str = "success", **headers: str) -> list[str]:
    """What a page tells the visitor."""
    page = browser.http.get(path, headers={**HTML, "accept-language": "en", **headers})
    assert page.status_code == 200, page.text
    return re.findall(f'<p class="banner {kind}" role="status">([^<]*)</p>', page.text)


def land(browser: Visitor, answer: httpx.Response, kind: str = "success") -> list[str]:
    """Follow the answer to a form, and return what the page there tells."""
    assert answer.status_code == 303, answer.text
    return read(browser, answer.headers["location"], kind)


def begin(browser: Visitor, provider: str, verb: str, **form: str) -> str:
    """Press a provider's button on a page of ours, and return the vendor's address."""
    return send(browser, f"/connect/{provider}/pc/{verb}", **form).headers["refresh"].partition("url=")[2]


def test_each_success_is_told_where_one_lands(shop: RunningShop, visitor: Visitor) -> None:
    """Passwords, logins, sessions: in words of their own, and with the login's name."""
    password = f"{ACCOUNT}/password"
    assert land(visitor, send(visitor, password, password=PASSWORD)) == ["Your password has been set"]
    assert land(visitor, send(visitor, password, password=PASSWORD * 2)) == ["Your password has been changed"]
    assert land(visitor, link(visitor)) == ["WeChat has been linked"]
    assert land(visitor, send(visitor, "/connect/connections/wechat/unbind")) == ["WeChat has been unlinked"]
    with Visitor(shop) as other:
        log_in(other)
        session = next(each for each in visitor.http.get("/connect/sessions").json() if not each["is_this"])
        ended = send(visitor, f"/connect/sessions/{session['id']}/end")
        assert land(visitor, ended) == ["That device has been logged out"]
    ended = send(visitor, "/connect/sessions/end")
    assert land(visitor, ended) == ["You have been logged out on all other devices"]
    assert land(visitor, send(visitor, "/connect/logout")) == ["You have been logged out"]


@pytest.mark.parametrize("page", [ACCOUNT, f"{ACCOUNT}/erase", MERGE])
def test_a_confirmation_is_told_on_the_page_that_wanted_it(visitor: Visitor, clock: Clock, page: str) -> None:
    """By another login at the vendor, and by a password."""
    said = "Thank you, your identity is confirmed. Please continue with what you were about to do."
    send(visitor, f"{ACCOUNT}/password", password=PASSWORD)
    read(visitor)
    clock.advance(660)
    answer = visitor.http.get(visitor.consent(begin(visitor, "alipay", "confirm", return_to=page)), headers=HTML)
    assert land(visitor, answer) == [said]
    clock.advance(660)
    assert land(visitor, send(visitor, "/connect/reauthenticate", password=PASSWORD, return_to=page)) == [said]


def test_joining_an_account_is_told(shop: RunningShop, visitor: Visitor) -> None:
    """By another login, which may lead nowhere first, and by a password: the login that waited is linked now."""
    send(visitor, f"{ACCOUNT}/password", password=PASSWORD)
    name = visitor.http.get("/connect/me").json()["uname"]
    with Visitor(shop) as newcomer:
        newcomer.log_in("wechat", "pc")
        lost = newcomer.http.get(newcomer.consent(begin(newcomer, "alipay", "join"), "maria"), headers=HTML)
        [said] = land(newcomer, lost, "notice")
        assert said.startswith("There is no account here for that login.")
        joined = newcomer.http.get(newcomer.consent(begin(newcomer, "alipay", "join")), headers=HTML)
        assert joined.status_code == 303
        assert read(newcomer) == ["WeChat has been linked"]
        send(newcomer, "/connect/connections/wechat/unbind", logout="1")
    with Visitor(shop) as newcomer:
        newcomer.log_in("wechat", "pc")
        send(newcomer, "/connect/first-login", decision="join", username=name, password=PASSWORD)
        assert read(newcomer) == ["WeChat has been linked"]


def test_a_new_message_takes_the_place_of_an_old_one(visitor: Visitor, clock: Clock) -> None:
    """A response sets the cookie once, whatever was waiting in it."""
    clock.advance(660)
    vendor = begin(visitor, "alipay", "confirm", return_to=ACCOUNT)
    visitor.http.cookies.set(COOKIE, "unlinked.QQ", domain="127.0.0.1", path="/")
    answer = visitor.http.get(visitor.consent(vendor), headers=HTML)
    lines = [line for line in answer.headers.get_list("set-cookie") if line.startswith(COOKIE)]
    assert [line.partition(";")[0] for line in lines] == [f"{COOKIE}=confirmed"]


def test_a_merge_and_its_undoing_are_told(shop: RunningShop, visitor: Visitor) -> None:
    """Both on the account page."""
    with Visitor(shop) as other:
        log_in(other, "wechat", "maria")
    assert prove(visitor).status_code == 303
    assert land(visitor, send(visitor, MERGE)) == ["The accounts have been merged"]
    undone = send(visitor, f"{MERGE}s/{merges(visitor)[0]['id']}/undo")
    assert land(visitor, undone) == ["The merge has been undone"]


def test_an_erasure_is_told(visitor: Visitor) -> None:
    """On the page where one lands, though nobody is logged in any more."""
    erased = send(visitor, f"{ACCOUNT}/erase")
    assert land(visitor, erased) == ["Your account and your data have been deleted"]


def test_a_message_is_told_once(visitor: Visitor) -> None:
    """Neither "Back" nor a reload repeats it."""
    assert land(visitor, link(visitor)) == ["WeChat has been linked"]
    assert read(visitor) == []
    assert COOKIE not in visitor.http.cookies


def test_a_message_waits_a_minute_for_its_page(visitor: Visitor) -> None:
    """Its cookie is out of the reach of scripts and of other sites."""
    answer = link(visitor)
    [cookie] = [line for line in answer.headers.get_list("set-cookie") if line.startswith(COOKIE)]
    assert cookie == f"{COOKIE}=linked.WECHAT; Max-Age=60; Path=/; SameSite=lax; HttpOnly"


def test_the_cookie_is_protected_behind_tls() -> None:
    """Secure, and no other host can plant it."""
    with behind_tls() as shop, Visitor(shop) as visitor:
        answer = visitor.http.post("/connect/logout", headers={**HTML, "origin": "https://shop.example"})
        [cookie] = [line for line in answer.headers.get_list("set-cookie") if COOKIE in line]
        assert cookie.startswith(f"__Host-{COOKIE}=logged_out; ")
        assert cookie.endswith("; HttpOnly; Secure")


@pytest.mark.parametrize("purpose", ["sec-purpose", "purpose", "x-moz"])
def test_a_page_loaded_ahead_uses_no_message_up(visitor: Visitor, purpose: str) -> None:
    """The browser is told to ask again when the visitor really goes there."""
    answer = link(visitor)
    ahead = visitor.http.get(ACCOUNT, headers={**HTML, purpose: "prefetch"})
    assert (ahead.status_code, "set-cookie" in ahead.headers) == (503, False)
    assert land(visitor, answer) == ["WeChat has been linked"]


def test_the_shops_own_pages_are_loaded_ahead() -> None:
    """A message of ours holds up no other page, and a page of the shop's that renders one of ours tells it."""

    async def home(request: Request) -> Response:
        context = request.app.state.context
        return responses.html_response(context.pages.member("en", MemberView("lihua"), []))

    async def tea(request: Request) -> Response:
        return Response("tea")

    routes = [Route("/", home), Route("/tea", tea)]
    with run_shop(alipay_and_wechat(), routes=routes) as shop, Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        answer = send(visitor, "/connect/logout")
        assert visitor.http.get("/tea", headers={"purpose": "prefetch"}).text == "tea"
        assert answer.headers["location"] == f"{shop.url}/"
        assert land(visitor, answer) == ["You have been logged out"]
        assert COOKIE not in visitor.http.cookies


def test_what_other_tabs_load_uses_no_message_up(visitor: Visitor) -> None:
    """Refusals, JSON, redirects and the page that reloads by itself leave it for the page that is waited for."""
    answer = link(visitor)
    for path in ("/connect/nowhere", "/connect/me", "/connect/handover", "/connect/static/connect.css"):
        assert 'class="banner' not in visitor.http.get(path, headers=HTML).text
    send(visitor, "/connect/connections/QQ/unbind")
    send(visitor, f"{ACCOUNT}/password", password="short")
    assert land(visitor, answer) == ["WeChat has been linked"]


def test_a_new_login_forgets_what_was_told_of_the_last(visitor: Visitor) -> None:
    """Whoever logs out and in again is not told that they are logged out."""
    send(visitor, "/connect/logout")
    assert COOKIE in visitor.http.cookies
    log_in(visitor)
    assert read(visitor) == []


def test_programs_are_told_by_their_answer_alone(visitor: Visitor) -> None:
    """No cookie is set for a script."""
    answer = visitor.http.post(f"{ACCOUNT}/password", json={"password": PASSWORD})
    assert (answer.status_code, "set-cookie" in answer.headers) == (204, False)
    visitor.http.post("/connect/logout", headers={"origin": visitor.shop.url})
    assert COOKIE not in visitor.http.cookies


@pytest.mark.parametrize(
    "value",
    [
        "",
        "unlinked.QQ<b>",
        "<script>",
        "reference",
        "flash_linked",
        "linked.WECHAT.x",
        "linked.",
        "%s",
        "linked.%s",
        "x" * 5000,
    ],
)
def test_a_planted_cookie_says_nothing_of_its_own(visitor: Visitor, value: str) -> None:
    """Anything but one of our messages is not told."""
    visitor.http.headers["cookie"] = f"connect_session={visitor.http.cookies['connect_session']}; {COOKIE}={value}"
    assert read(visitor) == []


def test_an_unknown_login_has_no_name(visitor: Visitor) -> None:
    """A cookie can name a login that the shop has, and no other text."""
    visitor.http.headers["cookie"] = f"connect_session={visitor.http.cookies['connect_session']}; {COOKIE}=linked.EVIL"
    assert read(visitor) == ["The login has been linked"]


def test_a_shop_elsewhere_breaks_nothing() -> None:
    """Where one lands after log-out is not ours: the message waits in vain and expires."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] |= {"home_url": "https://shop.example/", "redirect_allow": ["https://shop.example/"]}

    with run_shop(alipay_and_wechat(), change=change) as shop, Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        answer = send(visitor, "/connect/logout")
        assert (answer.status_code, answer.headers["location"]) == (303, "https://shop.example/")


def test_every_message_has_its_words() -> None:
    """With and without a name, and no words without a message; the cookie's value reads back as it was written."""
    keys = {key.removeprefix("flash_").removesuffix("_name") for key in TEXTS if key.startswith("flash_")}
    assert keys == set(MESSAGES)
    assert [parse_flash(str(Flash(key, "ALIPAY"))) for key in MESSAGES] == [Flash(key, "ALIPAY") for key in MESSAGES]
    with pytest.raises(ValueError, match="no flash message"):
        Flash("anything")
