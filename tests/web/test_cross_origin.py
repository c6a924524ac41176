"""Other origins: a front end on the list may call the JSON routes with cookies, and nobody else may."""

from collections.abc import Iterator
from typing import Any

import pytest

from connect_core.harness import RunningShop, Visitor

from ..kit.databases import run_shop
from ..kit.web_shops import check_headers, refused

FRONT_END = "https://m.shop.example"


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with a front end on another host."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] = {"cors_origins": [FRONT_END]}

    with run_shop(change=change) as running_shop:
        yield running_shop


CROSS = [
    ("GET", "/connect/me"),
    ("GET", "/connect/providers?client=pc"),
    ("POST", "/connect/logout"),
    ("POST", "/connect/token/refresh"),
    ("POST", "/connect/wechat/h5/login-url"),
    ("POST", "/connect/wechat/h5/token"),
    ("GET", "/buyer/connect/wechat/h5/login"),
    ("GET", "/buyer/connect/wechat/h5/getLoginUrl"),
]


@pytest.mark.parametrize(("method", "path"), CROSS)
def test_listed_front_ends_may_call_with_cookies(visitor: Visitor, method: str, path: str) -> None:
    """An origin on the list is named exactly, for answers and errors alike, and may ask beforehand."""
    asking = {
        "origin": FRONT_END,
        "access-control-request-method": method,
        "access-control-request-headers": "content-type",
    }
    before = visitor.http.options(path, headers=asking)
    answer = visitor.http.request(method, path, headers={"origin": FRONT_END})
    for one in (before, answer):
        assert one.headers["access-control-allow-origin"] == FRONT_END
        assert one.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in one.headers["vary"]
    assert before.status_code == 200
    assert method in before.headers["access-control-allow-methods"]
    check_headers(answer)


@pytest.mark.parametrize("name", ["X-Requested-With", "traceparent", "tracestate", "Authorization", "content-type"])
def test_what_http_clients_and_tracing_send_is_allowed(visitor: Visitor, name: str) -> None:
    """Libraries add them on their own; a header that is not on the list is refused beforehand."""
    asking = {"origin": FRONT_END, "access-control-request-method": "POST", "access-control-request-headers": name}
    assert visitor.http.options("/connect/wechat/h5/token", headers=asking).status_code == 200
    asking["access-control-request-headers"] = "x-evil"
    assert visitor.http.options("/connect/wechat/h5/token", headers=asking).status_code == 400


def test_front_ends_may_read_when_to_try_again_and_the_request_id(visitor: Visitor) -> None:
    """Both are told to scripts, which see no other header of ours."""
    answer = visitor.http.get("/connect/me", headers={"origin": FRONT_END})
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed == {"retry-after", "x-request-id"}


STRANGERS = [
    "https://evil.example",
    "null",
    "https://m.shop.example.evil.example",
    "http://m.shop.example",
    "https://M.shop.example",
]


@pytest.mark.parametrize("origin", STRANGERS)
@pytest.mark.parametrize(("method", "path"), CROSS)
def test_no_other_origin_is_let_in(visitor: Visitor, method: str, path: str, origin: str) -> None:
    """No other origin is ever reflected, and none may post."""
    asking = {"origin": origin, "access-control-request-method": method}
    assert visitor.http.options(path, headers=asking).status_code == 400
    answer = visitor.http.request(method, path, headers={"origin": origin})
    assert "access-control-allow-origin" not in answer.headers
    if method == "POST":
        refused(answer, 403, "forbidden")


def test_routes_of_a_browsers_own_are_not_shared(visitor: Visitor) -> None:
    """Login, callback and the mini program's door answer no other origin at all."""
    for path in ("/connect/alipay/pc/login", "/connect/alipay/pc/callback", "/buyer/connect/alipay/pc/login"):
        answer = visitor.http.get(path, headers={"origin": FRONT_END})
        assert "access-control-allow-origin" not in answer.headers


def test_cross_site_posts_without_origin_are_refused(visitor: Visitor) -> None:
    """What a browser marks as cross-site is refused though it names no origin; a program marks nothing."""
    for path in (
        "/connect/logout",
        "/connect/token/refresh",
        "/connect/wechat/h5/login-url",
        "/connect/wechat/h5/token",
    ):
        refused(visitor.http.post(path, headers={"sec-fetch-site": "cross-site"}), 403, "forbidden")
    assert visitor.http.post("/connect/logout", headers={"sec-fetch-site": "same-origin"}).status_code == 204
