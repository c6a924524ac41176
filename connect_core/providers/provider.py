"""`Provider`, the values that go in and out of it, and the optional abilities that a provider can add.

A provider turns one vendor's protocol into an `Identity`. It sees no cookie, session, member or database: the core
makes and checks state, nonce, PKCE verifier, redirect targets and time limits.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from connect_core.errors import ProviderBadResponse
from connect_core.http import Http
from connect_core.identity import ClientType, Identity, Language, PersonId, VerifiedPhone
from connect_core.renamed import warn_renamed
from connect_core.settings import ProviderSettings
from connect_core.user_agents import InAppBrowser


class Entrance(StrEnum):
    """How a login comes back from the vendor. `Provider.entrances` names one for each client type."""

    REDIRECT = "redirect"
    """The vendor sends the browser to our callback with `code` and `state` (RFC 6749 §4.1). For PC and H5."""
    CLIENT_CODE = "client_code"
    """A mini program or app gets a code from its own SDK and posts it to `/token`. No redirect, no state."""
    TICKETED_CODE = "ticketed_code"
    """As `CLIENT_CODE`, for an SDK that needs a string from `get_login_url` first.

    `/login-url` answers that string with a one-time ticket, which the app posts with the code.
    """
    CREDENTIAL = "credential"
    """An app or page posts an ID token (OpenID Connect Core §2) with the one-time ticket of its nonce.

    `get_login_url` returns the nonce for the vendor's SDK, and `AuthorizationResponse.code` is the ID token.
    """

    @property
    def is_ticketed(self) -> bool:
        """True where `/login-url` answers a ticket that must be posted to `/token`."""
        return self in (Entrance.TICKETED_CODE, Entrance.CREDENTIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """One login that is about to begin: the argument of `Provider.get_login_url` (RFC 6749 §4.1.1).

    - `client_type`: where the visitor is.
    - `redirect_uri`: the absolute callback URL, not yet percent-encoded. The token call sends the same one.
    - `state`: 32 base62 characters. Put it into the login URL as it is; the core checks that it comes back.
    - `nonce`: for an OpenID provider's `nonce` parameter, or for the SDK of the entrance `credential`.
    - `code_challenge`: the S256 challenge (RFC 7636 §4.2), for vendors that support PKCE.
    - `language`: the primary language of the visitor's page, such as `zh` or `en`.
    - `language_tag`: the same language as a whole tag (BCP 47), such as `zh-TW`; empty: no more than `language`.
    """

    client_type: ClientType
    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_challenge: str
    language: Language = "zh"
    language_tag: Language = ""


class AuthorizationResponse:
    """What came back from the vendor: the argument of `Provider.login_callback`.

    It exists only after the core has checked the state and spent the flow, or has seen that a client's code is new.
    The constructor therefore raises `TypeError`; tests of a plugin use `of_spent_flow`.

    - `client_type`: where the visitor is.
    - `code`: the authorization code; the ID token for the entrance `credential`.
    - `parameters`: everything that came with it, by name, `code` and `state` included. Reading one that is malformed or
      contradicts itself raises `BadRequest`; one that nobody reads refuses nothing.
    - `redirect_uri`, `nonce`, `code_verifier`: as they were at the start of this flow. Empty for a client's code,
      but for the `nonce` of a ticketed one.
    """

    __slots__ = ("client_type", "code", "code_verifier", "nonce", "parameters", "redirect_uri")

    client_type: ClientType
    code: str
    parameters: Mapping[str, str]
    redirect_uri: str
    nonce: str
    code_verifier: str

    def __init__(self) -> None:
        raise TypeError("the core makes responses, once it has spent the flow: AuthorizationResponse.of_spent_flow")

    @classmethod
    def of_spent_flow(
        cls,
        *,
        client_type: ClientType,
        code: str,
        parameters: Mapping[str, str],
        redirect_uri: str = "",
        nonce: str = "",
        code_verifier: str = "",
    ) -> Self:
        """Make the response of a flow that is spent, or of a client's code that was never handed in before.

        For the core, and for tests that call `login_callback` directly. Arguments are the attributes of the class.
        """
        response = object.__new__(cls)
        response.client_type, response.code, response.parameters = client_type, code, parameters
        response.redirect_uri, response.nonce, response.code_verifier = redirect_uri, nonce, code_verifier
        return response

    @classmethod
    def of_redeemed_flow(cls, **attributes: Any) -> Self:
        """Call `of_spent_flow` by its old name, with a `DeprecationWarning`. The next release drops this name."""
        warn_renamed("AuthorizationResponse.of_redeemed_flow", "of_spent_flow")
        return cls.of_spent_flow(**attributes)

    def __repr__(self) -> str:
        return f"AuthorizationResponse({self.client_type}, keys={sorted(self.parameters)})"


class Provider(ABC):
    """One configured registration with a vendor: the base class of every provider.

    Derive from it for a vendor with a protocol of its own; for standard protocols derive from `OAuth2Provider` or
    `OidcProvider`. One object serves all logins at the same time, so keep nothing of one login on it.

        class AcmeProvider(Provider):
            union_type = "ACME"
            titles = {"zh": "极品", "en": "Acme"}
            entrances = {ClientType.PC: Entrance.REDIRECT, ClientType.MINI: Entrance.CLIENT_CODE}
            Settings = AcmeSettings

            async def get_login_url(self, request): ...
            async def login_callback(self, response): ...

    A class states these attributes. A constructor may set them from its settings, except `entrances` and `Settings`:

    - `union_type`: the namespace of the vendor's ids, at most 32 of `A-Z 0-9 _ . -`.
    - `entrances`: the client types that it serves, and how each comes back.
    - `Settings`: the type of its settings, a subclass of `ProviderSettings`.
    - `titles`: its name on pages, by language (`zh`, `en`; a tag such as `zh-TW` counts before `zh`).
    - `code_names`: the vendor's names for the code, besides `code`.
    - `refuses_without_code`: True where a person's refusal comes back with a state and nothing else.
    - `own_browser`: the browser inside the vendor's own app, where the login page offers this login first.
    - `denial_words`: the vendor's own words for a person's refusal, as error or in place of the code.
    """

    union_type: str
    entrances: ClassVar[Mapping[ClientType, Entrance]]
    Settings: ClassVar[type[ProviderSettings]]
    titles: Mapping[str, str]
    code_names: tuple[str, ...] = ("code",)
    refuses_without_code: bool = False
    denial_words: tuple[str, ...] = ()
    own_browser: InAppBrowser | None = None

    def __init__(self, settings: ProviderSettings, http: Http) -> None:
        """Check the settings and parse keys, once, at start-up.

        `settings` is an instance of `Settings`; `http` calls the vendor within the core's limits of time and size.

        Raises `SettingsError` with a line for each setting that cannot work.
        """
        self.settings = settings
        self.http = http

    @abstractmethod
    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return what the client needs to begin: the vendor's URL, or the string that a native SDK takes.

        The result is at most 8192 printable ASCII characters. Not called for the entrance `client_code`.

        Raises a `ProviderFault`, where the vendor has to be asked first.
        """

    @abstractmethod
    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem `response.code` at the vendor and return the person whom the vendor names.

        Called once for each login, for every entrance. Add the profile only where the vendor's answers contain it
        anyway; otherwise leave it to `fetch_profile`.

        Raises `CodeInvalid` when the vendor rejects the code, `ProviderDenied` when the person refused, and a
        `ProviderFault` for anything else that the vendor does. Any other exception is `provider_bad_response`.
        """

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with its profile, and with further ids where the vendor names them in the same answer.

        Called after `login_callback`, at a first login and when the stored profile is older than `profile_max_age`
        seconds. `identity.grant` is what `login_callback` put there, such as an access token. The result keeps every id
        of `identity`; see `Identity.with_profile`.

        Raises `ProviderUnsigned` for a forged answer and `ContradictingAnswer` for one that names another person: the
        login then fails. `Identity.with_profile` raises the latter. Whatever else it raises, such as `ProviderRefused`,
        `ProviderBadResponse` for an answer that cannot be read, or a time-out, is logged as `profile_refused`, and the
        login continues with the ids alone.
        """
        return identity


