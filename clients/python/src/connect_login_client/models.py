"""What a connect-login service answers.

Written by clients/generate.py from connect_core/web/openapi/openapi.json: edit those.
"""

from typing import Literal, NotRequired, TypedDict

ClientType = Literal["pc", "h5", "app", "mini"]
"""Where the visitor is: a PC's browser, a mobile browser, an app or a mini program. Not RFC 6749's client type."""

QrLoginState = Literal["waiting", "scanned", "approved", "denied", "collected", "expired"]
"""How far a QR login is; a PC that polls reads `expired` for whatever cannot be collected any more."""

ErrorCode = Literal[
    "bad_request",
    "state_missing",
    "state_invalid",
    "state_expired",
    "redirect_not_allowed",
    "provider_denied",
    "code_missing",
    "code_seen",
    "code_invalid",
    "not_logged_in",
    "token_invalid",
    "client_invalid",
    "member_disabled",
    "consent_required",
    "forbidden",
    "unsupported",
    "already_bound",
    "last_connection",
    "changed_meanwhile",
    "rate_limited",
    "provider_unsigned",
    "provider_bad_response",
    "provider_refused",
    "provider_config",
    "provider_timeout",
    "unavailable",
]
"""What happened."""


class BegunLogin(TypedDict):
    """A login that has begun."""

    login_url: str
    """Where the browser goes; or the text that the vendor's SDK takes, or the nonce for its ID token."""
    ticket: NotRequired[str]
    """Send it back with the code or ID token, to `token`."""


class BegunQrLogin(TypedDict):
    """A QR login that has begun."""

    handover_url: str
    """Draw it as a QR code."""
    expires_in: int
    """Seconds for which the QR code works."""
    interval: int
    """Seconds between two polls."""


class ChoiceTicket(TypedDict):
    """Nobody is known by this identity, and the person has to choose or to agree first."""

    choice_ticket: str
    """Send it to `first-login` or `join`."""
    expires_in: int
    """Seconds for which the ticket is accepted."""
    code: NotRequired[Literal["consent_required"]]
    """Only where the person has to agree to the shop's terms before they are registered."""
    terms_version: NotRequired[str]
    terms_url: NotRequired[str]
    privacy_url: NotRequired[str]


class DescribedSession(TypedDict):
    """A place where the member is logged in; each text is empty where it is not known."""

    id: str
    """Ends this login at `DELETE /connect/sessions/{id}`."""
    client_type: "ClientType"
    device_id: str
    login_time: int
    """In epoch seconds."""
    seen_time: int
    """In epoch seconds."""
    is_this: bool
    """This is the login that asks."""
    browser: str
    system: str
    city: str
    country: str


class JoinChoice(TypedDict):
    """A login that can prove which account a person has."""

    unavailable: NotRequired["OutageNotice"]
    provider: str
    name: str
    join_url: str
    """Post there."""


class LinkedIdentity(TypedDict):
    """The identity now leads to the member who was logged in already."""

    union_type: str
    """The vendor, such as `ALIPAY`."""


class LinkedLogin(TypedDict):
    """A connection as its member sees it."""

    union_type: str
    """The vendor, such as `ALIPAY`."""
    nickname: str
    since: int
    """In epoch seconds."""


class LoggedInOnPc(TypedDict):
    """Whose session the PC has now."""

    uid: int


class LoginTokens(TypedDict):
    """The tokens of a login that has just ended."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    uid: int
    is_new_member: bool
    """The login has registered the member."""


class Me(TypedDict):
    """The member who is logged in."""

    uid: int
    uname: str
    """The member's name for logging in."""
    nickname: str
    face: str
    """The address of a picture, or empty."""
    client_type: "ClientType"
    """Where the member logged in."""
    connections: list[str]
    """The vendors that lead to the member, such as `ALIPAY`."""


class MergeDone(TypedDict):
    """The accounts are merged."""

    id: int
    undo_until: int
    """In epoch seconds; 0 where the merge cannot be undone."""


class MergePlanned(TypedDict):
    """What a merge would do."""

    kept: "ShownAccount"
    merged: "ShownAccount"
    moves: list[str]
    """What else moves, in the shop's own words."""
    refusal: str | None
    """Why the shop does not merge the two; null if it does."""
    undo_until: int
    """In epoch seconds; 0 where the merge could not be undone."""


class MergeTicket(TypedDict):
    """The member has proved a second account."""

    merge_ticket: str
    """Send it to `preview` and to the merge."""
    expires_in: int
    """Seconds for which the ticket is accepted."""


