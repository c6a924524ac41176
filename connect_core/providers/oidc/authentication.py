"""Client authentication with a signed JWT (RFC 7523 §2.2, OpenID Connect Core §9).

Owns two ways: a new assertion for each call, and a JWT that is sent as the client secret.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from connect_core.crypto import SigningKey
from connect_core.providers.oauth2.token import Credentials

ASSERTION_LIFE = 60
"""Seconds that an assertion is valid. It is made for one call and sent at once."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class PrivateKeyJwt:
    """`private_key_jwt`: the client signs an assertion with its own key.

    `audience` becomes its `aud`: the issuer or the token endpoint, so that no other server can use it. `now` returns
    seconds since the epoch.
    """

    client_id: str
    audience: str
    key: SigningKey = field(repr=False)
    now: Callable[[], float] = time.time

    def get_credentials(self, token_url: str) -> Credentials:
        """Return a new assertion, with a new `jti`, as parameters."""
        now = int(self.now())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + ASSERTION_LIFE,
        }
        assertion = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.key.sign_jwt(claims)}
        return Credentials({"client_id": self.client_id, **assertion})


class SignedSecret:
    """A client secret that is a JWT signed by the client, as Apple wants it. Return one from `make_authentication`.

    A new one is signed when 90 % of its life is over.
    """

    def __init__(
        self, client_id: str, team_id: str, audience: str, key: SigningKey, life: int, now: Callable[[], float]
    ) -> None:
        """`team_id` becomes `iss`, `client_id` `sub` and `audience` `aud` of the JWT that `key` signs.

        `life` is in seconds; `now` returns seconds since the epoch.
        """
        self._claims = {"iss": team_id, "aud": audience, "sub": client_id}
        self._client_id, self._key, self._life, self._now = client_id, key, life, now
        self._secret, self._signed_at = "", 0.0

    def get_credentials(self, token_url: str) -> Credentials:
        """Return id and secret as parameters."""
        now = self._now()
        if not self._secret or not 0 <= now - self._signed_at < self._life * 0.9:
            times = {"iat": int(now), "exp": int(now) + self._life}
            self._secret, self._signed_at = self._key.sign_jwt({**self._claims, **times}), now
        return Credentials({"client_id": self._client_id, "client_secret": self._secret})
