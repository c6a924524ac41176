"""Everything an ID token can be but right, and that no such token logs anybody in."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from connect_core.crypto import SigningKey, encode_part
from connect_core.errors import ProviderBadResponse, ProviderFault, ProviderUnsigned
from connect_core.identity import ClientType, PersonId
from connect_core.providers.oidc import OidcProvider
from connect_core.providers.oidc.discovery import Metadata
from connect_core.providers.oidc.id_token import SKEW

from ...kit.openid import (
    ACCESS,
    BODY,
    CLAIMS,
    CLIENT,
    EC,
    HEAD,
    ISSUER,
    NONCE,
    NOW,
    OTHER,
    RSA,
    SECRET,
    Acme,
    Vendor,
    hand_in,
    log_in_with,
    make,
    refused,
    response,
    sign,
    token,
)


def with_hmac(secret: bytes) -> str:
    """An HS256 token keyed with `secret`."""
    return sign(
        json.dumps({"alg": "HS256", "kid": RSA.kid}), BODY, lambda data: hmac.new(secret, data, hashlib.sha256).digest()
    )


@pytest.mark.parametrize("key", [RSA, EC])
async def test_right_token_logs_in(key: SigningKey) -> None:
    """The one that is right: its subject within its issuer is the id, byte for byte."""
    identity = await log_in_with(token(key=key))
    assert identity.ids == (PersonId.union_id("person-1", ISSUER),)
    assert (identity.union_type, identity.app_id, identity.grant) == ("ACME", CLIENT, ACCESS)


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512"])
async def test_every_algorithm_of_a_key_is_taken(algorithm: str) -> None:
    """What the class allows and the key can do is verified."""
    assert await log_in_with(token(alg=algorithm))


@pytest.mark.parametrize("key", [RSA, EC])
async def test_bad_signature(key: SigningKey) -> None:
    """A changed signature, a changed content, and another key under the known name are unsigned."""
    head, body, signature = token(key=key).split(".")
    flipped = encode_part(bytes([signature.encode()[0] ^ 1])) + signature[2:]
    await refused(f"{head}.{body}.{flipped}", ProviderUnsigned)
    await refused(
        f"{head}.{encode_part(json.dumps({**CLAIMS, 'sub': 'somebody'}).encode())}.{signature}", ProviderUnsigned
    )
    stranger = SigningKey.generate(key.algorithm, key.kid)
    await refused(token(key=stranger), ProviderUnsigned)


async def test_bad_signature_of_a_secret() -> None:
    """HS256, where a class takes it, is checked with the client secret alone."""

    class Line(Acme):
        algorithms = ("HS256",)

    assert await log_in_with(with_hmac(SECRET.encode()), kind=Line)
    await refused(with_hmac(b"another secret"), ProviderUnsigned, kind=Line)
    await refused(with_hmac(b""), ProviderUnsigned, kind=Line)


@pytest.mark.parametrize("name", ["none", "None", "nOnE", "NONE", "", None, 1, ["RS256"], "HS256", "RS1", "dir"])
async def test_no_algorithm(name: object) -> None:
    """`none` in any spelling, none at all, and one that is not allowed are unsigned, whatever the signature."""
    head = json.dumps({"alg": name, "kid": RSA.kid})
    await refused(sign(head, BODY, lambda _: b""), ProviderUnsigned)
    await refused(sign(head, BODY, lambda data: RSA.sign("RS256", data)), ProviderUnsigned)


async def test_no_signature() -> None:
    """An empty signature or none at all is refused under an allowed algorithm too."""
    await refused(sign(HEAD, BODY, lambda _: b""), ProviderUnsigned)
    await refused(token().rpartition(".")[0])


@pytest.mark.parametrize("form", ["pem", "pem-stripped", "der", "jwk", "ssh", "modulus"])
async def test_secret_that_is_the_public_key(form: str) -> None:
    """HS256 keyed with the public key in any form is refused, also where HS256 itself is allowed."""
    public, jwk = load_pem_public_key(RSA.public_pem().encode()), RSA.public_jwk()
    secret = {
        "pem": RSA.public_pem().encode(),
        "pem-stripped": RSA.public_pem().strip().encode(),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(jwk).encode(),
        "ssh": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "modulus": jwk["n"].encode(),
    }[form]

    class Both(Acme):
        algorithms = ("RS256", "HS256")

    await refused(with_hmac(secret), ProviderUnsigned)
    await refused(with_hmac(secret), ProviderUnsigned, kind=Both)


async def test_secret_of_a_client_whose_vendor_signs_with_keys() -> None:
    """The list of algorithms is the class's: where HS256 is not on it, not even the client's own secret signs."""
    await refused(with_hmac(SECRET.encode()), ProviderUnsigned)


async def test_algorithm_fits_its_key() -> None:
    """An EC signature under an RSA key's name, and a secret in the vendor's set, verify nothing."""
    await refused(
        sign(json.dumps({"alg": "ES256", "kid": RSA.kid}), BODY, lambda d: EC.sign("ES256", d)), ProviderUnsigned
    )
    secret = {"kty": "oct", "k": encode_part(b"k" * 32), "kid": RSA.kid, "alg": "HS256"}

    class Both(Acme):
        algorithms = ("RS256", "HS256")

    vendor = Vendor(jwks={"keys": [secret]})
    with pytest.raises(ProviderUnsigned):
        await log_in_with(with_hmac(b"k" * 32), vendor, kind=Both)


@pytest.mark.parametrize(
    "issuer",
    [f"{ISSUER}/", "https://id.exampl", f"{ISSUER}.evil", "https://ID.example", [ISSUER], "", None, 1, "id.example"],
)
async def test_other_issuer(issuer: object) -> None:
    """The issuer is compared character for character."""
    await refused(token(iss=issuer))


async def test_slash_at_the_end_counts() -> None:
    """An issuer configured with a slash is one with a slash."""
    vendor = Vendor(discovery={"issuer": f"{ISSUER}/"})
    assert (await log_in_with(token(iss=f"{ISSUER}/"), vendor, issuer=f"{ISSUER}/")).ids[0].scope == f"{ISSUER}/"
    with pytest.raises(ProviderBadResponse):
        await log_in_with(token(), Vendor(discovery={"issuer": f"{ISSUER}/"}), issuer=f"{ISSUER}/")


@pytest.mark.parametrize(
    ("audience", "party"),
    [
        ("c-2", None),
        (None, None),
        ([], None),
        ("", None),
        ([CLIENT, "c-2"], None),
        ([CLIENT, "c-2"], CLIENT),
        ([CLIENT, CLIENT], None),
        ([CLIENT, 1], None),
        ({"a": CLIENT}, None),
        (CLIENT, "c-2"),
        (CLIENT, [CLIENT]),
        ("c-1 ", None),
    ],
)
async def test_other_audience(audience: object, party: object) -> None:
    """The audience is us and nobody that we do not know, and so is the party."""
    await refused(token(aud=audience, azp=party))


async def test_empty_claims_are_absent() -> None:
    """What may be missing may be empty; what must be there may not."""
    assert await log_in_with(token(azp="", nbf="", at_hash="", header={"kid": ""}))
    body = json.dumps({**CLAIMS, "azp": None, "nbf": None, "at_hash": None, "name": None})
    assert await log_in_with(token(payload=body))
    for needed in ("iss", "sub", "aud", "nonce"):
        await refused(token(**{needed: ""}))


async def test_known_audience() -> None:
    """Further audiences are those that the configuration names; several need a party, which is us."""
    known: dict[str, Any] = {"audiences": ("api",)}
    assert await log_in_with(token(aud=[CLIENT]))
    assert await log_in_with(token(aud=CLIENT, azp=CLIENT))
    assert await log_in_with(token(aud=[CLIENT, "api"], azp=CLIENT), **known)
    await refused(token(aud=[CLIENT, "api"]), **known)
    await refused(token(aud=[CLIENT, "api"], azp="api"), **known)
    await refused(token(aud="api"), **known)
    await refused(token(aud="api", azp="api"), **known)


@pytest.mark.parametrize(
    "times",
    [
        {"exp": NOW - SKEW},
        {"exp": None},
        {"exp": "1800000600"},
        {"exp": True},
        {"iat": None},
        {"iat": NOW + SKEW + 1},
        {"iat": NOW - 7 * 86400},
        {"iat": [NOW]},
        {"nbf": NOW + SKEW + 1},
        {"nbf": "soon"},
        {"exp": 10**13},
    ],
)
async def test_other_times(times: dict[str, Any]) -> None:
    """Expired, not valid yet, a week old, or no time at all."""
    await refused(token(**times))


@pytest.mark.parametrize(
    "times",
    [{"exp": NOW - SKEW + 1}, {"iat": NOW + SKEW}, {"nbf": NOW + SKEW}, {"exp": NOW + 0.5}, {"iat": NOW - 3000}],
)
async def test_clocks_may_differ_by_a_minute(times: dict[str, Any]) -> None:
    """A minute either way is let pass."""
    assert await log_in_with(token(**times))


@pytest.mark.parametrize("nonce", [None, "", "another", NONCE[:-1], NONCE.upper(), [NONCE], 1])
async def test_other_nonce(nonce: object) -> None:
    """The nonce is this flow's; a token without one is no exception."""
    await refused(token(nonce=nonce))


