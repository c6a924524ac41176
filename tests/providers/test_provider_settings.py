"""A provider's settings, checked against its plugin's own type; and that no secret of a configuration is ever told."""

import base64
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, SecretStr, ValidationError

from connect_core.errors import SettingsError
from connect_core.identity import ClientType
from connect_core.settings import (
    Endpoint,
    ProviderSettings,
    check_provider_settings,
    explain,
    parse_settings,
)

from ..kit.canaries import CANARY, every_text
from ..kit.configurations import raw


class Acme(ProviderSettings):
    """A plugin's settings."""

    app_id: str
    app_secret: SecretStr
    gateway_url: Endpoint = "https://api.acme.example"


def test_a_providers_settings_become_the_plugins_own_type() -> None:
    """A plugin gets what it declared, with the keys that all share."""
    given = check_provider_settings(Acme, {"app_id": "1", "app_secret": CANARY}, "providers.acme")
    assert isinstance(given, Acme)
    assert given.app_secret.get_secret_value() == CANARY
    assert given.profile_max_age == 30 * 24 * 3600
    with pytest.raises(ValidationError):
        given.app_id = "2"


def test_keys_of_a_shared_account_may_serve_other_software() -> None:
    """An account's key that the plugin does not know is ignored; the provider's own is not."""
    values = {"app_id": "1", "app_secret": "s", "notify_url": "https://shop.example/paid"}
    check_provider_settings(Acme, values, "providers.acme", frozenset({"app_id", "notify_url"}))
    with pytest.raises(SettingsError, match=r"^providers\.acme\.notify_url: unknown key$"):
        check_provider_settings(Acme, values, "providers.acme", frozenset({"app_id"}))
    with pytest.raises(SettingsError, match=r"^providers\.acme\.app_id: Input should be a valid string$"):
        check_provider_settings(Acme, {**values, "app_id": 1}, "providers.acme", frozenset(values))


@pytest.mark.parametrize(
    ("key", "near"),
    [("app_ids", "app_id"), ("plugn", "plugin"), ("minni", "mini"), ("profile_maxage", "profile_max_age")],
)
def test_an_unknown_key_of_a_provider_is_told_with_the_nearest(key: str, near: str) -> None:
    """The plugin's own keys, those that all providers share and those of the core are known ones."""
    values = {"app_id": "1", "app_secret": "s", key: "x"}
    with pytest.raises(SettingsError, match=rf"^providers\.acme\.{key}: unknown key; did you mean `{near}`\?$"):
        check_provider_settings(Acme, values, "providers.acme")


def test_explain_gives_each_mistake_a_line_with_its_path() -> None:
    """Paths run through tables and lists; a plugin's own sentence is given as it stands."""

    def even(number: int) -> int:
        if number % 2:
            raise ValueError("give an even number")
        return number

    class Part(BaseModel):
        model_config = {"extra": "forbid"}
        number: Annotated[int, AfterValidator(even)]

    class Whole(BaseModel):
        part: Part
        parts: list[Part]
        named: Mapping[ClientType, int] = {}

    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({"part": {"numbr": 2}, "parts": [{"number": 2}, {"number": 3}], "named": {"x": 1}})
    assert explain(caught.value, Whole, "top") == [
        "top.part.number: is missing",
        "top.part.numbr: unknown key; did you mean `number`?",
        "top.parts.1.number: give an even number",
        "top.named.x: Input should be 'pc', 'h5', 'app' or 'mini'",
    ]


def test_no_secret_stands_in_a_repr() -> None:
    """What is printed of a configuration, whole or in part, holds no secret of the core's or of a plugin's."""
    secret = base64.urlsafe_b64encode(CANARY.encode() * 3)[:43].decode()
    settings = parse_settings(
        raw(
            service={"secret_keys": [secret], "database_url": f"mysql+pymysql://shop:{CANARY}@db/shop"},
            accounts={"pay": {"private_key": CANARY}},
            providers={"acme": {"app_secret": CANARY, "mini": {"app_secret": CANARY}}},
        )
    )
    acme = check_provider_settings(Acme, {"app_id": "1", "app_secret": CANARY}, "providers.acme")
    for shown in (settings, settings.service, acme):
        assert CANARY not in f"{shown} {shown!r}"
        assert secret not in f"{shown} {shown!r}"
    assert "public_url" in repr(settings)


def test_no_value_stands_in_an_error() -> None:
    """A mistake names its key; what stood there, a secret perhaps, is not repeated in anything that hangs on it."""
    wrong: dict[str, Any] = {
        "service": {
            "public_url": f"https://user:{CANARY}@shop.example",
            "database_url": [CANARY],
            "secret_keys": [CANARY, {CANARY}],
            "redirect_allow": [f"https://shop.example:{CANARY}"],
            "trusted_proxies": [CANARY],
            "first_login": CANARY,
            "prefix": CANARY,
        },
        "limits": {"vendor_calls": CANARY, "per_address": CANARY},
        "accounts": {"pay": CANARY},
        "providers": {"acme": {"mini": CANARY}},
    }
    with pytest.raises(SettingsError) as caught:
        parse_settings(wrong)
    assert len(caught.value.mistakes) >= 10
    assert CANARY not in every_text(caught.value)
    with pytest.raises(SettingsError) as caught:
        check_provider_settings(Acme, {"app_id": [CANARY], "app_secret": {"x": CANARY}, "gateway_url": CANARY}, "p")
    assert len(caught.value.mistakes) == 3
    assert CANARY not in every_text(caught.value)
