"""What the routes read of a query or a body: names and types; the descriptions are in the reference's words.

Every value is a text, in a form as in JSON. What is not named here is not read, and refuses nothing.
"""

from typing import Annotated, Any, Literal, Required

from annotated_types import Len
from typing_extensions import TypedDict

from connect_core.identity import ClientType

Digits = Annotated[str, Len(32, 32)]


class LoginQuery(TypedDict, total=False):
    """Where a login by redirect ends."""

    return_to: str
    redirect_uri: str
    lang: str


class ReturnQuery(TypedDict, total=False):
    """Where the visitor lands."""

    return_to: str


class CodeQuery(TypedDict, total=False):
    """Where a login by redirect ends."""

    return_to: str
    redirect_uri: str


class CallbackQuery(TypedDict, total=False):
    """What the vendor sends back, beside its own parameters."""

    state: str
    code: str


class LoginPageQuery(TypedDict, total=False):
    """What the login page shows."""

    client: ClientType
    return_to: str
    lang: str
    another: str


class ProvidersQuery(TypedDict, total=False):
    """Whose providers, in which language."""

    client: Required[ClientType]
    lang: str


class HandoverQuery(TypedDict, total=False):
    """Where the PC lands."""

    return_to: str
    lang: str


class UnbindQuery(TypedDict, total=False):
    """What else ends."""

    logout: str


class ProofQuery(TypedDict, total=False):
    """The doctor's proof."""

    nonce: Digits
    codes: str


class LegacyUrlQuery(TypedDict, total=False):
    """Where the vendor returns to."""

    redirectUri: Required[str]


class LegacyLoginQuery(TypedDict, total=False):
    """What the vendor sent back."""

    code: str
    state: str
    uuid: str


class LoginUrlRequest(TypedDict, total=False):
    """Where a login ends; a client that hands in a code or an ID token needs neither."""

    redirect_uri: str
    return_to: str


class TokenExchange(TypedDict, total=False):
    """What a login ends with, beside the vendor's own parameters, which are taken under the vendor's names."""

    code: str
    state: str
    id_token: str
    ticket: str
    device_id: str
    consent: str
    phone: str | dict[str, Any]


class RefreshRequest(TypedDict, total=False):
    """The token that is exchanged."""

    refresh_token: str
    grant_type: str


class LogoutRequest(TypedDict, total=False):
    """The login that ends, where neither a cookie nor a bearer token says so."""

    refresh_token: str


class PasswordLogin(TypedDict, total=False):
    """Credentials, beside the fields that the shop's own check takes."""

    username: str
    password: str
    return_to: str
    client: ClientType
    device_id: str


class LogoutTokenForm(TypedDict):
    """What the vendor's server posts."""

    logout_token: str


class TokenForm(TypedDict, total=False):
    """A token that a service asks about or revokes, and who the service is."""

    token: Required[str]
    token_type_hint: str
    client_id: str
    client_secret: str


class FirstLoginChoice(TypedDict, total=False):
    """The choice at a first login, and with `join` the credentials."""

    decision: Required[Literal["register", "join"]]
    ticket: str
    page_subject: str
    consent: str
    username: str
    password: str


class JoinRequest(TypedDict, total=False):
    """How the login that proves the account begins, or its code."""

    choice_ticket: str
    page_subject: str
    redirect_uri: str
    code: str


class BindRequest(TypedDict, total=False):
    """How a login begins that links, proves or confirms, or its code with the vendor's other parameters."""

    return_to: str
    redirect_uri: str
    code: str


class ConfirmingPassword(TypedDict, total=False):
    """The member's password, or the fields that the shop's own check takes."""

    password: str
    return_to: str


class CollectRequest(TypedDict, total=False):
    """Where the PC lands."""

    return_to: str


class NewPassword(TypedDict):
    """The member's new password."""

    password: str


class UnbindForm(TypedDict, total=False):
    """What else ends."""

    logout: str


class MergeCredentials(TypedDict, total=False):
    """Credentials of the second account, or the fields that the shop's own check takes."""

    username: str
    password: str


class MergeProof(TypedDict, total=False):
    """The proof of the second account."""

    ticket: str


class PendingTicket(TypedDict, total=False):
    """The login that waits."""

    ticket: str


class PendingCredentials(TypedDict, total=False):
    """The login that waits, and whose it is."""

    username: str
    password: str
    ticket: str


class LegacyMiniRequest(TypedDict, total=False):
    """What a mini program posts beside the code."""

    phone: str | dict[str, Any]


class VersionQuery(TypedDict, total=False):
    """Which version of the file."""

    v: str
