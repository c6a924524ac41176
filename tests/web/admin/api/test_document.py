"""The OpenAPI document of the management API says what every answer has; all tests of the API hold answers to it."""

from typing import Any

import pytest

from ....kit.admin_pages import AdminShop
from ....kit.api_clients import get_document
from ....kit.openapi_checks import Document


def test_every_success_has_a_type(admin_shop: AdminShop) -> None:
    """Down to the members of the last object: a client made of the document reads no untyped one."""
    document = get_document(admin_shop)
    assert document.find_untyped() == []
    statuses = [
        status
        for _, _, operation in document.operations.values()
        for status, answer in operation["responses"].items()
        if status.startswith("2") and not answer.get("content")
    ]
    assert set(statuses) == {"204"}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": "object", "additionalProperties": True},
        {"type": "array", "items": {}},
        {"type": "object", "properties": {"rows": {"type": "array", "items": {"type": "object"}}}},
        {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Open"}]},
    ],
)
def test_an_untyped_answer_would_be_noticed(schema: dict[str, Any]) -> None:
    """Wherever in the answer it is."""
    answers = {"200": {"content": {"application/json": {"schema": schema}}}}
    document = {
        "paths": {"/x": {"get": {"operationId": "x", "responses": answers}}},
        "components": {"schemas": {"Open": {"type": "object"}}},
    }
    assert len(Document(document).find_untyped()) == 1


def test_what_depends_on_a_revision_is_tagged(admin_shop: AdminShop) -> None:
    """The document names the header that `If-Match` takes back, and the answer's `revision` beside it."""
    tagged = {
        name
        for name, (_, _, operation) in get_document(admin_shop).operations.items()
        if "ETag" in operation["responses"].get("200", {}).get("headers", {})
    }
    assert tagged == {"describe_settings", "list_providers", "show_provider", "show_buttons"}
