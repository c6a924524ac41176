"""Stack Exchange: names with HTML entities, and people without an account on the site."""

import pytest

from connect_core.plugin import OAuth2Provider, PersonId, ProviderBadResponse
from connect_stackexchange import StackexchangeProvider

from ..kit.vendor_transport import make

PERSON = {"account_id": 291652, "user_id": 593944, "display_name": "Jos&#233; &amp; &lt;Co&gt;"}


def provider() -> OAuth2Provider:
    """A provider with a key."""
    return make(StackexchangeProvider, settings={"key": "U4DMV*8nvpm3EOpvf69Rxw(("})


def test_id_is_that_of_the_network() -> None:
    """The user id differs from site to site."""
    stack = provider()
    assert stack.read_ids(stack.claims, {"items": [PERSON]}) == (PersonId.user_id(291652),)


def test_entities_in_a_name_are_decoded() -> None:
    """The API sends names that are safe inside HTML."""
    assert provider().read_profile({"items": [PERSON]}).nickname == "José & <Co>"


def test_somebody_without_an_account_on_the_site_is_nobody() -> None:
    """The list is empty then."""
    stack = provider()
    with pytest.raises(ProviderBadResponse):
        stack.read_ids(stack.claims, {"items": []})


def test_one_provider_s_key_is_not_another_s() -> None:
    """The call's parameters are the object's, not the class's."""
    stack = provider()
    assert stack.quirks.userinfo_parameters["key"] == "U4DMV*8nvpm3EOpvf69Rxw(("
    assert StackexchangeProvider.quirks.userinfo_parameters["key"] == "{settings.key}"
