"""Login with Harbor, an OpenID provider.

https://docs.harbor.example/login · https://docs.harbor.example/userinfo
"""

from connect_core.plugin import Claims, Field, Issuer, OidcProvider, OidcSettings, provider_hook


class HarborSettings(OidcSettings):
    """The keys that a shop writes below `[providers.harbor]`."""

    issuer: Issuer = Field(
        "https://id.harbor.example",
        description="Harbor's issuer; another one only for a sandbox.",
    )


class HarborProvider(OidcProvider):
    """One registration with Harbor.

    The id of a person is the claim `sub`. Addresses and keys come from the issuer's discovery document.
    """

    union_type = "HARBOR"
    titles = {"zh": "港湾", "en": "Harbor"}
    Settings = HarborSettings
    algorithms = ("RS256",)
    claims = Claims(nickname="name", face="picture")


connect_register_providers = provider_hook(
    "harbor",
    HarborProvider,
    sandbox="connect_harbor.sandbox:HarborSandbox",
)
