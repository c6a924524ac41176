"""Sandboxes written for the last release: methods with old names are called, and calls by old names warn."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from starlette.routing import BaseRoute

from connect_core.identity import ClientType
from connect_core.sandbox import OAuth2Sandbox, OidcSandbox, Sandbox


class PlainSandbox(Sandbox):
    """A sandbox with the new names."""

    title = "Plain"

    def routes(self) -> Sequence[BaseRoute]:
        """Return none."""
        return []

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, Any]:
        """Return none."""
        return {}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return a code that names the person."""
        return {"code": person}


def test_a_sandbox_method_with_its_old_name_is_called_by_the_new_one() -> None:
    """A subclass that overrides `hand_over` or a `tell_…` method is what the core calls, and `super()` still works."""

    def hand_over(self: Any, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        inherited = super(kind, self).hand_over(client_type, person, login_url)  # type: ignore[arg-type]
        return {"code": f"old {inherited['code']}"}

    with pytest.warns(DeprecationWarning, match="Old.hand_over is now called client_parameters") as warned:
        kind = type("Old", (PlainSandbox,), {"hand_over": hand_over})
    assert warned[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="hand_over is now called client_parameters"):
        assert kind().client_parameters(ClientType.MINI, "lihua") == {"code": "old lihua"}


OLD_METHODS = [
    (OAuth2Sandbox, "tell_tokens", "token_answer"),
    (OAuth2Sandbox, "tell_ids", "id_answer"),
    (OAuth2Sandbox, "tell_person", "userinfo_answer"),
    (OAuth2Sandbox, "tell_error", "error_answer"),
    (OidcSandbox, "tell_profile", "profile_claims"),
    (OidcSandbox, "tell_claims", "id_token_claims"),
    (OidcSandbox, "tell_with_code", "response_parameters"),
]


@pytest.mark.parametrize(("base", "old", "new"), OLD_METHODS, ids=[old for _, old, _ in OLD_METHODS])
def test_every_renamed_sandbox_method_is_found_by_both_names(base: type, old: str, new: str) -> None:
    """Overriding the old name overrides the new one; calling the old one warns."""
    with pytest.warns(DeprecationWarning, match=f"{old} is now called {new}"):
        kind = type("Old", (base,), {old: lambda *_: "mine"})
    assert getattr(kind, new)(None) == "mine"
    assert getattr(base, new).__doc__ == getattr(base, old).__doc__


def test_a_sandbox_is_called_by_the_old_name() -> None:
    """Tests of a plugin that call `hand_over` get the new method's answer."""
    mine = cast("Any", PlainSandbox())
    with pytest.warns(DeprecationWarning, match="hand_over is now called client_parameters") as warned:
        assert mine.hand_over(ClientType.MINI, "lihua") == {"code": "lihua"}
    assert warned[0].filename == __file__
