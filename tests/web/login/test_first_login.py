"""`first_login = "choose"`: a newcomer is asked first, and an older account is joined by proof alone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import CHOOSE, PASSWORD, SmsCheck, choose, choosing, register
from ...kit.web_shops import HTML, nothing_written, refused, set_cookies


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop that asks newcomers."""
    with run_shop(now=clock, change=choosing) as running_shop:
        yield running_shop


def test_a_newcomer_is_asked_and_registered(shop: RunningShop) -> None:
    """The callback leads to the page, nothing is written until the person decides, then they land where they wanted."""
    with Visitor(shop) as visitor, nothing_written(shop):
        login = visitor.http.get(visitor.consent(visitor.begin("alipay", "pc", return_to="/cart")))
        assert (login.status_code, login.headers["location"]) == (303, CHOOSE)
        assert visitor.who(login) is None
        page = visitor.http.get(CHOOSE, headers=HTML)
        assert "李华" in page.text
        assert "Alipay" in page.text
    with Visitor(shop) as visitor:
        visitor.http.get(visitor.consent(visitor.begin("alipay", "pc", return_to="/cart")))
        answer = choose(visitor, decision="register")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/cart")
        who = visitor.who(answer)
        assert who is not None
        assert (who["nickname"], who["connections"]) == ("李华", ["ALIPAY"])
    with Visitor(shop) as again:
        assert again.who(again.log_in("alipay", "pc")) == who


def test_an_account_is_joined_with_its_password(shop: RunningShop) -> None:
    """The older member gets the new identity and is logged in; next time either login leads there."""
    with Visitor(shop) as visitor, Visitor(shop) as later:
        name = register(visitor)
        later.log_in("wechat", "pc", "wangfang")
        answer = choose(later, decision="join", username=name, password=PASSWORD)
        who = later.who(answer)
        assert who is not None
        assert (who["uname"], who["connections"]) == (name, ["ALIPAY", "WECHAT"])
    kinds = [row["kind"] for row in shop.rows("es_connect_event")]
    assert kinds == ["registered", "bound", "logged_in", "bound", "logged_in"]


def test_without_a_password_nothing_proves_an_account(shop: RunningShop) -> None:
    """A member without a password, an unknown name and a wrong password are refused alike, and nothing is written."""
    with Visitor(shop) as visitor, Visitor(shop) as other, Visitor(shop) as intruder:
        name = register(visitor)
        login = other.log_in("alipay", "pc", "maria")
        choose(other, decision="register")
        who = other.who(login)
        assert who is not None
        intruder.log_in("wechat", "pc", "wangfang")
        with nothing_written(shop):
            for username, password in ((who["uname"], ""), (who["uname"], "x"), (name, "wrong"), ("nobody", PASSWORD)):
                refused(choose(intruder, decision="join", username=username, password=password), 401, "not_logged_in")
            page = intruder.http.post(
                CHOOSE,
                data={"decision": "join", "username": name, "password": "wrong"},
                headers={**HTML, "origin": shop.url},
            )
            assert page.status_code == 401
            assert 'role="alert"' in page.text


def test_passwords_are_tried_ten_times_an_hour(shop: RunningShop) -> None:
    """Tries are counted for the account, whoever makes them."""
    with Visitor(shop) as visitor, Visitor(shop) as intruder:
        name = register(visitor)
        intruder.log_in("wechat", "pc", "wangfang")
        for _ in range(10):
            refused(choose(intruder, decision="join", username=name, password="wrong"), 401, "not_logged_in")
        refused(choose(intruder, decision="join", username=name, password=PASSWORD), 429, "rate_limited")


