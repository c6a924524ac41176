"""Who is logged in, for routes of the shop's own: beside our mounted application, and inside it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from connect_core.harness import RunningShop, Visitor, make_settings, sandbox_settings
from connect_core.providers.registry import Plugins
from connect_core.sandbox import listen, sandbox_app, serving
from connect_core.web import create_app, current_member, open_id_of

from ..kit.acme import execute
from ..kit.web_shops import alipay_and_wechat, bearer, mini_login

WHO = "/shop/who"
EVIL = {"origin": "https://evil.example"}


def make_shop(connect: Starlette) -> Starlette:
    """An application of the shop's that mounts ours twice, and has a route of its own at a path of its own."""

    async def who(request: Request) -> Response:
        member = await current_member(request, connect)
        return JSONResponse(member and asdict(member))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with connect.router.lifespan_context(connect):
            yield

    own_routes = Starlette(routes=[Route("/who", who, methods=["GET", "POST"])])
    mounts = [Mount("/shop", own_routes), Mount("/auth", connect), Mount("/", connect)]
    return Starlette(routes=mounts, lifespan=lifespan)


async def inside(request: Request) -> Response:
    """A route that is handed to `create_app`."""
    member = await current_member(request)
    return JSONResponse(member and member.uname)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A running shop whose application mounts ours."""
    sandboxes, plugins = alipay_and_wechat(), Plugins()
    database: Path = tmp_path_factory.mktemp("current_member") / "connect.db"
    with serving(sandbox_app(sandboxes)) as vendors:
        listener = listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = make_settings(url, database, **sandbox_settings(sandboxes, plugins.available, vendors))
        connect = create_app(settings, plugins=plugins, routes=[Route("/inside", inside)])
        with serving(make_shop(connect), listener=listener):
            yield RunningShop(url, connect, sandboxes, settings.service.database_url)


def ask(visitor: Visitor, **options: Any) -> dict[str, Any] | None:
    """Who the shop's own route takes the visitor for."""
    response = visitor.http.get(WHO, **options)
    assert response.status_code == 200, response.text
    member: dict[str, Any] | None = response.json()
    return member


def test_a_route_beside_our_application_knows_who_is_logged_in(shop: RunningShop, visitor: Visitor) -> None:
    """The session cookie names the member, as `GET /connect/me` does, wherever our application is mounted."""
    visitor.log_in("alipay", "pc")
    me = visitor.http.get("/connect/me").json()
    assert visitor.http.get("/auth/connect/me").json() == me
    member = ask(visitor)
    assert member is not None
    [session] = shop.rows("es_member_session")
    assert member == {**me, "login_time": session["create_time"]}
    assert (member["client_type"], member["connections"]) == ("pc", ["ALIPAY"])


@pytest.mark.parametrize("path", ["/inside", "/auth/inside"])
def test_a_route_inside_our_application_needs_no_argument(visitor: Visitor, path: str) -> None:
    """A route that was handed to `create_app` is asked in our application, which is found by itself."""
    assert visitor.http.get(path).json() is None
    visitor.log_in("alipay", "pc")
    assert visitor.http.get(path).json() == visitor.http.get("/connect/me").json()["uname"]


def test_a_bearer_token_counts(visitor: Visitor) -> None:
    """An app or mini program has no cookie; an unknown token names nobody."""
    tokens = mini_login(visitor)
    member = ask(visitor, headers=bearer(tokens))
    assert member is not None
    assert (member["uid"], member["client_type"]) == (tokens.json()["uid"], "mini")
    assert ask(visitor, headers={"authorization": "Bearer x"}) is None


def test_the_token_cookie_of_older_front_ends_counts(visitor: Visitor) -> None:
    """After a `/buyer` login the `access_token` cookie names the member, here and on `GET /connect/me`."""
    begun = visitor.http.get("/buyer/connect/alipay/pc/login").headers["location"]
    assert visitor.http.get(visitor.consent(begun)).status_code == 303
    assert "connect_session" not in visitor.http.cookies
    member = ask(visitor)
    assert member is not None
    assert member["uid"] == int(visitor.http.cookies["uid"]) == visitor.http.get("/connect/me").json()["uid"]