@runtime_checkable
class DeepLinks(Protocol):
    """The ability of a provider whose H5 login should begin inside the vendor's own app.

    Give the provider class this method; it need not derive from `DeepLinks`.
    """

    def get_deep_link(self, start_url: str, user_agent: str) -> str | None:
        """Return the link (`alipays://…`) that opens `start_url` inside the vendor's app.

        `start_url` is our own login URL, not yet percent-encoded, so that the flow begins in the browser that will
        receive the callback. `user_agent` is the visitor's `User-Agent` header. Returns None inside the app itself.
        """


class RequiredBrowser(StrEnum):
    """The browser in which a login works, when it does not work in the visitor's."""

    VENDOR_APP = "vendor_app"
    """The browser inside the vendor's own app."""
    BROWSER = "browser"
    """The phone's browser, instead of one inside an app."""


@runtime_checkable
class WorksInSomeBrowsers(Protocol):
    """The ability of a provider whose login does not work in every browser.

    The hosted login page then shows which browser to use instead of a button that leads to an error.
    """

    def find_required_browser(self, client_type: ClientType, user_agent: str) -> RequiredBrowser | None:
        """Return the browser in which this login works, or None when it works in the visitor's.

        `user_agent` is the visitor's `User-Agent` header; `find_in_app_browser` tells what it is. A browser may send
        any text there, so this is a hint for the page and never a check.
        """


