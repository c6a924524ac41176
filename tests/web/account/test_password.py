"""Setting a password on the account page and by JSON, and what a refused one is answered with."""

from collections.abc import Iterator

import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.databases import run_shop
from ...kit.first_logins import PASSWORD, choose, choosing, register
from ...kit.html_pages import ParsedPage
from ...kit.web_shops import HTML, alipay_and_wechat, nothing_written, refused

PATH = "/connect/account/password"


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with passwords of ours."""
    with run_shop(alipay_and_wechat(), change=choosing) as running_shop:
        yield running_shop


REFUSED = [
    ("short", "too_short", "A password needs at least 8 characters", "a password has at least 8 characters"),
    ("x" * 129, "too_long", "A password can have at most 128 characters", "a password has at most 128 characters"),
    (
        "PassWord1",
        "common",
        "This password is too common; please choose another",
        "this is one of the passwords that are guessed first",
    ),
    (
        "{uname}",
        "name",
        "Your password cannot be your member name or nickname",
        "a password is not the member's own name",
    ),
]


@pytest.mark.parametrize(("password", "reason", "text", "detail"), REFUSED, ids=[row[1] for row in REFUSED])
def test_a_refused_password_says_why(
    shop: RunningShop, visitor: Visitor, password: str, reason: str, text: str, detail: str
) -> None:
    """Beside the field, on the account page, and in the problem's detail; nothing is written."""
    if visitor.log_in("alipay", "pc").headers["location"] == "/connect/first-login":
        choose(visitor, decision="register")
    password = password.format(uname=visitor.http.get("/connect/me").json()["uname"])
    with nothing_written(shop):
        headers = {**HTML, "accept-language": "en", "origin": shop.url}
        answer = visitor.http.post(PATH, data={"password": password}, headers=headers)
        assert answer.status_code == 400
        page = ParsedPage(answer.text)
        [field] = [attributes for tag, attributes in page.elements if attributes.get("name") == "password"]
        assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "password-mistake")
        assert f'<p class="mistake" role="alert" id="password-mistake">{text}</p>' in answer.text
        assert 'id="sessions"' in answer.text
        assert f'value="{password}"' not in answer.text or reason == "name"
        problem = visitor.http.post(PATH, json={"password": password})
        refused(problem, 400, "bad_request", detail=detail, reason=reason)


def test_the_nickname_is_no_password(visitor: Visitor) -> None:
    """What the vendor calls the member counts as their name too."""
    register(visitor, "wangfang")
    nickname = visitor.http.get("/connect/me").json()["nickname"]
    problem = visitor.http.post(PATH, json={"password": f"{nickname}12345678"})
    assert (problem.status_code, problem.json()["reason"]) == (400, "name")


def test_a_shop_without_passwords_has_no_such_page() -> None:
    """It is not found, and the account page is the way on."""
    with run_shop(alipay_and_wechat()) as shop, Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        headers = {**HTML, "accept-language": "en", "origin": shop.url}
        page = visitor.http.post(PATH, data={"password": PASSWORD}, headers=headers)
        assert (page.status_code, "<h1>Page not found</h1>" in page.text) == (404, True)
        assert 'href="/connect/account"' in page.text


def test_the_account_page_says_whether_there_is_a_password(visitor: Visitor) -> None:
    """Before it is set and afterwards."""
    visitor.log_in("alipay", "pc", "liming")
    choose(visitor, decision="register")
    page = {**HTML, "accept-language": "en"}
    assert '<h2 id="password">Set a password</h2>' in visitor.http.get("/connect/account", headers=page).text
    assert visitor.http.post(PATH, json={"password": PASSWORD}).status_code == 204
    assert '<h2 id="password">Change the password</h2>' in visitor.http.get("/connect/account", headers=page).text
