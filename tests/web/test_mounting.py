"""Below a path: mounted, behind a proxy that cuts the path off or leaves it, with `root_path` and without."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from connect_core.harness import make_settings
from connect_core.sandbox.serving import serving
from connect_core.web import app as web_app
from connect_core.web import create_app
from connect_core.web.mounting import below_root, find_route, get_root

from ..kit.mounts import At, go_round, shop_below
from ..kit.web_shops import SHOP


def mounted(path: str) -> Callable[[Starlette], ASGIApp]:
    """Mount the service below `path` of an application that runs its lifespan."""

    def mount(connect: Starlette) -> ASGIApp:
        return Starlette(routes=[Mount(path, connect)], lifespan=connect.router.lifespan_context)

    return mount


def mounted_twice(connect: Starlette) -> ASGIApp:
    """Mount an application that mounts the service."""
    inner = Starlette(routes=[Mount("/auth", connect)])
    return Starlette(routes=[Mount("/shop", inner)], lifespan=connect.router.lifespan_context)


WAYS: dict[str, tuple[str, Callable[[Starlette], ASGIApp], dict[str, object]]] = {
    "alone": ("", lambda connect: connect, {}),
    "mounted at the root": ("", mounted("/"), {}),
    "mounted": ("/auth", mounted("/auth"), {}),
    "mounted twice": ("/shop/auth", mounted_twice, {}),
    "cutting proxy, root_path": ("/shop", lambda connect: At(connect, "/shop"), {}),
    "leaving proxy, root_path": ("/shop", lambda connect: At(connect, "/shop", cuts=False), {}),
    "cutting proxy, setting": ("/shop", lambda connect: At(connect, "/shop", says=False), {"root_path": "/shop"}),
    "leaving proxy, setting": (
        "/shop",
        lambda connect: At(connect, "/shop", cuts=False, says=False),
        {"root_path": "/shop"},
    ),
    "cutting proxy, mounted, root_path": ("/shop/auth", lambda connect: At(mounted("/auth")(connect), "/shop"), {}),
    "leaving proxy, mounted, root_path": (
        "/shop/auth",
        lambda connect: At(mounted("/auth")(connect), "/shop", cuts=False),
        {},
    ),
    "another prefix": ("/shop", mounted("/shop"), {"prefix": "/connect", "handover": True}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_login_goes_round(way: str) -> None:
    """Callbacks, redirects, pages, JSON and deep links name the path below which the browser is."""
    root, mount, service = WAYS[way]
    with shop_below(root, mount, **service) as shop:
        go_round(shop)


def test_a_root_is_known_within_its_request_alone() -> None:
    """It is quoted as addresses are, and what could name a host is none."""
    for root, seen in {"/shop": "/shop", "/商城": "/%E5%95%86%E5%9F%8E", "//evil.example": "", "/a/": "/a"}.items():
        with below_root(root):
            assert get_root() == seen
    assert get_root() == ""


@pytest.mark.parametrize(
    ("root", "path", "route"),
    [
        ("", "/connect/me", "/connect/me"),
        ("/shop", "/shop/connect/me", "/connect/me"),
        ("/shop", "/connect/me", "/connect/me"),
        ("/shop/auth", "/auth/connect/me", "/connect/me"),
        ("/connect", "/connect/connect/me", "/connect/me"),
        ("/connect", "/connect/me", "/connect/me"),
        ("/shop", "/shop/cart", "/cart"),
        ("/shop", "/shopping", "/shopping"),
        ("/shop", "/shop", ""),
    ],
)
def test_a_route_is_found_whatever_was_cut_off(root: str, path: str, route: str) -> None:
    """Servers and proxies disagree on what `path` has in it."""
    assert find_route({"path": path}, root, lambda rest: rest.startswith("/connect/")) == route


def test_a_header_names_no_root() -> None:
    """A client says in which application it wants to be; nobody listens."""
    with shop_below("/auth", mounted("/auth")) as shop:
        headers = {"x-forwarded-prefix": "/evil", "x-script-name": "/evil"}
        assert "evil" not in httpx.get(f"{shop.url}/connect/login", headers=headers).text


def test_without_a_lifespan_the_work_is_done_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The tables are made and what has expired is swept; one line tells the operator, and only one."""
    monkeypatch.setattr(web_app, "SWEEP_SECONDS", 0.05)
    connect = create_app(make_settings(SHOP, tmp_path / "connect.db"))
    swept: list[int] = []

    async def sweep(limit: int) -> int:
        swept.append(limit)
        return 0

    monkeypatch.setattr(connect.state.manager, "sweep", sweep)
    shop = Starlette(routes=[Mount("/auth", connect)])
    with caplog.at_level(logging.ERROR, "connect_login"), serving(shop) as url:
        assert {httpx.get(f"{url}/auth/readyz").status_code for _ in range(3)} == {200}
        ends = time.monotonic() + 5
        while not swept and time.monotonic() < ends:
            time.sleep(0.02)
    assert swept
    assert [record.message for record in caplog.records] == ["lifespan_not_run"]


def test_with_a_lifespan_nothing_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Run as it should be."""
    connect = create_app(make_settings(SHOP, tmp_path / "connect.db"))
    with caplog.at_level(logging.ERROR, "connect_login"), serving(connect) as url:
        assert httpx.get(f"{url}/readyz").status_code == 200
    assert caplog.records == []