@pytest.mark.parametrize("nonce", ["", None])
async def test_a_login_without_a_nonce_believes_nothing(nonce: object) -> None:
    """An empty nonce is none that a token could repeat."""
    begun = response(ClientType.APP, token(nonce=nonce))
    begun.nonce = ""
    with pytest.raises(ProviderBadResponse, match="nonce"):
        await make().login_callback(begun)


@pytest.mark.parametrize("subject", [None, "", " ", "x" * 256, 1, ["person-1"], {"a": 1}, True, "a\0b"])
async def test_no_subject(subject: object) -> None:
    """A subject is a text of 1 to 255 characters that is not blank, and no number."""
    await refused(token(sub=subject))


async def test_subject_is_exact() -> None:
    """Nothing is trimmed, folded or normalised."""
    for subject in (" Person ", "x" * 255, "e\u0301"):
        assert (await log_in_with(token(sub=subject))).strongest.value == subject


async def test_key_is_not_named() -> None:
    """Without a name every fitting key is tried, and without a fitting one the token is refused."""
    unnamed = {"kid": None}
    assert await log_in_with(token(header=unnamed), Vendor(jwks={"keys": [RSA.public_jwk()]}))
    several = {"keys": [EC.public_jwk(), OTHER.public_jwk(), RSA.public_jwk()]}
    assert await log_in_with(token(header=unnamed), Vendor(jwks=several))
    encrypting = {**RSA.public_jwk(), "use": "enc"}
    for keys in ([OTHER.public_jwk(), EC.public_jwk()], [encrypting]):
        with pytest.raises(ProviderUnsigned):
            await log_in_with(token(header=unnamed), Vendor(jwks={"keys": keys}))


