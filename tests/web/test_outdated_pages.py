"""A form acts on what its page showed: who is another member in another tab since then changes nothing by it."""

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins

from ..kit.clock import Clock
from ..kit.databases import run_shop
from ..kit.first_logins import choosing
from ..kit.merges import Planner
from ..kit.web_shops import HTML, untouched

OURS = {"sec-fetch-site": "same-origin", "origin": "null"}
_FORM = re.compile(r'<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_INPUT = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop with passwords and merges, in which newcomers choose."""
    with run_shop(now=clock, change=choosing, plugins=Plugins([("planner", Planner())])) as running_shop:
        yield running_shop


def find_forms(page: httpx.Response) -> dict[str, dict[str, str]]:
    """Return the hidden fields of each form of a page, by its address."""
    assert page.status_code == 200
    return {unescape(action): dict(_INPUT.findall(inside)) for action, inside in _FORM.findall(page.text)}


def post(visitor: Visitor, url: str, fields: dict[str, str]) -> httpx.Response:
    """Post a form as a browser does from a page of ours."""
    return visitor.http.post(url, data=fields, headers={**HTML, **OURS})


def register(visitor: Visitor, provider: str, person: str) -> None:
    """Log in for the first time, and become a member."""
    visitor.log_in(provider, "pc", person)
    assert post(visitor, "/connect/first-login", {"decision": "register"}).status_code == 303


def get_page(visitor: Visitor, url: str) -> dict[str, dict[str, str]]:
    """Return the forms of the page at `url`."""
    return find_forms(visitor.http.get(url, headers=HTML))


@pytest.mark.parametrize(
    ("page", "form", "more"),
    [
        ("/connect/account/erase", "/connect/account/erase", {}),
        ("/connect/account", "/connect/connections/ALIPAY/unbind", {}),
        ("/connect/account", "/connect/wechat/pc/bind", {}),
        ("/connect/account", "/connect/account/password", {"password": "a long enough one"}),
        ("/connect/account/merge", "/connect/wechat/pc/merge", {}),
        ("/connect/account/merge", "/connect/account/merge/credentials", {"username": "x", "password": "y"}),
    ],
)
def test_a_page_of_the_former_member_does_nothing_to_the_next(
    shop: RunningShop, page: str, form: str, more: dict[str, str]
) -> None:
    """Somebody else logs in in another tab; the first tab's form is 409, and says that the page is out of date."""
    with Visitor(shop) as visitor:
        register(visitor, "alipay", "lihua")
        fields = get_page(visitor, page)[form]
        register(visitor, "alipay", "maria")
        assert fields != get_page(visitor, page)[form]
        with untouched(shop):
            answer = post(visitor, form, {**fields, **more})
            assert answer.status_code == 409
            assert "This page is out of date" in answer.text
            assert "set-cookie" not in answer.headers
        fields = get_page(visitor, page)[form]
        assert "out of date" not in post(visitor, form, {**fields, **more}).text


@pytest.mark.parametrize(
    ("form", "more"),
    [
        ("/connect/first-login", {"decision": "register"}),
        ("/connect/first-login", {"decision": "join", "username": "x", "password": "y"}),
        ("/connect/wechat/pc/join", {}),
    ],
)
def test_a_choice_is_about_the_login_that_its_page_showed(shop: RunningShop, form: str, more: dict[str, str]) -> None:
    """A second first login waits in another tab; the first tab's form does not register or link that one."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc", "lihua")
        fields = get_page(visitor, "/connect/first-login")[form]
        visitor.log_in("alipay", "pc", "maria")
        with untouched(shop):
            answer = post(visitor, form, {**fields, **more})
            assert answer.status_code == 409
            assert "/connect/first-login" in answer.text
        fields = get_page(visitor, "/connect/first-login")[form]
        assert "out of date" not in post(visitor, form, {**fields, **more}).text


def test_a_merge_is_of_the_account_that_its_page_showed(shop: RunningShop) -> None:
    """A third account is proved in another tab; the first tab's form does not merge that one."""
    with Visitor(shop) as first, Visitor(shop) as second, Visitor(shop) as visitor:
        register(first, "wechat", "lihua")
        register(second, "wechat", "maria")
        register(visitor, "alipay", "lihua")
        begin = get_page(visitor, "/connect/account/merge")["/connect/wechat/pc/merge"]
        pages = []
        for person in ("lihua", "maria"):
            leaving = visitor.http.post("/connect/wechat/pc/merge", data=begin, headers=OURS).json()["login_url"]
            visitor.http.get(visitor.consent(leaving, person))
            pages.append(get_page(visitor, "/connect/account/merge")["/connect/account/merge"])
        with untouched(shop):
            assert post(visitor, "/connect/account/merge", pages[0]).status_code == 409
        assert post(visitor, "/connect/account/merge", pages[1]).status_code == 303
    assert [row["uname"] for row in shop.rows("es_member") if row["disabled"]] or shop.rows("es_member_merge")


def test_a_form_that_does_not_say_what_it_is_about_is_taken(shop: RunningShop) -> None:
    """A shop's own template of an earlier version, and a program, send no such field."""
    with Visitor(shop) as visitor:
        register(visitor, "alipay", "lihua")
        assert post(visitor, "/connect/account/erase", {}).status_code == 303


@pytest.mark.parametrize(
    ("path", "choice"),
    [
        ("/connect/first-login", {"decision": "register"}),
        ("/connect/first-login", {"decision": "join", "username": "x", "password": "y"}),
        ("/connect/wechat/pc/join", {}),
    ],
)
def test_a_front_end_does_not_choose_for_another_login(shop: RunningShop, path: str, choice: dict[str, str]) -> None:
    """What it showed is the `subject` of its JSON; another login waits by now, and its own choice is taken."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc", "lihua")
        former = visitor.http.get("/connect/first-login").json()["subject"]
        assert visitor.http.get("/connect/first-login").json()["subject"] == former
        visitor.log_in("alipay", "pc", "maria")
        latter = visitor.http.get("/connect/first-login").json()["subject"]
        assert former != latter
        with untouched(shop):
            answer = visitor.http.post(path, json={**choice, "page_subject": former})
            assert (answer.status_code, answer.json()["code"]) == (409, "changed_meanwhile")
        assert visitor.http.post(path, json={**choice, "page_subject": latter}).status_code != 409
