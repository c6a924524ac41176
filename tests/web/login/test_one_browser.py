"""One browser has one login: whatever it presents ends with the next, and what is dead is passed over."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import choose, choosing
from ...kit.qr_logins import PC_AGENT
from ...kit.web_shops import bearer, mini_login, nothing_written, refused

TOKENS = ("access_token", "refresh_token", "uid")


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop whose clock stands still."""
    with run_shop(now=clock) as running_shop:
        yield running_shop


def by_session(visitor: Visitor, person: str) -> None:
    """Log in at `/connect`."""
    assert visitor.log_in("alipay", "pc", person).status_code == 303


def by_buyer(visitor: Visitor, person: str) -> None:
    """Log in at `/buyer`."""
    begun = visitor.http.get("/buyer/connect/alipay/pc/login").headers["location"]
    assert visitor.http.get(visitor.consent(begun, person)).status_code == 303


def by_json(visitor: Visitor, person: str) -> None:
    """Log in on the front end's own page, which then asks for tokens."""
    page = f"{visitor.shop.url}/page"
    begun = visitor.http.post(
        "/connect/alipay/h5/login-url", json={"redirect_uri": page}, headers={"user-agent": "AlipayClient"}
    )
    returned = httpx.URL(visitor.consent(begun.json()["login_url"], person)).params
    answer = visitor.http.post("/connect/alipay/h5/token", json=dict(returned))
    assert answer.status_code == 200, answer.text


def by_phone(visitor: Visitor, person: str) -> None:
    """Log in with a QR code."""
    visitor.http.headers["user-agent"] = PC_AGENT
    url = visitor.http.post("/connect/handover", json={}).json()["handover_url"]
    with Visitor(visitor.shop) as phone:
        by_session(phone, person)
        assert phone.http.get(url).status_code == 200
        assert phone.http.post(f"{url}/approve").status_code == 204
    assert visitor.http.post("/connect/handover/collect", json={}).status_code == 200


LogIn = Callable[[Visitor, str], None]
WAYS: dict[str, LogIn] = {"session": by_session, "buyer": by_buyer, "json": by_json, "phone": by_phone}


def presented(visitor: Visitor) -> list[tuple[str, str]]:
    """The tokens in the cookies of a browser."""
    names = {"connect_session", "access_token", "refresh_token"}
    return [(name, value) for name, value in visitor.http.cookies.items() if name in names]


def is_alive(shop: RunningShop, name: str, token: str) -> bool:
    """Tell whether anything is to be had for a token."""
    if name == "refresh_token":
        answer = httpx.post(f"{shop.url}/connect/token/refresh", json={"refresh_token": token})
    else:
        answer = httpx.get(f"{shop.url}/connect/me", headers={"cookie": f"{name}={token}"})
    return answer.status_code == 200


@pytest.mark.parametrize("first", ["session", "buyer", "phone"])
@pytest.mark.parametrize("second", WAYS)
def test_the_next_login_ends_the_one_before(shop: RunningShop, first: str, second: str) -> None:
    """Whichever two ways: nothing of the first member's is worth anything, and its cookies are gone or replaced."""
    with Visitor(shop) as visitor:
        WAYS[first](visitor, "lihua")
        before = presented(visitor)
        assert before
        WAYS[second](visitor, "maria")
        assert [name for name, token in before if is_alive(shop, name, token)] == []
        if second != "json":
            assert visitor.http.get("/connect/me").json()["uid"] == 2
            expected = set(TOKENS) if second == "buyer" else {"connect_session"}
            assert {*TOKENS, "connect_session"} & set(visitor.http.cookies) == expected


def test_both_logins_of_a_browser_end(shop: RunningShop) -> None:
    """A browser that an older release left with two logins has one after the next; cookies that come twice end too."""
    with Visitor(shop) as visitor, Visitor(shop) as other, Visitor(shop) as third:
        by_session(visitor, "lihua")
        by_buyer(other, "lihua")
        by_session(third, "lihua")
        held = [*presented(visitor), *presented(other), *presented(third)]
        state = visitor.consent(visitor.begin("alipay", "pc"), "maria")
        flow = [(name, value) for name, value in visitor.http.cookies.items() if "connect_flow" in name]
        header = "; ".join(f"{name}={value}" for name, value in [*held, *flow])
        visitor.http.cookies.clear()
        assert visitor.http.get(state, headers={"cookie": header}).status_code == 303
        assert [name for name, token in held if is_alive(shop, name, token)] == []


def test_a_choice_ends_what_the_browser_had(clock: Clock) -> None:
    """The first-login page is a login as any other."""
    with run_shop(now=clock, change=choosing) as shop, Visitor(shop) as visitor:
        by_buyer(visitor, "lihua")
        assert choose(visitor, decision="register").status_code == 303
        before = presented(visitor)
        by_session(visitor, "maria")
        assert [is_alive(shop, *pair) for pair in before if pair[0] != "refresh_token"] == [True]
        assert choose(visitor, decision="register").status_code == 303
        assert [is_alive(shop, *pair) for pair in before] == [False, False]


