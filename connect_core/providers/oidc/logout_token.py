"""The check of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6).

Owns the claims that it has beside those of an ID token. Makes no call and reads no clock.
"""

from collections.abc import Mapping
from typing import Any

from connect_core.errors import ProviderBadResponse
from connect_core.identity import ID_MAX, PersonId
from connect_core.providers.abilities import LogoutNotice
from connect_core.providers.oidc.id_token import OLDEST, SKEW, Expected, Jws, check_audience, check_times, get_time
from connect_core.vendor_values import is_absent

WHAT = "logout_token"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
"""The member of `events` that makes a JWT a logout token."""
AGE_WITHOUT_EXPIRY = 600
"""Seconds after `iat` for which a token without `exp` is taken: drafts before 1.0 did not ask for it."""
_TYPES = ("", "jwt", "logout+jwt")


def read_logout_claims(jws: Jws, claims: Mapping[str, Any], issuer: str, expected: Expected) -> LogoutNotice:
    """Return what `claims`, whose signature and issuer have been checked, say about the end of a session.

    Raises `ProviderBadResponse`, which names what is wrong.
    """
    if jws.type.lower().removeprefix("application/") not in _TYPES:
        raise ProviderBadResponse("typ of logout_token is another kind of token's")
    check_audience(claims, expected, WHAT)
    expiry = _check_times(claims, expected.now)
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
        raise ProviderBadResponse("events of logout_token do not have the log-out")
    if not is_absent(claims.get("nonce")):
        raise ProviderBadResponse("nonce is not allowed in logout_token")
    subject = _text(claims, "sub")
    sid = _text(claims, "sid")
    if not (sid or subject):
        raise ProviderBadResponse("sub and sid of logout_token are both missing")
    key = _text(claims, "jti")
    if not key:
        raise ProviderBadResponse("jti of logout_token is missing")
    return LogoutNotice(issuer, key, expiry, sid, PersonId.union_id(subject, issuer) if subject else None)


def _check_times(claims: Mapping[str, Any], now: float) -> int:
    """Return when the token is no longer taken, in epoch seconds."""
    issued = get_time(claims, "iat", WHAT)
    expiry = claims.get("exp")
    bounded = {**claims, "exp": issued + AGE_WITHOUT_EXPIRY if expiry is None else expiry}
    check_times(bounded, now, WHAT)
    return int(min(bounded["exp"], issued + OLDEST) + SKEW) + 1


def _text(claims: Mapping[str, Any], name: str) -> str:
    """Return the claim, empty where it is absent; an empty one is absent, too."""
    value = claims.get(name)
    if value is not None and not (isinstance(value, str) and len(value) <= ID_MAX):
        raise ProviderBadResponse(f"{name} of logout_token is no text of at most {ID_MAX} characters")
    return value or ""
