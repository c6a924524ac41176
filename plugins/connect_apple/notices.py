"""Apple's notifications of what a person does with their Apple Account.

https://developer.apple.com/documentation/signinwithapple/processing-changes-for-sign-in-with-apple-accounts
"""

from connect_core.plugin import EventToken, NoticeAnswer, NoticeKind, parse_object

KINDS = {"consent-revoked": NoticeKind.CONSENT_WITHDRAWN, "account-delete": NoticeKind.ACCOUNT_CLOSED}


def read_event(token: EventToken) -> NoticeAnswer:
    """Return what a notification tells: its claim `events` is the JSON text of a single event.

    Events about the relay address (`email-disabled`, `email-enabled`) concern no login. Raises `ProviderBadResponse`.
    """
    event = parse_object(token.events if isinstance(token.events, str) else "")
    kind = KINDS.get(str(event.get("type")))
    return NoticeAnswer((token.tell(kind, event.get("sub")),) if kind else ())
