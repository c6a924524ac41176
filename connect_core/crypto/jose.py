"""JSON Web Signatures (RFC 7515, 7517, 7518): checks those of vendors with keys from a JWK set, and signs assertions.

Owns algorithms and keys, and never reads a claim: `providers.oidc` does. The caller chooses the algorithm from a closed
list, so a token's header alone never decides it, and a key works only with the algorithms of its own type.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from cryptography.x509 import load_der_x509_certificate
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from connect_core.crypto.pem import pem_or_bare
from connect_core.vendor_values import is_absent, read_text

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256"
]
"""The supported algorithms (RFC 7518 §3.1, RFC 8037, RFC 9864); `none` is not among them.

`EdDSA` and `Ed25519` are two names of one algorithm: of the curves of EdDSA only Ed25519 is supported.
"""
SECRET_BYTES = 32
"""Bytes that the key of HS256 has at least (RFC 7518 §3.2): a shorter secret can be guessed from one token."""
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_ED25519 = ("EdDSA", "Ed25519")
_EC = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_CURVES: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
RSA_BITS = range(2048, 8192 + 1)
"""Accepted sizes of an RSA modulus: smaller ones are weak, larger ones let a vendor's document waste our CPU."""


_Key = RSAKey | ECKey | OKPKey


class Verifier(Protocol):
    """A key that checks signatures."""

    @property
    def kid(self) -> str:
        """The key's id in a token's header, or the empty text."""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that the key may be used with."""

    def verify(self, algorithm: str, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature` is this key's over `data` with `algorithm`; False for one that is not its own."""


