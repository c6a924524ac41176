"""Login at any OAuth 2.0 vendor by configuration alone, and at as many of them as are configured.

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

DEFAULT_ID = ("sub", "id")


class PlainOAuth2Settings(OAuth2Settings, ConfiguredVendor):
    """One vendor and one registration with it. The addresses are required: no vendor is built in."""

    id_url: Endpoint | None = Field(None, description="Where a person's id is told, if neither elsewhere nor earlier.")
    quirks: Quirks = Field(Quirks(), description="In what the vendor departs from RFC 6749; see below.")
    claims: Claims = Field(
        Claims(), description="Our field = user-info's; the id is `sub`, else `id`, if none is named."
    )
    id_claims: Claims = Field(
        Claims(), description="Ids that the answer of `id_url` has, or without one the token answer; nothing else."
    )


class PlainOAuth2Provider(OAuth2Provider):
    """One vendor, as its settings describe it."""

    union_type = "OAUTH2"
    titles = {"zh": "OAuth 2.0", "en": "OAuth 2.0"}
    Settings = PlainOAuth2Settings

    def __init__(self, settings: PlainOAuth2Settings, http: Http) -> None:
        """Raises as the mould does."""
        self.union_type, self.titles = settings.union_type or self.union_type, settings.titles
        self.quirks, self.claims, self.id_claims = settings.quirks, settings.claims, settings.id_claims
        if not (self.claims.has_ids or self.id_claims.has_ids):
            self.claims = self.claims.model_copy(update={"user_id": DEFAULT_ID})
        super().__init__(settings, http)


connect_register_providers = provider_hook("oauth2", PlainOAuth2Provider, sandbox="connect_oauth2.sandbox:AcmeSandbox")
