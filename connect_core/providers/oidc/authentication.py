"""Client authentication by a signed assertion instead of a secret (RFC 7523 §2.2, OpenID Connect Core §9).

Owns two kinds of assertion: a fresh one for each call, and a vendor's that is sent in the secret's place.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from connect_core.crypto import SigningKey
from connect_core.providers.oauth2.token import Credentials

ASSERTION_LIFE = 60
"""Seconds; an assertion is for one call, at once."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class PrivateKeyJwt:
    """`private_key_jwt`. The audience is the issuer, which no other server can pass for."""

    client_id: str
    issuer: str
    key: SigningKey = field(repr=False)
    now: Callable[[], float] = time.time

    def get_credentials(self, token_url: str) -> Credentials:
        """Return a new assertion, each with a `jti` of its own."""
        now = int(self.now())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + ASSERTION_LIFE,
        }
        assertion = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.key.sign_jwt(claims)}
        return Credentials({"client_id": self.client_id, **assertion})


class SignedSecret:
    """A client secret that is itself a JWT: minted by us, kept until a tenth of its life is left."""

    def __init__(
        self, client_id: str, team_id: str, audience: str, key: SigningKey, life: int, now: Callable[[], float]
    ) -> None:
        """`life` in seconds; `now` answers seconds since the epoch."""
        self._claims = {"iss": team_id, "aud": audience, "sub": client_id}
        self._client_id, self._key, self._life, self._now = client_id, key, life, now
        self._minted, self._made = "", 0.0

    def get_credentials(self, token_url: str) -> Credentials:
        """Return id and secret for the form."""
        now = self._now()
        if not self._minted or not 0 <= now - self._made < self._life * 0.9:
            times = {"iat": int(now), "exp": int(now) + self._life}
            self._minted, self._made = self._key.sign_jwt({**self._claims, **times}), now
        return Credentials({"client_id": self._client_id, "client_secret": self._minted})
