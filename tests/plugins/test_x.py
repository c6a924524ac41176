"""X's provider against X's documented answers."""

from typing import ClassVar

import pytest

from connect_core.plugin import CodeInvalid, PersonId, ProviderConfig, ProviderRefused
from connect_core.testing import ProviderContract
from connect_x import XProvider

from ..kit.vendor_transport import SECRET, VERIFIER, Transport, log_in, login_url, make, query

# https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/user-access-token
TOKENS = b'{"token_type":"bearer","expires_in":7200,"access_token":"dGhpcy1pcy1h","scope":"users.read tweet.read"}'
# https://docs.x.com/x-api/users/lookup/quickstart/authenticated-lookup
ME = (
    b'{"data":{"id":"2244994945","name":"X Developers","username":"XDevelopers",'
    b'"profile_image_url":"https://pbs.twimg.com/profile_images/1/normal.jpg"}}'
)


def answering(tokens: bytes | tuple[int, bytes] = TOKENS, me: bytes | tuple[int, bytes] = ME) -> Transport:
    """An X that answers so."""
    return Transport({"/2/oauth2/token": tokens, "/2/users/me": me})


async def test_link_is_the_documented_one() -> None:
    """X insists on a code challenge, and tells who a person is only with both scopes."""
    parameters = query(await login_url(make(XProvider)))
    assert (parameters["scope"], parameters["code_challenge_method"]) == ("users.read tweet.read", "S256")


async def test_documented_answers_name_a_person() -> None:
    """A confidential client authenticates in the header; the picture must be asked for."""
    transport = answering()
    identity = await log_in(make(XProvider, transport))
    assert identity.ids == (PersonId.user_id("2244994945"),)
    assert identity.profile is not None
    assert identity.profile.face == "https://pbs.twimg.com/profile_images/1/normal.jpg"
    assert transport.requests[0].headers["authorization"].startswith("Basic ")
    assert transport.parameters(0)["code_verifier"] == VERIFIER
    assert SECRET not in transport.parameters(0).values()
    assert transport.parameters(1) == {"user.fields": "profile_image_url"}


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        # what X answers for a code that is unknown, used or expired
        (answering((400, b'{"error":"invalid_request","error_description":"..."}')), CodeInvalid),
        (answering((401, b'{"error":"unauthorized_client","error_description":"..."}')), ProviderConfig),
        # https://docs.x.com/x-api/fundamentals/response-codes-and-errors
        (answering(me=(403, b'{"title":"Client Forbidden","reason":"client-not-enrolled"}')), ProviderConfig),
        (answering(me=(401, b'{"title":"Unauthorized","type":"about:blank","status":401}')), ProviderRefused),
    ],
)
async def test_documented_refusals(sent: Transport, kind: type[Exception]) -> None:
    """Words where X has some, the status where it has none."""
    with pytest.raises(kind):
        await log_in(make(XProvider, sent))


class TestContract(ProviderContract):
    """The id is in user-info, so every login asks for it."""

    plugin = "x"
    token_operation = "token"
    id_operation = "userinfo"
    untrusted = ("missing_id",)
    refusals: ClassVar = {"invalid_request": "code_invalid", "unauthorized_client": "provider_config"}
