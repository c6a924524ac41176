"""The optional abilities of a provider, each a protocol with one method, and the values that go in and out of them.

A provider class has an ability by having its method. The core asks with `isinstance`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from connect_core.errors import ProviderBadResponse
from connect_core.findings import Finding
from connect_core.identity import ClientType, Identity, PersonId, VerifiedPhone
from connect_core.providers.provider import AuthorizationResponse


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

        Raises `BadRequest` for data that does not verify, and what `login_callback` raises. The login continues without
        a number then, and the log says why. Two errors end it: `ContradictingAnswer` for a number that the vendor says
        is another person's, and `ProviderUnsigned` for an answer of the vendor that is forged. What the client posts
        and nobody signed is no answer of the vendor: that is `BadRequest`.
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


@runtime_checkable
class FetchesClaims(Protocol):
    """The ability of a provider to say more of a person than who it is, such as their groups: by verified claims.

    Administrators sign in by it. `OidcProvider` has it.
    """

    async def fetch_claims(self, response: AuthorizationResponse) -> Mapping[str, Any]:
        """Redeem the code of `response`, and return the claims of the ID token, every check passed.

        Called instead of `login_callback`, whose errors it raises.
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


@runtime_checkable
class ChecksItself(Protocol):
    """The ability of a provider to find mistakes in its own settings that start-up accepts."""

    def check(self) -> Iterable[Finding]:
        """Return what `connect-login doctor` shows of this provider's keys and settings. Calls nobody.

        The doctor tries a login with a made-up code by itself: what the vendor says to that need not be checked here.
        Neither do certificates that `HasCertificates` names. `Finding.subject` is left empty.
        """


@runtime_checkable
class HasCertificates(Protocol):
    """The ability of a provider whose settings contain certificates, which expire."""

    def get_certificate_expiries(self) -> Mapping[str, int]:
        """Return when each certificate expires, in seconds since the epoch, by its setting, such as `app_cert`.

        The doctor, and the metric `connect_certificate_expiry_timestamp_seconds`, warn before that.
        """
