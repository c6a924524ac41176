"""Schemathesis against a running shop with its sandboxes: valid and invalid requests to every operation.

It holds the service to the document: no 5xx that is not described, no status, media type, header or body that is not,
and no method but those that are. What it does not hold the service to is in `NOT_DEMANDED`, each with the reason.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("schemathesis", reason="`tox -e api` installs Schemathesis")

import jsonschema_rs
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.definitions import OPENAPI_31

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins
from connect_core.web.openapi import write_document

from ..kit.databases import run_shop
from ..kit.merges import Planner
from ..kit.web_shops import alipay_and_wechat

EXAMPLES = 5
"""Requests of each kind for an operation: valid ones, and ones that break a rule of the document."""
NOT_DEMANDED = [
    # a code, a state, a ticket or an address on the allow-list is right because of what was stored, not by its form
    checks.positive_data_acceptance,
    # DELETE /connect/sessions/{id} takes the id `end` too, and finds no such login
    checks.allow_header_conformance,
    # what a login is needed for is refused without one by the tests of `tests/web`; here it is a new member's each time
    checks.ignored_auth,
]
MAY_ACCEPT = {
    "GET /connect/login": "an empty `client` counts as none: links and forms write it so",
    "POST /connect/handover": "a `return_to` that is null counts as left out",
    "POST /connect/logout": "a whole number is a text too, and a token that nobody has ends nothing",
    "GET /connect/.well-known/connect-login": "a `nonce` that comes twice with one value is one",
}
"""Operations that may accept what breaks a rule of the document (`negative_data_rejection`), each with the reason."""
DOCUMENT = json.loads(write_document("http://127.0.0.1", "/connect", "connect_session"))
API = schemathesis.openapi.from_dict(DOCUMENT)
ENDING = {"DELETE", "POST", "PUT"}
"""Methods after which the member may be logged out, or gone."""


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with every route there is: it asks newcomers, has passwords, hands logins over, and plans merges."""
    plugins = Plugins([("planner", Planner())])
    with run_shop(
        alipay_and_wechat(), plugins=plugins, change=lambda raw: raw["service"].update(first_login="choose")
    ) as running_shop:
        yield running_shop


class Member:
    """A member who is logged in; somebody new, once the last login has ended."""

    def __init__(self, running_shop: RunningShop) -> None:
        self._shop = running_shop
        self._token = ""

    def get_headers(self) -> dict[str, str]:
        """The headers of a request by the member."""
        self._token = self._token or self._log_in()
        return {"authorization": f"Bearer {self._token}"}

    def leave(self) -> None:
        """Log in anew before the next request."""
        self._token = ""

    def _log_in(self) -> str:
        with Visitor(self._shop) as visitor:
            tokens = visitor.log_in("alipay", "mini").json()
            if ticket := tokens.get("choice_ticket"):
                choice = {"ticket": ticket, "decision": "register"}
                tokens = visitor.http.post("/connect/first-login", json=choice).json()
        return str(tokens["access_token"])


@pytest.fixture(scope="module")
def member(shop: RunningShop) -> Member:
    """The member who sends the requests."""
    return Member(shop)


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Name a provider that is configured in two requests of three; no generator would find one."""
    length = len(str((path_parameters or {}).get("provider", "")))
    if path_parameters and length % 3:
        path_parameters["provider"] = ("alipay", "wechat")[length % 2]
    return path_parameters


@API.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[*HealthCheck], derandomize=True, database=None)
def test_the_service_does_what_the_document_says(case: Any, shop: RunningShop, member: Member) -> None:
    """Whatever is sent is answered as described; 503 may come while passwords are checked, and not a second time."""
    options = {"base_url": shop.url, "allow_redirects": False}
    response = case.call(headers=member.get_headers(), **options)
    if response.status_code == 503:
        time.sleep(int(response.headers["retry-after"][0]))
        response = case.call(headers=member.get_headers(), **options)
    if case.method in ENDING or response.status_code == 401:
        member.leave()
    lenient = [checks.negative_data_rejection] if case.operation.label in MAY_ACCEPT else []
    case.validate_response(response, excluded_checks=[*NOT_DEMANDED, *lenient])


def test_every_exception_is_an_operation() -> None:
    """A path that was renamed is held to the document again."""
    operations = {f"{method.upper()} {path}" for path, item in DOCUMENT["paths"].items() for method in item}
    assert operations.issuperset(MAY_ACCEPT)


def test_the_document_is_openapi_3_1() -> None:
    """It is valid by the schema that the OpenAPI Initiative publishes, of 2022-10-07."""
    mistakes = [str(error) for error in jsonschema_rs.validator_for(OPENAPI_31).iter_errors(DOCUMENT)]
    assert mistakes == []