class VerificationKey:
    """A public key of a JWK set."""

    __slots__ = ("_key", "algorithms", "kid")

    def __init__(self, key: _Key, kid: str, algorithms: tuple[str, ...]) -> None:
        """`kid` may be empty; `algorithms` are those that the key may be used with."""
        self._key, self.kid, self.algorithms = key, kid, algorithms

    @classmethod
    def find(cls, jwk: object) -> Self | None:
        """Return the key of a JWK (RFC 7517 §4), or None when it cannot be used to verify signatures.

        Such as one of another type, use or algorithm, a symmetric key, an RSA modulus outside 2048 to 8192 bits, or a
        malformed one. An optional member that is there but empty is absent. A key may be given by its certificate
        alone (`x5c`), of which the key is read and nothing else: the set is what is trusted.
        """
        if not isinstance(jwk, Mapping):
            return None
        members = {name: value for name, value in jwk.items() if not is_absent(value) and value != []}
        operations, kid = members.get("key_ops", ["verify"]), read_text(members.get("kid", ""))
        if members.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
            return None
        if "kid" in members and not kid:
            return None
        try:
            key, algorithms = _import_public(members)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm):
            return None
        if (stated := members.get("alg")) is not None and not (algorithms == _ED25519 and stated in _ED25519):
            algorithms = tuple(algorithm for algorithm in algorithms if algorithm == stated)
        return cls(key, kid, algorithms) if algorithms else None

    def verify(self, algorithm: str, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature` is this key's over `data` with `algorithm`; False for one that is not its own."""
        if algorithm not in self.algorithms:
            return False
        try:
            return JWSRegistry.algorithms[algorithm].verify(data, signature, self._key)
        except (JoseError, ValueError):
            return False

    def __repr__(self) -> str:
        return f"<VerificationKey {self.algorithms}>"


def _import_public(jwk: Mapping[str, Any]) -> tuple[_Key, tuple[str, ...]]:
    if "x5c" in jwk and not {"n", "x"} & jwk.keys():
        jwk = _get_certified(jwk)
    # the public members alone: a JWK that contains its private key by mistake yields the same public key
    if jwk["kty"] == "RSA":
        modulus = base64.urlsafe_b64decode(jwk["n"].rstrip("=") + "==")
        if int.from_bytes(modulus).bit_length() not in RSA_BITS:
            raise ValueError("an RSA key of such a size")
        return RSAKey.import_key({name: jwk[name].rstrip("=") for name in ("kty", "n", "e")}), _RSA
    if jwk["kty"] == "OKP":
        if jwk["crv"] != "Ed25519":
            raise ValueError("a key on such a curve")
        return OKPKey.import_key({name: jwk[name].rstrip("=") for name in ("kty", "crv", "x")}), _ED25519
    ec_key = ECKey.import_key({name: jwk[name].rstrip("=") for name in ("kty", "crv", "x", "y")})
    return ec_key, (_EC[ec_key.curve_name],)


def _get_certified(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """Return the public key of the first certificate in `x5c` (RFC 7517 §4.7) as a JWK of the stated type, if any."""
    public = load_der_x509_certificate(base64.b64decode(jwk["x5c"][0])).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = (RSAKey if isinstance(public, rsa.RSAPublicKey) else ECKey).import_key(pem).as_dict(private=False)
    if jwk.get("kty", key["kty"]) != key["kty"]:
        raise ValueError("the certificate has a key of another type")
    return {name: str(value) for name, value in key.items()}


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A client secret as the key of HS256 (OpenID Connect Core §10.1)."""

    secret: str = field(repr=False)
    kid: str = ""
    algorithms: tuple[str, ...] = ("HS256",)

    def verify(self, algorithm: str, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature` is this secret's HMAC over `data`, compared in constant time."""
        return algorithm in self.algorithms and hmac.compare_digest(self.sign(algorithm, data), signature)

    def sign(self, algorithm: str, data: bytes) -> bytes:
        """Return the HMAC; `algorithm` is HS256."""
        return hmac.new(self.secret.encode(), data, hashlib.sha256).digest()


class SigningKey:
    """A private key that signs assertions. Its `repr` shows nothing but the algorithm."""

    __slots__ = ("_key", "algorithm", "kid")

    def __init__(self, key: _Key, algorithm: str, kid: str) -> None:
        """`algorithm` is the one that `sign_jwt` uses; `kid` may be empty."""
        self._key, self.algorithm, self.kid = key, algorithm, kid

    @classmethod
    def load(cls, text: str, kid: str = "") -> Self:
        """Return the private key in `text`: RSA (RS256), P-256, P-384, P-521 (ES256, ES384, ES512) or Ed25519 (EdDSA).

        Accepts PKCS#8 and the older formats, as PEM or bare base64. Raises `ValueError`, which never quotes the text,
        when it is no such key or is encrypted.
        """
        try:
            key = load_der_private_key(pem_or_bare(text, "PRIVATE KEY"), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("not a private key without a password") from None
        return cls._of(key, kid)

    @classmethod
    def generate(cls, algorithm: str, kid: str = "") -> Self:
        """Return a new key for `algorithm`."""
        if algorithm in _CURVES:
            return cls._of(ec.generate_private_key(_CURVES[algorithm]), kid)
        if algorithm in _ED25519:
            return cls(OKPKey.import_key(ed25519.Ed25519PrivateKey.generate()), algorithm, kid)
        key = cls._of(rsa.generate_private_key(65537, 2048), kid)
        key.algorithm = algorithm
        return key

    @classmethod
    def _of(cls, key: object, kid: str) -> Self:
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size in RSA_BITS:
            return cls(RSAKey.import_key(key), "RS256", kid)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, tuple(map(type, _CURVES.values()))):
            ec_key = ECKey.import_key(key)
            return cls(ec_key, _EC[ec_key.curve_name], kid)
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(OKPKey.import_key(key), "EdDSA", kid)
        raise ValueError("not an RSA key of at least 2048 bits, nor one on P-256, P-384, P-521 or Ed25519")

    def sign(self, algorithm: str, data: bytes) -> bytes:
        """Return the signature over `data` by an `algorithm` of the key's type."""
        return JWSRegistry.algorithms[algorithm].sign(data, self._key)

    def sign_jwt(self, claims: Mapping[str, Any]) -> str:
        """Return `claims` as a signed JWT (RFC 7519) whose header names algorithm, type and, if there is one, key."""
        header = {"alg": self.algorithm, "typ": "JWT", **({"kid": self.kid} if self.kid else {})}
        data = f"{encode_part(json.dumps(header).encode())}.{encode_part(json.dumps(claims).encode())}"
        return f"{data}.{encode_part(self.sign(self.algorithm, data.encode()))}"

    def public_jwk(self) -> dict[str, Any]:
        """Return the public key as a JWK, with its use and key id."""
        return {**self._key.as_dict(private=False), "kid": self.kid, "use": "sig"}

    def pkcs8_pem(self) -> str:
        """Return the private key as PEM, PKCS#8, not encrypted."""
        return self._key.as_pem(private=True).decode()

    def public_pem(self) -> str:
        """Return the public key as PEM, `SubjectPublicKeyInfo`."""
        return self._key.as_pem(private=False).decode()

    def __repr__(self) -> str:
        return f"<SigningKey {self.algorithm}>"


def encode_part(raw: bytes) -> str:
    """Return a part of a compact JWS: base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
