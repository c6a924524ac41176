"""Programs that call the management API of a running shop, and the tokens that they have."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, TypeVar

import httpx

from connect_core.acts import OperatorAct
from connect_core.administrators.api_tokens import ApiTokens, Scope
from connect_core.store import Database
from connect_core.web.admin.api.document import describe
from connect_core.web.admin.api.routes import list_routes
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.routes import SCREENS

from .admin_pages import AdminShop
from .openapi_checks import Document
from .web_shops import check_headers

T = TypeVar("T")
API = "/connect/admin/api"
_ACT = OperatorAct("tests", "", "0" * 16)
_OPEN: list[httpx.Client] = []


def create(shop: AdminShop, name: str, *scopes: Scope, seconds: int = 3600) -> str:
    """Create a token and return it."""
    return _run(shop, lambda tokens: tokens.create(name, scopes, seconds, _ACT))


def revoke(shop: AdminShop, name: str) -> None:
    """Revoke the token of this name."""
    _run(shop, lambda tokens: tokens.revoke(name, _ACT))


def _run(shop: AdminShop, act: Callable[[ApiTokens], Awaitable[T]]) -> T:
    async def run(tokens: ApiTokens) -> T:
        return await act(tokens)

    with closing(Database(shop.shop.database_url)) as database:
        return asyncio.run(run(ApiTokens(database, lambda: int(shop.clock()))))


def close_clients() -> None:
    """Close the connections of every client."""
    while _OPEN:
        _OPEN.pop().close()


def get_document(shop: AdminShop) -> Document:
    """Return the OpenAPI document of the shop's management API."""
    document = describe(list_routes(AdminContext(shop.shop.app.state.context, SCREENS)))
    return Document({**document, "paths": {API + path: item for path, item in document["paths"].items()}})


class Client:
    """A program with a token, whose answers are held to the OpenAPI document."""

    def __init__(self, shop: AdminShop, token: str) -> None:
        self.http = httpx.Client(
            base_url=shop.shop.url + API,
            headers={"authorization": f"Bearer {token}"},
            timeout=20,
            event_hooks={"response": [get_document(shop).check]},
        )
        _OPEN.append(self.http)

    def get(self, path: str, status: int = 200, **query: str) -> Any:
        """Get a resource."""
        return self._read(self.http.get(path, params=query), status)

    def post(self, path: str, body: object = None, status: int = 200, **headers: str) -> Any:
        """Do something."""
        return self._read(self.http.post(path, json={} if body is None else body, headers=headers), status)

    def _read(self, answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        check_headers(answer)
        return answer.json() if answer.content else None
