"""Every route below the prefix: what it takes, what it answers, and what it sets."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.sandbox import Person
from connect_core.web.login.delivery import FLOW_COOKIE_BYTES, MOST_FLOWS

from ..kit.clock import Clock
from ..kit.databases import run_shop
from ..kit.web_shops import (
    HTML,
    TOKEN_ANSWER,
    alipay_and_wechat,
    bearer,
    changed,
    check_headers,
    come_back,
    flow_cookies,
    mini_login,
    query,
    refused,
    set_cookies,
    untouched,
)

FRONT_END = "https://m.shop.example"
ALIPAY_APP = {"user-agent": "Mozilla/5.0 (iPhone) AlipayClient/10.5"}
PHONE = {"user-agent": "Mozilla/5.0 (iPhone) Mobile"}


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop whose logins may return to a front end on another host."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] = {"redirect_allow": [f"{FRONT_END}/"]}

    with run_shop(alipay_and_wechat(), change=change) as running_shop:
        yield running_shop


# login and callback


@pytest.mark.parametrize(("provider", "client"), [("alipay", "pc"), ("wechat", "pc"), ("wechat", "h5")])
def test_login_goes_to_the_vendor(shop: RunningShop, visitor: Visitor, provider: str, client: str) -> None:
    """A start is 303 to the vendor, with our callback, and one flow cookie for fifteen minutes at most."""
    answer = visitor.http.get(f"/connect/{provider}/{client}/login")
    check_headers(answer)
    assert (answer.status_code, answer.text) == (303, "")
    told = query_of(answer.headers["location"])
    assert told["redirect_uri"] == f"{shop.url}/connect/{provider}/{client}/callback"
    [(name, rest)] = set_cookies(answer).items()
    assert name.startswith("connect_flow_")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=900"} == set(rest.split("; ")[1:])


def test_login_outside_alipays_app_wakes_it(shop: RunningShop, visitor: Visitor) -> None:
    """In H5 the link opens Alipay's app on our own start URL; inside the app, and there alone, the flow begins."""
    outside = visitor.http.get("/connect/alipay/h5/login")
    assert outside.headers["location"].startswith(f"{shop.sandbox_url}/alipay/_sandbox/app?url=")
    assert set_cookies(outside) == {}
    start_url = query_of(outside.headers["location"])["url"]
    inside = visitor.http.get(start_url)
    assert query_of(inside.headers["location"])["redirect_uri"] == f"{shop.url}/connect/alipay/h5/callback"
    assert len(set_cookies(inside)) == 1
    direct = visitor.http.get("/connect/alipay/h5/login", headers=ALIPAY_APP)
    assert direct.headers["location"].startswith("http")


@pytest.mark.parametrize("path", ["acme/pc", "alipay/tv", "wechat/tv", "acme/mini", "ALIPAY/pc", "alipay/PC"])
@pytest.mark.parametrize("route", ["login", "callback", "login-url", "token"])
def test_what_is_not_offered_is_404(shop: RunningShop, visitor: Visitor, path: str, route: str) -> None:
    """A provider or client type that the shop does not show has no routes."""
    method = "GET" if route in ("login", "callback") else "POST"
    with untouched(shop):
        refused(visitor.http.request(method, f"/connect/{path}/{route}"), 404, "unsupported")


@pytest.mark.parametrize("client", ["mini", "app"])
def test_phones_do_not_log_in_by_redirect(shop: RunningShop, visitor: Visitor, client: str) -> None:
    """A mini program or app has no start URL, and no callback that would take a code."""
    refused(visitor.http.get(f"/connect/alipay/{client}/login"), 404, "unsupported")
    with untouched(shop):
        refused(visitor.http.get(f"/connect/alipay/{client}/callback?code=a&state=b"), 400, "state_invalid")


def test_callback_starts_a_session(shop: RunningShop, visitor: Visitor) -> None:
    """A finished login is 303 to the return target, with a session cookie and the name of the provider."""
    answer = visitor.http.get(come_back(visitor, return_to="/orders"))
    check_headers(answer)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/orders")
    cookies = set_cookies(answer)
    assert cookies.keys() == {"connect_last_used", "connect_session"}
    rest = cookies["connect_session"]
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=2592000"} == set(rest.split("; ")[1:])
    assert len(rest.partition(";")[0]) >= 43


def test_callback_without_return_to_lands_at_home(shop: RunningShop, visitor: Visitor) -> None:
    """`home_url` is where a login lands that was not told where."""
    assert visitor.http.get(come_back(visitor)).headers["location"] == f"{shop.url}/"