@runtime_checkable
class FetchesPhone(Protocol):
    """The ability of a provider to read a verified phone number from what a mini program or app hands in."""

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return the verified number, or None when the client handed in none.

        Called after `login_callback`, except for redirects. `response` is the same one and `identity` is its result,
        with its `grant`.

        Raises `BadRequest` for data that does not verify, and what `login_callback` raises. After `ProviderConfig` and
        `ProviderRefused` (no right to phone numbers, a limit is reached) the login continues without a number.
        """


@runtime_checkable
class Revokes(Protocol):
    """The ability of a provider to withdraw a person's consent at the vendor.

    connect-login stores no vendor's token, so this is for vendors whose call takes the app's credentials and an id.
    """

    async def revoke(self, identity: Identity) -> None:
        """Tell the vendor that the person no longer allows this app to log them in.

        Called when a member is erased, before our own rows are deleted. `identity` has the stored ids, no profile and
        no grant. An exception is logged, and the erasure continues.
        """


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """What a vendor says when a person has logged out there, every check passed.

    `scope` is that of the vendor's ids. Either `sid`, the vendor's id of the session that ended, or `subject`, the
    person whose sessions all ended, or both. `key` names this notice: it is taken once, and remembered until
    `expiry_time` (epoch seconds), after which the provider itself refuses it.
    """

    scope: str
    key: str = field(repr=False)
    expiry_time: int
    sid: str = field(default="", repr=False)
    subject: PersonId | None = None


@runtime_checkable
class ReceivesLogouts(Protocol):
    """The ability of a provider whose vendor tells us, server to server, that a person has logged out there.

    For OpenID Connect Back-Channel Logout 1.0 `OidcProvider` has it.
    """

    async def read_logout(self, logout_token: str) -> LogoutNotice:
        """Return the content of the token that the vendor posted to `/connect/{provider}/backchannel-logout`.

        Raises `ProviderUnsigned` or `ProviderBadResponse` for a token that fails a check.
        """


@runtime_checkable
class EndsVendorSession(Protocol):
    """The ability of a provider to which a member who logs out is sent, to log out there as well.

    For OpenID Connect RP-Initiated Logout 1.0 `OidcProvider` has it, with the setting `rp_initiated_logout`.
    """

    async def get_logout_url(self, hint: str, return_to: str) -> str | None:
        """Return the vendor's address that ends the person's session there, or None when it is not to end.

        `hint` is that of the identity's `VendorSession`, or empty. The vendor sends the member back to `return_to`.
        """


NOTICE_AGE = 26 * 3600
"""Seconds for which a dated notice is taken: vendors repeat what they could not deliver, Alipay for 25 hours."""
NOTICE_SKEW = 60
"""Seconds by which the vendor's clock may differ from ours."""


class NoticeKind(StrEnum):
    """What a vendor tells about a person."""

    CONSENT_WITHDRAWN = "consent_withdrawn"
    """The person no longer allows this app to use their account."""
    ACCOUNT_CLOSED = "account_closed"
    """The person's account at the vendor is gone."""
    SESSIONS_ENDED = "sessions_ended"
    """The person was logged out everywhere, or the account is disabled or taken over."""


@dataclass(frozen=True, slots=True)
class VendorNotice:
    """One thing that a vendor tells about a person, every check passed.

    `person` is one id of the person, as `login_callback` returns it. `key` names this notice among all of the vendor's:
    it is taken once, and remembered until `expiry_time` (epoch seconds), after which the provider itself refuses it.
    """

    kind: NoticeKind
    person: PersonId
    key: str = field(repr=False)
    expiry_time: int


@dataclass(frozen=True, slots=True)
class NoticeRequest:
    """What came to `/connect/{provider}/notify`: the argument of `ReceivesNotices.read_notice`.

    `method` is GET or POST, `url` our public address, `parameters` the query; names in `headers` are lower case.
    """

    method: str
    parameters: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    url: str = ""

    @property
    def text(self) -> str:
        """The content as UTF-8, with a mark in place of what is none."""
        return self.content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class NoticeAnswer:
    """What a vendor told, and how its server is answered: with `status` (2xx) and `content`, of type `media_type`.

    `notices` is empty where the vendor only checks the address, or tells what concerns no login.
    """

    notices: tuple[VendorNotice, ...] = ()
    content: str = ""
    media_type: str = "text/plain"
    status: int = 200


@runtime_checkable
class ReceivesNotices(Protocol):
    """The ability of a provider whose vendor tells us, server to server, what has become of a person's account."""

    async def read_notice(self, request: NoticeRequest) -> NoticeAnswer:
        """Return what the vendor sent to `/connect/{provider}/notify`. Nothing is believed of it unless it is signed.

        The provider checks the signature, for whom the notice is, and its age. Raises `ProviderUnsigned` for one that
        the vendor has not signed, and `ProviderBadResponse` for any other that fails a check.
        """


def get_notice_expiry(sent: float, now: float) -> int:
    """Return from when on a notice that was sent at `sent` is refused. All times are epoch seconds.

    Raises `ProviderBadResponse` when that is so at `now`, or when it comes from the future.
    """
    expiry_time = int(sent) + NOTICE_AGE + NOTICE_SKEW + 1
    if not now < expiry_time or sent > now + NOTICE_SKEW:
        raise ProviderBadResponse("the notice is too old, or not valid yet; is the clock of this machine right?")
    return expiry_time
