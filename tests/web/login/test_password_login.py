"""A password is a way in of its own: on the login page and as JSON, with the rules of any other login."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.plugin import hookimpl
from connect_core.providers.hookspecs import LoginEvent
from connect_core.providers.registry import Plugins

from ...kit.acme import execute
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import PASSWORD, choosing, register
from ...kit.qr_logins import PC_AGENT
from ...kit.web_shops import HTML, TOKEN_ANSWER, alipay_and_wechat, bearer, nothing_written, refused, set_cookies

ADDRESS = "/connect/password/login"


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop whose members have passwords."""
    with run_shop(alipay_and_wechat(), now=clock, change=choosing) as running_shop:
        yield running_shop


def log_in(visitor: Visitor, username: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    """Send the form of the login page."""
    form = {"username": username, "password": password, **more}
    return visitor.http.post(ADDRESS, data=form, headers={**HTML, "origin": visitor.shop.url})


def test_a_member_without_any_connection_logs_in(shop: RunningShop) -> None:
    """The last connection may go because the password leads back, to the page that was wanted."""
    with Visitor(shop) as visitor, Visitor(shop) as later:
        name = register(visitor)
        assert visitor.http.delete("/connect/connections/ALIPAY").status_code == 204
        page = later.http.get("/connect/login?return_to=/cart", headers=HTML).text
        assert 'autocomplete="username"' in page
        assert 'autocomplete="current-password"' in page
        assert 'name="return_to" value="/cart"' in page
        answer = log_in(later, name, return_to="/cart")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/cart")
        who = later.http.get("/connect/me").json()
        assert (who["uname"], who["client_type"], who["connections"]) == (name, "pc", [])
        assert later.http.get("/connect/account/erase", headers=HTML).status_code == 200
    last = shop.rows("es_connect_event")[-1]
    assert (last["kind"], last["provider"]) == ("logged_in", "")
    assert [row["login_count"] for row in shop.rows("es_member")] == [2]


def test_the_form_is_shown_again_with_the_name_kept(shop: RunningShop) -> None:
    """A wrong password and an unknown name read alike; nothing is written but the count."""
    with Visitor(shop) as visitor, Visitor(shop) as other:
        name = register(visitor)
        with nothing_written(shop):
            pages = [log_in(other, typed, password) for typed, password in ((name, "wrong"), ("nobody", PASSWORD))]
        for page, typed in zip(pages, (name, "nobody"), strict=True):
            assert page.status_code == 401
            assert f'name="username" value="{typed}"' in page.text
            assert '<details class="fold" data-password open>' in page.text
            assert 'role="alert"' in page.text
            assert 'value="wrong"' not in page.text
            assert set_cookies(page) == {}
        assert pages[0].text.replace(name, "nobody") == pages[1].text


def test_the_session_says_which_device_it_is(shop: RunningShop) -> None:
    """As that of any login: after a log-in by password, and after a confirmation by it."""
    with Visitor(shop) as visitor, Visitor(shop, user_agent=PC_AGENT) as other:
        name = register(visitor)
        assert log_in(other, name).status_code == 303
        form, headers = {"password": PASSWORD}, {**HTML, "origin": shop.url}
        for _ in range(2):
            [this] = [each for each in other.http.get("/connect/sessions").json() if each["is_this"]]
            assert (this["browser"], this["system"]) == ("Chrome", "Windows")
            assert other.http.post("/connect/reauthenticate", data=form, headers=headers).status_code == 303


def test_a_login_replaces_the_one_that_the_browser_had(shop: RunningShop) -> None:
    """One browser, one login; the token is new."""
    with Visitor(shop) as visitor, Visitor(shop) as other:
        name = register(visitor)
        register(other, "maria")
        old = other.http.cookies["connect_session"]
        log_in(other, name)
        assert other.http.get("/connect/me").json()["uname"] == name
        stolen = {"cookie": f"connect_session={old}"}
        assert httpx.get(f"{shop.url}/connect/me", headers=stolen, trust_env=False).status_code == 401


def test_a_program_gets_tokens(shop: RunningShop) -> None:
    """By JSON, for its client type; what is refused is a problem with its code."""
    with Visitor(shop) as visitor, Visitor(shop) as app:
        name = register(visitor)
        answer = app.http.post(ADDRESS, json={"username": name, "password": PASSWORD, "client": "app"})
        assert answer.json().keys() == TOKEN_ANSWER
        assert set_cookies(answer) == {}
        assert app.http.get("/connect/me", headers=bearer(answer)).json()["client_type"] == "app"
        refresh = app.http.post("/connect/token/refresh", json={"refresh_token": answer.json()["refresh_token"]})
        assert refresh.status_code == 200
        with nothing_written(shop):
            refused(app.http.post(ADDRESS, json={"username": name, "password": "wrong"}), 401, "not_logged_in")
            refused(app.http.post(ADDRESS, json={}), 401, "not_logged_in")
            body = {"username": name, "password": PASSWORD}
            refused(app.http.post(ADDRESS, json={**body, "client": "tv"}), 400, "bad_request")
            target = {**body, "return_to": "https://evil.example/"}
            refused(app.http.post(ADDRESS, json=target), 400, "redirect_not_allowed")
            evil = {"origin": "https://evil.example"}
            refused(app.http.post(ADDRESS, json=body, headers=evil), 403, "forbidden")


def test_a_disabled_member_is_refused(shop: RunningShop) -> None:
    """The right password of a member whom the shop has disabled logs nobody in."""
    with Visitor(shop) as visitor, Visitor(shop) as other:
        name = register(visitor)
        execute(shop.database_url, "UPDATE es_member SET disabled = 1")
        refused(other.http.post(ADDRESS, json={"username": name, "password": PASSWORD}), 403, "member_disabled")


def test_passwords_are_tried_ten_times_an_hour(shop: RunningShop) -> None:
    """Tries are counted for the name, known or not, wherever they are made."""
    with Visitor(shop) as visitor, Visitor(shop) as intruder:
        name = register(visitor)
        for typed in (name, "nobody"):
            assert [log_in(intruder, typed, "wrong").status_code for _ in range(11)] == [401] * 10 + [429]
        assert log_in(intruder, name).status_code == 429


def test_without_passwords_there_is_no_form() -> None:
    """A shop that registers everybody at once has no password form, and its route is 404."""
    with run_shop(alipay_and_wechat()) as shop, Visitor(shop) as visitor:
        assert "password" not in visitor.http.get("/connect/login", headers=HTML).text
        refused(visitor.http.post(ADDRESS, json={"username": "a", "password": "b"}), 404, "unsupported")


class MobileCheck:
    """A shop's own check, by telephone number; hears of logins."""

    def __init__(self) -> None:
        self.heard: list[LoginEvent] = []

    @hookimpl
    def connect_check_credentials(self, credentials: Mapping[str, str]) -> int | None:
        """Take the code that the test sends."""
        return 1 if (credentials.get("mobile"), credentials.get("sms_code")) == ("138", "424242") else None

    @hookimpl
    def connect_logged_in(self, event: LoginEvent) -> None:
        """Keep the event."""
        self.heard.append(event)


def test_connect_check_credentials_logs_in(clock: Clock) -> None:
    """A shop's check sees the form's own fields; those who have no name do not share one count."""
    check = MobileCheck()
    plugins = Plugins([("sms", check)])
    with run_shop(alipay_and_wechat(), plugins=plugins, now=clock) as shop, Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        with Visitor(shop) as later:
            assert "data-password" in later.http.get("/connect/login", headers=HTML).text
            for _ in range(11):
                refused(later.http.post(ADDRESS, json={"mobile": "138", "sms_code": "0"}), 401, "not_logged_in")
            answer = later.http.post(ADDRESS, json={"mobile": "138", "sms_code": "424242"})
            assert answer.json()["uid"] == 1
    assert [(event.kind, event.provider) for event in check.heard][-1] == ("logged_in", "")
