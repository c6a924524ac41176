"""Access tokens: JWTs signed with ES256 (RFC 9068, RFC 7518 §3.4), and the public keys that verify them.

The signing key is derived from the shop's first secret key, so all processes sign with the same one. Tokens signed with
an older secret key stay valid while it is configured.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from connect_core.crypto.sealing import derive_key

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256, NIST SP 800-186 §3.2.1.3


class AccessTokens:
    """Issues access tokens signed with the first key, and verifies those signed with any."""

    def __init__(self, secret_keys: Sequence[bytes], issuer: str) -> None:
        """`secret_keys` are 32 bytes each; `issuer`, the service's own origin, becomes `iss` and `aud`."""
        self.issuer = issuer
        self._keys = KeySet([_signing_key(key) for key in secret_keys])
        self._signing_key = self._keys.keys[0]
        self._header = {"alg": "ES256", "typ": "at+jwt", "kid": self._signing_key.kid}

    def issue(self, claims: Mapping[str, Any]) -> str:
        """Return a signed token with `claims`, `iss` and `aud`; the caller sets `exp` and `iat`, in epoch seconds."""
        own_claims = {"iss": self.issuer, "aud": self.issuer}
        return jwt.encode(self._header, {**own_claims, **claims}, self._signing_key, algorithms=["ES256"])

    def find_claims(self, token: str, now: int) -> dict[str, Any] | None:
        """Return the claims of a token that we signed and that is valid at `now` (epoch seconds), else None."""
        if len(token) > 4096 or not token.isascii():
            return None
        try:
            claims = jwt.decode(token, self._keys, algorithms=["ES256"]).claims
        except (JoseError, ValueError, KeyError):
            return None
        expiry = claims.get("exp")
        is_live = isinstance(expiry, int) and expiry > now
        # tokens of the release before have no audience; the last of them expire minutes after the upgrade
        is_ours = claims.get("iss") == claims.get("aud", self.issuer) == self.issuer
        return claims if is_live and is_ours else None

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK set (RFC 7517 §5), the signing key's first."""
        return {"keys": [key.as_dict(private=False, use="sig", alg="ES256") for key in self._keys.keys]}


def _signing_key(key: bytes) -> ECKey:
    secret = int.from_bytes(derive_key(key, "access token", 48)) % (_ORDER - 1) + 1
    kid = hashlib.sha256(derive_key(key, "access token id")).hexdigest()[:8]
    return ECKey.import_key(ec.derive_private_key(secret, ec.SECP256R1()), {"kid": kid})
