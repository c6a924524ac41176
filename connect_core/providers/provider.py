"""The abstract provider, what it is asked and what it is told, and the optional abilities.

A provider turns one vendor's dialect into an `Identity`. It sees no cookie, session, member or database. State, PKCE,
nonce, redirect targets and time limits are the core's.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol, Self, runtime_checkable

from connect_core.http import Http
from connect_core.identity import ClientType, Identity, Language, VerifiedPhone
from connect_core.settings import ProviderSettings


class Entrance(StrEnum):
    """How a client type comes back."""

    REDIRECT = "redirect"
    """Code and state come through the browser (RFC 6749 §4.1)."""
    CLIENT_CODE = "client_code"
    """A mini program or app hands in a code; no redirect, no state."""
    TICKETED_CODE = "ticketed_code"
    """`CLIENT_CODE` with a login string from `get_login_url`; the ticket given out with it comes back as well."""
    CREDENTIAL = "credential"
    """An app or page hands in an ID token, and with it a ticket of ours that holds its nonce.

    `get_login_url` answers the nonce for the vendor's SDK, and `AuthorizationResponse.code` is the ID token.
    """

    @property
    def is_ticketed(self) -> bool:
        """Whether `login-url` gives out a ticket, which must come back."""
        return self in (Entrance.TICKETED_CODE, Entrance.CREDENTIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """One login about to begin, prepared by the core (RFC 6749 §4.1.1).

    `state` is 32 base62 characters; `redirect_uri` absolute, not yet encoded, the same in the token call;
    `code_challenge` is S256 (RFC 7636 §4.2).
    """

    client_type: ClientType
    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_challenge: str
    language: Language = "zh"


class AuthorizationResponse:
    """What came back, after the core has redeemed the flow. Only `of_spent_flow` makes one.

    `code` is the authorization code; `parameters` the other values the client handed in, each present once;
    `redirect_uri`, `nonce` and `code_verifier` are the flow's own (empty for a client's code).
    """

    __slots__ = ("client_type", "code", "code_verifier", "nonce", "parameters", "redirect_uri")

    client_type: ClientType
    code: str
    parameters: Mapping[str, str]
    redirect_uri: str
    nonce: str
    code_verifier: str

    def __init__(self) -> None:
        raise TypeError(
            "the core makes responses, once it has redeemed the flow: AuthorizationResponse.of_redeemed_flow"
        )

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
        """Make the response of a flow that was redeemed, or of a client's code that was never seen before."""
        response = object.__new__(cls)
        response.client_type, response.code, response.parameters = client_type, code, parameters
        response.redirect_uri, response.nonce, response.code_verifier = redirect_uri, nonce, code_verifier
        return response

    def __repr__(self) -> str:
        return f"AuthorizationResponse({self.client_type}, keys={sorted(self.parameters)})"


class Provider(ABC):
    """One configured registration with a vendor. Immutable: what belongs to one login never stands on it.

    `union_type` is the namespace of the ids (upper case); `entrances` says which client types it serves and how each
    comes back; `titles` are its names on pages, by language (`zh`, `en`); `code_names` the vendor's own names for the
    code; `refuses_without_code` is True where a person's refusal comes back as a bare state.
    A class states them all; a constructor may set others than `entrances` and `Settings` from its settings.
    """

    union_type: str
    entrances: ClassVar[Mapping[ClientType, Entrance]]
    Settings: ClassVar[type[ProviderSettings]]
    titles: Mapping[str, str]
    code_names: tuple[str, ...] = ("code",)
    refuses_without_code: bool = False

    def __init__(self, settings: ProviderSettings, http: Http) -> None:
        """Parse keys and compile tables here, once. Raises `SettingsError` naming the keys that cannot work."""
        self.settings = settings
        self.http = http

    @abstractmethod
    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return what the client needs to begin: a URL or, for a native SDK, the string that it wants."""

    @abstractmethod
    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code at the vendor and return who it names, with a profile where the answers told one anyway.

        Raises `CodeInvalid`, `ProviderDenied` or a `ProviderFault`.
        """

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with its profile, and any further ids the vendor names with it.

        Called for an identity without one, at a first login and when the stored profile is older than
        `profile_max_age`. A vendor's refusal raises `ProviderRefused`, `ProviderConfig` or `CodeInvalid`, and the login
        stands on the ids alone; an answer that cannot be trusted raises `ProviderUnsigned` or `ProviderBadResponse`,
        and the login fails.
        """
        return identity


@runtime_checkable
class DeepLinks(Protocol):
    """A provider whose H5 login must begin inside the vendor's own app."""

    def get_deep_link(self, start_url: str, user_agent: str) -> str | None:
        """Return the link that opens `start_url` inside the vendor's app; None when `user_agent` is already inside."""


class RequiredBrowser(StrEnum):
    """Where a visitor has to go when a login does not work in the browser at hand."""

    VENDOR_APP = "vendor_app"
    """Into the vendor's own app."""
    BROWSER = "browser"
    """Out of an app, into the browser of the phone."""


@runtime_checkable
class WorksInSomeBrowsers(Protocol):
    """A provider whose login does not begin in every browser: the hosted login page then says where it does."""

    def find_better_place(self, client_type: ClientType, user_agent: str) -> RequiredBrowser | None:
        """Return where this login works; None when that is right here, in the browser that calls itself `user_agent`.

        A browser may call itself anything: this is for the visitor's comfort, and nothing may rely on it.
        """


@runtime_checkable
class FetchesPhone(Protocol):
    """A provider that can turn what a mini program hands in into a phone number the vendor vouches for."""

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return the verified number, or None when the client handed in none.

        `identity` is what `login_callback` made of the same response, with its grant.

        Raises `BadRequest` for what does not verify, and as `login_callback` does.
        """


@runtime_checkable
class Revokes(Protocol):
    """A provider that can have its vendor forget, without a token of theirs, that a person ever allowed our app.

    No vendor's token is stored, so this is for vendors who take the app's own credentials and the person's id.
    """

    async def revoke(self, identity: Identity) -> None:
        """Take back the consent of `identity`, whose ids are all that were stored; without profile and grant.

        Called when a member is erased, before our own rows go. What it raises is logged, and the erasure goes on.
        """
