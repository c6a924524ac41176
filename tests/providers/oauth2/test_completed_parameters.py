"""Calls with a person's token whose parameters a provider adds to, or signs."""

from collections.abc import Mapping

import pytest

from connect_core.errors import ProviderConfig
from connect_core.identity import PersonId
from connect_core.plugin import Claims

from ...kit.vendor_transport import SECRET, TOKEN, TOKENS, Acme, Said, Transport, log_in, make, quirky


class Signing(Acme):
    """Acme, which wants each call signed."""

    id_url = "https://acme.example/id"
    id_claims = Claims(open_id="openid")
    claims = Claims(nickname="name")
    quirks = quirky(
        id_parameters={"token": "{access_token}"},
        userinfo_parameters={"who": "{open_id}", "id": "{client_id}"},
        userinfo_extras={"more": "phone"},
    )

    def complete_parameters(self, operation: str, parameters: Mapping[str, str], token: str) -> Mapping[str, str]:
        """Add everything that a signature could be made of."""
        return {**parameters, "sign": "/".join([operation, *sorted(parameters.values()), token, self.client_secret])}


async def test_parameters_are_completed_when_they_are_filled_in() -> None:
    """Each call gets its own signature, the one that leaves extras out as well; the token stands where it did."""
    answers: dict[str, Said] = {
        "/token": TOKENS,
        "/id": b'{"openid":"o-1"}',
        "/me": (403, b'{"error":"insufficient_scope"}'),
    }
    transport = Transport(answers)
    provider = make(Signing, transport)
    identity = await log_in(provider)
    assert identity.ids == (PersonId.open_id("o-1", "c-1"),)
    assert transport.parameters(1) == {"token": TOKEN, "sign": f"id/{TOKEN}/{TOKEN}/{SECRET}"}
    with pytest.raises(ProviderConfig):
        await provider.fetch_profile(identity)
    assert transport.parameters(2)["sign"] == f"userinfo/c-1/o-1/phone/{TOKEN}/{SECRET}"
    assert transport.parameters(3)["sign"] == f"userinfo/c-1/o-1/{TOKEN}/{SECRET}"
    assert transport.requests[3].headers["authorization"] == f"Bearer {TOKEN}"


class SigningTokenCall(Acme):
    """Acme, which wants the token call signed and no secret in it."""

    quirks = quirky(
        client_auth="none", token_names={"client_id": "app_key"}, token_parameters={"sign_method": "sha256"}
    )

    def complete_token_parameters(self, parameters: Mapping[str, str]) -> Mapping[str, str]:
        """Add everything that a signature could be made of."""
        return {**parameters, "sign": "/".join([*sorted(parameters), self.client_secret])}


@pytest.mark.parametrize("method", ["form", "get"])
async def test_the_token_call_can_be_signed(method: str) -> None:
    """The signature covers what is sent, under the vendor's names; the person's calls have none."""
    quirks = SigningTokenCall.quirks.model_copy(update={"token_method": method})
    transport = Transport({"/token": TOKENS, "/me": b'{"id":"7"}'})
    await log_in(make(SigningTokenCall, transport, quirks=quirks))
    sent = transport.parameters(0)
    assert sent.pop("sign") == "/".join([*sorted(sent), SECRET])
    assert sent["app_key"] == "c-1"
    assert SECRET not in sent.values()
    assert "sign" not in transport.parameters(1)


def test_without_a_secret_there_is_the_empty_text() -> None:
    """A public client has none."""
    provider = make(Acme, settings={"client_secret": None}, quirks=quirky(client_auth="none"))
    assert provider.client_secret == ""
