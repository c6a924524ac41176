"""Proxies and headers: who a client is, where we are, and what a server in front may make of our answers."""

import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from connect_core.errors import SettingsError
from connect_core.harness import RunningShop, Visitor, make_settings
from connect_core.web import create_app

from ..kit.databases import run_shop
from ..kit.web_shops import (
    HEADERS,
    SHOP,
    HttpsVisitor,
    alipay_and_wechat,
    behind_tls,
    changed,
    check_headers,
    come_back,
    query,
    refused,
    served,
    set_cookies,
    untouched,
)

START = "/connect/acme/pc/login"
SPOOFED = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "gopher",
    "x-forwarded-prefix": "/evil",
    "x-original-url": "/evil",
    "forwarded": "for=192.0.2.1;host=evil.example;proto=gopher",
}


def test_host_of_a_request_is_never_used(shop: RunningShop, visitor: Visitor) -> None:
    """Whatever Host and its kin say, no answer of ours repeats it, neither to this visitor nor to the next."""
    headers = {"host": "evil.example", **SPOOFED}
    callback = come_back(visitor)
    answers = [
        visitor.http.get("/connect/alipay/pc/login", headers=headers),
        visitor.http.get("/connect/alipay/h5/login", headers=headers),
        visitor.http.post("/connect/alipay/app/login-url", headers=headers),
        visitor.http.get("/connect/providers?client=pc", headers=headers),
        visitor.http.get("/connect/login", headers=headers),
        visitor.http.post(callback.partition("?")[0], data=query(callback), headers=headers),
        visitor.http.get(callback, headers=headers),
        visitor.http.get("/connect/alipay/pc/login"),
    ]
    assert {answer.status_code for answer in answers} <= {200, 303}
    assert not [answer for answer in answers if "evil" in f"{answer.headers} {answer.text}"]


@pytest.mark.parametrize("host", ["evil.example/x?", "a//evil.example", "a\\evil", "[::1", "", "evil.example:99999999"])
def test_strange_hosts_change_nothing(shop: RunningShop, visitor: Visitor, host: str) -> None:
    """A Host that is none does not move the place that a posted response is sent round to."""
    answer = _raw(shop, b"POST /connect/alipay/pc/callback HTTP/1.1", f"host: {host}", body=b"state=a&code=b")
    status, location = answer.split()[1], [line for line in answer.splitlines() if line.startswith(b"location")]
    assert status in (b"303", b"400")
    assert location in ([], [b"location: /connect/alipay/pc/callback?state=a&code=b"])


def _raw(running_shop: RunningShop, line: bytes, *headers: str, body: bytes = b"") -> bytes:
    """Send a request that no client library would, and return the answer's head and body."""
    address = urlsplit(running_shop.url)
    lines = [line, *(header.encode("latin-1") for header in headers), b"content-length: %d" % len(body)]
    lines += [b"content-type: application/x-www-form-urlencoded", b"connection: close"]
    with socket.create_connection((address.hostname, address.port), 5) as connection:
        connection.sendall(b"\r\n".join([*lines, b"", body]))
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


async def _statuses(hops: list[tuple[str, str]], **service: object) -> list[int]:
    """Begin a login from each (peer, X-Forwarded-For) at a shop that lets two through, and return the statuses."""
    settings = make_settings(SHOP, Path(":memory:"), service=service, limits={"per_address": "2/hour"})
    app = create_app(settings)
    statuses = []
    for peer, forwarded in hops:
        headers = {"x-forwarded-for": forwarded} if forwarded else {}
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url=SHOP, headers=headers) as client:
            statuses.append((await client.get("/connect/acme/pc/login")).status_code)
    await app.state.manager.aclose()
    return statuses


