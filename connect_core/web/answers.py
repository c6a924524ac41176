"""The forms of our JSON answers: what each route's body has, in types that cost nothing while a request is answered.

The routes write plain dictionaries of these types, and mypy compares them. `connect_core.web.openapi` describes them in
the OpenAPI document, with the docstrings as descriptions. Has no code, and nothing of a request.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict  # pydantic reads the one of `typing` from Python 3.12 on only

from connect_core.identity import ClientType
from connect_core.login.qr_login import QrLoginState


class Problem(TypedDict):
    """Why a request was refused (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    """The code again: RFC 9457 wants a title."""
    status: int
    """The HTTP status of the answer."""
    code: str
    """What happened, in a word for programs. The list of codes is closed."""
    request_id: str
    """Finds the request in the service's log. Tell it to the shop's support."""
    detail: NotRequired[str]
    """Why a new password is not accepted, in a sentence."""
    reason: NotRequired[str]
    """Why a new password is not accepted: `too_short`, `too_long`, `common` or `name`. At `/readyz`, why it failed."""
    reauthenticate_url: NotRequired[str]
    """Where the member confirms who they are: the request needs a more recent login."""


class OutageNotice(TypedDict):
    """A vendor is down."""

    reason: str
    """A sentence for the visitor, in their language."""
    retry_after: int
    """Look again in so many seconds."""


class PerhapsDown(TypedDict):
    """A login whose vendor may be down."""

    unavailable: NotRequired[OutageNotice]
    """Only while the vendor is down: grey the button."""


class OfferedLogin(PerhapsDown):
    """A provider that a client type shows."""

    provider: str
    """Its NAME in the configuration, and in the addresses of its routes."""
    name: str
    """What it is called on a button, in the visitor's language."""
    login_url: str | None
    """Where a browser begins the login; null where an app or a mini program begins it."""


class BegunLogin(TypedDict):
    """A login that has begun."""

    login_url: str
    """Where the browser goes; or the text that the vendor's SDK takes, or the nonce for its ID token."""
    ticket: NotRequired[str]
    """Send it back with the code or ID token, to `token`."""


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


class LoginTokens(TokenAnswer):
    """The tokens of a login that has just ended."""

    is_new_member: bool
    """The login has registered the member."""


class RefreshedCookies(TypedDict):
    """The new tokens are in the cookies of the `/buyer` routes."""

    expires_in: int
    uid: int


class LinkedIdentity(TypedDict):
    """The identity now leads to the member who was logged in already."""

    union_type: str
    """The vendor, such as `ALIPAY`."""


class MergeTicket(TypedDict):
    """The member has proved a second account."""

    merge_ticket: str
    """Send it to `preview` and to the merge."""
    expires_in: int
    """Seconds for which the ticket is accepted."""


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


class VendorLogout(TypedDict):
    """The login here has ended; at the vendor it has not."""

    logout_url: str
    """Send the browser there next."""


class Me(TypedDict):
    """The member who is logged in."""

    uid: int
    uname: str
    """The member's name for logging in."""
    nickname: str
    face: str
    """The address of a picture, or empty."""
    client_type: ClientType
    """Where the member logged in."""
    connections: list[str]
    """The vendors that lead to the member, such as `ALIPAY`."""


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

    keys: list[PublicKey]


class JoinChoice(PerhapsDown):
    """A login that can prove which account a person has."""

    provider: str
    name: str
    join_url: str
    """Post there."""


class WaitingLogin(TypedDict):
    """A first login that waits for a choice."""

    provider: str
    name: str
    nickname: str
    subject: str
    """Names this login. Send it back as `page_subject`: another login that waits by then is then left alone."""
    joins: list[JoinChoice]
    code: NotRequired[Literal["consent_required"]]
    terms_version: NotRequired[str]
    terms_url: NotRequired[str]
    privacy_url: NotRequired[str]


class WayToConfirm(PerhapsDown):
    """One of the member's own logins."""

    provider: str
    name: str
    confirm_url: str
    """Post there."""


class WaysToConfirm(TypedDict):
    """How the member can confirm who they are."""

    ways: list[WayToConfirm]
    password_url: str | None
    """Where to post the member's password; null for a member without one."""


class BegunQrLogin(TypedDict):
    """A QR login that has begun."""

    handover_url: str
    """Draw it as a QR code."""
    expires_in: int
    """Seconds for which the QR code works."""
    interval: int
    """Seconds between two polls."""


class QrLoginStatus(TypedDict):
    """How far a QR login is."""

    status: QrLoginState


class LoggedInOnPc(TypedDict):
    """Whose session the PC has now."""

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
    status: QrLoginState


class LinkedLogin(TypedDict):
    """A connection as its member sees it."""

    union_type: str
    """The vendor, such as `ALIPAY`."""
    nickname: str
    since: int
    """In epoch seconds."""


class DescribedSession(TypedDict):
    """A place where the member is logged in; each text is empty where it is not known."""

    id: str
    """Ends this login at `DELETE /connect/sessions/{id}`."""
    client_type: ClientType
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


class ShownConnection(TypedDict):
    """A connection of one of two accounts."""

    union_type: str
    nickname: str
    moves: NotRequired[bool]
    """Of the merged account: whether the connection moves, or ends."""


class ShownAccount(TypedDict):
    """One of two accounts of a person."""

    uid: int
    uname: str
    nickname: str
    face: str
    connections: list[ShownConnection]


class MergePlanned(TypedDict):
    """What a merge would do."""

    kept: ShownAccount
    merged: ShownAccount
    moves: list[str]
    """What else moves, in the shop's own words."""
    refusal: str | None
    """Why the shop does not merge the two; null if it does."""
    undo_until: int
    """In epoch seconds; 0 where the merge could not be undone."""


class MergeDone(TypedDict):
    """The accounts are merged."""

    id: int
    undo_until: int
    """In epoch seconds; 0 where the merge cannot be undone."""


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


class MergeUndone(TypedDict):
    """The merge is undone."""

    connections: list[str]
    """The vendors that lead to the other member again."""


class ProcessUp(TypedDict):
    """The process runs."""

    status: Literal["ok"]


class ReadyAnswer(TypedDict):
    """Logins can be written."""

    status: Literal["ok"]
    checks: dict[str, str]
    """Each check with `ok`."""
    quarantined: list[str]
    """Plugins that could not be loaded."""


class NotReadyAnswer(Problem):
    """Logins cannot be written."""

    check: str
    """The check that failed."""
    checks: dict[str, str]
    """Each check with `ok`, why it failed, or `not tried`."""
    quarantined: list[str]
    """Plugins that could not be loaded."""


class ServiceMark(TypedDict):
    """Which service answers. `connect-login doctor` gets more."""

    service: Literal["connect-login"]


class InvalidLogoutToken(TypedDict):
    """The logout token is not accepted (OpenID Connect Back-Channel Logout 1.0 §2.8)."""

    error: Literal["invalid_request"]
    code: str
    request_id: str
