"""The admin page and the management API held against each other: whatever the one does, the other does too."""

import re
from collections.abc import Iterator

import httpx
import pytest
from starlette.routing import Route

from ....kit.admin_pages import AdminShop, run_admin_shop
from ....kit.api_clients import API

SAME: dict[str, set[str]] = {
    "GET ": {"GET /dashboard", "GET /webhooks/endpoints", "GET /doctor"},
    "GET /doctor": {"GET /doctor"},
    "POST /doctor": {"POST /doctor"},
    "GET /providers": {"GET /providers"},
    "GET /providers/new": {"GET /plugins"},
    "POST /providers/{name}/clients": {"POST /providers/{name}/clients"},
    "GET /providers/{name}/edit": {"GET /providers/{name}"},
    "POST /providers/{name}/edit": {"POST /settings/preview", "POST /settings/drafts", "POST /settings/files"},
    "POST /providers/{name}/remove": {"POST /providers/{name}/remove"},
    "POST /providers/{name}/test": {"POST /providers/{name}/test"},
    "GET /accounts/new": {"GET /plugins"},
    "GET /accounts/{name}/edit": {"GET /settings"},
    "POST /accounts/{name}/edit": {"POST /settings/drafts", "POST /settings/files"},
    "GET /buttons": {"GET /buttons"},
    "POST /buttons": {"POST /buttons/{client}"},
    "GET /settings": {"GET /settings/revisions"},
    "GET /settings/limits": {"GET /settings"},
    "POST /settings/limits": {"POST /settings/drafts"},
    "GET /settings/pages": {"GET /settings"},
    "POST /settings/pages": {"POST /settings/drafts"},
    "GET /settings/revisions/{revision}": {"GET /settings/revisions/{revision}"},
    "POST /settings/revisions/{revision}/activate": {"POST /settings/revisions/{revision}/activate"},
    "POST /settings/revisions/{revision}/discard": {"POST /settings/revisions/{revision}/discard"},
    "POST /settings/revisions/{revision}/roll-back": {"POST /settings/revisions/{revision}/roll-back"},
    "GET /members": {"GET /members"},
    "GET /members/{member_id}": {"GET /members/{member_id}", "GET /events"},
    "POST /members/{member_id}/disable": {"POST /members/{member_id}/disable"},
    "POST /members/{member_id}/enable": {"POST /members/{member_id}/enable"},
    "POST /members/{member_id}/end-sessions": {"POST /members/{member_id}/end-sessions"},
    "POST /members/{member_id}/unbind": {"POST /members/{member_id}/unbind"},
    "GET /members/conflicts": {"GET /conflicts"},
    "GET /members/conflicts/{event_id}": {"GET /conflicts/{event_id}"},
    "POST /members/conflicts/{event_id}": {"POST /conflicts/{event_id}/resolve"},
    "GET /events": {"GET /events"},
    "GET /events/webhooks": {"GET /webhooks/endpoints", "GET /webhooks/deliveries"},
    "POST /events/webhooks/test": {"POST /webhooks/endpoints/{endpoint}/test"},
    "POST /events/webhooks/enable": {"POST /webhooks/endpoints/{endpoint}/enable"},
    "POST /events/webhooks/replay": {"POST /webhooks/deliveries/replay"},
    "POST /events/webhooks/replay-dead": {"POST /webhooks/endpoints/{endpoint}/replay-dead"},
    "GET /administrators": {"GET /administrators", "GET /administrators/sessions"},
    "POST /administrators": {"POST /administrators"},
    "POST /administrators/sessions/end": {"POST /administrators/sessions/end"},
    "POST /administrators/{name}/role": {"POST /administrators/{name}/role"},
    "POST /administrators/{name}/disable": {"POST /administrators/{name}/disable"},
    "POST /administrators/{name}/enable": {"POST /administrators/{name}/enable"},
    "POST /administrators/{name}/reset": {"POST /administrators/{name}/reset"},
    "GET /keys": {"GET /keys"},
    "GET /keys/count": {"GET /keys/count"},
    "GET /audit": {"GET /audit"},
}
"""The operations of the API that do what a route of the page does; both without their prefix."""
EXCEPTIONS = {
    "GET /buttons/preview": "the login page as a picture; a program reads GET /connect/providers",
    "GET /sign-in": "a program has a token in place of a session",
    "POST /sign-in": "the same",
    "POST /sign-in/openid": "the same",
    "GET /sign-in/openid/callback": "the same",
    "GET /confirm": "the same: the scope of a token says what it may do, however old it is",
    "POST /confirm": "the same",
    "POST /sign-out": "the same; a token is revoked by a command",
    "GET /set-up": "the administrator chooses the password; nobody else may know it",
    "POST /set-up": "the same",
    "GET /static/admin.css": "the look of the page",
}
"""Routes of the page that the API does without, and why."""


@pytest.fixture(scope="module")
def shop() -> Iterator[AdminShop]:
    """A running shop with the admin page."""
    with run_admin_shop() as running:
        yield running


def find_routes(shop: AdminShop, prefix: str) -> set[str]:
    """Return method and path, without the types of parameters, of all routes below `prefix`."""
    return {
        f"{method} {re.sub(':int', '', route.path.removeprefix(prefix))}"
        for route in shop.shop.app.routes
        if isinstance(route, Route) and route.path.startswith(prefix)
        for method in route.methods or ()
    }


def test_every_act_of_the_page_is_an_operation_of_the_api(shop: AdminShop) -> None:
    """A route that is added to the page needs its operation, or its reason; and none of these names is of the past."""
    page = {route for route in find_routes(shop, "/connect/admin") if " /api/" not in route}
    assert page == SAME.keys() | EXCEPTIONS.keys()
    assert SAME.keys().isdisjoint(EXCEPTIONS)


def test_every_operation_of_the_api_is_an_act_of_the_page(shop: AdminShop) -> None:
    """What only a program could do, no operator would ever see."""
    operations = find_routes(shop, API) - {"GET /openapi.json"}
    assert operations == set[str]().union(*SAME.values())


def test_the_document_names_each_operation_once(shop: AdminShop) -> None:
    """`operationId` is unique (OpenAPI 3.1 §4.8.10), and everything that changes something says what it takes."""
    paths = httpx.get(f"{shop.shop.url}{API}/openapi.json").json()["paths"]
    ids = [operation["operationId"] for item in paths.values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    [upload] = paths["/settings/files"].values()
    assert list(upload["requestBody"]["content"]) == ["multipart/form-data"]
