"""Access tokens: signed with ES256 by the ring's first key, read with any, and every known way round it closed."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt

from connect_core.crypto import AccessTokens

NOW = 1_800_000_000
ISSUER = "https://shop.example"
OLD, NEW = bytes(range(32)), bytes(range(32, 64))
TOKENS = AccessTokens([NEW, OLD], ISSUER)
CLAIMS = {"sub": "1", "sid": "f", "iat": NOW, "exp": NOW + 60}


def encode(part: object) -> str:
    """A part of a compact JWS."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    """Its bytes."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def public_key(jwk: dict[str, str]) -> ec.EllipticCurvePublicKey:
    """The key that a verifier elsewhere makes of the key set."""
    x, y = (int.from_bytes(decode(jwk[name])) for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def without_audience() -> str:
    """A token as the release before issued it."""
    header = {"alg": "ES256", "typ": "at+jwt", "kid": TOKENS.jwks()["keys"][0]["kid"]}
    return jwt.encode(header, {"iss": ISSUER, **CLAIMS}, TOKENS._keys.keys[0], algorithms=["ES256"])


def test_a_token_is_a_jwt_any_verifier_can_check() -> None:
    """RFC 7519 and RFC 9068: the header names algorithm, type and key; the published key checks the signature."""
    token = TOKENS.issue(CLAIMS)
    header, claims, signature = token.split(".")
    first = TOKENS.jwks()["keys"][0]
    assert json.loads(decode(header)) == {"alg": "ES256", "typ": "at+jwt", "kid": first["kid"]}
    assert json.loads(decode(claims)) == {"iss": ISSUER, "aud": ISSUER, **CLAIMS}
    raw = decode(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public_key(first).verify(der, f"{header}.{claims}".encode(), ec.ECDSA(SHA256()))


def test_audience_of_a_token() -> None:
    """RFC 9068 §4: a token for another resource is nobody's here; one of the release before has no audience."""
    assert TOKENS.find_claims(TOKENS.issue({**CLAIMS, "aud": "https://api.example"}), NOW) is None
    assert TOKENS.find_claims(TOKENS.issue({**CLAIMS, "aud": [ISSUER, "https://api.example"]}), NOW) is None
    assert TOKENS.find_claims(TOKENS.issue({**CLAIMS, "aud": None}), NOW) is None
    assert TOKENS.find_claims(without_audience(), NOW) is not None


def test_the_key_set_is_public_alone() -> None:
    """RFC 7517: one key a ring's key, the signing one first, no private part, no two of one id."""
    keys = TOKENS.jwks()["keys"]
    assert [set(key) for key in keys] == [{"kty", "crv", "x", "y", "use", "alg", "kid"}] * 2
    assert {(key["kty"], key["crv"], key["use"], key["alg"]) for key in keys} == {("EC", "P-256", "sig", "ES256")}
    assert len({key["kid"] for key in keys}) == 2
    assert AccessTokens([OLD], ISSUER).jwks()["keys"] == keys[1:]


def test_every_worker_signs_with_the_same_key() -> None:
    """The key follows from the ring alone, and nothing of the ring can be read in what is published."""
    again = AccessTokens([NEW, OLD], ISSUER)
    assert again.jwks() == TOKENS.jwks()
    assert again.find_claims(TOKENS.issue(CLAIMS), NOW) == {"iss": ISSUER, "aud": ISSUER, **CLAIMS}
    published = json.dumps(TOKENS.jwks())
    for key in (NEW, OLD):
        assert key.hex() not in published
        assert hashlib.sha256(key).hexdigest()[:8] not in published


def test_a_rotated_ring_reads_what_its_older_keys_signed() -> None:
    """A new first key signs, the old one still checks, and a key taken out of the ring checks nothing."""
    before = AccessTokens([OLD], ISSUER)
    assert TOKENS.find_claims(before.issue(CLAIMS), NOW)
    assert before.find_claims(TOKENS.issue(CLAIMS), NOW) is None
    assert AccessTokens([NEW], ISSUER).find_claims(before.issue(CLAIMS), NOW) is None


def test_a_token_holds_until_its_second() -> None:
    """`exp` itself is past; the machine's own clock is not asked."""
    token = TOKENS.issue(CLAIMS)
    assert TOKENS.find_claims(token, NOW + 59)
    assert TOKENS.find_claims(token, NOW + 60) is None
    past = TOKENS.issue({**CLAIMS, "exp": int(time.time()) - 3600})
    assert TOKENS.find_claims(past, int(time.time()) - 7200)


@pytest.mark.parametrize("expiry", [None, "soon", str(NOW + 60), NOW + 60.5, [NOW + 60], {}])
def test_a_token_without_a_usable_expiry_holds_never(expiry: object) -> None:
    """Signed by us or not."""
    assert TOKENS.find_claims(TOKENS.issue({**CLAIMS, "exp": expiry}), NOW) is None
    assert TOKENS.find_claims(TOKENS.issue({"sub": "1"}), NOW) is None


@pytest.mark.parametrize("issuer", ["https://evil.example", "https://shop.example/", "", None, [ISSUER]])
def test_a_token_of_another_issuer_is_not_ours(issuer: object) -> None:
    """Even where two services share a ring."""
    assert TOKENS.find_claims(TOKENS.issue({**CLAIMS, "iss": issuer}), NOW) is None
    assert AccessTokens([NEW], "https://other.example").find_claims(TOKENS.issue(CLAIMS), NOW) is None


def test_every_altered_character_is_noticed() -> None:
    """In header, claims and signature."""
    token = TOKENS.issue(CLAIMS)
    for place in range(0, len(token), 3):
        altered = token[:place] + ("A" if token[place] not in "AQgw" else "Z") + token[place + 1 :]
        assert TOKENS.find_claims(altered, NOW) is None, place


def kid() -> str:
    """The id of the signing key."""
    return str(TOKENS.jwks()["keys"][0]["kid"])


def signed(header: dict[str, object], secret: bytes, digest: str = "sha256") -> str:
    """A token signed with a secret of the attacker's choice."""
    content = f"{encode(header)}.{encode({'iss': ISSUER, **CLAIMS})}"
    return f"{content}.{encode(hmac.new(secret, content.encode(), digest).digest())}"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_token_is_none(alg: str) -> None:
    """RFC 8725 §3.1: `alg` is ours to say, in whatever case it comes."""
    content = f"{encode({'alg': alg, 'typ': 'at+jwt', 'kid': kid()})}.{encode({'iss': ISSUER, **CLAIMS})}"
    for signature in ("", encode(bytes(64)), TOKENS.issue(CLAIMS).rpartition(".")[2]):
        assert TOKENS.find_claims(f"{content}.{signature}", NOW) is None


@pytest.mark.parametrize("alg", ["HS256", "HS512"])
def test_a_public_key_is_no_secret(alg: str) -> None:
    """A token signed with the text of our published key by HMAC is refused (RFC 8725 §2.1)."""
    jwk = TOKENS.jwks()["keys"][0]
    key = public_key(jwk)
    digest = {"HS256": "sha256", "HS512": "sha512"}[alg]
    for secret in (
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        json.dumps(jwk).encode(),
        b"",
    ):
        for header in ({"alg": alg, "kid": kid()}, {"alg": alg}):
            assert TOKENS.find_claims(signed(dict(header), secret, digest), NOW) is None


def test_a_key_in_the_header_is_not_believed() -> None:
    """RFC 8725 §3.10: `jwk`, `jku` and `x5c` of a token name nobody's key but the attacker's."""
    own = ec.generate_private_key(ec.SECP256R1())
    numbers = own.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": encode(numbers.x.to_bytes(32)), "y": encode(numbers.y.to_bytes(32))}
    for extra in ({"jwk": jwk}, {"jku": "https://evil.example"}, {"x5c": ["x"]}, {"crit": ["x"], "x": 1}):
        content = f"{encode({'alg': 'ES256', 'kid': kid(), **extra})}.{encode({'iss': ISSUER, **CLAIMS})}"
        r, s = decode_dss_signature(own.sign(content.encode(), ec.ECDSA(SHA256())))
        forged = f"{content}.{encode(r.to_bytes(32) + s.to_bytes(32))}"
        assert TOKENS.find_claims(forged, NOW) is None


@pytest.mark.parametrize("key_id", [None, "", "unknown", 7, [], {}, True, "../../etc/passwd", "a" * 2000])
def test_an_unknown_key_id_is_no_accident(key_id: object) -> None:
    """A made-up `kid` is an invalid token, whatever its type."""
    header, claims, signature = TOKENS.issue(CLAIMS).split(".")
    altered = {**json.loads(decode(header)), "kid": key_id}
    assert TOKENS.find_claims(f"{encode(altered)}.{claims}.{signature}", NOW) is None


HEADERS = [
    b"[]",
    b"null",
    b"7",
    b'"ES256"',
    b"{}",
    b"{",
    b"\xff",
    b'{"alg":[]}',
    b'{"alg":{}}',
    b'{"alg":null}',
    b'{"alg":7}',
]
ALL = [
    "",
    ".",
    "..",
    "...",
    "a.b",
    "a.b.c",
    "a.b.c.d.e",
    "é.é.é",
    "\ud800",
    "x" * 5000,
    " " + "a.b.c",
    *(f"{encode(header)}.{encode(CLAIMS)}.{encode(bytes(64))}" for header in HEADERS),
    f"{encode({'alg': 'dir', 'enc': 'A128GCM'})}....",
    f"{encode({'alg': 'ECDH-ES', 'enc': 'A128GCM', 'zip': 'DEF', 'kid': 'x'})}.a.b.c.d",
    f"{encode({'alg': 'ES256', 'b64': False, 'crit': ['b64']})}.{encode(CLAIMS)}.{encode(bytes(64))}",
]


@pytest.mark.parametrize("token", ALL)
def test_nonsense_is_no_token(token: str) -> None:
    """Not of three parts, not base64, not JSON, encrypted, endless: None, never an accident."""
    assert TOKENS.find_claims(token, NOW) is None


@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64, b"", bytes(63), bytes(65), bytes(32) + b"\x01" * 32])
def test_a_signature_of_zeros_is_none(signature: bytes) -> None:
    """Neither r nor s may be zero or out of range (SEC 1 §4.1.4)."""
    content = TOKENS.issue(CLAIMS).rpartition(".")[0]
    assert TOKENS.find_claims(f"{content}.{encode(signature)}", NOW) is None