@pytest.mark.parametrize(
    ("hops", "trusted", "statuses"),
    [
        # an untrusted peer says what it likes
        ([("198.51.100.7", f"192.0.2.{number}") for number in range(3)], [], [404, 404, 429]),
        ([("127.0.0.1", f"192.0.2.{number}") for number in range(3)], [], [404, 404, 429]),
        ([("198.51.100.7", f"192.0.2.{number}") for number in range(3)], ["10.0.0.0/8"], [404, 404, 429]),
        # a trusted proxy names its client, and what that client made up stands before it
        ([("10.0.0.1", f"192.0.2.{number}, 198.51.100.7") for number in range(3)], ["10.0.0.0/8"], [404, 404, 429]),
        ([("10.0.0.1", f"198.51.100.7, 10.9.9.{number}") for number in range(3)], ["10.0.0.0/8"], [404, 404, 429]),
        ([("10.0.0.1", f"198.51.100.{number}") for number in range(3)], ["10.0.0.0/8"], [404, 404, 404]),
        # IPv6 is counted by its /64, and an IPv4 address in it as itself
        ([(f"2001:db8::{number}", "") for number in range(1, 4)], [], [404, 404, 429]),
        ([(f"2001:db8:0:{number}::1", "") for number in range(1, 4)], [], [404, 404, 404]),
        ([(peer, "") for peer in ("198.51.100.7", "::ffff:198.51.100.7", "198.51.100.7")], [], [404, 404, 429]),
        # who is not known is not counted, as everybody would be one; a name for somebody is counted by itself
        ([("10.0.0.1", "unknown")] * 3, ["10.0.0.0/8"], [404, 404, 404]),
        ([("10.0.0.1", name) for name in ("_a", "_b", "_a", "_a")], ["10.0.0.0/8"], [404, 404, 404, 429]),
        ([("10.0.0.1", f"198.51.100.7:{port}") for port in (1, 2, 3)], ["10.0.0.0/8"], [404, 404, 429]),
        ([("10.0.0.1", f"203.0.113.{n}:51234") for n in range(3)], ["10.0.0.0/8"], [404, 404, 404]),
        ([("10.0.0.1", "")] * 3, ["10.0.0.0/8"], [404, 404, 429]),
    ],
)
async def test_limits_count_the_last_hop_that_is_not_vouched_past(
    hops: list[tuple[str, str]], trusted: list[str], statuses: list[int]
) -> None:
    """A client cannot dodge its limit by what it claims, and people behind one proxy do not share one."""
    assert await _statuses(hops, trusted_proxies=trusted) == statuses


def test_real_service_does_not_believe_its_peers(tmp_path: Path) -> None:
    """`connect-login serve` does not take a loopback peer's X-Forwarded-* either, as its server would by default."""
    with served(tmp_path, limits={"per_address": "3/hour"}) as service, httpx.Client(trust_env=False) as client:
        answers = [
            client.get(f"{service.url}/connect/alipay/pc/login", headers=SPOOFED | {"x-forwarded-for": f"192.0.2.{n}"})
            for n in range(4)
        ]
    assert [answer.status_code for answer in answers] == [303, 303, 303, 429]
    assert query(answers[0].headers["location"])["redirect_uri"] == f"{service.url}/connect/alipay/pc/callback"


def test_cookies_of_a_shop_behind_tls() -> None:
    """Where a proxy ends TLS, each cookie is still Secure, HttpOnly, Lax, for the whole host and for a bounded time."""
    with behind_tls() as running_shop, HttpsVisitor(running_shop) as visitor:
        started = visitor.http.get("/connect/alipay/pc/login")
        ended = visitor.http.get(visitor.consent(started.headers["location"]))
        [(flow, flow_rest)], [*session_cookie, last_used] = set_cookies(started).items(), set_cookies(ended).items()
        [(session, session_rest)] = session_cookie
        assert last_used[0] == "__Host-connect_last_used"
        assert flow.startswith("__Host-connect_flow_")
        assert session == "__Host-connect_session"
        for rest in (flow_rest, session_rest):
            attributes = rest.split("; ")[1:]
            assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(attributes)
            assert not [attribute for attribute in attributes if attribute.lower().startswith("domain")]
            [age] = [int(text.removeprefix("Max-Age=")) for text in attributes if text.startswith("Max-Age=")]
            assert 0 < age <= 30 * 24 * 3600
        assert visitor.http.get("/connect/me").json()["connections"] == ["ALIPAY"]


