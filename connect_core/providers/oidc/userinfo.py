"""User-info as a signed JWT, and whether user-info is about the person of the ID token (OpenID Connect Core §5.3).

Owns what makes such an answer forged, contradicting or unusable. Makes no call and checks no signature.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from connect_core.errors import ContradictingAnswer, ProviderBadResponse
from connect_core.http import Answer
from connect_core.identity import PersonId, exact_id
from connect_core.providers.oidc.id_token import SKEW, Jws, split_token
from connect_core.vendor_values import is_absent

USERINFO = "user-info"
"""What errors call the answer."""
_JWT = re.compile(rb"\s*([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)\s*")
_ASYMMETRIC = frozenset(
    {"EdDSA", "ES256", "ES256K", "ES384", "ES512", "Ed25519", "Ed448"}
    | {"PS256", "PS384", "PS512", "RS256", "RS384", "RS512"}
)


def find_jws(answer: Answer, algorithms: Collection[str]) -> Jws | None:
    """Return the parts of a user-info answer that is a signed JWT (§5.3.2), or None for any other, such as JSON.

    Some providers send the JWT without its content type, so the body decides. Raises `ProviderUnsigned` for a JWT
    without a signature or keyed with a secret, unless `algorithms` have HS256, and `ProviderBadResponse` for one that
    is signed with a public key's algorithm outside of `algorithms`: nobody can say then whether it is forged.
    """
    match = _JWT.fullmatch(answer.content) if 200 <= answer.status < 300 else None
    if match is None:
        return None
    jws = split_token(match[1].decode(), {*algorithms, *_ASYMMETRIC}, USERINFO)
    if jws.algorithm not in algorithms:
        raise ProviderBadResponse("user-info is signed with an algorithm that is not read")
    return jws


def check_signed(claims: Mapping[str, Any], clients: Collection[str], now: float) -> None:
    """Check `aud` and `exp` of signed user-info; each may be missing (§5.3.2).

    Raises `ContradictingAnswer` for user-info that is for none of our `clients`, and `ProviderBadResponse` for old
    user-info.
    """
    audience = [*clients] if is_absent(claims.get("aud")) else claims["aud"]
    if not any(client in clients for client in (audience if isinstance(audience, list) else [audience])):
        raise ContradictingAnswer("user-info is for another client")
    expiry = now if is_absent(claims.get("exp")) else claims["exp"]
    if not isinstance(expiry, int | float) or expiry <= now - SKEW:
        raise ProviderBadResponse("exp of user-info is over")


def check_subject(claims: Mapping[str, Any], ids: Collection[PersonId]) -> None:
    """Check that `sub` of user-info is one of `ids`, those of the person (§5.3.4).

    Raises `ContradictingAnswer` for another person's, and `ProviderBadResponse` when it does not say whose it is.
    """
    if exact_id(claims.get("sub"), "sub of user-info") not in {person_id.value for person_id in ids}:
        raise ContradictingAnswer("user-info is about somebody else")