def test_flows_of_two_tabs_do_not_disturb_each_other(visitor: Visitor) -> None:
    """Each flow has a cookie of its own, so two logins under way in one browser both end well."""
    first, second = come_back(visitor, return_to="/one"), come_back(visitor, "wechat", return_to="/two")
    assert visitor.http.get(second).headers["location"].endswith("/two")
    assert visitor.http.get(first).headers["location"].endswith("/one")


@pytest.mark.parametrize("length", [0, 200, 900])
def test_old_flows_make_room(visitor: Visitor, length: int) -> None:
    """After 50 logins begun the browser keeps the newest ones, 20 at most, within 7 KiB; the oldest are dropped."""
    begun: list[str] = []
    for number in range(50):
        before = set(flow_cookies(visitor))
        visitor.begin("alipay", "pc", return_to=f"/{secrets.token_hex(length)[:length]}{number}")
        begun += set(flow_cookies(visitor)) - before
    kept = flow_cookies(visitor)
    assert sum(len(name) + len(value) for name, value in kept.items()) < FLOW_COOKIE_BYTES
    assert sorted(kept) == sorted(begun[-len(kept) :])
    assert 5 <= len(kept) <= MOST_FLOWS
    callback = come_back(visitor)
    assert visitor.http.get(callback).status_code == 303


@pytest.mark.parametrize(("language", "word"), [("en", "The login was cancelled"), ("zh", "登录已取消")])
def test_refused_callback_is_a_small_page_for_people(visitor: Visitor, language: str, word: str) -> None:
    """Who refuses at the vendor reads what happened in their language, and can start again or log in another way."""
    callback = visitor.consent(visitor.begin("wechat", "pc"), decision="refuse")
    page = visitor.http.get(callback, headers=HTML | {"accept-language": language})
    check_headers(page)
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert word in page.text
    assert 'href="/connect/wechat/pc/login"' in page.text
    assert 'href="/connect/login"' in page.text
    assert page.headers["x-request-id"] in page.text
    assert query(callback)["state"] not in page.text


def test_hostile_names_reach_a_client_as_data() -> None:
    """A nickname of markup is stored and answered as text: JSON with `nosniff`, never a page."""
    names = ("<svg onload=alert(1)>", "{{7*7}}</script>", "a\r\nb\x1b[31m\u202e")
    with run_shop() as running_shop, Visitor(running_shop) as visitor:
        for number, name in enumerate(names):
            running_shop.sandboxes["alipay"].people[f"p{number}"] = Person(f"p{number}", name)
            visitor.log_in("alipay", "pc", f"p{number}")
            answer = visitor.http.get("/connect/me", headers=HTML)
            assert answer.headers["content-type"] == "application/json"
            check_headers(answer)
            assert answer.json()["nickname"] == (name if number < 2 else "ab[31m")


# login-url


def test_login_url_wakes_alipay_and_begins_inside(shop: RunningShop, visitor: Visitor) -> None:
    """A single-page app gets the link into Alipay's app outside of it, Alipay's page inside, and no ticket."""
    outside = visitor.http.post("/connect/alipay/h5/login-url", json={"return_to": "/orders"})
    assert list(outside.json()) == ["login_url"]
    assert outside.json()["login_url"].startswith(f"{shop.sandbox_url}/alipay/_sandbox/app?url=")
    assert set_cookies(outside) == {}
    inside = visitor.http.post("/connect/alipay/h5/login-url", json={"return_to": "/orders"}, headers=ALIPAY_APP)
    check_headers(inside)
    assert list(inside.json()) == ["login_url"]
    callback = visitor.consent(inside.json()["login_url"])
    assert visitor.http.get(callback).headers["location"] == f"{shop.url}/orders"


def test_login_url_for_a_front_ends_own_page(visitor: Visitor) -> None:
    """With `redirect_uri` the vendor returns to the front end's page, which posts code and state for tokens."""
    begun = visitor.http.post("/connect/wechat/h5/login-url", json={"redirect_uri": f"{FRONT_END}/done?x=1"})
    back = visitor.consent(begun.json()["login_url"])
    assert back.startswith(f"{FRONT_END}/done?x=1&")
    body = {"code": query(back)["code"], "state": query(back)["state"], "device_id": "d" * 80}
    answer = visitor.http.post("/connect/wechat/h5/token", json=body)
    assert answer.status_code == 200
    assert set(answer.json()) == TOKEN_ANSWER
    assert set_cookies(answer) == {}
    assert visitor.http.get("/connect/me", headers=bearer(answer)).json()["client_type"] == "h5"
    with untouched(visitor.shop):
        refused(visitor.http.post("/connect/wechat/h5/token", json=body), 400, "state_invalid")


