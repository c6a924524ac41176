"""Apple: form_post, a client secret that we sign, a name that comes once, and two names for one issuer."""

import json
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import pytest

from connect_apple import AppleProvider
from connect_apple.sandbox import AppleSandbox
from connect_core.crypto import SigningKey
from connect_core.errors import ProviderBadResponse, SettingsError
from connect_core.identity import PersonId
from connect_core.sandbox import read_jwt
from connect_core.testing import ProviderContract, Visitor, run_shop

from ..kit.clock import Clock
from ..kit.openid import CLIENT, EC, NONCE, NOW, RSA, Vendor, log_in, make, request, token

ISSUER = "https://appleid.apple.com"
# https://appleid.apple.com/.well-known/openid-configuration
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth/authorize",
    "token_endpoint": f"{ISSUER}/auth/token",
    "jwks_uri": f"{ISSUER}/auth/keys",
    "userinfo_endpoint": None,
    "code_challenge_methods_supported": None,
    "response_modes_supported": ["query", "fragment", "form_post"],
    "token_endpoint_auth_methods_supported": ["client_secret_post"],
}
# https://developer.apple.com/documentation/signinwithapplerestapi/authenticating-users-with-sign-in-with-apple
CLAIMS = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "001999.27b2e7d9a3a14ae5b1c2.0123",
    "iat": NOW,
    "exp": NOW + 86400,
    "nonce": NONCE,
    "nonce_supported": True,
    "email": "abc@privaterelay.appleid.com",
    "email_verified": "true",
    "is_private_email": "true",
    "auth_time": NOW,
}
# https://developer.apple.com/documentation/signinwithapplejs/configuring-your-webpage-for-sign-in-with-apple
USER = '{"name":{"firstName":"华","lastName":"李"},"email":"abc@privaterelay.appleid.com"}'
OWN: dict[str, Any] = {
    "issuer": ISSUER,
    "client_secret": None,
    "team_id": "TEAM123456",
    "key_id": "KEY1234567",
    "private_key": EC.pkcs8_pem(),
}


CLOCK = Clock(NOW)


class Apple(AppleProvider):
    """Apple at the time of the documented token."""

    now = CLOCK


def apple(**claims: object) -> Vendor:
    """Apple's documented answers."""
    return Vendor(token(**{**CLAIMS, **claims}), discovery=DOCUMENT)


async def test_link_is_the_documented_one() -> None:
    """The name is asked for, which makes the answer a POST; spaces are %20."""
    url = await make(apple(), Apple, **OWN).get_login_url(request())
    assert url.startswith(f"{ISSUER}/auth/authorize?response_type=code&client_id=c-1&")
    assert "&scope=openid%20name&" in url
    assert url.endswith("&response_mode=form_post")
    assert "code_challenge" not in url


async def test_documented_token_names_a_person() -> None:
    """The subject is the id; no e-mail is taken for one."""
    identity = await log_in(make(apple(), Apple, **OWN))
    assert identity.ids == (PersonId.union_id(CLAIMS["sub"], ISSUER),)
    assert identity.profile is None


@pytest.mark.parametrize("issuer", [ISSUER, "https://account.apple.com"])
async def test_two_names_are_one_issuer(issuer: str) -> None:
    """Both stand for the same person."""
    assert (await log_in(make(apple(iss=issuer), Apple, **OWN))).strongest.scope == ISSUER


@pytest.mark.parametrize("issuer", ["https://account.apple.com/", "https://apple.com", "account.apple.com", None])
async def test_no_third_name(issuer: object) -> None:
    """Nothing else does."""
    with pytest.raises(ProviderBadResponse):
        await log_in(make(apple(iss=issuer), Apple, **OWN))


async def test_name_comes_once_and_is_for_display() -> None:
    """`user` is unsigned: its name is shown, its e-mail and its id are not looked at."""
    identity = await log_in(make(apple(), Apple, **OWN), user=USER)
    assert identity.profile is not None
    assert (identity.profile.nickname, identity.strongest.value) == ("华 李", CLAIMS["sub"])
    for odd in ("", "x", "[]", '{"name":"x"}', '{"name":{"firstName":1}}', '{"name":null,"sub":"evil"}', "[" * 4000):
        assert (await log_in(make(apple(), Apple, **OWN), user=odd)).profile is None


async def test_client_secret_is_signed_and_kept() -> None:
    """ES256 by the team's key, for Apple alone, the same one until most of its hour is over."""
    vendor = apple(exp=NOW + 10**6, iat=NOW + 3000)
    provider, sent = make(vendor, Apple, **OWN), []
    for moment in (0, 3000, 3300, 6000, -100):
        CLOCK.set(NOW + moment)
        vendor.documents["token"]["id_token"] = token(**{**CLAIMS, "iat": NOW + moment, "exp": NOW + moment + 60})
        await log_in(provider)
        form = dict(parse_qsl(vendor.requests[-1].content.decode() or vendor.requests[-2].content.decode()))
        assert form["client_id"] == CLIENT
        sent.append(form["client_secret"])
    CLOCK.set(NOW)
    assert [sent.index(request) for request in sent] == [0, 0, 2, 2, 4]
    claims = read_jwt(sent[0], EC)
    assert claims == {"iss": "TEAM123456", "aud": ISSUER, "sub": CLIENT, "iat": NOW, "exp": NOW + 3600}


@pytest.mark.parametrize("key", [RSA.pkcs8_pem(), SigningKey.generate("ES384").pkcs8_pem(), "nonsense"])
def test_key_is_of_apples_kind(key: str) -> None:
    """A key that Apple cannot have given is refused at start-up."""
    with pytest.raises(SettingsError, match="private_key"):
        make(apple(), Apple, **{**OWN, "private_key": key})


class TestContract(ProviderContract):
    """The response is posted, and there is no user-info."""

    plugin = "apple"
    token_operation = "token"
    untrusted = ("missing_id", "wrong_nonce", "unsigned", "wrong_sign", "unknown_key", "repeated_name")
    refusals: ClassVar = {"invalid_grant": "code_invalid", "invalid_client": "provider_config"}


def test_name_survives_the_posted_response() -> None:
    """The form comes without our cookies, is sent round by GET, and brings the name the first time alone."""
    with run_shop({"apple": AppleSandbox()}) as shop, Visitor(shop) as visitor:
        callback = visitor.consent(visitor.begin("apple", "pc"))
        assert callback.startswith("/connect/apple/pc/callback?")
        assert visitor.http.get(callback).status_code == 303
        assert visitor.http.get("/connect/me").json()["nickname"] == "李华"
        assert visitor.log_in("apple", "h5").status_code == 303
        assert visitor.http.get("/connect/me").json()["nickname"] == "李华"
        assert json.loads(shop.rows("es_connect")[0]["profile"]) == {"nickname": "李华"}