def test_a_choice_is_made_once_in_its_own_browser_by_post(shop: RunningShop, clock: Clock) -> None:
    """Another browser has no pending login, a GET decides nothing, a second choice and a late one are refused."""
    with Visitor(shop) as visitor, Visitor(shop) as stranger:
        visitor.log_in("alipay", "pc")
        refused(choose(stranger, decision="register"), 400, "state_missing")
        assert visitor.http.get(CHOOSE, params={"decision": "register"}, headers=HTML).status_code == 200
        assert shop.rows("es_member") == []
        evil = {"origin": "https://evil.example"}
        refused(visitor.http.post(CHOOSE, data={"decision": "register"}, headers=evil), 403, "forbidden")
        refused(choose(visitor, decision="both"), 400, "bad_request")
        ticket = visitor.http.cookies["connect_pending"]
        assert choose(visitor, decision="register").status_code == 303
        assert "connect_pending" not in visitor.http.cookies
        refused(choose(visitor, decision="register", ticket=ticket), 400, "state_invalid")
        stranger.log_in("alipay", "pc", "wangfang")
        clock.advance(601)
        refused(choose(stranger, decision="register"), 400, "state_expired")
    assert len(shop.rows("es_member")) == 1


def test_sixteen_choices_at_once_register_one_member(shop: RunningShop) -> None:
    """However often the form is sent, there is one member and one session, which each answer carries."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        headers = {"cookie": f"connect_pending={visitor.http.cookies['connect_pending']}", "origin": shop.url}

    def send(_: int) -> httpx.Response:
        return httpx.post(shop.url + CHOOSE, data={"decision": "register"}, headers=headers, timeout=60)

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.cookies["connect_session"] for answer in answers}) == 1
    assert len(shop.rows("es_member")) == len(shop.rows("es_member_session")) == 1


def test_an_app_gets_a_ticket_instead_of_a_cookie(shop: RunningShop) -> None:
    """A mini program's answer is a ticket, with which it registers or joins by JSON; no cookie is set."""
    with Visitor(shop) as visitor:
        answer = visitor.log_in("alipay", "mini")
        assert answer.json().keys() == {"choice_ticket", "expires_in"}
        assert set_cookies(answer) == {}
        body = {"ticket": answer.json()["choice_ticket"], "decision": "register"}
        login = visitor.http.post(CHOOSE, json=body)
        assert login.json()["is_new_member"] is True
        assert visitor.who(login) is not None
        code = visitor.client_parameters("alipay", "mini", "maria")["authCode"]
        legacy_answer = visitor.http.post(f"/login/{code}")
        assert legacy_answer.json()["data"].keys() == {"choice_ticket", "expires_in"}


def test_connect_check_credentials_is_asked_instead_of_our_passwords() -> None:
    """The shop's check sees the form's fields and names the member; our password route is off then."""
    with run_shop(change=choosing, plugins=Plugins([("sms", SmsCheck())])) as shop, Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        choose(visitor, decision="register")
        refused(visitor.http.post("/connect/account/password", json={"password": PASSWORD}), 404, "unsupported")
        with Visitor(shop) as later:
            later.log_in("wechat", "pc", "wangfang")
            refused(choose(later, decision="join", mobile="138", sms_code="0"), 401, "not_logged_in")
            who = later.who(choose(later, decision="join", mobile="138", sms_code="424242"))
            assert who is not None
            assert who["uid"] == 1


def test_a_password_is_a_way_in_that_lets_the_last_connection_go(shop: RunningShop) -> None:
    """With a password the member comes back by joining; without, the last connection stays."""
    with Visitor(shop) as visitor:
        register(visitor)
        assert visitor.http.delete("/connect/connections/ALIPAY").status_code == 204


@pytest.mark.parametrize(
    ("password", "reason", "detail"),
    [
        ("", "too_short", "a password has at least 8 characters"),
        ("short", "too_short", "a password has at least 8 characters"),
        ("x" * 129, "too_long", "a password has at most 128 characters"),
    ],
)
def test_a_password_has_its_length(shop: RunningShop, password: str, reason: str, detail: str) -> None:
    """Too short and too long are 400, and no hash is written."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        choose(visitor, decision="register")
        with nothing_written(shop):
            answer = visitor.http.post("/connect/account/password", json={"password": password})
            refused(answer, 400, "bad_request", reason=reason, detail=detail)


def test_a_password_is_stored_as_an_argon2_hash(shop: RunningShop) -> None:
    """The table holds the hash and never the password."""
    with Visitor(shop) as visitor:
        register(visitor)
    [member] = shop.rows("es_member")
    assert member["password_hash"].startswith("$argon2id$")
    assert PASSWORD not in str(member)
