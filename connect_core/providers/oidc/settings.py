"""`OidcSettings`: the settings of a registration with an OpenID provider, and which of them fit together."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from connect_core.crypto import Algorithm
from connect_core.findings import Finding, Level
from connect_core.providers.oauth2 import Claims
from connect_core.providers.oidc.discovery import ENDPOINTS, REQUIRED_ENDPOINTS, WELL_KNOWN, Issuer
from connect_core.settings import Endpoint, ProviderSettings

AuthMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
"""How a client authenticates in the token call (OpenID Connect Core §9); `client_secret_jwt` is not supported."""


_PROTECTED_PARAMETERS = frozenset(
    (
        *("client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri"),
        *("request", "request_uri", "response_type", "scope", "state"),
    )
)
"""Parameters of the authorization request that protect the login or have a setting of their own."""
_RESPONSE_MODES = ("query", "form_post")


def _texts(parameters: object) -> object:
    """Return a table of parameters with its numbers and booleans as texts, as a query has them."""
    if not isinstance(parameters, Mapping):
        return parameters
    words = {True: "true", False: "false"}
    return {
        name: words[value] if isinstance(value, bool) else str(value) if isinstance(value, int) else value
        for name, value in parameters.items()
    }


def _check_parameters(parameters: Mapping[str, str]) -> Mapping[str, str]:
    if taken := sorted(_PROTECTED_PARAMETERS & parameters.keys()):
        raise ValueError(f"{taken[0]} is set by connect-login itself")
    if parameters.get("response_mode", "query") not in _RESPONSE_MODES:
        raise ValueError(f"response_mode: give {' or '.join(_RESPONSE_MODES)}; no other one reaches this service")
    if not parameters.get("max_age", "0").isdecimal():
        raise ValueError("max_age: give whole seconds")
    return parameters


def _profile_alone(claims: Claims) -> Claims:
    if claims.has_ids:
        raise ValueError("the id of a person is sub, which no other claim can replace")
    return claims


class OidcSettings(ProviderSettings):
    """One registration with an OpenID provider."""

    issuer: Issuer = Field(description="The issuer, exactly as its discovery document spells it.")
    discovery_url: Endpoint | None = Field(
        None, description=f"The discovery document; default: `{WELL_KNOWN}` below the issuer."
    )
    authorization_endpoint: Endpoint | None = Field(
        None,
        description="Replaces the discovery document's. With the next two there is no discovery, unless "
        "`discovery_url` is given.",
    )
    token_endpoint: Endpoint | None = Field(None, description="Replaces the discovery document's.")
    jwks_uri: Endpoint | None = Field(None, description="Replaces the discovery document's: the provider's keys.")
    userinfo_endpoint: Endpoint | None = Field(None, description="Replaces the discovery document's.")
    end_session_endpoint: Endpoint | None = Field(
        None, description="Replaces the discovery document's: where `rp_initiated_logout` leads."
    )
    client_id: str = Field(min_length=1, description="The client id; an ID token's audience.")
    client_secret: SecretStr | None = Field(None, min_length=1, description="The client secret, if there is one.")
    private_key: SecretStr | None = Field(
        None,
        min_length=1,
        description="For `private_key_jwt`: RSA, P-256, P-384, P-521 or Ed25519, PKCS#8, PEM or bare.",
    )
    key_id: str = Field("", description="The `kid` under which the provider knows that key.")
    token_endpoint_auth_method: AuthMethod | None = Field(
        None, description="Default: `private_key_jwt` with a `private_key`, else what the provider offers for a secret."
    )
    client_assertion_audience: str = Field(
        "issuer",
        min_length=1,
        description="`aud` of what `private_key` signs for `private_key_jwt`: `issuer`, `token_endpoint`, or any other "
        "text that the provider wants.",
    )
    id_token_algorithms: tuple[Algorithm, ...] | None = Field(
        None,
        min_length=1,
        description="What the provider may sign tokens with; default: everything but HS256, which takes a "
        "`client_secret` of at least 32 bytes.",
    )
    scope: str | None = Field(None, description="Scopes to ask for, `openid` among them; default: `openid profile`.")
    authorize_parameters: Annotated[Mapping[str, str], BeforeValidator(_texts), AfterValidator(_check_parameters)] = (
        Field(
            {},
            description='Further parameters of the authorization request: `{prompt = "select_account", ui_locales = '
            '"zh-CN"}`. With `max_age` an older login at the provider is refused.',
        )
    )
    pkce: Literal["auto", "force", "never"] = Field(
        "auto",
        description="`auto`: a code challenge is sent when the provider says that it takes S256, or nobody was asked.",
    )
    audiences: tuple[str, ...] = Field(
        (), description="Further client ids that may stand in an ID token's audience, such as those of our own apps."
    )
    claims: Annotated[Claims, AfterValidator(_profile_alone)] = Field(
        Claims(), description='Our field = theirs, for the profile: `{nickname = "name"}`.'
    )

    rp_initiated_logout: bool = Field(
        default=False,
        description="A member who logs out is sent to the provider's `end_session_endpoint` to log out there, too.",
    )

    def check_credentials(self, algorithms: Collection[str]) -> Iterator[Finding]:
        """Yield a finding for a secret or key that nothing uses. `algorithms` sign the ID tokens."""
        method = self.token_endpoint_auth_method
        uses = {"client_secret_basic": "client_secret", "client_secret_post": "client_secret"}
        used = uses.get(method, "private_key" if method == "private_key_jwt" else "") if method else ""
        for name in ("client_secret", "private_key"):
            verifies = name == "client_secret" and "HS256" in algorithms
            if method and name != used and getattr(self, name) and not verifies:
                text = f"{name} is not used: token_endpoint_auth_method is {method}."
                remedy = f"Remove {name}, or correct token_endpoint_auth_method as registered at the provider."
                yield Finding("setting_unused", Level.WARNING, text, remedy)

    @property
    def endpoints(self) -> dict[str, str]:
        """The endpoints that are given by hand."""
        return {name: url for name in ENDPOINTS if (url := getattr(self, name)) is not None}

    @property
    def discovery_address(self) -> str:
        """Where the discovery document is; empty when none is needed."""
        if self.discovery_url is None and all(name in self.endpoints for name in REQUIRED_ENDPOINTS):
            return ""
        return self.discovery_url or self.issuer.rstrip("/") + WELL_KNOWN

    def mistakes(self) -> Iterator[str]:
        """Yield a line for each setting that is missing or does not fit another one, beginning with its key."""
        method = self.token_endpoint_auth_method
        if method is None and not (self.client_secret or self.private_key):
            yield 'client_secret: is missing; a public client says token_endpoint_auth_method = "none"'
        if method in ("client_secret_basic", "client_secret_post") and not self.client_secret:
            yield f"client_secret: is missing for {method}"
        if method == "private_key_jwt" and not self.private_key:
            yield "private_key: is missing for private_key_jwt"
        if self.scope is not None and "openid" not in self.scope.split():
            yield "scope: openid must be among them"
