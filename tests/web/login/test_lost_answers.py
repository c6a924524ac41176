"""A callback whose answer was lost: its browser repeats it and is logged in; nobody else ever is by a repeat."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.plugin import hookimpl
from connect_core.web import Plugins

from ...kit.acme import execute
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import CHOOSE, PASSWORD, choose, choosing, register
from ...kit.web_shops import HTML, come_back, count_code_calls, flow_cookies, query, refused, set_cookies

LOGINS = ["/connect/alipay/pc/login", "/connect/wechat/h5/login", "/buyer/connect/alipay/pc/login"]
BOTH = ["WECHAT", "ALIPAY"]
TOKENS = ("connect_session", "access_token", "refresh_token", "uid")


def begun(visitor: Visitor, start: str = LOGINS[0], person: str = "lihua") -> str:
    """Begin a login and return the callback that the vendor sends the browser to."""
    return visitor.consent(visitor.http.get(start).headers["location"], person)


def lose(visitor: Visitor, callback: str) -> httpx.Response:
    """Send the callback; its answer never reaches the browser."""
    kept = dict(flow_cookies(visitor))
    answer = httpx.get(callback, headers={"cookie": "; ".join(f"{name}={value}" for name, value in kept.items())})
    assert answer.status_code == 303
    return answer


def forget(visitor: Visitor) -> None:
    """Drop what a login set, and keep the flow."""
    for name in TOKENS:
        if name in visitor.http.cookies:
            visitor.http.cookies.delete(name)


@contextmanager
def one_login(shop: RunningShop) -> Iterator[None]:
    """Fail unless exactly one code is exchanged and one session opened."""
    before = count_code_calls(shop), len(shop.rows("es_member_session"))
    yield
    assert (count_code_calls(shop), len(shop.rows("es_member_session"))) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize("start", LOGINS)
@pytest.mark.parametrize("losses", [1, 3])
def test_a_repeat_logs_in_the_browser_whose_answer_was_lost(
    shop: RunningShop, visitor: Visitor, start: str, losses: int
) -> None:
    """However often the answer is lost; all of them open one session, with one call to the vendor."""
    callback = begun(visitor, start)
    with one_login(shop):
        lost = [lose(visitor, callback) for _ in range(losses)]
        arrived = visitor.http.get(callback)
    assert {answer.headers["location"] for answer in [*lost, arrived]} == {arrived.headers["location"]}
    assert visitor.http.get("/connect/me").status_code == 200
    assert [len(set_cookies(answer)) for answer in lost] == [len(set_cookies(arrived))] * losses


@pytest.mark.parametrize("start", LOGINS)
def test_whichever_answer_arrives_is_good(shop: RunningShop, visitor: Visitor, start: str) -> None:
    """A late first answer does not replace a good session by a dead one: both carry the same login."""
    callback = begun(visitor, start)
    late = lose(visitor, callback)
    visitor.http.get(callback)
    uid = visitor.http.get("/connect/me").json()["uid"]
    cookies = {name: rest.partition(";")[0] for name, rest in set_cookies(late).items()}
    with httpx.Client(base_url=shop.url, cookies=cookies) as browser:
        assert browser.get("/connect/me").json()["uid"] == uid


@pytest.mark.parametrize("start", LOGINS)
def test_a_session_that_was_presented_is_not_given_again(shop: RunningShop, visitor: Visitor, start: str) -> None:
    """Once the browser has come with the session, a repeat without it is sent on as a stranger."""
    callback = begun(visitor, start)
    visitor.http.get(callback)
    assert visitor.http.get("/connect/me").status_code == 200
    forget(visitor)
    again = visitor.http.get(callback)
    assert (again.status_code, set_cookies(again)) == (303, {})
    refused(visitor.http.get("/connect/me"), 401, "not_logged_in")


def test_a_refreshed_login_is_not_given_again(visitor: Visitor) -> None:
    """A refresh presents the login, too."""
    callback = begun(visitor, LOGINS[2])
    visitor.http.get(callback)
    assert visitor.http.post("/connect/token/refresh", json={}).status_code == 200
    forget(visitor)
    assert set_cookies(visitor.http.get(callback)) == {}


@pytest.mark.parametrize("start", LOGINS)
def test_back_after_log_out_logs_nobody_in(visitor: Visitor, start: str) -> None:
    """Log-out ends the session and the flow, whether or not another login came between."""
    callback = begun(visitor, start)
    visitor.http.get(callback)
    assert visitor.http.post("/connect/logout").status_code == 204
    refused(visitor.http.get(callback), 400, "state_invalid")
    refused(visitor.http.get("/connect/me"), 401, "not_logged_in")


@pytest.mark.parametrize("start", LOGINS)
def test_back_after_log_out_of_a_second_login_logs_nobody_in(visitor: Visitor, start: str) -> None:
    """The first answer was lost, the person began anew and logged out: the first tab's reload finds nothing."""
    lost = begun(visitor, start)
    lose(visitor, lost)
    visitor.http.get(begun(visitor, start))
    assert visitor.http.post("/connect/logout").status_code == 204
    refused(visitor.http.get(lost), 400, "state_invalid")
    refused(visitor.http.get("/connect/me"), 401, "not_logged_in")


