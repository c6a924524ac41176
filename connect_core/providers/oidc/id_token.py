"""The check of an ID token (OpenID Connect Core §3.1.3.7, RFC 8725).

Owns every rule between a text and claims that can be trusted, in the order `split_token`, `check_signature`,
`check_claims`. Makes no call and reads no clock: keys, time and expected values are arguments.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from connect_core.crypto import Algorithm, Verifier, encode_part
from connect_core.errors import ProviderBadResponse, ProviderUnsigned
from connect_core.http import parse_object
from connect_core.identity import exact_id
from connect_core.limits import TOKEN_LIMIT
from connect_core.vendor_values import is_absent

SKEW = 60
"""Seconds by which the vendor's clock may differ from ours."""
OLDEST = 24 * 3600
"""Seconds after `iat` when a token is too old, whatever its `exp` says."""
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Jws:
    """The parts of a compact JWS (RFC 7515 §7.1). Its signature is not yet checked.

    `kid` names the key, None when the header has none; `type` is `typ`, or empty. `signed` is the text, in ASCII, that
    was signed.
    """

    algorithm: str
    kid: str | None
    type: str
    payload: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the claims of a token must fit.

    - `clients`: our client ids. One of them must be in `aud`, and `azp`, if there is one, must be one of them.
    - `audiences`: client ids that may also be in `aud`.
    - `nonce`: the nonce of this flow.
    - `now`: seconds since the epoch.
    - `access_token`: the token that came in the same answer, to compare `at_hash` with; empty when none came.
    - `max_age`: seconds since the person proved to the provider who they are, where the request limited them.
    """

    clients: frozenset[str]
    audiences: frozenset[str]
    nonce: str = field(repr=False)
    now: float
    access_token: str = field(default="", repr=False)
    max_age: int | None = None


def split_token(token: object, algorithms: Collection[str], what: str = "id_token") -> Jws:
    """Return the parts of a compact JWS whose header names one of `algorithms` (RFC 7518 §3.1).

    `what` is what errors call the token.

    Raises `ProviderUnsigned` for another algorithm and for a token without a signature. Raises `ProviderBadResponse`
    for a text that is no compact JWS or above 64 KiB, for a member that comes twice, and for header parameters that
    change the meaning of the token (`crit`, `zip`, `enc`, `b64`).
    """
    if not isinstance(token, str) or len(token) > TOKEN_LIMIT:
        raise ProviderBadResponse(f"{what} is no text of at most 64 KiB")
    if token.endswith(".") and token.count(".") == 2:
        raise ProviderUnsigned(f"{what} is not signed")
    if not _COMPACT.fullmatch(token):
        raise ProviderBadResponse(f"{what} is no compact JWS")
    head, body, signature = (_decoded(part, what) for part in token.split("."))
    header = _object(head)
    algorithm, kid = header.get("alg"), None if is_absent(header.get("kid")) else header["kid"]
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        name = f" {algorithm}" if algorithm in get_args(Algorithm) else ""
        raise ProviderUnsigned(f"alg{name} of {what} is not among id_token_algorithms")
    if {"b64", "crit", "enc", "zip"} & header.keys() or not isinstance(kid, str | None):
        raise ProviderBadResponse(f"the header of {what} is not taken")
    kind = header["typ"] if isinstance(header.get("typ"), str) else ""
    return Jws(algorithm, kid, kind, body, token.rpartition(".")[0].encode(), signature)


def check_signature(jws: Jws, keys: Collection[Verifier], what: str = "id_token") -> dict[str, Any]:
    """Return the claims, which one of `keys` must have signed.

    Raises `ProviderUnsigned` when none did, and `ProviderBadResponse` when the content is no JSON object.
    """
    if not any(key.verify(jws.algorithm, jws.signature, jws.signed) for key in keys):
        raise ProviderUnsigned(f"the signature of {what} does not verify")
    return _object(jws.payload)


def check_claims(claims: Mapping[str, Any], algorithm: str, expected: Expected) -> None:
    """Check every claim except `iss`, which `OidcProvider.find_issuer` checks.

    `algorithm` is the one in the token's header. Raises `ProviderBadResponse`, which names the claim that is wrong.
    """
    check_audience(claims, expected)
    check_times(claims, expected.now)
    if not expected.nonce or claims.get("nonce") != expected.nonce:
        raise ProviderBadResponse("nonce of id_token is not this login's")
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise ProviderBadResponse("sub of id_token is not text")
    exact_id(subject, "sub of id_token")
    if not is_absent(claims.get("at_hash")) and expected.access_token:
        _check_hash(claims["at_hash"], algorithm, expected.access_token)
    if expected.max_age is not None and get_time(claims, "auth_time") < expected.now - expected.max_age - SKEW:
        raise ProviderBadResponse("auth_time of id_token is older than max_age allows")


def check_audience(claims: Mapping[str, Any], expected: Expected, what: str = "id_token") -> None:
    """Check `aud` and `azp`. Raises `ProviderBadResponse`."""
    listed, party = claims.get("aud"), None if is_absent(claims.get("azp")) else claims["azp"]
    listed = [listed] if isinstance(listed, str) else listed
    if not isinstance(listed, list) or not all(isinstance(client, str) for client in listed):
        raise ProviderBadResponse(f"aud of {what} is no client id")
    named = set(listed)
    if not named & expected.clients or named - expected.clients - expected.audiences:
        raise ProviderBadResponse(f"aud of {what} is not us alone")
    needs_party = len(listed) > 1 or party is not None
    if needs_party and not (isinstance(party, str) and party in expected.clients):
        raise ProviderBadResponse(f"azp of {what} is not us")


def check_times(claims: Mapping[str, Any], now: float, what: str = "id_token") -> None:
    """Check `exp`, `iat` and `nbf` at `now`, in epoch seconds. Raises `ProviderBadResponse`."""
    expiry, issued = get_time(claims, "exp", what), get_time(claims, "iat", what)
    begins = issued if is_absent(claims.get("nbf")) else get_time(claims, "nbf", what)
    if expiry <= now - SKEW or max(issued, begins) > now + SKEW or issued < now - OLDEST:
        raise ProviderBadResponse(f"{what} is expired, or not valid yet; is the clock of this machine right?")


def get_time(claims: Mapping[str, Any], name: str, what: str = "id_token") -> float:
    """Return a claim in epoch seconds. Raises `ProviderBadResponse` for anything but a number."""
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e12:
        raise ProviderBadResponse(f"{name} of {what} is no time")
    return value


def _check_hash(at_hash: object, algorithm: str, access_token: str) -> None:
    # OpenID Connect Core §3.1.3.6 takes the hash from the algorithm's name (RS256: SHA-256); Ed25519 uses SHA-512
    size = "512" if algorithm in ("EdDSA", "Ed25519") else algorithm[2:]
    if size not in ("256", "384", "512"):
        raise ProviderBadResponse("at_hash of id_token is of an unknown algorithm")
    digest = hashlib.new(f"sha{size}", access_token.encode()).digest()
    if at_hash != encode_part(digest[: len(digest) // 2]):
        raise ProviderBadResponse("at_hash of id_token is not the access token's")


def _decoded(part: str, what: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    # the decoder ignores surplus bits, so one token could be written in two ways and be handed in twice
    if not raw or encode_part(raw) != part:
        raise ProviderBadResponse(f"{what} is no compact JWS")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\ufffd"
    # not raised in the handler: the decoding error has the token in its repr, and would be chained
    return parse_object(text)