class MergeUndone(TypedDict):
    """The merge is undone."""

    connections: list[str]
    """The vendors that lead to the other member again."""


class OfferedLogin(TypedDict):
    """A provider that a client type shows."""

    unavailable: NotRequired["OutageNotice"]
    provider: str
    """Its NAME in the configuration, and in the addresses of its routes."""
    name: str
    """What it is called on a button, in the visitor's language."""
    login_url: str | None
    """Where a browser begins the login; null where an app or a mini program begins it."""


class OutageNotice(TypedDict):
    """A vendor is down."""

    reason: str
    """A sentence for the visitor, in their language."""
    retry_after: int
    """Look again in so many seconds."""


class Problem(TypedDict):
    """Why a request was refused (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    """The code again: RFC 9457 wants a title."""
    status: int
    """The HTTP status of the answer."""
    code: "ErrorCode"
    request_id: str
    """Finds the request in the service's log. Tell it to the shop's support."""
    detail: NotRequired[str]
    """Why a new password is not accepted, in a sentence."""
    reason: NotRequired[str]
    """Why a new password is not accepted: `too_short`, `too_long`, `common` or `name`. At `/readyz`, why it failed."""
    reauthenticate_url: NotRequired[str]
    """Where the member confirms who they are: the request needs a more recent login."""


class PublicKey(TypedDict):
    """A public key (RFC 7517 §4)."""

    kty: str
    kid: str
    crv: str
    x: str
    y: str
    use: str
    alg: str


class PublicKeySet(TypedDict):
    """A JWK set (RFC 7517 §5)."""

    keys: "list[PublicKey]"


class QrLoginStatus(TypedDict):
    """How far a QR login is."""

    status: "QrLoginState"


class RefreshedCookies(TypedDict):
    """The new tokens are in the cookies of the `/buyer` routes."""

    expires_in: int
    uid: int


class ScannedQrLogin(TypedDict):
    """Which computer wants to log in; each text is empty where it is not known."""

    browser: str
    system: str
    place: str
    """The network that the computer is in, such as `203.0.113.*`."""
    city: str
    country: str
    age: int
    """Seconds since the QR login began."""
    status: "QrLoginState"


class ServerMetadata(TypedDict):
    """Where the token routes are, and what they take (RFC 8414)."""

    issuer: str
    jwks_uri: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    grant_types_supported: list[str]
    response_types_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint: NotRequired[str]
    introspection_endpoint_auth_methods_supported: NotRequired[list[str]]


class ShownAccount(TypedDict):
    """One of two accounts of a person."""

    uid: int
    uname: str
    nickname: str
    face: str
    connections: "list[ShownConnection]"


class ShownConnection(TypedDict):
    """A connection of one of two accounts."""

    union_type: str
    nickname: str
    moves: NotRequired[bool]
    """Of the merged account: whether the connection moves, or ends."""


class TokenAnswer(TypedDict):
    """A member's tokens (RFC 6749 §5.1)."""

    access_token: str
    """A JWT. Send it as `Authorization: Bearer`."""
    refresh_token: str
    """Gets the next tokens, once."""
    token_type: str
    expires_in: int
    """Seconds for which the access token is valid."""
    uid: int
    """The member's id."""


class UndoableMergeRow(TypedDict):
    """A merge that can still be undone."""

    id: int
    uid: int
    """The member that was merged."""
    name: str
    merge_time: int
    """In epoch seconds."""
    undo_until: int
    """In epoch seconds."""


class VendorLogout(TypedDict):
    """The login here has ended; at the vendor it has not."""

    logout_url: str
    """Send the browser there next."""


class WaitingLogin(TypedDict):
    """A first login that waits for a choice."""

    provider: str
    name: str
    nickname: str
    subject: str
    """Names this login. Send it back as `page_subject`: another login that waits by then is then left alone."""
    joins: "list[JoinChoice]"
    code: NotRequired[Literal["consent_required"]]
    terms_version: NotRequired[str]
    terms_url: NotRequired[str]
    privacy_url: NotRequired[str]


class WayToConfirm(TypedDict):
    """One of the member's own logins."""

    unavailable: NotRequired["OutageNotice"]
    provider: str
    name: str
    confirm_url: str
    """Post there."""


class WaysToConfirm(TypedDict):
    """How the member can confirm who they are."""

    ways: "list[WayToConfirm]"
    password_url: str | None
    """Where to post the member's password; null for a member without one."""
