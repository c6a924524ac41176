"""`GET /connect/openapi.json`: the document of this shop, cached by who reads it, and open to any page."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.web.openapi.operations import OPERATIONS

from ...kit.databases import run_shop
from ...kit.openapi_checks import Document
from ...kit.web_shops import alipay_and_wechat


def test_the_document_names_this_shop(visitor: Visitor, shop: RunningShop) -> None:
    """Its server is `public_url`, and its cookie the one that this shop sets."""
    document = visitor.http.get("/connect/openapi.json").json()
    assert (document["openapi"], document["servers"]) == ("3.1.1", [{"url": shop.url}])
    assert document["components"]["securitySchemes"]["session"]["name"] == "connect_session"
    named = {f"{verb.upper()} {path}" for path, verbs in document["paths"].items() for verb in verbs}
    assert named == set(OPERATIONS)


def test_any_page_may_read_it_and_keep_it(visitor: Visitor) -> None:
    """It has an ETag, 304 for who has it, and an origin of no login: `*` goes without credentials."""
    answer = visitor.http.get("/connect/openapi.json", headers={"origin": "https://anybody.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["cache-control"] == "public, max-age=3600"
    tag = answer.headers["etag"]
    known = visitor.http.get("/connect/openapi.json", headers={"if-none-match": f'"x", W/{tag}'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[RunningShop]:
    """A shop with another prefix."""
    with run_shop(alipay_and_wechat(), change=lambda raw: raw["service"].update(prefix="/sign-in")) as running_shop:
        yield running_shop


def test_the_paths_have_the_shops_prefix(elsewhere: RunningShop) -> None:
    """Routes below the prefix move with it, those of older front ends and of the process stay."""
    with Visitor(elsewhere) as visitor:
        paths: dict[str, Any] = visitor.http.get("/sign-in/openapi.json").json()["paths"]
    assert {path.split("/")[1] for path in paths} == {
        "",
        "sign-in",
        "buyer",
        "login",
        "healthz",
        "readyz",
        ".well-known",
    }
    assert {"/sign-in/{provider}/{client}/token", "/.well-known/oauth-authorization-server/sign-in"} <= set(paths)


def test_a_service_does_not_load_what_writes_the_document() -> None:
    """The models of parameters and their schemas cost a start nothing: they are in the document already."""
    check = "import sys, connect_core.web; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "connect_core.web.openapi" in loaded
    assert [name for name in loaded if name.startswith("connect_core.web.openapi.")] == []


def test_it_has_nothing_of_operators(visitor: Visitor) -> None:
    """A visitor does not learn from it that there is an admin page."""
    assert "/connect/admin" not in json.dumps(visitor.http.get("/connect/openapi.json").json())


def test_every_success_has_a_type(visitor: Visitor) -> None:
    """But for what is described elsewhere: a client made of the document reads no other untyped answer."""
    document = Document(visitor.http.get("/connect/openapi.json").json())
    elsewhere = {
        "export_account: body": "rows of the tables, and what a shop's own directory holds",
        "get_openapi: body": "an OpenAPI document",
    }
    assert document.find_untyped() == [*elsewhere]
