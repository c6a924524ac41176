"""A login by the `/buyer` routes is a login everywhere, for as long as it lives, and ends everywhere."""

from collections.abc import Iterator

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.merges import Planner
from ...kit.web_shops import HTML, alipay_and_wechat, refused

JSON_ROUTES = ("/connect/me", "/connect/connections", "/connect/sessions", "/buyer/account-binder/list")
PAGES = ("/connect/account", "/connect/account/erase", "/connect/account/merge")


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat, which plans merges."""
    with run_shop(alipay_and_wechat(), plugins=Plugins([("planner", Planner())]), now=clock) as running_shop:
        yield running_shop


@pytest.fixture
def member(shop: RunningShop) -> Iterator[Visitor]:
    """A member who came by the older front end's login."""
    with Visitor(shop) as visitor:
        start = visitor.http.get("/buyer/connect/alipay/pc/login")
        visitor.http.get(visitor.consent(start.headers["location"]))
        assert "connect_session" not in visitor.http.cookies
        yield visitor


def run_out(visitor: Visitor, clock: Clock, seconds: int = 1300) -> None:
    """Let the access token run out: its cookie goes, that of the refresh token stays."""
    clock.advance(seconds)
    visitor.http.cookies.delete("access_token")


def with_cookie(shop: RunningShop, name: str, token: str, path: str = "/connect/me") -> int:
    """The status of a request with that cookie alone."""
    headers = {"cookie": f"{name}={token}"}
    return httpx.get(shop.url + path, headers=headers, trust_env=False).status_code


def test_every_route_knows_the_member(member: Visitor) -> None:
    """Routes and pages alike, and what changes something."""
    for path in JSON_ROUTES:
        assert member.http.get(path).status_code == 200, path
    for path in PAGES:
        assert member.http.get(path, headers=HTML).status_code == 200, path
    assert "data-another" in member.http.get("/connect/login", headers=HTML).text
    address = member.http.post("/connect/wechat/pc/bind", json={}).json()["login_url"]
    assert member.http.get(member.consent(address)).status_code == 303
    assert member.http.get("/connect/me").json()["connections"] == ["ALIPAY", "WECHAT"]
    assert member.http.delete("/connect/connections/WECHAT").status_code == 204
    address = member.http.post("/connect/wechat/pc/merge", json={}).json()["login_url"]
    refused(member.http.get(member.consent(address)), 404, "unsupported")


def test_the_login_outlives_its_access_token(member: Visitor, clock: Clock) -> None:
    """Pages do not refresh: the refresh token in its cookie stands for the login, and is not spent by it."""
    run_out(member, clock)
    for path in JSON_ROUTES:
        assert member.http.get(path).status_code == 200, path
    assert member.http.get("/connect/account", headers=HTML).status_code == 200
    answer = member.http.get("/connect/account/erase", headers=HTML)
    assert answer.headers["location"].startswith("/connect/reauthenticate?")
    assert member.http.post("/connect/token/refresh").status_code == 200
    assert member.http.get("/connect/me").status_code == 200


def test_looking_at_pages_keeps_the_login_alive(member: Visitor, clock: Clock) -> None:
    """A visit within each week is use; a week without one ends the login."""
    for _ in range(3):
        run_out(member, clock, 6 * 86400)
        assert member.http.get("/connect/me").status_code == 200
    run_out(member, clock, 8 * 86400)
    assert member.http.get("/connect/me").status_code == 401


def test_a_log_out_ends_it_everywhere(shop: RunningShop, member: Visitor, clock: Clock) -> None:
    """By our route, with the refresh token alone: all cookies go, and the tokens are dead."""
    run_out(member, clock)
    refresh = member.http.cookies["refresh_token"]
    assert member.http.post("/connect/logout", headers={"origin": shop.url}).status_code == 204
    assert not {"access_token", "refresh_token", "uid"} & set(member.http.cookies)
    assert with_cookie(shop, "refresh_token", refresh) == 401


def test_a_replaced_refresh_token_proves_nobody(shop: RunningShop, member: Visitor, clock: Clock) -> None:
    """Within ten seconds for a second tab, later as long as its successor may be lost, and then no more."""
    first = member.http.cookies["refresh_token"]
    member.http.post("/connect/token/refresh")
    second = member.http.cookies["refresh_token"]
    assert with_cookie(shop, "refresh_token", first) == 200
    clock.advance(1300)
    assert with_cookie(shop, "refresh_token", first) == 200
    assert with_cookie(shop, "refresh_token", second) == 200
    assert with_cookie(shop, "refresh_token", first) == 401
    assert with_cookie(shop, "refresh_token", second) == 200


def test_a_thief_who_comes_late_with_a_replaced_token_ends_the_login(
    shop: RunningShop, member: Visitor, clock: Clock
) -> None:
    """The member has shown the successor on a page, so the older token cannot have been kept by mistake."""
    first = member.http.cookies["refresh_token"]
    member.http.post("/connect/token/refresh")
    run_out(member, clock)
    assert member.http.get("/connect/me").status_code == 200
    stolen = {"refresh_token": first}
    refused(member.http.post("/connect/token/refresh", json=stolen), 401, "token_invalid")
    assert member.http.get("/connect/me").status_code == 401


def test_another_sites_form_does_nothing_with_the_cookie(member: Visitor, clock: Clock) -> None:
    """The refresh cookie counts as little as the others in a forged request."""
    run_out(member, clock)
    evil = {"origin": "https://evil.example"}
    refused(member.http.post("/connect/sessions/end", headers=evil), 403, "forbidden")
    assert member.http.get("/connect/me").status_code == 200
