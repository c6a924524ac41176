"""Telegram: the number in `id` names a person, a challenge stands in for the nonce, and a Mini App's data is signed."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from connect_core.errors import CodeInvalid, ConnectError, ProviderBadResponse, ProviderUnsigned
from connect_core.http import HttpPool
from connect_core.identity import ClientType, Identity, PersonId
from connect_core.testing import ProviderContract
from connect_telegram import TelegramProvider
from connect_telegram.mini_app import TelegramMiniProvider
from connect_telegram.sandbox import BOT_TOKEN, TelegramMiniSandbox

from ..kit.openid import NOW, Vendor, log_in_with, make, request, response, token

# https://core.telegram.org/bots/telegram-login#user-data-structure
USER = {"sub": "1234123412341234123", "id": 987654321, "name": "John Doe", "preferred_username": "johndoe"}


class Telegram(TelegramProvider):
    """Telegram at the time of the token."""

    now = staticmethod(lambda: float(NOW))


async def test_documented_token_names_a_person() -> None:
    """The id is the one that bots and Mini Apps know."""
    identity = await log_in_with(token(nonce=None, **USER), kind=Telegram)
    assert identity.ids == (PersonId.user_id(987654321),)
    assert identity.profile is not None
    assert identity.profile.nickname == "John Doe"


@pytest.mark.parametrize("claims", [{"id": None}, {"id": 1.5}, {"id": True}, {"nonce": "of-somebody"}])
async def test_token_that_names_nobody(claims: dict[str, object]) -> None:
    """`sub` is no substitute for a number; a nonce that nobody sent belongs to another login."""
    with pytest.raises(ProviderBadResponse):
        await log_in_with(token(**{"nonce": None, **USER, **claims}), kind=Telegram)


async def test_login_url_has_a_challenge_and_no_nonce() -> None:
    """Whatever the discovery document says."""
    vendor = Vendor(discovery={"code_challenge_methods_supported": None})
    query = parse_qs(urlsplit(await make(vendor, Telegram).get_login_url(request())).query)
    assert "nonce" not in query
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["openid profile"]


async def open_mini_app(init_data: str) -> Identity:
    """Log in with the data of a Mini App, now."""
    settings = TelegramMiniProvider.Settings.model_validate({"client_id": "123456", "bot_token": BOT_TOKEN})
    provider = TelegramMiniProvider(settings, HttpPool().for_provider("telegram-mini"))  # type: ignore[arg-type]
    provider.now = lambda: float(NOW)
    return await provider.login_callback(response(ClientType.MINI, init_data))


def signed(token: str = BOT_TOKEN, age: float = 0, **fields: str) -> str:
    """Data of a Mini App that this person opened `age` seconds ago."""
    user = json.dumps({"id": 987654321, "first_name": "Zoë 李", "last_name": "Doe", "username": "johndoe"})
    return TelegramMiniSandbox(now=lambda: NOW - age).sign(token=token, **{"user": user, **fields})


async def test_mini_app_names_the_same_person() -> None:
    """The same number as in a web page's ID token, with a name outside of ASCII."""
    identity = await open_mini_app(signed(age=3599))
    assert identity.ids == (PersonId.user_id(987654321),)
    assert identity.profile is not None
    assert identity.profile.nickname == "Zoë 李 Doe"


@pytest.mark.parametrize(
    ("init_data", "error"),
    [
        (signed(token="123456:another"), ProviderUnsigned),
        (signed().replace("Doe", "Roe"), ProviderUnsigned),
        (signed() + "&extra=1", ProviderUnsigned),
        (signed().partition("&hash=")[0], ProviderUnsigned),
        (signed(age=3601), CodeInvalid),
        (signed(age=-61), CodeInvalid),
        (signed() + "&user=%7B%22id%22%3A1%7D", CodeInvalid),
        (urlencode({"hash": "0" * 64}), CodeInvalid),
        ("no data", CodeInvalid),
        (signed(user=""), ProviderBadResponse),
        (signed(user=json.dumps({"id": 7.5})), ProviderBadResponse),
        (signed(user=json.dumps({"id": "987654321"})), ProviderBadResponse),
    ],
)
async def test_mini_app_that_names_nobody(init_data: str, error: type[ConnectError]) -> None:
    """Foreign, changed, old, repeated or empty data."""
    with pytest.raises(error):
        await open_mini_app(init_data)


class TestMiniContract(ProviderContract):
    """A login without a call."""

    plugin = "telegram-mini"