def test_refused_token_request_ends_the_flow(visitor: Visitor) -> None:
    """A front end whose request is refused begins anew: the browser forgets the flow."""
    begun = visitor.http.post("/connect/wechat/h5/login-url", json={"redirect_uri": f"{FRONT_END}/done"})
    state = query(begun.json()["login_url"])["state"]
    assert len(flow_cookies(visitor)) == 1
    refused(
        visitor.http.post("/connect/wechat/h5/token", json={"code": "made-up", "state": state}), 400, "code_invalid"
    )
    assert flow_cookies(visitor) == {}


def test_login_url_of_a_native_app_has_a_ticket(shop: RunningShop, visitor: Visitor) -> None:
    """The native SDK gets its signed string, and the app a ticket without which the code is nothing."""
    begun = visitor.http.post("/connect/alipay/app/login-url")
    assert set(begun.json()) == {"login_url", "ticket"}
    assert set_cookies(begun) == {}
    told = query_of(f"?{begun.json()['login_url']}")
    assert begun.json()["ticket"].startswith(f"{told['target_id']}.")
    body = visitor.client_parameters("alipay", "app", "native")
    with untouched(shop):
        without = {name: value for name, value in body.items() if name != "ticket"}
        refused(visitor.http.post("/connect/alipay/app/token", json=without), 400, "state_missing")
        for ticket in ("a", body["ticket"][:-8], begun.json()["ticket"][:33] + body["ticket"][33:]):
            refused(
                visitor.http.post("/connect/alipay/app/token", json=body | {"ticket": ticket}), 400, "state_invalid"
            )
    answer = visitor.http.post("/connect/alipay/app/token", json=visitor.client_parameters("alipay", "app", "native"))
    assert (answer.status_code, set(answer.json())) == (200, TOKEN_ANSWER)


def test_ticket_lives_ten_minutes(clock: Clock) -> None:
    """A lasting code with an old ticket is refused."""
    with run_shop(now=clock) as running_shop, Visitor(running_shop) as visitor:
        body = visitor.client_parameters("alipay", "app")
        clock.advance(601)
        with untouched(running_shop):
            refused(visitor.http.post("/connect/alipay/app/token", json=body), 400, "state_expired")


def test_login_url_of_a_mini_program_there_is_none(visitor: Visitor) -> None:
    """A mini program asks its own platform for a code."""
    refused(visitor.http.post("/connect/alipay/mini/login-url"), 404, "unsupported")


# token


@pytest.mark.parametrize("name", ["code", "auth_code", "authCode"])
def test_mini_login_is_json_only(shop: RunningShop, visitor: Visitor, name: str) -> None:
    """A mini program hands its code in under any of its names and gets tokens, no cookie and no redirect."""
    code = visitor.client_parameters("alipay", "mini")["authCode"]
    answer = visitor.http.post("/connect/alipay/mini/token", json={name: code, "device_id": "phone-1"})
    check_headers(answer)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert "set-cookie" not in answer.headers
    told = answer.json()
    assert set(told) == TOKEN_ANSWER
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 1200)
    assert isinstance(told["uid"], int)
    assert shop.rows("es_member_session")[-1]["device_id"] == "phone-1"


def test_first_login_is_told_apart(visitor: Visitor) -> None:
    """`is_new_member` is true once."""
    assert [mini_login(visitor, "newcomer").json()["is_new_member"] for _ in range(2)] == [True, False]


def test_mini_program_has_no_ambient_session(visitor: Visitor) -> None:
    """Cookies of a web view in the same app are neither used nor ended by a mini program's login."""
    visitor.log_in("alipay", "pc", "web")
    before = visitor.http.get("/connect/me").json()
    told = mini_login(visitor, "mini").json()
    assert told["uid"] != before["uid"]
    assert visitor.http.get("/connect/me").json() == before
    refused(visitor.http.post("/connect/alipay/mini/token"), 400, "code_missing")


def test_device_id_is_cut(shop: RunningShop, visitor: Visitor) -> None:
    """A client's own id of itself is kept to 64 characters."""
    mini_login(visitor, device_id="d" * 1000)
    assert shop.rows("es_member_session")[-1]["device_id"] == "d" * 64


