"""The keys an OpenID provider signs with (RFC 7517): a set, parsed once when it is fetched.

Owns which keys may have made a signature. Never reads a claim.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connect_core.crypto import VerificationKey, Verifier
from connect_core.errors import ProviderBadResponse
from connect_core.http import Http

MOST_KEYS = 64


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys in the set's order."""

    keys: tuple[Verifier, ...]

    def find_keys(self, algorithm: str, kid: str | None) -> list[Verifier]:
        """Return the keys that may have signed: those that serve `algorithm` and, where it is named, are called `kid`.

        A token that names none may be any fitting key's. A key without a name is not the one that a token names.
        """
        return [key for key in self.keys if algorithm in key.algorithms and kid in (None, key.kid)]


async def fetch_keys(http: Http, url: str) -> KeySet:
    """Fetch the set at `url`. Raises `ProviderBadResponse` for no set, or one of more than 64 keys, and as `Http`."""
    answer = (await http.get(url, headers={"accept": "application/json"})).raise_for_outage()
    if answer.status != 200:
        raise ProviderBadResponse(f"jwks_uri answers HTTP {answer.status}")
    return read_keys(answer.json())


def read_keys(found: Mapping[str, Any]) -> KeySet:
    """Return the keys of a set that can be used; the others are passed over (RFC 7517 §5). Raises as `fetch_keys`."""
    listed = found.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ProviderBadResponse(f"keys is no list of at most {MOST_KEYS} keys")
    return KeySet(tuple(_unmistakable(filter(None, map(VerificationKey.find, listed)))))


def _unmistakable(keys: Iterable[VerificationKey]) -> list[VerificationKey]:
    """Drop keys of one name and type: which of them is meant nobody can tell."""
    kept = list(keys)
    names = [(key.kid, key.algorithms) for key in kept]
    return [key for key, name in zip(kept, names, strict=True) if not key.kid or names.count(name) == 1]
