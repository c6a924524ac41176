"""Malformed requests: strange cookies, bearers and bodies are refused before anything is done with them."""

import socket
from urllib.parse import urlsplit

import pytest

from connect_core.harness import RunningShop, Visitor

from ..kit.malformed import BEARERS, BODIES, COOKIE_HEADERS, TEXTS
from ..kit.web_shops import refused, untouched


@pytest.mark.parametrize("header", COOKIE_HEADERS)
def test_malformed_cookies_are_no_session(shop: RunningShop, visitor: Visitor, header: bytes) -> None:
    """Whatever stands in a Cookie header, it is a visitor without a session, never an error of ours."""
    with untouched(shop):
        refused(visitor.http.get("/connect/me", headers={b"cookie": header}), 401, "not_logged_in")
        callback = "/connect/alipay/pc/callback?state=a&code=h13"
        refused(visitor.http.get(callback, headers={b"cookie": header}), 400, "state_invalid")
        started = visitor.http.get("/connect/alipay/pc/login", headers={b"cookie": header})
        assert started.status_code == 303


@pytest.mark.parametrize("header", BEARERS)
def test_malformed_bearers_are_nobody(shop: RunningShop, visitor: Visitor, header: bytes) -> None:
    """Whatever stands in an Authorization header, it is 401 and never an error of ours."""
    answer = visitor.http.get("/connect/me", headers={b"authorization": header})
    refused(answer, 401, "not_logged_in")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert visitor.http.post("/connect/logout", headers={b"authorization": header}).status_code == 204


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize(
    "path", ["alipay/pc/token", "alipay/mini/token", "alipay/app/login-url", "token/refresh", "logout"]
)
def test_malformed_bodies_are_bad_requests(shop: RunningShop, visitor: Visitor, path: str, body: bytes) -> None:
    """A body that is no JSON object is refused before anything is done with it."""
    spent = shop.rows("es_connect_used_flow")
    with untouched(shop):
        refused(visitor.http.post(f"/connect/{path}", content=body), 400, "bad_request")
    assert shop.rows("es_connect_used_flow") == spent


READ = [
    ("alipay/pc/token", "state"),
    ("alipay/mini/token", "code"),
    ("alipay/mini/token", "authCode"),
    ("alipay/mini/token", "device_id"),
    ("alipay/app/login-url", "redirect_uri"),
    ("alipay/h5/login-url", "return_to"),
    ("token/refresh", "refresh_token"),
    ("logout", "refresh_token"),
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize(("path", "name"), READ)
def test_a_malformed_value_that_is_read_is_refused(
    shop: RunningShop, visitor: Visitor, path: str, name: str, text: str
) -> None:
    """What a route reads is a printable text of bounded length that does not contradict itself."""
    spent = shop.rows("es_connect_used_flow")
    with untouched(shop):
        body = f'{{"{name}": {text.replace("NAME", name)}}}'
        refused(visitor.http.post(f"/connect/{path}", content=body), 400, "bad_request")
    assert shop.rows("es_connect_used_flow") == spent


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize(("path", "name"), READ)
def test_a_malformed_value_that_nobody_reads_refuses_nothing(visitor: Visitor, path: str, name: str, text: str) -> None:
    """The answer is the same as without it."""
    body = f'{{"utm": {text.replace("NAME", "utm")}}}'
    plain, tracked = (visitor.http.post(f"/connect/{path}", content=content) for content in ("{}", body))
    assert (plain.status_code, plain.json().get("code") if plain.content else "") == (
        tracked.status_code,
        tracked.json().get("code") if tracked.content else "",
    )


@pytest.mark.parametrize("value", [["a"], {"a": "b"}, [], {}, True, 1.5], ids=repr)
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("token/refresh", "refresh_token"),
        ("logout", "refresh_token"),
        ("alipay/pc/login-url", "return_to"),
        ("handover", "return_to"),
    ],
)
def test_a_value_that_is_no_text_is_refused(visitor: Visitor, path: str, name: str, value: object) -> None:
    """An object, a list, a truth value or a fraction is not taken for its text, which nobody has meant."""
    refused(visitor.http.post(f"/connect/{path}", json={name: value}), 400, "bad_request")


@pytest.mark.parametrize("path", ["/connect/alipay/pc/callback", "/connect/token/refresh", "/connect/handover/collect"])
def test_a_body_is_not_read_past_its_limit(shop: RunningShop, path: str) -> None:
    """Whoever announces a gigabyte is answered after the first 256 KiB of it, not at its end."""
    address = urlsplit(shop.url)
    form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 1000000000"
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\n{form}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), 5) as connection:
        connection.sendall(head.encode() + b"a" * 300_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