@pytest.mark.parametrize("start", LOGINS)
def test_a_repeat_does_not_replace_another_login(visitor: Visitor, start: str) -> None:
    """A restored tab with the callback of a lost login leaves the browser with whoever logged in since."""
    lost = begun(visitor, start, "before")
    lose(visitor, lost)
    visitor.http.get(begun(visitor, start, "after"))
    uid = visitor.http.get("/connect/me").json()["uid"]
    assert set_cookies(visitor.http.get(lost)) == {}
    assert visitor.http.get("/connect/me").json()["uid"] == uid


def test_a_stolen_link_logs_nobody_in(shop: RunningShop, visitor: Visitor) -> None:
    """The lost answer is for the browser that holds the flow, and for no other."""
    callback = begun(visitor)
    lose(visitor, callback)
    with Visitor(shop) as thief:
        refused(thief.http.get(callback), 400, "state_invalid")
        thief.http.get(LOGINS[0])
        refused(thief.http.get(callback), 400, "state_invalid")
    assert visitor.http.get(callback).status_code == 303


def test_a_lost_answer_can_be_repeated_for_ten_minutes(clock: Clock) -> None:
    """Later the flow has expired, and the person begins anew."""
    with run_shop(now=clock) as running_shop, Visitor(running_shop) as visitor:
        callback = come_back(visitor)
        lose(visitor, callback)
        clock.advance(590)
        kept = dict(visitor.http.cookies)
        assert "connect_session" in set_cookies(visitor.http.get(callback))
        clock.advance(11)
        visitor.http.cookies = httpx.Cookies(kept)
        refused(visitor.http.get(callback), 400, "state_expired")


@pytest.mark.parametrize("start", LOGINS)
def test_a_member_who_was_disabled_meanwhile_gets_nothing_again(
    shop: RunningShop, visitor: Visitor, start: str
) -> None:
    """Neither a session nor an access token, which a service that checks it on its own would take."""
    callback = begun(visitor, start)
    lose(visitor, callback)
    execute(shop.database_url, "UPDATE es_member SET disabled = 1")
    refused(visitor.http.get(callback), 403, "member_disabled")
    execute(shop.database_url, "UPDATE es_member SET disabled = 0")


def test_tokens_of_a_json_answer_are_told_once(shop: RunningShop, visitor: Visitor) -> None:
    """A front end that posts code and state twice gets tokens once."""
    body = query(come_back(visitor, "wechat", "h5", redirect_uri=f"{shop.url}/done"))
    cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in flow_cookies(visitor).items())}
    url = f"{shop.url}/connect/wechat/h5/token"
    assert httpx.post(url, json=body, headers=cookie).status_code == 200
    refused(httpx.post(url, json=body, headers=cookie), 400, "state_invalid")


