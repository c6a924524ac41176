"""Telegram: the number in `id` names a person, and a code challenge stands in for the nonce."""

from urllib.parse import parse_qs, urlsplit

import pytest

from connect_core.errors import ProviderBadResponse
from connect_core.identity import PersonId
from connect_telegram import TelegramProvider

from ..kit.openid import NOW, Vendor, log_in_with, make, request, token

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
