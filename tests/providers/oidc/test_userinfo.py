"""User-info as a signed JWT (OpenID Connect Core §5.3.2): read where it is right, refused where it is forged."""

import json
from typing import Any

import pytest

from connect_core.errors import ContradictingAnswer, ProviderBadResponse, ProviderUnsigned
from connect_core.identity import Profile

from ...kit.openid import CLIENT, EC, ISSUER, NOW, OTHER, RSA, SECRET, Vendor, log_in, make, sign, token

CLAIMS: dict[str, Any] = {"name": "李华", "exp": None, "iat": None, "nonce": None}


async def profile_from(body: str, **settings: Any) -> Profile | None:
    """Return the profile when user-info answers `body`."""
    vendor = Vendor(userinfo=body.encode())
    provider = make(vendor, **settings)
    return (await provider.fetch_profile(await log_in(provider))).profile


@pytest.mark.parametrize(
    "claims",
    [
        *({}, {"iss": None}, {"aud": None}, {"aud": [CLIENT, "another"]}, {"exp": NOW + 9}, {"iss": None, "aud": None}),
        *({"iss": ""}, {"aud": ""}, {"exp": ""}),  # there, and empty
    ],
)
@pytest.mark.parametrize("key", [RSA, EC])
async def test_signed_user_info_is_read(claims: dict[str, Any], key: Any) -> None:
    """By any key of the provider; issuer, audience and times may be missing or empty."""
    assert await profile_from(token(key=key, **CLAIMS | claims)) == Profile(nickname="李华")
    assert await profile_from(f"\n{token(key=key, **CLAIMS | claims)}\n") == Profile(nickname="李华")


async def test_the_audience_may_be_one_of_ours() -> None:
    """The client of a shop's own app stands in `audiences`."""
    assert await profile_from(token(**CLAIMS, aud="app-1"), audiences=("app-1",)) == Profile(nickname="李华")


@pytest.mark.parametrize("claims", [{"iss": "https://evil.example"}, {"aud": "another"}, {"aud": []}, {"sub": "other"}])
async def test_user_info_that_contradicts_the_proof_fails_the_login(claims: dict[str, Any]) -> None:
    """Another issuer, another client, another person."""
    with pytest.raises(ContradictingAnswer):
        await profile_from(token(**CLAIMS | claims))


def forged() -> dict[str, str]:
    """Return signed user-info that the provider did not sign."""
    right = token(**CLAIMS)
    head, body, _ = right.split(".")
    hs256 = json.dumps({"alg": "HS256"})
    return {
        "another's key": token(key=OTHER, **CLAIMS),
        "another's key under our name": token(key=OTHER, header={"kid": RSA.kid}, **CLAIMS),
        "no signature": f"{head}.{body}.",
        "alg none": sign(json.dumps({"alg": "none"}), json.dumps({"sub": "person-1"}), lambda _: b"x"),
        "a secret": sign(hs256, json.dumps({"sub": "person-1"}), lambda _: SECRET.encode()),
        "changed": f"{head}.{body[:-8]}{'AAAAAAAA'}.{right.rpartition('.')[2]}",
    }


@pytest.mark.parametrize("case", forged())
async def test_forged_user_info_fails_the_login(case: str) -> None:
    """What nobody of the provider signed is worse than no user-info."""
    with pytest.raises(ProviderUnsigned):
        await profile_from(forged()[case])


UNREADABLE = {
    "encrypted": "e30.e30.e30.e30.e30",
    "an algorithm that we do not have": token(header={"alg": "ES256K"}),
    "no person": token(**CLAIMS | {"sub": None}),
    "over": token(**CLAIMS | {"exp": NOW - 100}),
    "a page": "<html>",
    "half": token()[:10],
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_user_info_that_cannot_be_read_is_done_without(case: str) -> None:
    """It is neither `ContradictingAnswer` nor `ProviderUnsigned`, so the login stands."""
    with pytest.raises(ProviderBadResponse) as caught:
        await profile_from(UNREADABLE[case])
    assert not isinstance(caught.value, ContradictingAnswer)


async def test_a_refusal_is_not_taken_for_a_token() -> None:
    """The issuer of the profile is the ID token's, whatever the answer looks like."""
    assert await profile_from(json.dumps({"sub": "person-1", "iss": ISSUER, "name": "x"})) == Profile(nickname="x")
