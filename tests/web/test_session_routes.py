"""Sessions over the network: tokens, refresh, logout, who am I, and how each of them ends."""

import time

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from connect_core.harness import RunningShop, Visitor

from ..kit.clock import Clock
from ..kit.databases import run_shop
from ..kit.web_shops import HTML, TOKEN_ANSWER, bearer, check_headers, come_back, mini_login, refused, set_cookies


def test_access_token_is_signed_by_a_published_key(shop: RunningShop, visitor: Visitor) -> None:
    """Another service of the shop can check a token with the published keys, which hold no private part."""
    published = visitor.http.get("/connect/.well-known/jwks.json")
    check_headers(published)
    [key] = published.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    answer = mini_login(visitor)
    token = jwt.decode(answer.json()["access_token"], KeySet.import_key_set(published.json()), algorithms=["ES256"])
    assert (token.header["kid"], token.header["typ"]) == (key["kid"], "at+jwt")
    assert (token.claims["iss"], token.claims["sub"]) == (shop.url, str(answer.json()["uid"]))
    assert 1195 <= token.claims["exp"] - time.time() <= 1201
    assert set(token.claims) == {"iss", "aud", "sub", "sid", "client_id", "client_type", "iat", "exp", "jti"}


def test_refresh_rotates(visitor: Visitor) -> None:
    """A refresh token is spent for a new pair, and the access token before it still holds."""
    first = mini_login(visitor)
    second = visitor.http.post("/connect/token/refresh", json={"refresh_token": first.json()["refresh_token"]})
    check_headers(second)
    assert set(second.json()) == TOKEN_ANSWER - {"is_new_member"}
    assert second.json()["refresh_token"] != first.json()["refresh_token"]
    assert second.json()["uid"] == first.json()["uid"]
    assert [visitor.http.get("/connect/me", headers=bearer(one)).status_code for one in (first, second)] == [200, 200]


@pytest.mark.parametrize(
    ("body", "status", "code"), [({}, 400, "bad_request"), ({"refresh_token": "x"}, 401, "token_invalid")]
)
def test_refresh_wants_a_token_of_ours(visitor: Visitor, body: dict[str, str], status: int, code: str) -> None:
    """Nothing is rotated for a token that is missing or unknown."""
    refused(visitor.http.post("/connect/token/refresh", json=body), status, code)


def test_cookies_of_the_buyer_routes_are_refreshed_as_cookies(visitor: Visitor) -> None:
    """A token that came in a cookie is rotated in the cookie; no token stands in that answer."""
    begun = visitor.http.get("/buyer/connect/alipay/pc/login")
    assert visitor.http.get(visitor.consent(begun.headers["location"])).status_code == 303
    before = dict(visitor.http.cookies)
    answer = visitor.http.post("/connect/token/refresh")
    assert (answer.status_code, set(answer.json())) == (200, {"expires_in", "uid"})
    after = dict(visitor.http.cookies)
    assert before["uid"] == after["uid"] == str(answer.json()["uid"])
    assert before["refresh_token"] != after["refresh_token"]
    bearer = {"authorization": f"Bearer {after['access_token']}"}
    assert visitor.http.get("/connect/me", headers=bearer).status_code == 200


def test_two_tabs_may_refresh_at_once_and_a_thief_may_not(clock: Clock) -> None:
    """Within ten seconds a spent refresh token gets a successor of its own; later it ends the whole family."""
    with run_shop(now=clock) as running_shop, Visitor(running_shop) as visitor:

        def refresh(token: str) -> httpx.Response:
            return visitor.http.post("/connect/token/refresh", json={"refresh_token": token})

        login = mini_login(visitor)
        stolen = login.json()["refresh_token"]
        one, other = refresh(stolen), refresh(stolen)
        assert one.json()["refresh_token"] != other.json()["refresh_token"]
        clock.advance(9)
        assert refresh(stolen).status_code == 200
        clock.advance(3)
        assert refresh(one.json()["refresh_token"]).status_code == 200
        refused(refresh(stolen), 401, "token_invalid")
        refused(refresh(other.json()["refresh_token"]), 401, "token_invalid")
        refused(visitor.http.get("/connect/me", headers=bearer(one)), 401, "not_logged_in")


def test_access_token_lives_twenty_minutes(clock: Clock) -> None:
    """An access token ends by itself, and its refresh token goes on."""
    with run_shop(now=clock) as running_shop, Visitor(running_shop) as visitor:
        tokens = mini_login(visitor)
        clock.advance(1201)
        refused(visitor.http.get("/connect/me", headers=bearer(tokens)), 401, "not_logged_in")
        again = visitor.http.post("/connect/token/refresh", json={"refresh_token": tokens.json()["refresh_token"]})
        assert visitor.http.get("/connect/me", headers=bearer(again)).status_code == 200


def test_sessions_end_unused_after_seven_days_and_used_after_thirty() -> None:
    """A session that nobody uses ends after a week; one that is used every day ends after a month."""
    clock, day = Clock(), 24 * 3600
    with run_shop(now=clock) as running_shop, Visitor(running_shop) as used, Visitor(running_shop) as idle:
        refresh_token = mini_login(used).json()["refresh_token"]
        used.log_in("alipay", "pc")
        idle.log_in("alipay", "pc")
        clock.advance(6 * day)
        assert used.http.get("/connect/me").status_code == 200
        clock.advance(day + 1)
        refused(idle.http.get("/connect/me"), 401, "not_logged_in")
        answer = idle.http.post("/connect/token/refresh", json={"refresh_token": refresh_token})
        refused(answer, 401, "token_invalid")
        for _ in range(11):
            clock.advance(2 * day)
            assert used.http.get("/connect/me").status_code == 200
        clock.advance(day)
        refused(used.http.get("/connect/me"), 401, "not_logged_in")


