"""The check of a security event token (RFC 8417), by which a vendor tells what has become of an account.

Owns the claims that it has beside those of an ID token. Makes no call and reads no clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_core.errors import ProviderBadResponse
from connect_core.identity import ID_MAX, PersonId
from connect_core.providers.abilities import NoticeKind, VendorNotice, get_notice_expiry
from connect_core.providers.oidc.id_token import Expected, check_audience, get_time
from connect_core.vendor_values import is_absent

WHAT = "event token"


@dataclass(frozen=True, slots=True)
class EventToken:
    """The content of a security event token, every check passed.

    `issuer` is the scope of ids in it, `key` names the token, and from `expiry_time` (epoch seconds) it is refused.
    `events` is the claim of that name as it came.
    """

    issuer: str
    key: str = field(repr=False)
    expiry_time: int
    events: object = field(repr=False)

    def tell(self, kind: NoticeKind, subject: object) -> VendorNotice:
        """Return what the token tells of the person `subject`. Raises `ProviderBadResponse` for what is no id."""
        if not isinstance(subject, str):
            raise ProviderBadResponse(f"the subject of {WHAT} is not text")
        key = f"{self.key}\0{kind.value}"  # one token may have events of two kinds
        return VendorNotice(kind, PersonId.union_id(subject, self.issuer), key, self.expiry_time)


def read_event_claims(claims: Mapping[str, Any], issuer: str, expected: Expected) -> EventToken:
    """Return the content of `claims`, whose signature and issuer have been checked.

    Such a token has no `exp` that counts (RFC 8417 §2.2). Raises `ProviderBadResponse`, which names what is wrong.
    """
    check_audience(claims, expected, WHAT)
    expiry_time = get_notice_expiry(get_time(claims, "iat", WHAT), expected.now)
    key = claims.get("jti")
    if not isinstance(key, str) or not 0 < len(key) <= ID_MAX:
        raise ProviderBadResponse(f"jti of {WHAT} is no text of at most {ID_MAX} characters")
    if not is_absent(claims.get("nonce")) or "events" not in claims:
        raise ProviderBadResponse(f"{WHAT} has no events, or is another kind of token")
    return EventToken(issuer, key, expiry_time, claims["events"])
