"""The key set of an OpenID provider (RFC 7517), parsed once when it is fetched.

Owns the choice of the keys that may have made a signature. Never reads a claim.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connect_core.crypto import VerificationKey, Verifier
from connect_core.errors import ProviderBadResponse
from connect_core.http import Http

MOST_KEYS = 64
"""Keys in a set; a longer one is refused."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of a set, in its order."""

    keys: tuple[Verifier, ...]

    def find_keys(self, algorithm: str, kid: str | None) -> list[Verifier]:
        """Return the keys that may have signed a token with this `algorithm` and `kid`, the likeliest first.

        For a token without `kid` (None) these are all keys for the algorithm; for another one those of that `kid`, of
        which a set may list several, and then those without any.
        """
        fitting = [key for key in self.keys if algorithm in key.algorithms and (kid is None or key.kid in (kid, ""))]
        return sorted(fitting, key=lambda key: key.kid != kid)


async def fetch_keys(http: Http, url: str) -> KeySet:
    """Fetch the key set at `url`.

    Raises `ProviderBadResponse` for an answer that is no set of 1 to 64 keys, and what `Http` raises.
    """
    answer = (await http.get(url, headers={"accept": "application/json"})).raise_for_outage()
    if answer.status != 200:
        raise ProviderBadResponse(f"jwks_uri answers HTTP {answer.status}")
    return read_keys(answer.json())


def read_keys(document: Mapping[str, Any]) -> KeySet:
    """Return the usable keys of a set and ignore the others (RFC 7517 §5).

    Raises `ProviderBadResponse` for a document that is no set of 1 to 64 keys.
    """
    listed = document.get("keys")
    # an empty set is no answer of a provider that signs tokens: the keys that are known stay in use
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_KEYS:
        raise ProviderBadResponse(f"keys is no list of 1 to {MOST_KEYS} keys")
    return KeySet(tuple(filter(None, map(VerificationKey.find, listed))))