def test_no_script_reads_a_cookie_of_ours_and_none_goes_over_plain_http() -> None:
    """Every cookie there is, of pages, front ends and PCs: all flags, a bounded life, and no token beside it."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] |= {"public_url": SHOP, "first_login": "choose"}

    with run_shop(alipay_and_wechat(), change=change) as running_shop, HttpsVisitor(running_shop) as visitor:
        lines: list[str] = []
        visitor.http.event_hooks["response"].append(
            lambda answer: lines.extend(f"{name}={rest}" for name, rest in set_cookies(answer).items())
        )
        visitor.http.get(come_back(visitor))
        assert visitor.http.post("/connect/first-login", data={"decision": "register"}).status_code == 303
        assert visitor.http.post("/connect/handover").status_code == 200
        begun = visitor.http.get("/buyer/connect/alipay/pc/login").headers["location"]
        ended = visitor.http.get(visitor.consent(begun))
        phone = visitor.http.post("/connect/alipay/mini/token", json=visitor.client_parameters("alipay", "mini"))
    assert (set_cookies(phone), ended.content) == ({}, b"")
    names = {re.sub("(?<=_flow_).*", "", line.partition("=")[0]) for line in lines}
    ours = {f"__Host-connect_{name}" for name in ("flow_", "session", "pending", "handover", "last_used")}
    assert names == ours | {"access_token", "refresh_token", "uid"}
    for line in lines:
        parts = [attribute.partition("=") for attribute in line.split("; ")[1:]]
        attributes = {name.lower(): value for name, _, value in parts}
        assert attributes.keys() == {"httponly", "max-age", "path", "samesite", "secure"}, line
        assert (attributes["path"], attributes["samesite"]) == ("/", "lax")
        days = 365 if "last_used" in line else 30
        assert 0 < int(attributes["max-age"]) <= days * 24 * 3600


def test_flow_cookie_is_dropped_as_it_was_set() -> None:
    """A browser forgets a `__Host-` cookie only when it is told with the same attributes."""
    with behind_tls() as running_shop, HttpsVisitor(running_shop) as visitor:
        answer = visitor.http.get(changed(come_back(visitor), auth_code=None))
        [dropped] = answer.headers.get_list("set-cookie")
    name, _, rest = dropped.partition("=")
    assert name in visitor.jar
    assert {"Max-Age=0", "HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(rest.split("; "))


def test_plain_http_is_for_this_machine_only(tmp_path: Path) -> None:
    """A service for others does not start on plain http; on loopback cookies drop what a browser would refuse there."""
    with pytest.raises(SettingsError, match="plain http is accepted for loopback hosts only"):
        make_settings("http://shop.example", tmp_path / "connect.db")
    assert make_settings("http://127.0.0.1:8000", tmp_path / "connect.db").service.is_plain_loopback


@pytest.mark.parametrize(
    ("line", "headers", "body"),
    [
        (b"GET /connect/alipay/pc/callback?" + b"a" * 70_000, [], b""),
        (b"GET /connect/alipay/pc/callback?" + b"&".join(b"x%d=1" % n for n in range(10_000)), [], b""),
        (b"POST /connect/alipay/pc/callback", [], b"a" * 2_000_000),
        (b"POST /connect/alipay/pc/login-url", [], b'{"a":"' + b"a" * 2_000_000),
        (b"POST /connect/logout", [], b"[" * 2_000_000),
        (b"POST /login/abc", [], b"{" * 2_000_000),
        (b"GET /connect/alipay/pc/login", [f"accept-language: {'a,' * 20_000}"], b""),
        (b"GET /connect/me", [f"cookie: {'a=b; ' * 12_000}"], b""),
    ],
    ids=["long query", "many parameters", "form", "JSON", "brackets", "legacy body", "languages", "cookies"],
)
def test_oversized_requests_are_refused_or_survived(
    shop: RunningShop, line: bytes, headers: list[str], body: bytes
) -> None:
    """64 KiB of header, 10 000 parameters or 2 MB of body cost an error at most, and the next request works."""
    with untouched(shop):
        try:
            status = int(_raw(shop, line + b" HTTP/1.1", "host: x", *headers, body=body).split()[1])
        except ConnectionError:
            status = 400  # the server hung up rather than read on
        assert status in (303, 400, 401, 413, 414, 431)
    assert httpx.get(f"{shop.url}/healthz").status_code == 200


PLACES = [
    ("GET", "/connect/alipay/pc/login"),
    ("GET", "/connect/alipay/pc/callback"),
    ("POST", "/connect/alipay/pc/callback"),
    ("POST", "/connect/alipay/app/login-url"),
    ("POST", "/connect/alipay/mini/token"),
    ("POST", "/connect/token/refresh"),
    ("POST", "/connect/logout"),
    ("GET", "/connect/me"),
    ("GET", "/connect/providers?client=pc"),
    ("GET", "/connect/login"),
    ("GET", "/connect/.well-known/jwks.json"),
    ("GET", "/buyer/connect/alipay/pc/login"),
    ("GET", "/buyer/connect/alipay/h5/getLoginUrl"),
    ("GET", "/buyer/connect/alipay/h5/login"),
    ("POST", "/login/abc"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/nowhere"),
]


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_nothing_is_cached(visitor: Visitor, method: str, path: str) -> None:
    """Every answer, refused or not, says `no-store, private` and the rest of the strict headers."""
    for headers in ({}, {"accept": "text/html"}):
        check_headers(visitor.http.request(method, path, headers=headers))


def test_what_may_be_cached_sets_no_cookie(visitor: Visitor) -> None:
    """Style sheet and icons are the only public answers, and they carry no cookie and the other strict headers."""
    answer = visitor.http.get("/connect/static/connect.css")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert "set-cookie" not in answer.headers
    assert {name: answer.headers[name] for name in HEADERS if name != "cache-control"} == {
        name: value for name, value in HEADERS.items() if name != "cache-control"
    }


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_do_nothing(shop: RunningShop, visitor: Visitor, method: str) -> None:
    """A link previewer's HEAD or a stray method begins nothing and spends nothing: 405."""
    callback = come_back(visitor)
    spent = shop.rows("es_connect_used_flow")
    with untouched(shop):
        for method_, path in PLACES[:-1]:
            answer = visitor.http.request(method, path)
            assert (answer.status_code, set_cookies(answer)) == (405, {}), f"{method} {path} ({method_})"
        assert visitor.http.request(method, callback).status_code == 405
    assert shop.rows("es_connect_used_flow") == spent
    assert visitor.http.get(callback).status_code == 303