@pytest.mark.parametrize(("algorithm", "digest"), [("RS256", "sha256"), ("RS384", "sha384"), ("PS512", "sha512")])
async def test_hash_of_the_access_token(algorithm: str, digest: str) -> None:
    """`at_hash` is the left half of the algorithm's own digest; any other is refused."""
    raw = hashlib.new(digest, ACCESS.encode()).digest()
    half = encode_part(raw[: len(raw) // 2])
    assert await log_in_with(token(alg=algorithm, at_hash=half))
    assert await log_in_with(token(alg=algorithm, at_hash=""))  # empty is absent, and it may be missing here
    for wrong in ("x", half[:-1], half + "=", encode_part(raw), 1, [half]):
        await refused(token(alg=algorithm, at_hash=wrong))


async def test_hash_under_another_digest() -> None:
    """SHA-256 under an algorithm of SHA-512 is as wrong as none."""
    raw = hashlib.sha256(ACCESS.encode()).digest()
    await refused(token(alg="RS512", at_hash=encode_part(raw[:16])))


class ManyTenants(Acme):
    """A vendor whose tenants are issuers of their own."""

    issuer_template = "https://login.example/{tenantid}/v2.0"

    def takes_tenant(self, tenant: str) -> bool:
        """Two of them."""
        return tenant in ("t-1", "t-2")


async def at_tenant(kind: type[OidcProvider] = ManyTenants, **claims: object) -> str:
    """Log in at a tenant and return the scope of the id."""
    vendor = Vendor(discovery={"issuer": "https://login.example/{tenantid}/v2.0"})
    identity = await log_in_with(token(**claims), vendor, kind=kind, issuer="https://login.example/common/v2.0")
    return identity.ids[0].scope


async def test_tenant_fits_its_issuer() -> None:
    """The issuer is the template with the token's own tenant, one that may log in; it scopes the id."""
    for tenant in ("t-1", "t-2"):
        issuer = f"https://login.example/{tenant}/v2.0"
        assert await at_tenant(iss=issuer, tid=tenant) == issuer
    for claims in (
        {"iss": "https://login.example/t-1/v2.0", "tid": "t-2"},
        {"iss": "https://login.example/t-3/v2.0", "tid": "t-3"},
        {"iss": "https://login.example/t-1/v2.0"},
        {"iss": "https://login.example/{tenantid}/v2.0", "tid": "{tenantid}"},
        {"iss": "https://login.example/common/v2.0", "tid": "t-1"},
    ):
        with pytest.raises(ProviderBadResponse):
            await at_tenant(**claims)


@pytest.mark.parametrize(
    ("sender", "is_taken"),
    [
        ("https://login.example/t-1/v2.0", True),
        ("https://login.example/{tenantid}/v2.0", True),
        ("https://login.example/a/b/v2.0", False),
        ("https://login.example//v2.0", False),
        ("https://login.example.evil/t-1/v2.0", False),
        ("https://login.example/t-1/v2.0/", False),
    ],
)
def test_a_tenant_may_be_the_sender(sender: str, *, is_taken: bool) -> None:
    """`iss` of the authorization response (RFC 9207) is the document's template, or has a tenant in its place."""
    assert Metadata(ManyTenants.issuer_template, "", "", "").may_send(sender) is is_taken


async def test_no_tenant_is_taken_unsaid() -> None:
    """A class that does not say whose people may log in lets nobody in."""

    class Silent(Acme):
        issuer_template = ManyTenants.issuer_template

    with pytest.raises(ProviderBadResponse):
        await at_tenant(Silent, iss="https://login.example/t-1/v2.0", tid="t-1")


async def test_handed_in_token_is_checked_alike() -> None:
    """An app's token passes the same checks, and may be for any client of ours."""
    app: dict[str, Any] = {"audiences": ("app-1",)}
    assert (await hand_in(token())).strongest.value == "person-1"
    assert await hand_in(token(aud="app-1"), **app)
    assert await hand_in(token(aud=CLIENT, azp="app-1"), **app)
    for wrong in (
        token(nonce=None),
        token(nonce="another"),
        token(aud="stranger"),
        token(aud=CLIENT, azp="stranger"),
        token(exp=NOW - SKEW),
        token(key=SigningKey.generate("RS256", RSA.kid)),
    ):
        with pytest.raises(ProviderFault):
            await hand_in(wrong, **app)
