"""`OidcSettings`: the settings of a registration with an OpenID provider, and which of them fit together."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from connect_core.providers.oauth2 import Claims
from connect_core.providers.oidc.discovery import Issuer
from connect_core.settings import ProviderSettings

AuthMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
"""How a client authenticates in the token call (OpenID Connect Core §9); `client_secret_jwt` is not supported."""


def _profile_alone(claims: Claims) -> Claims:
    if claims.has_ids:
        raise ValueError("the id of a person is sub, which no other claim can replace")
    return claims


class OidcSettings(ProviderSettings):
    """One registration with an OpenID provider."""

    issuer: Issuer = Field(description="The issuer, exactly as its discovery document spells it.")
    client_id: str = Field(min_length=1, description="The client id; an ID token's audience.")
    client_secret: SecretStr | None = Field(None, min_length=1, description="The client secret, if there is one.")
    private_key: SecretStr | None = Field(
        None, min_length=1, description="For `private_key_jwt`: RSA or P-256, P-384, P-521, PKCS#8, PEM or bare."
    )
    key_id: str = Field("", description="The `kid` under which the provider knows that key.")
    token_endpoint_auth_method: AuthMethod | None = Field(
        None, description="Default: `private_key_jwt` with a `private_key`, else what the provider offers for a secret."
    )
    scope: str | None = Field(None, description="Scopes to ask for, `openid` among them; default: `openid profile`.")
    pkce: Literal["auto", "force", "never"] = Field(
        "auto", description="`auto`: a code challenge is sent when the provider says that it takes S256."
    )
    audiences: tuple[str, ...] = Field(
        (), description="Further client ids that may stand in an ID token's audience, such as those of our own apps."
    )
    claims: Annotated[Claims, AfterValidator(_profile_alone)] = Field(
        Claims(), description='Our field = theirs, for the profile: `{nickname = "name"}`.'
    )

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