def test_an_app_ends_what_its_bearer_stands_for(shop: RunningShop) -> None:
    """And no browser's login, whose cookies a web view may share with it."""
    with Visitor(shop) as visitor:
        by_session(visitor, "lihua")
        first = mini_login(visitor, "wangfang")
        parameters = visitor.client_parameters("alipay", "mini", "maria")
        assert (
            visitor.http.post("/connect/alipay/mini/token", json=parameters, headers=bearer(first)).status_code == 200
        )
        refused(visitor.http.get("/connect/me", headers=bearer(first)), 401, "not_logged_in")
        assert visitor.http.get("/connect/me").json()["uid"] == 1


@pytest.mark.parametrize("dead", ["session", "buyer"])
def test_a_dead_cookie_does_not_stop_a_bind(shop: RunningShop, dead: str) -> None:
    """Beside a living login of the other kind it is passed over, at the start and at the callback."""
    with Visitor(shop) as visitor:
        WAYS["buyer" if dead == "session" else "session"](visitor, "lihua")
        for name in ("connect_session",) if dead == "session" else TOKENS:
            visitor.http.cookies.set(name, "s_dead", domain="127.0.0.1")
        begun = visitor.http.post("/connect/wechat/pc/bind", json={})
        assert begun.status_code == 200, begun.text
        assert visitor.http.get(visitor.consent(begun.json()["login_url"])).status_code == 303
        assert visitor.http.get("/connect/me").json()["connections"] == ["ALIPAY", "WECHAT"]


@pytest.mark.parametrize("way", ["session", "buyer"])
def test_of_cookie_and_bearer_the_bearer_counts(shop: RunningShop, way: str) -> None:
    """At every route, for whoever it is; a dead one is nobody, and never the cookie's member."""
    with Visitor(shop) as visitor:
        WAYS[way](visitor, "lihua")
        tokens = mini_login(visitor, "maria")
        headers = bearer(tokens)
        assert visitor.http.get("/connect/me", headers=headers).json()["uid"] == 2
        assert visitor.http.get("/connect/me").json()["uid"] == 1
        begun = visitor.http.post("/connect/wechat/pc/bind", json={}, headers=headers)
        callback = visitor.consent(begun.json()["login_url"])
        with nothing_written(shop):
            refused(visitor.http.get(callback), 400, "state_invalid")
        code = visitor.client_parameters("wechat", "mini")["code"]
        assert visitor.http.post("/connect/wechat/mini/bind", json={"code": code}, headers=headers).status_code == 200
        assert [row["member_id"] for row in shop.rows("es_connect") if row["union_type"] == "WECHAT"] == [2]
        assert (
            visitor.http.post("/connect/logout", json={"refresh_token": tokens.json()["refresh_token"]}).status_code
            == 204
        )
        WAYS[way](visitor, "lihua")
        for dead in (headers, {"authorization": "Bearer x"}):
            refused(visitor.http.get("/connect/me", headers=dead), 401, "not_logged_in")
            refused(visitor.http.delete("/connect/sessions", headers=dead), 401, "not_logged_in")


def test_no_token_stands_in_for_another(shop: RunningShop) -> None:
    """Session cookie, refresh token and access token, each in the others' places."""
    with Visitor(shop) as visitor, Visitor(shop) as stranger:
        by_session(visitor, "lihua")
        session, tokens = visitor.http.cookies["connect_session"], mini_login(visitor).json()
        refresh, access = tokens["refresh_token"], tokens["access_token"]
        for cookie in (f"connect_session={refresh}", f"connect_session={access}", f"access_token={session}",
                       f"access_token={refresh}", f"refresh_token={refresh}", f"refresh_token={session}"):  # fmt: skip
            for path in ("/connect/me", "/connect/connections", "/buyer/account-binder/list"):
                assert stranger.http.get(path, headers={"cookie": cookie}).status_code == 401
        for token in (session, refresh):
            assert stranger.http.get("/connect/me", headers={"authorization": f"Bearer {token}"}).status_code == 401
        for token in (session, access):
            answer = stranger.http.post("/connect/token/refresh", json={"refresh_token": token})
            refused(answer, 401, "token_invalid")
            answer = stranger.http.post("/connect/token/refresh", headers={"cookie": f"refresh_token={token}"})
            refused(answer, 401, "token_invalid")
        assert is_alive(shop, "connect_session", session)
        assert is_alive(shop, "refresh_token", refresh)


def test_a_waiting_choice_is_the_clients_that_was_asked(clock: Clock) -> None:
    """A browser's ticket in another client's body is nobody's, and neither is an app's in a cookie."""
    with run_shop(now=clock, change=choosing) as shop, Visitor(shop) as visitor, Visitor(shop) as stranger:
        by_session(visitor, "lihua")
        in_cookie = visitor.http.cookies["connect_pending"]
        in_body = mini_login(visitor, "maria").json()["choice_ticket"]
        refused(choose(stranger, decision="register", ticket=in_cookie), 400, "state_invalid")
        stranger.http.cookies.set("connect_pending", in_body, domain="127.0.0.1")
        refused(choose(stranger, decision="register"), 400, "state_invalid")
        assert shop.rows("es_member") == []
        assert choose(visitor, decision="register").status_code == 303