def test_nobody_is_logged_in(visitor: Visitor) -> None:
    """A visitor without a cookie, or whose login was ended, is None."""
    assert ask(visitor) is None
    visitor.log_in("alipay", "pc")
    token = visitor.http.cookies["connect_session"]
    assert visitor.http.post("/connect/logout").status_code == 204
    assert ask(visitor, headers={"cookie": f"connect_session={token}"}) is None


@pytest.mark.parametrize("name", ["session", "__Host-connect_session", "connect_sessio", "refresh_token"])
def test_a_cookie_of_another_name_names_nobody(visitor: Visitor, name: str) -> None:
    """A live token counts under the name that we gave it and under no other."""
    visitor.log_in("alipay", "pc")
    token = visitor.http.cookies["connect_session"]
    visitor.http.cookies.clear()
    assert ask(visitor, headers={"cookie": f"{name}={token}"}) is None
    assert ask(visitor, headers={"cookie": f"connect_session={token}; connect_session={token}"}) is None
    assert ask(visitor, headers={"cookie": f"connect_session={token}"}) is not None


def test_a_disabled_member_is_nobody(shop: RunningShop, visitor: Visitor) -> None:
    """Whom the shop disables is logged in no longer, by cookie or token."""
    visitor.log_in("wechat", "pc", "disabled")
    member = ask(visitor)
    assert member is not None
    execute(shop.database_url, "UPDATE es_member SET disabled = 1 WHERE id = ?", member["uid"])
    assert ask(visitor) is None


def test_a_forged_request_is_from_nobody(shop: RunningShop, visitor: Visitor) -> None:
    """Cookies of a POST from another origin do not count; those of our own page, and a bearer token, do."""
    visitor.log_in("alipay", "pc")
    cross_site = {"sec-fetch-site": "cross-site"}
    for forged in (EVIL, cross_site, {"origin": "null"}):
        assert visitor.http.post(WHO, headers=forged).json() is None
    for honest in ({"origin": shop.url}, {"origin": "null", "sec-fetch-site": "same-origin"}, {}):
        assert visitor.http.post(WHO, headers=honest).json() is not None
    assert ask(visitor, headers=EVIL) is not None
    tokens = mini_login(visitor)
    assert visitor.http.post(WHO, headers={**EVIL, **bearer(tokens)}).json() is not None


@pytest.mark.parametrize("app", [None, Starlette()])
async def test_another_application_is_refused(app: Starlette | None) -> None:
    """A call that does not lead to an application of `create_app` is a mistake in the shop's code."""
    request = Request({"type": "http", "method": "GET", "headers": [], "app": Starlette()})
    with pytest.raises(TypeError, match=r"current_member\(request, app\)"):
        await current_member(request, app)


async def test_the_open_id_that_payment_wants_is_told(visitor: Visitor) -> None:
    """The member's for that app of the vendor; None for another app, another member and another vendor."""
    visitor.log_in("alipay", "pc")
    app_id = visitor.shop.manager.registry.find("alipay", "pc").provider.settings.app_id  # type: ignore[attr-defined]
    uid = visitor.http.get("/auth/connect/me").json()["uid"]
    rows = visitor.shop.rows("es_connect_alias")
    stored = {row["value"] for row in rows if (row["kind"], row["scope"]) == ("open_id", app_id)}
    assert await open_id_of(visitor.shop.app, uid, "ALIPAY", app_id) in stored
    for member_id, union_type, app in ((uid, "ALIPAY", "other"), (99, "ALIPAY", app_id), (uid, "WECHAT", app_id)):
        assert await open_id_of(visitor.shop.app, member_id, union_type, app) is None
