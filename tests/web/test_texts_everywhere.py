"""Texts that no row can hold, or that look for nothing, in every parameter of every route: an answer, never a 5xx.

The routes are those of both OpenAPI documents: the service's and the management API's.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from connect_core.administrators.api_tokens import Scope
from connect_core.harness import Visitor
from connect_core.providers.registry import Plugins
from connect_core.web.openapi import write_document

from ..kit.admin_pages import AdminShop, run_admin_shop
from ..kit.api_clients import API, create
from ..kit.databases import is_answering, server_of
from ..kit.first_logins import CHOOSE, choosing
from ..kit.merges import Planner
from ..kit.token_services import GATEWAY, basic, with_servers
from ..kit.web_shops import alipay_and_wechat, mini_login

LONG = "%F0%9F%98%80" * 300
"""Three hundred characters outside the basic plane: printable, and longer than any column that is searched."""
IN_PATHS = ("%00", "%ED%A0%80", "9" * 30, LONG)
IN_QUERIES = ("a%00", "9" * 30, LONG)
IN_FORMS = ("a%00", LONG)
IN_JSON = (r'"\u0000"', r'"\ud800"', json.dumps("\N{GRINNING FACE}" * 300), str(2**63))
KNOWN = {"provider": "alipay", "client": "mini", "type": "alipay", "union_type": "ALIPAY"}
STREAMS = "/connect/handover/events"
Request = tuple[str, str, str, bytes]
"""Method, address, content type and body."""


class Described:
    """What an OpenAPI document says that can be sent."""

    def __init__(self, document: Mapping[str, Any], base: str = "") -> None:
        self._document, self._base = document, base

    def make_requests(self) -> Iterator[Request]:
        """Yield a request for each parameter and each text; the others have values that lead somewhere."""
        for path, operations in self._document["paths"].items():
            for method, operation in operations.items():
                if path != STREAMS:
                    yield from self._make(method.upper(), path, operation)

    def _make(self, method: str, path: str, operation: Mapping[str, Any]) -> Iterator[Request]:
        parameters = [self._follow(parameter) for parameter in operation.get("parameters", ())]
        names = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        values = {name: KNOWN.get(name, "1") for name in names}
        url, body = self._base + path, b'{"reason": "r"}' if self._base and method == "POST" else b""
        for name in names:
            for text in IN_PATHS:
                yield method, url.format_map({**values, name: text}), "application/json", body
        url = url.format_map(values)
        for parameter in parameters:
            if parameter["in"] == "query":
                for text in IN_QUERIES:
                    yield method, f"{url}?{parameter['name']}={text}", "application/json", body
        for media, content in self._follow(operation.get("requestBody", {})).get("content", {}).items():
            schema = self._follow(content["schema"])
            for name in schema.get("properties", ()):
                for text in _write_bodies(media, name, schema):
                    yield method, url, media, text

    def _follow(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in part:
            place: Any = self._document
            for step in part["$ref"].removeprefix("#/").split("/"):
                place = place[step]
            part = place
        return part


def _write_bodies(media: str, name: str, schema: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield bodies with each text in one member; the members that have to be there are."""
    others = {other: "a" for other in schema.get("required", ()) if other != name}
    if media == "application/json":
        rest = "".join(f", {json.dumps(other)}: {json.dumps(value)}" for other, value in others.items())
        yield from (f"{{{json.dumps(name)}: {text}{rest}}}".encode() for text in IN_JSON)
    elif media == "application/x-www-form-urlencoded":
        rest = "".join(f"&{other}={value}" for other, value in others.items())
        yield from (f"{name}={text}{rest}".encode() for text in IN_FORMS)


@pytest.fixture
def admin_shop(monkeypatch: pytest.MonkeyPatch, require: Any) -> Iterator[AdminShop]:
    """A shop with every route there is, on PostgreSQL, which takes fewer texts and numbers than the others."""
    server = server_of("postgresql")
    require(is_answering(server), "PostgreSQL does not answer on this machine")
    monkeypatch.setenv("CONNECT_TEST_DATABASE", server)

    def change(raw: dict[str, Any]) -> None:
        choosing(raw)
        with_servers(raw)
        raw["service"]["settings"] = "database"
        raw["limits"] = dict.fromkeys(("per_address", "failures_per_address", "per_account"), "off")

    plugins = Plugins([("planner", Planner())])
    with run_admin_shop(alipay_and_wechat(), change=change, plugins=plugins) as running_shop:
        yield running_shop


def log_in(admin_shop: AdminShop) -> str:
    """The bearer header of a member: each time somebody new, since the one before may be gone."""
    with Visitor(admin_shop.shop) as visitor:
        tokens = mini_login(visitor).json()
        if ticket := tokens.get("choice_ticket"):
            tokens = visitor.http.post(CHOOSE, json={"ticket": ticket, "decision": "register"}).json()
    return f"Bearer {tokens['access_token']}"


def test_no_text_in_the_service_is_our_fault(admin_shop: AdminShop) -> None:
    """By a member who is logged in; what needs a service's secret gets it."""
    described = Described(json.loads(write_document("http://127.0.0.1", "/connect", "connect_session")))
    failed, token, count = [], log_in(admin_shop), 0
    with httpx.Client(base_url=admin_shop.shop.url, timeout=20, trust_env=False) as client:
        for method, url, media, body in described.make_requests():
            service = basic(*GATEWAY) if url.startswith(("/connect/introspect", "/connect/revoke")) else {}
            headers = {"authorization": token, "content-type": media, **service}
            answer = client.request(method, url, headers=headers, content=body)
            failed += [(method, url, body, answer.text)] * (answer.status_code >= 500)
            count += 1
            if answer.status_code == 401 or (method == "POST" and "/logout" in url):
                token = log_in(admin_shop)
    assert failed == []
    assert count > 300


def test_no_text_in_the_management_api_is_our_fault(admin_shop: AdminShop) -> None:
    """By a program that may do everything."""
    token = create(admin_shop, "program", *Scope)
    with httpx.Client(base_url=admin_shop.shop.url, timeout=20, trust_env=False) as client:
        client.headers["authorization"] = f"Bearer {token}"
        described = Described(client.get(f"{API}/openapi.json").json(), API)
        answers = [
            client.request(method, url, headers={"content-type": media}, content=body)
            for method, url, media, body in described.make_requests()
        ]
    assert [(answer.request.url, answer.text) for answer in answers if answer.status_code >= 500] == []
    assert len(answers) > 100
