"""What browsers do of themselves: they look ahead, restore tabs and open pop-ups; none of it costs a login."""

import secrets
from urllib.parse import quote

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.web.login.delivery import FLOW_COOKIE_BYTES

from ...kit.web_shops import check_headers, come_back, count_code_calls, flow_cookies, query, set_cookies

LOOKING_AHEAD = [
    {"sec-purpose": "prefetch"},
    {"sec-purpose": "prefetch;prerender"},
    {"sec-purpose": "prefetch;anonymous-client-ip"},
    {"purpose": "prefetch"},
    {"Purpose": "Prefetch"},
    {"x-purpose": "preview"},
    {"x-moz": "prefetch"},
]
ACTING = [
    "/connect/alipay/pc/login",
    "/connect/alipay/h5/login?lang=en",
    "/connect/handover",
    "/connect/h/abc",
    "/buyer/connect/alipay/pc/login",
    "/buyer/connect/alipay/h5/getLoginUrl?redirectUri=/",
    "/buyer/account-binder/pc/ALIPAY",
]


@pytest.mark.parametrize("headers", LOOKING_AHEAD)
def test_looking_ahead_begins_nothing(shop: RunningShop, visitor: Visitor, headers: dict[str, str]) -> None:
    """Nothing is set or written, whichever link the browser expects its visitor to follow."""
    for path in ACTING:
        answer = visitor.http.get(path, headers={**headers, "accept": "text/html"})
        assert (answer.status_code, set_cookies(answer), "location" in answer.headers) == (503, {}, False), path
        check_headers(answer)
        assert "retry-after" in answer.headers
    assert shop.rows("es_connect_handover") == []


@pytest.mark.parametrize("headers", LOOKING_AHEAD)
def test_looking_ahead_spends_no_callback(shop: RunningShop, visitor: Visitor, headers: dict[str, str]) -> None:
    """The visitor who then follows the link is logged in."""
    callback, calls = come_back(visitor), count_code_calls(shop)
    spent = shop.rows("es_connect_used_flow")
    for _ in range(2):
        assert visitor.http.get(callback, headers=headers).status_code == 503
    assert (shop.rows("es_connect_used_flow"), count_code_calls(shop)) == (spent, calls)
    assert visitor.http.head(callback).status_code == 405
    assert visitor.http.get(callback, headers={"purpose": "navigate"}).status_code == 303
    assert visitor.http.get("/connect/me").status_code == 200


def test_looking_ahead_at_a_front_ends_page_spends_nothing(shop: RunningShop, visitor: Visitor) -> None:
    """The older front ends finish a login by GET."""
    inside = {"user-agent": "Mozilla/5.0 (iPhone) AlipayClient/10.3.80"}
    page = {"redirectUri": f"{shop.url}/done"}
    begun = visitor.http.get("/buyer/connect/alipay/h5/getLoginUrl", params=page, headers=inside).text
    back = query(visitor.consent(begun))
    path, parameters = "/buyer/connect/alipay/h5/login", {"code": back["auth_code"], "state": back["state"]}
    assert visitor.http.get(path, params=parameters, headers=LOOKING_AHEAD[0]).status_code == 503
    assert visitor.http.get(path, params=parameters).status_code == 200


def test_a_prerendered_page_sees_who_is_logged_in(visitor: Visitor) -> None:
    """What only reads is answered: the page may be shown in a moment."""
    visitor.log_in("alipay", "pc")
    for path in ("/connect/me", "/connect/providers?client=pc", "/connect/login", "/connect/static/connect.css"):
        answer = visitor.http.get(f"{path}{'&' if '?' in path else '?'}lang=en", headers=LOOKING_AHEAD[1])
        assert (answer.status_code, set_cookies(answer)) == (200, {}), path


@pytest.mark.parametrize("make_target", [lambda: f"/{'x' * 990}", lambda: f"/{secrets.token_urlsafe(740)}"])
@pytest.mark.parametrize("tabs", [2, 5])
def test_restored_tabs_all_come_back(shop: RunningShop, visitor: Visitor, tabs: int, make_target: object) -> None:
    """Five logins under way in one browser, each with a return target of a thousand characters."""
    targets = [make_target() for _ in range(tabs)]  # type: ignore[operator]
    callbacks = [visitor.consent(visitor.begin("alipay", "pc", return_to=target)) for target in targets]
    assert sum(len(name) + len(value) for name, value in flow_cookies(visitor).items()) <= FLOW_COOKIE_BYTES
    for callback, target in zip(callbacks, targets, strict=True):
        assert visitor.http.get(callback).headers["location"] == shop.url + target


def test_a_long_chinese_target_fits(shop: RunningShop, visitor: Visitor) -> None:
    """Percent-encoded text is three times as long as it is."""
    target = "/search?q=" + quote("商城首页的收货地址" * 12)
    callbacks = [visitor.consent(visitor.begin("alipay", "pc", return_to=target)) for _ in range(10)]
    assert {visitor.http.get(callback).headers["location"] for callback in callbacks} == {shop.url + target}


def test_twenty_short_logins_are_under_way(visitor: Visitor) -> None:
    """The oldest of more is dropped, and only that."""
    callbacks = [come_back(visitor) for _ in range(16)]
    assert len(flow_cookies(visitor)) == 16
    assert {visitor.http.get(callback).status_code for callback in callbacks} == {303}


def test_redirects_leave_a_pop_up_its_opener(visitor: Visitor) -> None:
    """No redirect of a login says `Cross-Origin-Opener-Policy`; pages do."""
    started = visitor.http.get("/connect/alipay/pc/login", params={"return_to": "/done"})
    ended = visitor.http.get(visitor.consent(started.headers["location"]))
    legacy = visitor.http.get("/buyer/connect/alipay/pc/login")
    posted = visitor.http.post("/connect/alipay/pc/callback", data={"state": "a"})
    for answer in (started, ended, legacy, posted):
        assert answer.status_code == 303
        assert "cross-origin-opener-policy" not in answer.headers
    assert visitor.http.get("/connect/login").headers["cross-origin-opener-policy"] == "same-origin"
