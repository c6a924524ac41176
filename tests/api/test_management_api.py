"""Schemathesis against the management API of a running shop: valid and invalid requests to every operation.

What is answered has to be as the document says: status, media type, headers, and each member of a body.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("schemathesis", reason="`tox -e api` installs Schemathesis")

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from connect_core.administrators.api_tokens import Scope
from connect_core.harness import make_settings
from connect_core.web import create_app
from connect_core.web.admin.api.document import describe
from connect_core.web.admin.api.routes import list_routes
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.routes import SCREENS

from ..kit.admin_pages import AdminShop
from ..kit.admin_people import WEBHOOK, bring_conflict, run_people_shop
from ..kit.api_clients import API, create

# the shop runs in this process: what its threads draw at random is no part of a strategy
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
EXAMPLES = 3
NOT_DEMANDED = [
    # a name, a revision or a number is right because of what is stored, not by its form
    checks.positive_data_acceptance,
    # `tests/web/admin/api` has them: what is no number, and what has no token
    checks.negative_data_rejection,
    checks.ignored_auth,
]


def _make_document() -> dict[str, Any]:
    service = {"database_url": "sqlite://"}
    app = create_app(make_settings("http://127.0.0.1:8000", Path("unused"), service=service, admin={"enabled": True}))
    app.state.manager.database.close()
    return describe(list_routes(AdminContext(app.state.context, SCREENS)))


DOCUMENT = schemathesis.openapi.from_dict(_make_document())


@pytest.fixture(scope="module")
def shop() -> Iterator[AdminShop]:
    """A shop with a webhook, and two members in conflict."""
    limits = {"per_address": "off", "failures_per_address": "off"}
    with run_people_shop(limits=limits, webhooks={"crm": WEBHOOK}) as people_shop:
        bring_conflict(people_shop, "lihua")
        yield people_shop


@pytest.fixture(scope="module")
def token(shop: AdminShop) -> str:
    """A token that may do everything."""
    return create(shop, "schemathesis", *Scope)


@DOCUMENT.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[*HealthCheck], derandomize=True, database=None)
def test_the_management_api_does_what_its_document_says(case: Any, shop: AdminShop, token: str) -> None:
    """Whatever is sent is answered as described."""
    response = case.call(base_url=shop.shop.url + API, headers={"authorization": f"Bearer {token}"})
    case.validate_response(response, excluded_checks=NOT_DEMANDED)
