"""Google's Cross-Account Protection: security event tokens about a person's Google Account (RISC).

https://developers.google.com/identity/protocols/risc
"""

from collections.abc import Callable, Mapping
from typing import Any

from connect_core.plugin import EventToken, NoticeAnswer, NoticeKind, ProviderBadResponse

RISC = "https://schemas.openid.net/secevent/risc/event-type"
KINDS = {
    f"{RISC}/sessions-revoked": NoticeKind.SESSIONS_ENDED,
    f"{RISC}/account-disabled": NoticeKind.SESSIONS_ENDED,
    f"{RISC}/account-purged": NoticeKind.ACCOUNT_CLOSED,
    "https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked": NoticeKind.CONSENT_WITHDRAWN,
}


def read_events(token: EventToken, find_issuer: Callable[[Mapping[str, Any]], str | None]) -> NoticeAnswer:
    """Return what a token tells. Google expects 202.

    Other events, such as Google's check of the address (`verification`), concern no login. `find_issuer` is the
    provider's. Raises `ProviderBadResponse` for an event about nobody of Google's.
    """
    events = token.events if isinstance(token.events, dict) else {}
    known = {name: event for name, event in events.items() if name in KINDS}
    notices = (token.tell(KINDS[name], _read_subject(event, find_issuer)) for name, event in known.items())
    return NoticeAnswer(tuple(notices), status=202)


def _read_subject(event: object, find_issuer: Callable[[Mapping[str, Any]], str | None]) -> object:
    subject = event.get("subject") if isinstance(event, dict) else None
    if not isinstance(subject, dict) or find_issuer({"iss": subject.get("iss")}) is None:
        raise ProviderBadResponse("the subject of the event is no person of Google's")
    return subject.get("sub")
