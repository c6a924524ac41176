"""A plugin's own icon on the pages of a running shop: on its buttons, and on nobody else's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from connect_core.cli.demo import demo_home
from connect_core.harness import RunningShop, Visitor
from connect_core.plugin import AuthorizationResponse, Identity, PersonId, provider_hook
from connect_core.providers.registry import Plugins

from ...kit.databases import run_shop
from ...kit.html_pages import ParsedPage
from ...kit.icons import ICON, package
from ...kit.merges import Planner
from ...kit.web_shops import Acme, check_headers, query

DRAWN, SECOND = "/connect/static/plugin~acme.svg", "/connect/static/plugin~second.svg"
OURS = "/connect/static/mark.svg"


class Second(Acme):
    """A vendor with the same icon and a union type of its own."""

    union_type = "SECOND"

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Name the one person whom it knows."""
        return Identity("SECOND", (PersonId.user_id("lihua"),), "app")


class Bare(Acme):
    """A vendor without an icon, which shares Alipay's union type."""

    union_type = "ALIPAY"


@contextmanager
def shop(folder: Path, icon: str = ICON, **options: Any) -> Iterator[RunningShop]:
    """A shop with Acme, which has an icon, under two names, and another vendor."""
    hooks = {
        "acme": provider_hook("acme", Acme, icon="connect_drawn:drawn.svg"),
        "second": provider_hook("second", Second, icon="connect_drawn:icons/drawn.svg"),
        "bare": provider_hook("bare", Bare),
    }
    extra = [
        (name, type(name, (), {"connect_register_providers": staticmethod(hook)})()) for name, hook in hooks.items()
    ]

    def change(raw: dict[str, Any]) -> None:
        raw["providers"] |= {"acme": {}, "twin": {"plugin": "acme"}, "second": {}, "bare": {}}
        raw["clients"]["pc"] = ["acme", "twin", "second", "bare"]

    with package(folder, icon):
        plugins = Plugins([*extra, ("planner", Planner())], discover=False)
    with run_shop({}, plugins=plugins, change=change, **options) as running_shop:
        yield running_shop


def callback_of(login_url: str, code: str = "c-1") -> str:
    """The address to which the vendor sends the browser."""
    asked_for = query(login_url)
    return f"{asked_for['redirect_uri']}?{urlencode({'code': code, 'state': asked_for['state']})}"


def images(visitor: Visitor, path: str) -> list[str | None]:
    """The addresses of the icons in the rows of a page."""
    page = ParsedPage(visitor.http.get(path).text)
    return [source for source in page.values("img", "src") if source != OURS]


def test_a_plugins_icon_is_on_its_buttons(tmp_path: Path) -> None:
    """Under whatever name it is configured; a vendor without one shows a letter, whatever its union type is."""
    with shop(tmp_path) as running_shop, Visitor(running_shop) as visitor:
        assert images(visitor, "/connect/login") == [DRAWN, DRAWN, SECOND]
        assert visitor.http.get(callback_of(visitor.begin("acme", "pc"))).status_code == 303
        # linked: Acme; to be linked: the other vendors
        assert images(visitor, "/connect/account") == [DRAWN, SECOND]
        assert 'data-unbind="acme"' in visitor.http.get("/connect/account").text


def test_a_plugins_icon_is_where_a_connection_is_shown(tmp_path: Path) -> None:
    """On the page of a merge, and on the demo's home page."""
    with shop(tmp_path, routes=demo_home()) as running_shop, Visitor(running_shop) as visitor:
        with Visitor(running_shop) as other:
            assert other.http.get(callback_of(other.begin("second", "pc"))).status_code == 303
        assert visitor.http.get(callback_of(visitor.begin("acme", "pc"))).status_code == 303
        assert images(visitor, "/") == [DRAWN]
        begun = visitor.http.post("/connect/second/pc/merge", json={}).json()["login_url"]
        assert visitor.http.get(callback_of(begun, "c-2")).status_code == 303
        assert sorted(images(visitor, "/connect/account/merge")) == [DRAWN, SECOND]


def test_a_plugins_icon_is_served_as_ours_are(tmp_path: Path) -> None:
    """With the same headers and the same strict policy, and it changes with its content."""
    with shop(tmp_path) as running_shop, Visitor(running_shop) as visitor:
        drawn, ours = visitor.http.get(DRAWN), visitor.http.get(OURS)
        assert (drawn.status_code, drawn.text) == (200, ICON)
        varying = {"content-length", "date", "etag", "x-request-id"}
        assert {name: drawn.headers[name] for name in drawn.headers.keys() - varying} == {
            name: ours.headers[name] for name in ours.headers.keys() - varying
        }
        assert drawn.headers["content-type"] == "image/svg+xml"
        assert drawn.headers["content-security-policy"].startswith("default-src 'none'")
        headers = {"if-none-match": drawn.headers["etag"]}
        assert visitor.http.get(DRAWN, headers=headers).status_code == 304


def test_a_refused_icon_leaves_a_letter(tmp_path: Path) -> None:
    """The button works, and nothing is served."""
    with shop(tmp_path, ICON.replace("<rect", "<script/><rect")) as running_shop, Visitor(running_shop) as visitor:
        assert images(visitor, "/connect/login") == []
        assert '<span class="tile" aria-hidden="true">A</span>' in visitor.http.get("/connect/login").text
        assert visitor.http.get(DRAWN).status_code == 404
        check_headers(visitor.http.get("/connect/login"))
