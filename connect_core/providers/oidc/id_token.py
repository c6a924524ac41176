"""The check of an ID token (OpenID Connect Core §3.1.3.7, RFC 8725), in the one order there is.

Owns every rule between a text and claims that may be believed. Crosses no network and has no clock: keys, time and
what is expected are handed in.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_core.crypto import Verifier, encode_part
from connect_core.errors import ProviderBadResponse, ProviderUnsigned
from connect_core.http import parse_object
from connect_core.identity import exact_id

TOKEN_LIMIT = 16 * 1024
SKEW = 60
"""Seconds by which the vendor's clock may differ from ours."""
OLDEST = 24 * 3600
"""Seconds after its making when a token is too old, whatever it says about its end."""
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Jws:
    """A compact JWS taken apart (RFC 7515 §7.1), not yet believed."""

    algorithm: str
    kid: str | None
    payload: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say.

    `own` are the client ids of which one must be its audience, and one its authorized party if it names one;
    `audiences` all that may stand beside them. `access_token` came with it (empty: none did). `now` in epoch seconds.
    """

    own: frozenset[str]
    audiences: frozenset[str]
    nonce: str = field(repr=False)
    now: float
    access_token: str = field(default="", repr=False)


def split_token(token: object, algorithms: Collection[str]) -> Jws:
    """Take a token apart, if it is a compact JWS signed by one of `algorithms`.

    Raises `ProviderUnsigned` for another algorithm or no signature, `ProviderBadResponse` for no such token, one above
    16 KiB, names that come twice, or header parameters that change its meaning (`crit`, `zip`, `enc`, `b64`).
    """
    if not isinstance(token, str) or len(token) > TOKEN_LIMIT:
        raise ProviderBadResponse("id_token is no text of at most 16 KiB")
    if token.endswith(".") and token.count(".") == 2:
        raise ProviderUnsigned("id_token is not signed")
    if not _COMPACT.fullmatch(token):
        raise ProviderBadResponse("id_token is no compact JWS")
    head, body, signature = (_decoded(part) for part in token.split("."))
    header = _object(head)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise ProviderUnsigned("alg of id_token is not allowed")
    if {"b64", "crit", "enc", "zip"} & header.keys() or not isinstance(kid, str | None):
        raise ProviderBadResponse("the header of id_token is not taken")
    return Jws(algorithm, kid, body, token.rpartition(".")[0].encode(), signature)


def check_signature(jws: Jws, keys: Collection[Verifier]) -> dict[str, Any]:
    """Return the claims that one of `keys` signed. Raises `ProviderUnsigned`, `ProviderBadResponse` for no claims."""
    if not any(key.verify(jws.algorithm, jws.signature, jws.signed) for key in keys):
        raise ProviderUnsigned("the signature of id_token does not verify")
    return _object(jws.payload)


def check_claims(claims: Mapping[str, Any], algorithm: str, expected: Expected) -> None:
    """Check everything but `iss`, which is the provider's to judge. Raises `ProviderBadResponse` naming the claim."""
    _check_audience(claims, expected)
    _check_times(claims, expected.now)
    if not expected.nonce or claims.get("nonce") != expected.nonce:
        raise ProviderBadResponse("nonce of id_token is not this login's")
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise ProviderBadResponse("sub of id_token is not text")
    exact_id(subject, "sub of id_token")
    if "at_hash" in claims and expected.access_token:
        _check_hash(claims["at_hash"], algorithm, expected.access_token)


def _check_audience(claims: Mapping[str, Any], expected: Expected) -> None:
    listed, party = claims.get("aud"), claims.get("azp")
    listed = [listed] if isinstance(listed, str) else listed
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise ProviderBadResponse("aud of id_token is no client id")
    named = set(listed)
    if not named & expected.own or named - expected.own - expected.audiences:
        raise ProviderBadResponse("aud of id_token is not us alone")
    needs_party = len(listed) > 1 or "azp" in claims
    if needs_party and not (isinstance(party, str) and party in expected.own):
        raise ProviderBadResponse("azp of id_token is not us")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expiry, issued = _time(claims, "exp"), _time(claims, "iat")
    begins = _time(claims, "nbf") if "nbf" in claims else issued
    if expiry <= now - SKEW or max(issued, begins) > now + SKEW or issued < now - OLDEST:
        raise ProviderBadResponse("id_token is expired, or not valid yet; is the clock of this machine right?")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e12:
        raise ProviderBadResponse(f"{name} of id_token is no time")
    return value


def _check_hash(told: object, algorithm: str, access_token: str) -> None:
    # of an algorithm without a digest of its own there is no hash to compare, so that is refused as well
    size = algorithm[2:]
    if size not in ("256", "384", "512"):
        raise ProviderBadResponse("at_hash of id_token is of an unknown algorithm")
    digest = hashlib.new(f"sha{size}", access_token.encode()).digest()
    if told != encode_part(digest[: len(digest) // 2]):
        raise ProviderBadResponse("at_hash of id_token is not the access token's")


def _decoded(part: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    # one text for one content: bits that a decoder drops would give a spent token a second spelling
    if not raw or encode_part(raw) != part:
        raise ProviderBadResponse("id_token is no compact JWS")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\ufffd"
    # an unreadable text is no object either; raised there, so that no error has the token in its repr
    return parse_object(text)
