"""Grab login (GrabID), by OpenID Connect, for partners of Grab.

https://developer.grab.com/docs/grab-id/
Discovery and requests: also from the vendor's SDKs, https://github.com/grab/grabplatform-sdk-js and -ios
"""

from connect_core.plugin import Claims, Endpoint, Field, Issuer, OidcProvider, OidcSettings, provider_hook


class GrabSettings(OidcSettings):
    """One partner's client. For Grab's staging system change `discovery_url` alone."""

    issuer: Issuer = Field("https://idp.grab.com", description="Grab's issuer; change it only for a sandbox.")
    discovery_url: Endpoint = Field(
        "https://partner-api.grab.com/grabid/v1/oauth2/.well-known/openid-configuration",
        description="Grab's discovery document, which is not below the issuer.",
    )


class GrabProvider(OidcProvider):
    """One partner's client. A person has the same id in all clients of one partner."""

    union_type = "GRAB"
    titles = {"zh": "Grab", "en": "Grab"}
    Settings = GrabSettings
    algorithms = ("RS256",)
    auth_method = "client_secret_post"
    scope = "openid profile.read"
    claims = Claims(nickname="name")
    denial_words = ("user_canceled",)


connect_register_providers = provider_hook(
    "grab", GrabProvider, sandbox="connect_grab.sandbox:GrabSandbox", icon="connect_grab:icon.svg"
)
