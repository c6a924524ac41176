"""Rules of all routes, old and new: a route that is added falls under them, or says here why it does not."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from connect_core.devices import Devices
from connect_core.errors import ConnectError, printable
from connect_core.harness import RunningShop, Visitor
from connect_core.http import parse_object
from connect_core.identity import Profile
from connect_core.languages import pick_language
from connect_core.login.flow import Flows
from connect_core.login.return_targets import Targets
from connect_core.observability.logs import redact
from connect_core.providers.oidc.id_token import split_token
from connect_core.providers.registry import Plugins

from ..kit.databases import run_shop
from ..kit.malformed import BEARERS, BODIES, COOKIE_HEADERS
from ..kit.merges import Planner
from ..kit.web_shops import alipay_and_wechat, check_headers, nothing_written, set_cookies, untouched

EVIL = "https://evil.example"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
PARAMETERS = {"provider": "alipay", "union_type": "ALIPAY", "type": "ALIPAY", "name": "connect.css"}
TAKE_NO_COOKIE = {
    "POST /connect/alipay/pc/callback": "a vendor posts there; it is sent round by GET, where the cookie counts",
    "POST /connect/alipay/mini/callback": "the same",
    "POST /connect/alipay/mini/login-url": "a mini program has no cookies of ours",
    "POST /connect/alipay/mini/token": "the same",
    "POST /login/x": "the same",
    "POST /connect/alipay/backchannel-logout": "a vendor's server posts there, with a signed token",
    "POST /connect/alipay/notify": "the same",
    "POST /connect/introspect": "a service of the shop posts there, with its secret",
    "POST /connect/revoke": "whoever has a token posts it there",
}
"""What may be posted from anywhere, and why: nobody's session is used there."""
REFUSED_TO_ALL = re.compile("/buyer/(passport/(connect/app|login-binder/app|sms-|register-)|connect/alipay/app/login/)")


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with every route there is: it asks newcomers, hands logins over, and plans merges."""
    plugins = Plugins([("planner", Planner())])
    with run_shop(
        alipay_and_wechat(), plugins=plugins, change=lambda raw: raw["service"].update(first_login="choose")
    ) as running_shop:
        yield running_shop


@pytest.fixture
def member(shop: RunningShop, visitor: Visitor) -> Visitor:
    """A browser that is logged in, and keeps nothing else."""
    if visitor.log_in("alipay", "pc").headers["location"] == "/connect/first-login":
        visitor.http.post("/connect/first-login", data={"decision": "register"}, headers={"origin": shop.url})
    assert visitor.http.get("/connect/me").status_code == 200
    visitor.http.headers["cookie"] = f"connect_session={visitor.http.cookies['connect_session']}"
    return visitor


def routes_of(running_shop: RunningShop) -> list[tuple[str, str]]:
    """Each method and address, with an example in place of every parameter."""
    found = []
    for route in running_shop.app.routes:
        assert isinstance(route, Route)
        for client in ("pc", "mini") if "{client}" in route.path else ("",):
            names = dict.fromkeys(route.param_convertors, "x") | PARAMETERS | {"client": client}
            path = route.path.format(**{name: names[name] for name in route.param_convertors})
            found += [(method, path) for method in sorted(route.methods or ())]
    return found


def test_the_rules_are_about_all_routes(shop: RunningShop) -> None:
    """The list is not empty by accident, and what is exempt exists."""
    found = {f"{method} {path}" for method, path in routes_of(shop)}
    assert len(found) > 60
    assert set(TAKE_NO_COOKIE) <= found


def test_every_answer_has_the_strict_headers(shop: RunningShop, visitor: Visitor) -> None:
    """Also of routes that nobody thought of when the rule was made: not cached, not framed, no Referer."""
    for method, path in routes_of(shop):
        for headers in ({}, {"accept": "text/html"}):
            answer = visitor.http.request(method, path, headers={"cookie": "", **headers})
            if "/static/" in path or path.endswith("/openapi.json"):
                assert "set-cookie" not in answer.headers
            else:
                check_headers(answer)


def test_every_other_method_is_405(shop: RunningShop, visitor: Visitor) -> None:
    """A HEAD runs no GET, and nothing is reached by a method that it was not made for."""
    patterns = [(route.path_regex, route.methods or set()) for route in shop.app.routes if isinstance(route, Route)]
    with untouched(shop):
        for path in {path for _, path in routes_of(shop)}:
            own = set().union(*(methods for pattern, methods in patterns if pattern.match(path)))
            for method in METHODS - own:
                answer = visitor.http.request(method, path)
                assert (answer.status_code, set_cookies(answer)) == (405, {}), f"{method} {path}"


def test_no_strangers_page_changes_anything(shop: RunningShop, member: Visitor) -> None:
    """Whatever changes something with a browser's cookies wants to come from our own pages: bind, unbind, leave."""
    with untouched(shop):
        for method, path in routes_of(shop):
            if method == "GET" or f"{method} {path}" in TAKE_NO_COOKIE or REFUSED_TO_ALL.match(path):
                continue
            for foreign in ({"origin": EVIL}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
                answer = member.http.request(method, path, headers=foreign)
                assert answer.status_code == 403, f"{method} {path} {foreign}: {answer.text}"


def test_a_bind_does_not_begin_by_a_link(shop: RunningShop, member: Visitor) -> None:
    """Our own route takes POST alone; the older one, a GET, only from pages of ours, and then answers text."""
    assert member.http.get("/connect/wechat/pc/bind").status_code == 405
    older = "/buyer/account-binder/pc/WECHAT"
    for foreign in ({"origin": EVIL}, {"sec-fetch-site": "cross-site"}):
        answer = member.http.get(older, headers=foreign)
        assert (answer.status_code, set_cookies(answer)) == (403, {})
    begun = member.http.get(older, headers={"origin": shop.url})
    assert (begun.status_code, begun.headers["content-type"]) == (200, "text/plain; charset=utf-8")


def test_reading_changes_nothing(shop: RunningShop, member: Visitor) -> None:
    """No GET, with a login or without, writes a member, a connection, a session or an event."""
    with nothing_written(shop):
        for method, path in routes_of(shop):
            if method == "GET":
                send(member, method, path)
                send(member, method, path, headers={"cookie": ""})


def send(visitor: Visitor, method: str, path: str, **options: Any) -> None:
    """Send it; whatever comes back is no error of ours."""
    answer: httpx.Response = visitor.http.request(method, path, **options)
    assert answer.status_code < 500, f"{method} {path} {options}: {answer.text}"


def test_nothing_malformed_is_an_error_of_ours(shop: RunningShop, visitor: Visitor) -> None:
    """Cookies, bearers and bodies of any shape, at every door."""
    with nothing_written(shop):
        for method, path in routes_of(shop):
            for header in COOKIE_HEADERS[2:8]:
                send(visitor, method, path, headers={b"cookie": header})
            for header in BEARERS[:5]:
                send(visitor, method, path, headers={b"authorization": header})
            for body in BODIES[::4] if method != "GET" else []:
                send(visitor, method, path, content=body)


def test_no_cookie_counts_where_none_is_taken(shop: RunningShop, member: Visitor) -> None:
    """The doors that may be posted to from anywhere do the same for a browser that is logged in as for nobody."""
    with nothing_written(shop):
        for method, _, path in (place.partition(" ") for place in TAKE_NO_COOKIE):
            answers = [
                member.http.request(method, path, headers={"origin": EVIL, **who}) for who in ({}, {"cookie": ""})
            ]
            assert answers[0].status_code == answers[1].status_code, path
            assert set_cookies(answers[0]) == {}


def test_guessing_at_any_door_is_counted() -> None:
    """Codes, ids, tickets and passwords: past the budget of an address nothing is tried, and no vendor is asked."""
    doors = [
        ("GET", "/connect/alipay/pc/login", {}),
        ("GET", "/connect/alipay/pc/callback", {"code": "x", "state": "x"}),
        ("POST", "/connect/alipay/mini/token", {"code": "x"}),
        ("POST", "/connect/alipay/app/token", {"code": "x", "ticket": "x"}),
        ("POST", "/connect/alipay/app/login-url", {}),
        ("POST", "/connect/alipay/pc/bind", {}),
        ("POST", "/connect/handover", {}),
        ("POST", "/connect/handover/collect", {}),
        ("GET", "/connect/h/x", {}),
        ("POST", "/connect/h/x/approve", {}),
        ("POST", "/connect/h/x/deny", {}),
        ("POST", "/connect/first-login", {"ticket": "x", "decision": "join", "username": "x"}),
        ("POST", "/buyer/account-binder/register/x", {}),
        ("PUT", "/buyer/passport/login-binder/pc/x", {}),
        ("GET", "/buyer/connect/alipay/h5/login", {"code": "x"}),
        ("POST", "/login/x", {}),
    ]

    def change(raw: dict[str, Any]) -> None:
        raw["limits"] = {"per_address": "1/hour"}
        raw["service"]["first_login"] = "choose"

    with run_shop(alipay_and_wechat(), change=change) as running_shop, Visitor(running_shop) as visitor:
        assert visitor.http.get("/connect/alipay/pc/login").status_code == 303
        with untouched(running_shop):
            for method, path, sent in doors:
                options = {"params": sent} if method == "GET" else {"json": sent}
                answer = visitor.http.request(method, path, **options)
                assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True), path


