"""Shops below a path: proxies that cut the path off, and a login's round in which every address has to be right."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from connect_core.harness import RunningShop, Visitor, make_settings, query_of, sandbox_settings
from connect_core.sandbox.serving import listen, sandbox_app, serving
from connect_core.web import create_app

from .databases import installed_plugins
from .web_shops import alipay_and_wechat, refused

PAGES = ("/connect/login", "/connect/account", "/connect/handover", "/connect/account/erase")


class At:
    """An ASGI server's view of a shop below `root`: with `cuts`, a proxy in front has cut the path off.

    With `says`, the server says so in `root_path`.
    """

    def __init__(self, app: ASGIApp, root: str, *, cuts: bool = True, says: bool = True) -> None:
        self._app, self._root, self._cuts, self._says = app, root, cuts, says

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] == "http":
            assert scope["path"].startswith(f"{self._root}/"), scope["path"]
            path = scope["path"].removeprefix(self._root) if self._cuts else scope["path"]
            scope = {**scope, "path": path, "root_path": self._root if self._says else ""}
        await self._app(scope, receive, send)


@contextmanager
def shop_below(root: str, mount: Callable[[Starlette], ASGIApp], **service: Any) -> Iterator[RunningShop]:
    """Run a shop that browsers reach below `root`; `mount` puts it where it is."""
    plugins, sandboxes = installed_plugins(), alipay_and_wechat()
    with TemporaryDirectory() as folder, serving(sandbox_app(sandboxes)) as vendors:
        listener = listen()
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        raw = sandbox_settings(sandboxes, plugins.available, vendors)
        settings = make_settings(origin, Path(folder) / "connect.db", **raw, service=service)
        app = create_app(settings, plugins=plugins)
        with serving(mount(app), listener=listener):
            yield RunningShop(origin + root, app, sandboxes, settings.service.database_url, vendors)


def go_round(shop: RunningShop) -> None:
    """Log in and look at every page: each address that the shop gives out is below its root and leads somewhere."""
    root = urlsplit(shop.url).path
    with Visitor(shop) as visitor:
        page = visitor.http.get("/connect/account", headers={"accept": "text/html"})
        assert page.headers["location"].startswith(f"{root}/connect/login?return_to="), page.headers["location"]
        login_url = visitor.begin("alipay", "pc", return_to=f"{root}/connect/account")
        assert query_of(login_url)["redirect_uri"] == f"{shop.url}/connect/alipay/pc/callback"
        callback = visitor.consent(login_url)
        parked = visitor.http.post(callback.partition("?")[0], data=query_of(callback))
        assert parked.headers["location"].startswith(f"{root}/connect/alipay/pc/callback?")
        ended = visitor.http.get(callback)
        assert ended.headers["location"] == f"{shop.url}/connect/account"
        assert visitor.http.get("/connect/me").json()["connections"] == ["ALIPAY"]
        refused(visitor.http.get("/connect/nobody/pc/login"), 404, "unsupported")
        for path in PAGES:
            _check_links(visitor, root, path)
        _check_links(visitor, root, "/connect/alipay/pc/callback?state=a", status=400)
        [alipay, *_] = visitor.http.get("/connect/providers?client=pc").json()
        assert alipay["login_url"] == f"{root}/connect/alipay/pc/login"
        deep = visitor.http.get("/connect/alipay/h5/login").headers["location"]
        assert parse_qs(urlsplit(deep).query)["url"][0].startswith(f"{shop.url}/connect/alipay/h5/login?")
        legacy = visitor.http.get("/buyer/connect/alipay/pc/login").headers["location"]
        assert query_of(legacy)["redirect_uri"] == f"{shop.url}/connect/alipay/pc/callback"
        handed_over = visitor.http.post("/connect/handover").json()["handover_url"]
        assert handed_over.startswith(f"{shop.url}/connect/h/")


def _check_links(visitor: Visitor, root: str, path: str, status: int = 200) -> None:
    page = visitor.http.get(path, headers={"accept": "text/html"})
    assert page.status_code == status, (path, page.text)
    links = re.findall(r'(?:href|src|action)="([^"?#]+)', page.text)
    assert links
    origin = visitor.shop.url.removesuffix(root)
    for link in links:
        is_home = link == "/"  # the shop's, not ours
        assert is_home or link.startswith((f"{root}/connect/", f"{root}/buyer/", f"{visitor.shop.url}/")), (path, link)
        if not is_home and link.startswith("/"):
            answer = visitor.http.get(origin + link, headers={"accept": "text/html"})
            assert answer.status_code != 404, (path, link)