@pytest.mark.parametrize("by", ["refresh token", "access token"])
def test_logout_ends_every_token(visitor: Visitor, by: str) -> None:
    """After a logout by any token of a login, none of them is worth anything, at once."""
    tokens = mini_login(visitor)
    refresh_token = tokens.json()["refresh_token"]
    if by == "refresh token":
        answer = visitor.http.post("/connect/logout", json={"refresh_token": refresh_token})
    else:
        answer = visitor.http.post("/connect/logout", headers=bearer(tokens))
    check_headers(answer)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(visitor.http.get("/connect/me", headers=bearer(tokens)), 401, "not_logged_in")
    refused(visitor.http.post("/connect/token/refresh", json={"refresh_token": refresh_token}), 401, "token_invalid")


def test_logout_of_a_browser(shop: RunningShop, visitor: Visitor) -> None:
    """A form's logout ends the session, drops its cookie and goes home; the token itself is dead too."""
    visitor.log_in("alipay", "pc")
    token = visitor.http.cookies["connect_session"]
    answer = visitor.http.post("/connect/logout", headers=HTML | {"origin": shop.url}, data={})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/")
    assert "connect_session" not in visitor.http.cookies
    kept = httpx.get(f"{shop.url}/connect/me", headers={"cookie": f"connect_session={token}"})
    refused(kept, 401, "not_logged_in")


def test_logout_of_nobody_is_fine(visitor: Visitor) -> None:
    """Whoever is not logged in is logged out."""
    assert visitor.http.post("/connect/logout", json={"refresh_token": "unknown"}).status_code == 204


def test_planted_session_stays_nobodys(shop: RunningShop, visitor: Visitor) -> None:
    """A session id or device id that was chosen by somebody else is not logged in with the login that follows."""
    visitor.http.cookies.set("connect_session", "planted", domain="127.0.0.1")
    login = visitor.http.get(come_back(visitor))
    assert set_cookies(login)["connect_session"].partition(";")[0] != "planted"
    planted = httpx.get(f"{shop.url}/connect/me", headers={"cookie": "connect_session=planted"})
    refused(planted, 401, "not_logged_in")


def test_session_is_only_ever_a_cookie(visitor: Visitor) -> None:
    """The session is not taken from a URL or a body, and stands on no page."""
    visitor.log_in("alipay", "pc")
    token = visitor.http.cookies["connect_session"]
    pages = [visitor.http.get("/connect/login", headers=HTML), visitor.http.get("/connect/x/y/login", headers=HTML)]
    assert not [page for page in pages if token in page.text + str(page.headers)]
    visitor.http.cookies.clear()
    for name in ("connect_session", "access_token", "token", "sid"):
        refused(visitor.http.get("/connect/me", params={name: token}), 401, "not_logged_in")


def test_me_tells_who_is_logged_in(visitor: Visitor) -> None:
    """The same member by cookie and by token, with what a shop shows; nobody is 401."""
    visitor.log_in("alipay", "pc", "maria")
    told = visitor.http.get("/connect/me")
    check_headers(told)
    assert set(told.json()) == {"uid", "uname", "nickname", "face", "client_type", "connections"}
    assert (told.json()["nickname"], told.json()["client_type"]) == ("Maria O'Neill", "pc")
    assert told.json()["connections"] == ["ALIPAY"]
    assert told.json()["uname"].startswith("m_")
    tokens = mini_login(visitor, "maria")
    visitor.http.cookies.clear()
    by_token = visitor.http.get("/connect/me", headers=bearer(tokens)).json()
    assert by_token == told.json() | {"client_type": "mini"}
    refused(visitor.http.get("/connect/me"), 401, "not_logged_in")


def test_a_lost_answer_is_given_again(clock: Clock) -> None:
    """Asked again after 35 seconds, by body or by cookie, the login goes on; the pair that was lost does not."""
    with run_shop(now=clock) as running_shop, Visitor(running_shop) as visitor, Visitor(running_shop) as buyer:

        def refresh(token: str) -> httpx.Response:
            return visitor.http.post("/connect/token/refresh", json={"refresh_token": token})

        first = mini_login(visitor).json()["refresh_token"]
        lost = refresh(first).json()["refresh_token"]
        clock.advance(35)
        arrived = refresh(first)
        assert arrived.status_code == 200
        assert visitor.http.get("/connect/me", headers=bearer(arrived)).status_code == 200
        clock.advance(35)
        following = refresh(arrived.json()["refresh_token"])
        assert following.status_code == 200
        refused(refresh(lost), 401, "token_invalid")
        refused(visitor.http.get("/connect/me", headers=bearer(following)), 401, "not_logged_in")
        begun = buyer.http.get("/buyer/connect/alipay/pc/login").headers["location"]
        assert buyer.http.get(buyer.consent(begun)).status_code == 303
        sent = "; ".join(f"{name}={value}" for name, value in buyer.http.cookies.items())
        for _ in range(3):
            answer = visitor.http.post("/connect/token/refresh", headers={"cookie": sent})
            assert answer.status_code == 200
            clock.advance(35)
