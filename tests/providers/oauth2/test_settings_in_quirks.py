"""Settings of a provider's own stand in the parameters and headers of its requests as `{settings.NAME}`."""

import json
from typing import ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from connect_core.errors import SettingsError
from connect_core.identity import ClientType
from connect_core.plugin import Entrance, OAuth2Settings, Quirks
from connect_core.sandbox import OAuth2Sandbox

from ...kit.vendor_transport import TOKEN, TOKENS, Acme, Said, Transport, log_in, login_url, make, query, quirky

CLAIMS = '{"userinfo":{"shop":"{settings.shop}"}}'
ANSWERS: dict[str, Said] = {"/token": TOKENS, "/me": b'{"id":"1"}'}


class ShopSettings(OAuth2Settings):
    """A registration with a shop, and what a request may not have."""

    shop: str = "s-{1}"
    number: int = 7
    missing: str | None = None
    key: SecretStr = SecretStr("k-1")


class Shops(Acme):
    """Acme, which wants to know the shop in every request."""

    Settings: ClassVar[type[OAuth2Settings]] = ShopSettings
    quirks = quirky(
        authorize={"claims": CLAIMS},
        token_parameters={"shop": "{settings.shop}/{settings.number}"},
        userinfo_parameters={"shop": "{settings.shop}", "query": "{{me({settings.number})}}", "id": "{client_id}"},
        token_header={"X-Token": "{access_token} {settings.number}"},
        headers={"X-Shop": "{client_id} {settings.number}"},
    )


async def test_every_request_has_the_settings() -> None:
    """Braces of a value are no placeholders, and other braces of a constant parameter stay as they are."""
    transport = Transport(ANSWERS)
    provider = make(Shops, transport)
    assert json.loads(query(await login_url(provider))["claims"]) == {"userinfo": {"shop": "s-{1}"}}
    await log_in(provider)
    assert transport.parameters(0)["shop"] == "s-{1}/7"
    assert transport.parameters(1) == {"shop": "s-{1}", "query": "{me(7)}", "id": "c-1"}
    assert transport.requests[1].headers["x-token"] == f"{TOKEN} 7"
    assert [request.headers["x-shop"] for request in transport.requests] == ["c-1 7", "c-1 7"]


def test_two_registrations_have_their_own_settings() -> None:
    """The class keeps the placeholder."""
    first, second = (make(Shops, Transport(ANSWERS), settings={"shop": shop}) for shop in ("a", "b"))
    assert first.quirks.token_parameters == {"shop": "a/7"}
    assert second.quirks.token_parameters == {"shop": "b/7"}
    assert Shops.quirks.setting_names == {"shop", "number"}


def test_quirks_without_settings_are_shared() -> None:
    """Nothing is made anew for a provider that names no setting."""
    assert make(Acme, Transport(ANSWERS)).quirks is Acme.quirks


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "missing: is missing, and quirks have it as {settings.missing}"),
        ("nothing", "nothing: is missing, and quirks have it as {settings.nothing}"),
        ("key", "key: is a secret, which quirks cannot send; override complete_parameters"),
    ],
)
@pytest.mark.parametrize("field", ["authorize", "token_parameters", "userinfo_parameters", "headers"])
def test_a_setting_that_cannot_be_sent_ends_the_start(field: str, name: str, reason: str) -> None:
    """The reason names the setting, and not its value."""
    with pytest.raises(SettingsError) as caught:
        make(Shops, Transport(ANSWERS), quirks=quirky(**{field: {"x": f"{{settings.{name}}}"}}))
    assert reason in str(caught.value)
    assert "k-1" not in str(caught.value)


def test_other_names_stay_refused() -> None:
    """A misspelt placeholder is told, with those that are known."""
    with pytest.raises(
        ValidationError, match=r"setting\.shop: only .* and a setting of your own as \{settings\.NAME\}"
    ):
        Quirks(userinfo_parameters={"shop": "{setting.shop}"})


class ShopsSandbox(OAuth2Sandbox):
    """The vendor, where one shop is registered."""

    title = "Shops"
    provider = Shops

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, object]:
        """Return the shop too; the number has a default."""
        return {**super().settings(base_url, client_type), "shop": "s-1"}


def test_the_sandbox_expects_the_settings_of_its_client() -> None:
    """A request with another value is refused."""
    assert Entrance.REDIRECT in Shops.entrances.values()
    assert ShopsSandbox().quirks.token_parameters == {"shop": "s-1/7"}
