"""What a union id counts in: a member of the answer, or a setting."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from connect_core.errors import ProviderBadResponse, SettingsError
from connect_core.identity import PersonId
from connect_core.plugin import Claims

from ...kit.vendor_transport import TOKENS, Acme, Transport, log_in, make


async def read(union_scope: str | tuple[str, ...], **answer: Any) -> tuple[PersonId, ...]:
    """Return the ids of a login whose user-info is `answer`."""
    claims = Claims(union_id="uid", union_scope=union_scope, open_id="openid")
    transport = Transport({"/token": TOKENS, "/me": json.dumps({"openid": "o-1", **answer}).encode()})
    return (await log_in(make(Acme, transport, claims=claims))).ids


@pytest.mark.parametrize(
    ("union_scope", "scope"),
    [((), ""), ("org.id", "org-1"), (("team", "org.id"), "org-1"), ("number", "7"), ("{client_id}", "c-1")],
)
async def test_scope_of_a_union_id(union_scope: str | tuple[str, ...], scope: str) -> None:
    """The open id keeps its own."""
    ids = await read(union_scope, uid="u-1", org={"id": "org-1"}, number=7)
    assert ids == (PersonId.union_id("u-1", scope), PersonId.open_id("o-1", "c-1"))


@pytest.mark.parametrize("org", [None, "", " ", [], {}, True, "x" * 256])
async def test_no_scope_is_no_id(org: object) -> None:
    """A union id alone could be somebody else's elsewhere."""
    with pytest.raises(ProviderBadResponse, match="the scope of union_id"):
        await read("org", uid="u-1", org=org)


async def test_without_a_union_id_no_scope_is_needed() -> None:
    """Vendors leave both out for an app that has none."""
    assert await read("org") == (PersonId.open_id("o-1", "c-1"),)


@pytest.mark.parametrize(
    "claims",
    [
        {"open_id": "id", "union_scope": "org"},
        {"union_id": "id", "union_scope": "a{client_id}"},
        {"union_id": "id", "union_scope": ("org", "{client_id}")},
    ],
)
def test_scopes_that_are_refused(claims: dict[str, Any]) -> None:
    """It belongs to a union id, and is paths or one setting."""
    with pytest.raises(ValidationError, match="union_scope"):
        Claims(**claims)


def test_an_unknown_setting_stops_the_start() -> None:
    """A secret is none either: an id is written into the database."""
    for name in ("company", "client_secret"):
        with pytest.raises(SettingsError) as refused:
            make(Acme, claims=Claims(union_id="id", union_scope=f"{{{name}}}"))
        assert f"{name}: is missing, and union_scope of claims is that" in refused.value.mistakes
