"""LINE: HS256 with the channel secret on the web, ES256 for apps, verification by LINE for LIFF apps."""

import hashlib
import hmac
import json
from typing import ClassVar

import pytest

from connect_core.errors import ProviderBadResponse, ProviderUnsigned
from connect_core.identity import ClientType, Identity, PersonId
from connect_core.testing import ProviderContract
from connect_line import LineProvider

from ..kit.openid import CLIENT, EC, NONCE, NOW, SECRET, Vendor, hand_in, log_in_with, make, response, sign, token

ISSUER = "https://access.line.me"
# https://access.line.me/.well-known/openid-configuration
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/oauth2/v2.1/authorize",
    "token_endpoint": "https://api.line.me/oauth2/v2.1/token",
    "jwks_uri": "https://api.line.me/oauth2/v2.1/jwks",
    "userinfo_endpoint": "https://api.line.me/oauth2/v2.1/userinfo",
    "code_challenge_methods_supported": ["S256"],
}
# https://developers.line.biz/en/docs/line-login/verify-id-token/#payload
CLAIMS = {
    "iss": ISSUER,
    "sub": "U1234567890abcdef1234567890abcdef",
    "aud": CLIENT,
    "exp": NOW + 3600,
    "iat": NOW,
    "nonce": NONCE,
    "amr": ["linesso"],
    "name": "Taro Line",
    "picture": "https://sample_line.me/aBcdefg123456",
}


class Line(LineProvider):
    """LINE at the time of the documented token."""

    now = staticmethod(lambda: float(NOW))


def signed(secret: str) -> str:
    """A web login's ID token; its header names no key."""
    head = json.dumps({"typ": "JWT", "alg": "HS256"})
    return sign(head, json.dumps(CLAIMS), lambda data: hmac.new(secret.encode(), data, hashlib.sha256).digest())


def line() -> Vendor:
    """LINE's documented answers."""
    return Vendor(discovery=DOCUMENT, jwks={"keys": [EC.public_jwk()]})


async def test_documented_token_names_a_person() -> None:
    """Keyed with the channel secret; the profile stands in it; the secret goes in the form."""
    vendor = line()
    identity = await log_in_with(signed(SECRET), vendor, kind=Line, issuer=ISSUER)
    assert identity.ids == (PersonId.union_id(CLAIMS["sub"], ISSUER),)
    assert identity.profile is not None
    assert identity.profile.nickname == "Taro Line"
    assert b"client_secret=" in vendor.requests[-1].content
    assert (vendor.count("jwks"), vendor.count("userinfo")) == (0, 0)


async def test_another_secret() -> None:
    """A token that another channel's secret signed is unsigned."""
    with pytest.raises(ProviderUnsigned):
        await log_in_with(signed("another"), line(), kind=Line, issuer=ISSUER)


async def test_public_key_is_no_secret() -> None:
    """The key that LINE publishes for apps keys no HS256."""
    for text in (EC.public_pem(), json.dumps(EC.public_jwk())):
        with pytest.raises(ProviderUnsigned):
            await log_in_with(signed(text), line(), kind=Line, issuer=ISSUER)


async def test_token_of_the_sdk() -> None:
    """ES256, by LINE's published key."""
    assert (await hand_in(token(key=EC, **CLAIMS), line(), kind=Line, issuer=ISSUER)).strongest.value == CLAIMS["sub"]


def liff_app(**answer: object) -> Vendor:
    """LINE's documented answer about the ID token of a LIFF app, for the client of the tests."""
    return Vendor(verify={**CLAIMS, "nonce": None, **answer})


async def hand_in_liff(vendor: Vendor) -> Identity:
    """Log in from a LIFF app."""
    return await make(vendor, Line, issuer=ISSUER).login_callback(response(ClientType.MINI, "the.id.token"))


async def test_liff_app_is_verified_by_line() -> None:
    """The token goes to LINE with the channel's id, and LINE says who it is."""
    vendor = liff_app()
    identity = await hand_in_liff(vendor)
    assert identity.ids == (PersonId.union_id(CLAIMS["sub"], ISSUER),)
    assert identity.profile is not None
    assert identity.profile.nickname == "Taro Line"
    assert [str(request.url) for request in vendor.requests] == ["https://api.line.me/oauth2/v2.1/verify"]
    assert vendor.requests[0].content == f"id_token=the.id.token&client_id={CLIENT}".encode()


@pytest.mark.parametrize("answer", [{"aud": "another"}, {"iss": "https://line.example"}, {"sub": None}, {"sub": 7}])
async def test_liff_app_of_another_channel(answer: dict[str, object]) -> None:
    """Whatever LINE verified, it has to be about this channel and name somebody."""
    with pytest.raises(ProviderBadResponse):
        await hand_in_liff(liff_app(**answer))


class TestContract(ProviderContract):
    """Both ways of signing."""

    plugin = "line"
    untrusted = ("missing_id", "wrong_nonce", "unsigned", "wrong_sign", "repeated_name")
    refusals: ClassVar = {"invalid_grant": "code_invalid", "invalid_client": "provider_config"}