HOSTILE = {
    "slashes": "/" * 100_000,
    "dots": "/" + "../" * 33_000,
    "semicolons": "/" + ";" * 100_000,
    "percents": "/" + "%" * 100_000,
    "at": "https://" + "@" * 100_000,
    "brackets": "https://[" + ":" * 100_000,
    "spaces": " " * 100_000,
    "wide": "/" + "中" * 33_000,
    "blanks and tabs": "\t " * 50_000,
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_no_reader_of_ours_can_be_made_to_burn_time(hostile: str) -> None:
    """100 kB in any text that a visitor sends: reading it takes time in proportion; squared, it would take minutes."""
    targets = Targets("https://shop.example", ["https://m.shop.example/app"])
    readers: list[Callable[[str], object]] = [
        lambda text: _quietly(targets.check, text),
        lambda text: pick_language(text, ("zh-CN", "en"), "en"),
        lambda text: Devices().describe(text, "192.0.2.1"),
        lambda text: redact(f"token {text} code={text}"),
        lambda text: Profile.of(nickname=text, face=text),
        lambda text: _quietly(Flows([bytes(32)]).open_ticket, text, 0),
        lambda text: _quietly(split_token, f"{text}.{text}.{text}", ("RS256",)),
        lambda text: _quietly(parse_object, text),
        printable,
    ]
    for reader in readers:
        began = time.process_time()
        reader(hostile)
        assert time.process_time() - began < 1


def _quietly(read: Callable[..., object], *arguments: object) -> None:
    with suppress(ConnectError):
        read(*arguments)


def test_long_parameters_are_refused_at_once(shop: RunningShop, visitor: Visitor) -> None:
    """At every route, in address and body: 400 or less, never an error, within a moment."""
    long = "a%2f" * 3_900
    with nothing_written(shop):
        began = time.process_time()
        for method, path in routes_of(shop):
            for name in ("return_to", "redirect_uri", "state", "code", "ticket", "lang"):
                send(visitor, method, path, params=f"{name}={long}", headers={"cookie": ""})
        took = time.process_time() - began
    assert took / (6 * len(routes_of(shop))) < 0.2
