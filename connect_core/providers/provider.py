"""`Provider`, and the values that go in and out of it. Its optional abilities are in `abilities`.

A provider turns one vendor's protocol into an `Identity`. It sees no cookie, session, member or database: the core
makes and checks state, nonce, PKCE verifier, redirect targets and time limits.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

from connect_core.http import Http
from connect_core.identity import ClientType, Identity, Language
from connect_core.providers.diagnosis import Diagnosis
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
    - `diagnosis`: what `connect-login doctor` has to know of the vendor's answers.
    """

    union_type: str
    entrances: ClassVar[Mapping[ClientType, Entrance]]
    Settings: ClassVar[type[ProviderSettings]]
    titles: Mapping[str, str]
    code_names: tuple[str, ...] = ("code",)
    refuses_without_code: bool = False
    denial_words: tuple[str, ...] = ()
    own_browser: InAppBrowser | None = None
    diagnosis: Diagnosis = Diagnosis()

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