class _Issuer:
    """A shop that issues its own tokens."""

    @hookimpl
    def connect_issue_tokens(self, login: Any) -> dict[str, object]:
        """Return tokens that are none of ours."""
        return {"access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 60}


def test_tokens_of_a_plugin_are_told_once() -> None:
    """Nobody here learns whether they were presented, so a repeat does not issue them again."""
    with run_shop(plugins=Plugins([("issuer", _Issuer())])) as running_shop, Visitor(running_shop) as visitor:
        callback = begun(visitor, LOGINS[2])
        assert "access_token" in set_cookies(lose(visitor, callback))
        assert set_cookies(visitor.http.get(callback)) == {}


def test_a_choice_whose_page_was_lost_is_shown_again() -> None:
    """A newcomer whom the shop asks first repeats the callback, chooses and is logged in; the vendor is asked once."""
    with run_shop(change=_asking) as shop, Visitor(shop) as visitor, Visitor(shop) as thief:
        callback = come_back(visitor)
        lost, calls = lose(visitor, callback), count_code_calls(shop)
        again = visitor.http.get(callback)
        assert again.headers["location"] == lost.headers["location"] == "/connect/first-login"
        assert (count_code_calls(shop), shop.rows("es_member")) == (calls, [])
        refused(thief.http.get(callback), 400, "state_invalid")
        assert visitor.http.post("/connect/first-login", data={"decision": "register"}).status_code == 303
        assert visitor.http.get("/connect/me").status_code == 200
        assert set_cookies(visitor.http.get(callback)) == {}


@pytest.fixture
def choosing_visitor() -> Iterator[Visitor]:
    """A newcomer, come back from Alipay, in a shop that asks first and has one member, with a password."""
    with run_shop(change=choosing) as shop, Visitor(shop) as visitor, Visitor(shop) as owner:
        register(owner, provider="wechat")
        visitor.log_in("alipay", "pc")
        yield visitor


def lose_choice(visitor: Visitor, **fields: str) -> httpx.Response:
    """Post the decision; its answer never reaches the browser."""
    headers = {"cookie": f"connect_pending={visitor.http.cookies['connect_pending']}", **HTML}
    answer = httpx.post(f"{visitor.shop.url}{CHOOSE}", data=fields, headers={**headers, "origin": visitor.shop.url})
    assert answer.status_code == 303, answer.text
    return answer


@pytest.mark.parametrize("decision", ["register", "join"])
@pytest.mark.parametrize("losses", [1, 3])
def test_a_choice_whose_answer_was_lost_is_made_again(choosing_visitor: Visitor, decision: str, losses: int) -> None:
    """Whoever presses the button again is logged in; the choice was made once."""
    visitor, shop = choosing_visitor, choosing_visitor.shop
    fields = {"decision": decision, "username": shop.rows("es_member")[0]["uname"], "password": PASSWORD}
    lost = [lose_choice(visitor, **fields) for _ in range(losses)]
    arrived = choose(visitor, **fields)
    assert {answer.headers["location"] for answer in [*lost, arrived]} == {arrived.headers["location"]}
    assert {answer.cookies["connect_session"] for answer in [*lost, arrived]} == {arrived.cookies["connect_session"]}
    assert visitor.http.get("/connect/me").json()["connections"] == (["ALIPAY"] if decision == "register" else BOTH)
    assert len(shop.rows("es_member")) == (2 if decision == "register" else 1)
    assert len(shop.rows("es_member_session")) == 2


def test_a_choice_whose_session_was_presented_is_not_answered_again(choosing_visitor: Visitor) -> None:
    """Nor is one whose session was ended: the ticket leads on, and logs nobody in."""
    visitor = choosing_visitor
    ticket = visitor.http.cookies["connect_pending"]
    for end in ("presented", "logged out"):
        choose(visitor, decision="register")
        assert visitor.http.get("/connect/me").status_code == (200 if end == "presented" else 401)
        forget(visitor)
        visitor.http.cookies.set("connect_pending", ticket, domain="127.0.0.1")
    again = choose(visitor, decision="register")
    assert (again.status_code, set_cookies(again).keys() & set(TOKENS)) == (303, set())


def test_a_disabled_members_choice_is_not_answered_again(choosing_visitor: Visitor) -> None:
    """The shop has disabled the member before the button is pressed again."""
    lose_choice(choosing_visitor, decision="register")
    execute(choosing_visitor.shop.database_url, "UPDATE es_member SET disabled = 1")
    refused(choose(choosing_visitor, decision="register"), 403, "member_disabled")


def test_a_lost_choice_does_not_replace_another_login(choosing_visitor: Visitor) -> None:
    """Whoever has logged in otherwise since stays who they are."""
    visitor = choosing_visitor
    ticket = visitor.http.cookies["connect_pending"]
    lose_choice(visitor, decision="register")
    visitor.log_in("wechat", "pc")
    who = visitor.http.get("/connect/me").json()
    visitor.http.cookies.set("connect_pending", ticket, domain="127.0.0.1")
    assert set_cookies(choose(visitor, decision="register")).keys() & set(TOKENS) == set()
    assert visitor.http.get("/connect/me").json() == who


def test_a_lost_choice_is_for_its_browser_alone(choosing_visitor: Visitor) -> None:
    """A page that knows the key of the ticket, which an address may show, has no ticket."""
    visitor = choosing_visitor
    lose_choice(visitor, decision="register")
    key = visitor.http.cookies["connect_pending"].partition(".")[0]
    with Visitor(visitor.shop) as thief:
        for ticket in (key, f"{key}.", f"{key}.{key}"):
            thief.http.cookies.set("connect_pending", ticket, domain="127.0.0.1")
            refused(thief.http.post(CHOOSE, data={"decision": "register"}), 400, "state_invalid")


def _asking(raw: dict[str, Any]) -> None:
    raw["service"] = {"first_login": "choose"}
