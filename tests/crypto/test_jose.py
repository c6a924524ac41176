"""Signatures of others: which keys are taken, and that a key serves its own algorithms and no more."""

import base64
import json
import traceback
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from connect_core.crypto import SecretKey, SigningKey, VerificationKey, encode_part

RSA = rsa.generate_private_key(65537, 2048)
RS_NAMES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVES: dict[str, tuple[str, ec.EllipticCurve, int]] = {
    "ES256": ("P-256", ec.SECP256R1(), 32),
    "ES384": ("P-384", ec.SECP384R1(), 48),
    "ES512": ("P-521", ec.SECP521R1(), 66),
}


def number(value: int, size: int) -> str:
    """A number as a JWK writes it."""
    return encode_part(value.to_bytes(size))


def rsa_jwk(key: rsa.RSAPrivateKey = RSA, **more: Any) -> dict[str, Any]:
    """A public RSA key as a JWK, made here."""
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "n": number(numbers.n, key.key_size // 8), "e": "AQAB", **more}


def ec_jwk(key: ec.EllipticCurvePrivateKey, name: str) -> dict[str, Any]:
    """A public EC key as a JWK, made here."""
    crv, _, size = CURVES[name]
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": crv, "x": number(numbers.x, size), "y": number(numbers.y, size)}


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes = b"") -> str:
    """A private key as PEM."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return str(key.private_bytes(Encoding.PEM, form, encryption).decode())


def test_rsa_signatures_of_another_library_verify() -> None:
    """RS256 and PS256 as RFC 7518 §3.3 and §3.5 define them, under their own name alone."""
    key = VerificationKey.find(rsa_jwk())
    assert key is not None
    assert key.algorithms == RS_NAMES
    plain = RSA.sign(b"data", PKCS1v15(), SHA256())
    padded = RSA.sign(b"data", PSS(MGF1(SHA256()), 32), SHA256())
    assert key.verify("RS256", plain, b"data")
    assert key.verify("PS256", padded, b"data")
    wrong = [("RS256", padded), ("PS256", plain), ("RS384", plain), ("ES256", plain), ("HS256", plain), ("none", b"")]
    assert not [name for name, signature in wrong if key.verify(name, signature, b"data")]
    assert not key.verify("RS256", plain, b"date")
    assert not key.verify("RS256", plain[:-1], b"data")


@pytest.mark.parametrize("name", CURVES)
def test_ec_signatures_of_another_library_verify(name: str) -> None:
    """RFC 7518 §3.4: r and s side by side, on the algorithm's own curve."""
    _, curve, size = CURVES[name]
    private = ec.generate_private_key(curve)
    key = VerificationKey.find(ec_jwk(private, name))
    assert key is not None
    assert key.algorithms == (name,)
    digest = {"ES256": "SHA256", "ES384": "SHA384", "ES512": "SHA512"}[name]
    der = private.sign(b"data", ec.ECDSA(getattr(hashes, digest)()))
    r, s = decode_dss_signature(der)
    raw = r.to_bytes(size) + s.to_bytes(size)
    assert key.verify(name, raw, b"data")
    assert not key.verify(name, der, b"data")
    assert not key.verify(name, bytes(2 * size), b"data")
    assert not key.verify(name, raw + b"\0", b"data")
    assert not [other for other in (*CURVES, *RS_NAMES) if other != name and key.verify(other, raw, b"data")]