@pytest.mark.parametrize("path", [path for method, path in PLACES[:11] if method == "POST"])
def test_posts_are_not_run_by_get(visitor: Visitor, path: str) -> None:
    """What changes something is not reached by following a link."""
    if not path.endswith("/callback"):
        assert visitor.http.get(path).status_code == 405


@pytest.mark.parametrize("spoil", ["{}/", "/{}", "{}%2f", "{};x", "{}%2F%2e%2e", "{}%00", "{}.json", "{}//", "{}%20"])
def test_near_misses_are_not_found(shop: RunningShop, visitor: Visitor, spoil: str) -> None:
    """A slash too many is 404 and no redirect, which would send the code to wherever Host says."""
    path, _, rest = come_back(visitor).removeprefix(shop.url).partition("?")
    with untouched(shop):
        answer = visitor.http.get(f"{shop.url}{spoil.format(path)}?{rest}")
        refused(answer, 404, "unsupported")
    assert "location" not in answer.headers


def test_unknown_pages_are_pages_for_people(visitor: Visitor) -> None:
    """Somebody who mistypes an address sees a page, a program reads problem details."""
    page = visitor.http.get("/nowhere", headers={"accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert page.headers["x-request-id"] in page.text
    refused(visitor.http.get("/nowhere"), 404, "unsupported")