# the rest


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        ("pc", [("alipay", "/connect/alipay/pc/login"), ("wechat", "/connect/wechat/pc/login")]),
        ("h5", [("alipay", "/connect/alipay/h5/login"), ("wechat", "/connect/wechat/h5/login")]),
        ("mini", [("alipay", None), ("wechat", None)]),
        ("app", [("alipay", None), ("wechat", None)]),
    ],
)
def test_providers_are_told_in_order(visitor: Visitor, client: str, shown: list[tuple[str, str | None]]) -> None:
    """A login page of the shop's own learns what to show, in configured order, and where each login begins."""
    answer = visitor.http.get("/connect/providers", params={"client": client})
    check_headers(answer)
    assert [(one["provider"], one["login_url"]) for one in answer.json()] == shown
    assert all(set(one) == {"provider", "name", "login_url"} for one in answer.json())


def test_providers_are_named_in_the_visitors_language(visitor: Visitor) -> None:
    """Names follow `lang`, then Accept-Language."""
    english = visitor.http.get("/connect/providers?client=pc", headers={"accept-language": "en"})
    chinese = visitor.http.get("/connect/providers?client=pc&lang=zh", headers={"accept-language": "en"})
    assert [one["name"] for one in english.json()] == ["Alipay", "WeChat"]
    assert [one["name"] for one in chinese.json()] == ["支付宝", "微信"]


@pytest.mark.parametrize("params", [{}, {"client": "tv"}, {"client": "PC"}])
def test_unknown_client_type_is_404(visitor: Visitor, params: dict[str, str]) -> None:
    """There are four client types."""
    refused(visitor.http.get("/connect/providers", params=params), 404, "unsupported")


@pytest.mark.parametrize(("headers", "client"), [({}, "pc"), (PHONE, "h5")])
def test_hosted_login_page_fits_the_device(visitor: Visitor, headers: dict[str, str], client: str) -> None:
    """The page offers this device's logins and hands `return_to` on."""
    page = visitor.http.get("/connect/login", params={"return_to": "/orders?page=2"}, headers=headers)
    check_headers(page)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for provider in ("alipay", "wechat"):
        assert f'href="/connect/{provider}/{client}/login?return_to=%2Forders%3Fpage%3D2"' in page.text
    assert set_cookies(page) == {}


def test_static_files_are_named(visitor: Visitor) -> None:
    """Styles and icons are served by name; anything else, and any path, is 404."""
    assert visitor.http.get("/connect/static/connect.css").headers["content-type"] == "text/css; charset=utf-8"
    assert visitor.http.get("/connect/static/plugin~alipay.svg").headers["content-type"] == "image/svg+xml"
    for name in ("nothing.css", "..%2fpages.py", "%2e%2e", "connect.css%00"):
        refused(visitor.http.get(f"/connect/static/{name}"), 404, "unsupported")


def test_health(visitor: Visitor) -> None:
    """The process is up, and ready once its tables are there."""
    assert visitor.http.get("/healthz").json() == {"status": "ok"}
    assert visitor.http.get("/readyz").json()["status"] == "ok"


def test_prefix_moves_every_route() -> None:
    """`[service] prefix` is where all of it is mounted, callback and pages included."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] = {"prefix": "/auth/connect"}

    with run_shop(change=change) as running_shop, Visitor(running_shop) as visitor:
        begun = visitor.http.get("/auth/connect/alipay/pc/login")
        assert (
            query_of(begun.headers["location"])["redirect_uri"] == f"{running_shop.url}/auth/connect/alipay/pc/callback"
        )
        assert visitor.http.get(visitor.consent(begun.headers["location"])).status_code == 303
        assert visitor.http.get("/auth/connect/me").status_code == 200
        page = visitor.http.get("/auth/connect/login")
        assert "/auth/connect/static/connect.css" in page.text
        refused(visitor.http.get("/connect/me"), 404, "unsupported")


def test_problem_details_repeat_nothing(visitor: Visitor) -> None:
    """An error's body is the code and a request id, whatever stood in the request."""
    callback = come_back(visitor)
    answers = [
        visitor.http.get(changed(callback, state="c4n4ry", auth_code="c4n4ry")),
        visitor.http.post("/connect/alipay/mini/token", json={"code": "c4n4ry", "c4n4ry": "x"}),
        visitor.http.get("/connect/c4n4ry/pc/login?return_to=https://c4n4ry.example/"),
    ]
    assert [set(json.loads(answer.text)) for answer in answers] == [
        {"type", "title", "status", "code", "request_id"}
    ] * 3
    assert not [answer for answer in answers if "c4n4ry" in answer.text + str(answer.headers)]
