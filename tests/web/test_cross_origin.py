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
        raw["service"] = {"cors_origins": [FRONT_END], "first_login": "choose"}

    with run_shop(change=change) as running_shop:
        yield running_shop


CROSS = [
    ("DELETE", "/connect/sessions"),
    ("POST", "/connect/first-login"),
    ("POST", "/connect/reauthenticate"),
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


NOWHERE = [
    ("GET", "/connect/mee", 404),
    ("POST", "/connect/mee", 404),
    ("GET", "/connect", 404),
    ("PUT", "/connect/wechat/h5/token/x/y", 404),
    ("DELETE", "/connect/me", 405),
    ("PATCH", "/connect/wechat/h5/token", 405),
    ("PUT", "/connect/alipay/pc/login", 405),
    ("GET", "/buyer/nowhere", 404),
    ("DELETE", "/buyer/connect/wechat/h5/login", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), NOWHERE)
def test_listed_front_ends_may_read_that_no_route_is_there(
    visitor: Visitor, method: str, path: str, status: int
) -> None:
    """Their scripts see the status and the code, and not what looks like a broken network; strangers see nothing."""
    asking = {"access-control-request-method": method, "access-control-request-headers": "content-type"}
    before = visitor.http.options(path, headers={"origin": FRONT_END, **asking})
    answer = visitor.http.request(method, path, headers={"origin": FRONT_END})
    assert (before.status_code, answer.status_code) == (200, status)
    assert method in before.headers["access-control-allow-methods"].split(", ")
    for one in (before, answer):
        assert one.headers["access-control-allow-origin"] == FRONT_END
        assert one.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in one.headers["vary"]
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    check_headers(answer)
    for origin in STRANGERS:
        assert (
            "access-control-allow-origin"
            not in visitor.http.options(path, headers={"origin": origin, **asking}).headers
        )
        told = visitor.http.request(method, path, headers={"origin": origin}).headers
        assert [name for name in told if name.startswith("access-control-")] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/connect/logout"),
        ("GET", "/connect/account/merge"),
        ("POST", "/connect/account/erase"),
        ("GET", "/connect/alipay/pc/callback"),
        ("POST", "/connect/alipay/pc/callback"),
    ],
)
def test_a_route_that_is_not_shared_is_not_allowed_beforehand(visitor: Visitor, method: str, path: str) -> None:
    """Though another route at its address is, and methods that nobody takes may be tried."""
    asking = {"origin": FRONT_END, "access-control-request-method": method}
    before = visitor.http.options(path, headers=asking)
    assert method not in before.headers.get("access-control-allow-methods", "").split(", ")
    assert before.status_code == 400


@pytest.mark.parametrize("path", ["/", "/nowhere", "/login", "/login/x/y", "/connected/x", "/.well-known/nowhere"])
def test_addresses_that_are_the_shops_are_not_shared(visitor: Visitor, path: str) -> None:
    """The service answers below its own paths alone."""
    for method in ("OPTIONS", "PUT"):
        asking = {"origin": FRONT_END, "access-control-request-method": "PUT"}
        answer = visitor.http.request(method, path, headers=asking)
        assert answer.status_code in {404, 405}
        assert [name for name in answer.headers if name.startswith("access-control-")] == []


@pytest.mark.parametrize(
    "path", ["/admin", "/admin/x", "/admin/sign-in", "/admin/api", "/admin/api/x", "/admin/api/members"]
)
def test_the_admin_page_is_not_shared(path: str) -> None:
    """Its pages have the tokens of forms, also those that say that there is no such address."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"]["cors_origins"] = [FRONT_END]
        raw["admin"] = {"enabled": True}

    with run_shop(change=change) as shop, Visitor(shop) as visitor:
        for method in ("GET", "PUT", "OPTIONS"):
            asking = {"origin": FRONT_END, "access-control-request-method": "PUT"}
            answer = visitor.http.request(method, f"/connect{path}", headers=asking)
            assert [name for name in answer.headers if name.startswith("access-control-")] == []


def test_without_cors_origins_nothing_is_shared() -> None:
    """Neither a route nor what no route takes."""
    with run_shop() as shop, Visitor(shop) as visitor:
        for path in ("/connect/me", "/connect/nowhere"):
            for method in ("GET", "PUT", "OPTIONS"):
                asking = {"origin": FRONT_END, "access-control-request-method": "PUT"}
                answer = visitor.http.request(method, path, headers=asking)
                assert [name for name in answer.headers if name.startswith("access-control-")] == []


def test_below_a_root_the_same_is_shared() -> None:
    """The prefix and the admin page come after the path of the mount."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] |= {"cors_origins": [FRONT_END], "root_path": "/shop", "prefix": "/login-with"}
        raw["admin"] = {"enabled": True}

    with run_shop(change=change) as shop, Visitor(shop) as visitor:
        for path, is_shared in {
            "/shop/login-with/nowhere": True,
            "/login-with/nowhere": True,
            "/shop/login-with/admin/nowhere": False,
            "/login-with/admin/nowhere": False,
            "/shop/nowhere": False,
            "/shop/connect/nowhere": False,
        }.items():
            answer = visitor.http.get(path, headers={"origin": FRONT_END})
            assert answer.status_code == 404
            assert ("access-control-allow-origin" in answer.headers) == is_shared, path
