"""Login with any OAuth 2.0 vendor by configuration, without code. Configure as many vendors as you need.

https://www.rfc-editor.org/rfc/rfc6749
"""

from connect_core.plugin import (
    Claims,
    ConfiguredVendor,
    Endpoint,
    Field,
    Http,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
    provider_hook,
)


class PlainOAuth2Settings(OAuth2Settings, ConfiguredVendor):
    """One vendor and your registration with it. The addresses are required."""

    id_url: Endpoint | None = Field(None, description="Address of the vendor's call for the id alone, if it has one.")
    quirks: Quirks = Field(Quirks(), description="What the vendor does otherwise than RFC 6749; see below.")
    claims: Claims = Field(
        Claims(),
        description="Our field = the vendor's in user-info; default: OpenID's names and the commonest others.",
    )
    id_claims: Claims = Field(
        Claims(), description="Ids in the answer of `id_url`, or in the token answer if there is no `id_url`."
    )


class PlainOAuth2Provider(OAuth2Provider):
    """One vendor, as its settings describe it."""

    union_type = "OAUTH2"
    titles = {"zh": "OAuth 2.0", "en": "OAuth 2.0"}
    Settings = PlainOAuth2Settings

    def __init__(self, settings: PlainOAuth2Settings, http: Http) -> None:
        """Raises as the base provider does."""
        self.union_type, self.titles = settings.union_type or self.union_type, settings.titles
        self.quirks, self.id_claims = settings.quirks, settings.id_claims
        stated = settings.claims.model_dump(exclude_unset=True)
        if settings.claims.has_ids or settings.id_claims.has_ids:
            stated = {"user_id": (), **stated}  # whoever names an id names the only one
        self.claims = Claims.common().model_copy(update=stated)
        super().__init__(settings, http)


connect_register_providers = provider_hook(
    "oauth2", PlainOAuth2Provider, sandbox="connect_oauth2.sandbox:AcmeSandbox", icon="connect_oauth2:icon.svg"
)
