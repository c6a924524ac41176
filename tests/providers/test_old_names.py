"""Plugins written for the last release: old names of the faces and of optional methods work, and say the new ones."""

import logging
from types import MappingProxyType
from typing import Any, ClassVar, cast

import pytest

from connect_core import harness, plugin, sandbox, testing
from connect_core.identity import ClientType, Identity, PersonId
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    DeepLinks,
    Entrance,
    Provider,
    ProviderSettings,
    WorksInSomeBrowsers,
)
from connect_core.providers.registry import Plugins

START = "https://shop.example/connect/old/h5/login"


class OldProvider(Provider):
    """A provider with the methods of the last release."""

    union_type = "OLD"
    titles = MappingProxyType({"en": "Old", "zh": "旧"})
    entrances: ClassVar = {ClientType.H5: Entrance.REDIRECT}
    Settings: ClassVar = ProviderSettings

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return a fixed address."""
        return "https://old.example/"

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Take the code for an id."""
        return Identity("OLD", (PersonId.user_id(response.code),), "old")

    def get_wake_up_url(self, start_url: str, user_agent: str) -> str | None:
        """Return the deep link under its old name."""
        return f"old://{start_url}"

    def find_better_place(self, client_type: ClientType, user_agent: str) -> plugin.RequiredBrowser | None:
        """Return the browser under its old name."""
        return plugin.RequiredBrowser.BROWSER


def registered(provider: type[Provider]) -> type[Provider]:
    """Return the class that the register has after a plugin registered `provider`."""
    hooks = type("Hooks", (), {"connect_register_providers": staticmethod(plugin.provider_hook("old", provider))})
    return Plugins([("old", hooks())], discover=False).available["old"].provider


def derived(*bases: type) -> type[Provider]:
    """Return a class of its own, because registering one changes it."""
    return cast("type[Provider]", type("Derived", (OldProvider, *bases), {"__module__": __name__}))


def configured(provider: type[Provider]) -> Any:
    """Return the provider without an HTTP client, which these methods do not use."""
    return provider(ProviderSettings(), cast("Any", None))


@pytest.mark.parametrize("bases", [(), (DeepLinks, WorksInSomeBrowsers)], ids=["alone", "with the protocols"])
def test_methods_with_old_names_are_called_by_their_new_ones(
    bases: tuple[type, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """`get_wake_up_url` is `get_deep_link`, `find_better_place` is `find_required_browser`; the log names the class."""
    provider = configured(registered(derived(*bases)))
    assert isinstance(provider, DeepLinks)
    assert isinstance(provider, WorksInSomeBrowsers)
    assert provider.get_deep_link(START, "") == f"old://{START}"
    assert provider.find_required_browser(ClientType.H5, "") is plugin.RequiredBrowser.BROWSER
    lines = [cast("Any", record) for record in caplog.records if record.message == "provider_method_renamed"]
    assert [line.levelno for line in lines] == [logging.WARNING] * 2
    assert [(line.old, line.new) for line in lines] == [
        ("get_wake_up_url", "get_deep_link"),
        ("find_better_place", "find_required_browser"),
    ]
    assert {line.provider_class for line in lines} == {f"{__name__}.Derived"}


def test_methods_with_new_names_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """A plugin that serves two releases has both names, and is told nothing."""
    both = {
        "get_deep_link": lambda *_: "new",
        "find_required_browser": lambda *_: None,
    }
    provider = configured(registered(cast("type[Provider]", type("Both", (OldProvider,), both))))
    assert provider.get_deep_link(START, "") == "new"
    assert provider.find_required_browser(ClientType.H5, "") is None
    assert caplog.records == []


@pytest.mark.parametrize(
    ("face", "old", "new"),
    [
        (plugin, "Elsewhere", plugin.RequiredBrowser),
        (plugin, "WakesApp", plugin.DeepLinks),
        (plugin, "offer", plugin.provider_hook),
        (testing, "Stage", harness.RunningShop),
        (testing, "on_stage", harness.run_shop),
    ],
)
def test_a_face_still_has_its_old_names(face: Any, old: str, new: object) -> None:
    """The old name is the new thing, with a warning at the line that uses it."""
    with pytest.warns(DeprecationWarning, match=f"{face.__name__}.{old} is now called {new.__name__}") as warned:  # type: ignore[attr-defined]
        assert getattr(face, old) is new
    assert warned[0].filename == __file__
    assert old not in face.__all__


@pytest.mark.parametrize("face", [plugin, testing, sandbox])
def test_a_name_that_never_was_is_an_error(face: Any) -> None:
    """What is renamed does not hide what is misspelt."""
    with pytest.raises(AttributeError, match="Ofer"):
        face.Ofer  # noqa: B018 - looking it up is the test


def test_a_response_can_be_made_by_the_old_name() -> None:
    """`AuthorizationResponse.of_redeemed_flow` is `of_spent_flow`, for plugins' tests."""
    with pytest.warns(DeprecationWarning, match="of_redeemed_flow is now called of_spent_flow") as warned:
        response = AuthorizationResponse.of_redeemed_flow(client_type=ClientType.PC, code="c", parameters={"code": "c"})
    assert (response.code, response.redirect_uri) == ("c", "")
    assert warned[0].filename == __file__


def test_a_visitor_is_called_by_the_old_name() -> None:
    """`Visitor.hand_over` is `client_parameters`."""
    visitor = type("Quiet", (harness.Visitor,), {"client_parameters": lambda *_: {"code": "c"}})
    with pytest.warns(DeprecationWarning, match=r"Visitor\.hand_over is now called client_parameters"):
        assert object.__new__(visitor).hand_over("old", "mini") == {"code": "c"}
