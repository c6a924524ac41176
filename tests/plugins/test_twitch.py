"""Twitch's errors: the token call has sentences, of which only those count that are known."""

import pytest

from connect_core.plugin import CodeInvalid, ConnectError, PersonId, ProviderConfig, ProviderRefused
from connect_twitch import TwitchProvider

from ..kit.vendor_transport import Said, Transport, log_in, make

TOKENS = b'{"access_token":"rfx2uswqe8l4g1mkagrvg5tv0ks3","expires_in":14124,"scope":[],"token_type":"bearer"}'
ME = b'{"data":[{"id":"141981764","login":"twitchdev","display_name":"TwitchDev"}]}'


def answering(tokens: Said = TOKENS, me: Said = ME) -> Transport:
    """Return a Twitch that answers so."""
    return Transport({"/oauth2/token": tokens, "/helix/users": me})


async def test_client_id_is_in_a_header() -> None:
    """Twitch refuses a call without the client's id."""
    transport = answering()
    identity = await log_in(make(TwitchProvider, transport))
    assert identity.ids == (PersonId.user_id("141981764"),)
    assert transport.requests[-1].headers["client-id"] == "c-1"


@pytest.mark.parametrize(
    ("answer", "error", "vendor"),
    [
        ((400, b'{"status":400,"message":"Invalid authorization code"}'), CodeInvalid, "Invalid authorization code"),
        ((403, b'{"status":403,"message":"invalid client secret"}'), ProviderConfig, "invalid client secret"),
        ((400, b'{"status":400,"message":"invalid client"}'), ProviderConfig, "invalid client"),
    ],
)
async def test_known_sentences_are_errors(answer: Said, error: type[ConnectError], vendor: str) -> None:
    """A sentence of the table has a code of ours, and stands in the log."""
    with pytest.raises(error) as raised:
        await log_in(make(TwitchProvider, answering(answer)))
    assert raised.value.vendor["error"] == vendor


@pytest.mark.parametrize(
    "body", [b'{"status":400,"message":"code c0de is unknown"}', b'{"message":["a"]}', b"[]", b"\xff", b""]
)
async def test_other_sentences_are_not_repeated(body: bytes) -> None:
    """A sentence that is not known might repeat a secret, so the log has the status alone."""
    with pytest.raises(ProviderRefused) as raised:
        await log_in(make(TwitchProvider, answering((400, body))))
    assert raised.value.vendor == {"status": "400"}


async def test_dead_token() -> None:
    """The API has a word in `error`."""
    body = b'{"error":"Unauthorized","status":401,"message":"Invalid OAuth token"}'
    with pytest.raises(CodeInvalid):
        await log_in(make(TwitchProvider, answering(me=(401, body))))