@pytest.mark.parametrize("stated", [{}, {"alg": "EdDSA"}, {"alg": "Ed25519"}])
def test_ed25519_signatures_of_another_library_verify(stated: dict[str, str]) -> None:
    """RFC 8037, under the name of the family and that of the curve (RFC 9864), whichever of them the JWK states."""
    private = ed25519.Ed25519PrivateKey.generate()
    x = encode_part(private.public_key().public_bytes_raw())
    key = VerificationKey.find({"kty": "OKP", "crv": "Ed25519", "x": x, **stated})
    assert key is not None
    assert key.algorithms == ("EdDSA", "Ed25519")
    signature = private.sign(b"data")
    assert key.verify("EdDSA", signature, b"data")
    assert key.verify("Ed25519", signature, b"data")
    assert not key.verify("EdDSA", signature, b"date")
    assert not [other for other in (*CURVES, *RS_NAMES) if key.verify(other, signature, b"data")]
    assert SigningKey.load(pem(private)).sign("EdDSA", b"data") == signature


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "key",
        {},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "OKP", "crv": "Ed448", "x": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA", "n": "AQ", "e": "AQAB"},
        {"kty": "RSA", "n": 5, "e": "AQAB"},
        {"kty": "RSA", "n": "ÄÖ", "e": "AQAB"},
        rsa_jwk(rsa.generate_private_key(65537, 1024)),
        rsa_jwk(e="AA"),
        rsa_jwk(n=encode_part(b"\xff" * 2000)),
        rsa_jwk(use="enc"),
        rsa_jwk(use=["sig"]),
        rsa_jwk(alg="RS1"),
        rsa_jwk(alg="HS256"),
        rsa_jwk(key_ops=["sign"]),
        rsa_jwk(key_ops="verify"),
        rsa_jwk(kid=["a"]),
    ],
)
def test_keys_that_are_passed_over(jwk: object) -> None:
    """Weak, secret, for something else, off the curve, or no key at all."""
    assert VerificationKey.find(jwk) is None


def test_key_for_one_algorithm_serves_that_alone() -> None:
    """`alg` of a JWK narrows what it is used with (RFC 7517 §4.4)."""
    key = VerificationKey.find(rsa_jwk(alg="PS256", kid="k"))
    assert key is not None
    assert (key.algorithms, key.kid) == (("PS256",), "k")
    assert not key.verify("RS256", RSA.sign(b"data", PKCS1v15(), SHA256()), b"data")


def test_secret_keys_hs256_alone() -> None:
    """A secret signs and checks HS256, shows nothing of itself, and serves no other name."""
    key = SecretKey("s3cr3t")
    signature = key.sign("HS256", b"data")
    assert key.verify("HS256", signature, b"data")
    assert not key.verify("RS256", signature, b"data")
    assert not key.verify("HS256", signature[:-1], b"data")
    assert not key.verify("HS256", b"", b"data")
    assert "s3cr3t" not in repr(key)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_signing_keys_load_in_every_form(form: PrivateFormat) -> None:
    """RSA and the three curves, PKCS#8 or older; the algorithm follows from the key."""
    keys = {"RS256": RSA, **{name: ec.generate_private_key(curve) for name, (_, curve, _) in CURVES.items()}}
    for name, key in keys.items():
        loaded = SigningKey.load(pem(key, form), "kid-1")
        assert (loaded.algorithm, loaded.kid) == (name, "kid-1")
        verifier = VerificationKey.find(loaded.public_jwk())
        assert verifier is not None
        assert verifier.verify(name, loaded.sign(name, b"data"), b"data")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "canary",
        pem(rsa.generate_private_key(65537, 1024)),
        pem(ec.generate_private_key(ec.SECP256K1())),
        pem(x25519.X25519PrivateKey.generate()),
        pem(RSA, password=b"canary"),
        SigningKey.generate("ES256").public_pem(),
    ],
)
def test_signing_keys_that_are_refused(text: str) -> None:
    """Weak, on another curve, with a password, or public: refused without a word of the text."""
    with pytest.raises(ValueError, match=r"^not a") as caught:
        SigningKey.load(text)
    told = "".join(traceback.format_exception(caught.value))
    assert not text or text[40:80] not in told or len(text) < 41
    assert "canary" not in str(caught.value)


def test_signed_jwt_has_the_documented_parts() -> None:
    """Header with algorithm, type and key; claims as given; a signature over both."""
    key = SigningKey.generate("ES256", "kid-1")
    header, body, signature = key.sign_jwt({"iss": "me"}).split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "ES256", "typ": "JWT", "kid": "kid-1"}
    assert json.loads(base64.urlsafe_b64decode(body + "==")) == {"iss": "me"}
    verifier = VerificationKey.find(key.public_jwk())
    assert verifier is not None
    assert verifier.verify("ES256", base64.urlsafe_b64decode(signature + "=="), f"{header}.{body}".encode())
    assert set(key.public_jwk()) == {"kty", "crv", "x", "y", "kid", "use"}


def test_no_key_shows_itself() -> None:
    """A `repr` tells the algorithm."""
    key = SigningKey.generate("ES256", "kid-1")
    assert repr(key) == "<SigningKey ES256>"
    assert repr(VerificationKey.find(key.public_jwk())) == "<VerificationKey ('ES256',)>"
