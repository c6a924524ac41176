"""Durations in the configuration: seconds, or a text with units, for every key that is a time."""

import os
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, BeforeValidator

from connect_core import plugin
from connect_core.errors import SettingsError
from connect_core.identity import ClientType
from connect_core.providers.registry import Plugins
from connect_core.settings import ProviderSettings, Settings, check_provider_settings, parse_settings
from connect_core.settings.values import parse_duration

FORMS = 'give whole seconds, or a text such as "30s", "10m", "12h", "7d", "2w" or "1h30m"'
SERVICE = {"public_url": "https://shop.example", "secret_keys": ["A" * 43]}


class AcmeSettings(plugin.ProviderSettings):
    """A plugin's settings with a time of its own."""

    code_life: plugin.Duration = plugin.Field(default=300, ge=10)


def read(value: object) -> int:
    """The seconds that a plugin gets for `code_life = value`."""
    settings = check_provider_settings(AcmeSettings, {"code_life": value}, "providers.acme")
    assert isinstance(settings, AcmeSettings)
    return settings.code_life


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (600, 600),
        ("600", 600),
        ("30s", 30),
        ("10m", 600),
        ("12h", 43200),
        ("7d", 604800),
        ("2w", 1209600),
        ("1h30m", 5400),
        ("1w2d3h4m5s", 788645),
        ("90m", 5400),
        ("010s", 10),
    ],
)
def test_a_duration_is_seconds_or_a_text_with_units(value: object, seconds: int) -> None:
    """One unit, or several with the largest first; a text without one is in seconds, as `env:` brings it."""
    assert read(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "m", "h30", "1.5h", "-5m", "+5m", "5 m", " 5m", "5m ", "5m\n", "600\n", "5M", "5min", "1y", "1ms"),
        *("30m1h", "5m5m", "5m30", "1_000s", "\uff11\uff10m", "\u0661s", "P7D", "1" * 10, "1" * 5000 + "s"),
        *(True, False, 1.5, 600.0, [600], {"m": 10}),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_what_is_no_duration_is_refused_with_the_forms(value: object) -> None:
    """The mistake names the key and what would do, and does not repeat the value."""
    with pytest.raises(SettingsError) as caught:
        read(value)
    assert list(caught.value.mistakes) == [f"providers.acme.code_life: {FORMS}"]


@pytest.mark.parametrize("value", [9, "9s", "0m", 0, -600])
def test_the_bounds_of_a_key_hold_for_every_form(value: object) -> None:
    """A unit is no way around `ge`."""
    with pytest.raises(SettingsError) as caught:
        read(value)
    assert list(caught.value.mistakes) == ["providers.acme.code_life: give 10s or more"]


def test_a_duration_comes_by_indirection_too() -> None:
    """A variable is text, with a unit or without."""
    os.environ.update(CONNECT_TEST_IDLE="90m", CONNECT_TEST_ABSOLUTE="86400")
    sessions = {"idle": "env:CONNECT_TEST_IDLE", "absolute": "env:CONNECT_TEST_ABSOLUTE"}
    lifetimes = parse_settings({"service": SERVICE, "sessions": sessions}).sessions
    assert (lifetimes.idle, lifetimes.absolute) == (5400, 86400)


def test_texts_and_seconds_give_equal_settings() -> None:
    """The whole configuration is the same, whichever form its times have."""
    texts = parse_settings(
        {
            "service": {**SERVICE, "unbind_after": "1d", "merge_undo_within": "2w"},
            "sessions": {"access_token": "20m", "idle": "7d", "absolute": "30d", "reauth_after": "10m"},
        }
    )
    seconds = parse_settings(
        {
            "service": {**SERVICE, "unbind_after": 86400, "merge_undo_within": 1209600},
            "sessions": {"access_token": 1200, "idle": 604800, "absolute": 2592000, "reauth_after": 600},
        }
    )
    assert texts == seconds


def test_a_client_type_has_a_duration_of_its_own() -> None:
    """`profile_max_age` is read with its unit from the tables of a provider and a client type."""
    providers = {"acme": {"profile_max_age": "1d", "mini": {"profile_max_age": "1h"}}}
    settings = parse_settings({"service": SERVICE, "providers": providers})
    ages = [
        check_provider_settings(ProviderSettings, settings.merged("acme", client), "providers.acme").profile_max_age
        for client in (ClientType.PC, ClientType.MINI)
    ]
    assert ages == [86400, 3600]


def walk_whole_numbers(model: type[BaseModel], path: str) -> Iterator[str]:
    """The keys of `model`, and of the tables in it, that take a whole number without a unit."""
    for key, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from walk_whole_numbers(field.annotation, f"{path}{key}.")
        is_duration = any(isinstance(mark, BeforeValidator) and mark.func is parse_duration for mark in field.metadata)
        if field.annotation in (int, float) and not is_duration:
            yield f"{path}{key}"


def test_every_key_that_is_a_time_takes_units() -> None:
    """Whole numbers without a unit, in the core's settings and our plugins', count something else."""
    models = [kind.provider.Settings for kind in Plugins().available.values()]
    assert list(walk_whole_numbers(Settings, "")) == [
        "service.database_pool_size",
        "limits.vendor_calls",
        "events.redis_stream_length",
    ]
    assert [key for model in models for key in walk_whole_numbers(model, "")] == []
