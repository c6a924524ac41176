"""Login with any OpenID provider by configuration, without code. Configure as many providers as you need.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from connect_core.plugin import ConfiguredVendor, Http, OidcProvider, OidcSettings, provider_hook


class PlainOidcSettings(OidcSettings, ConfiguredVendor):
    """One OpenID provider and your registration with it."""


class PlainOidcProvider(OidcProvider):
    """One OpenID provider, described by its settings and its discovery document."""

    union_type = "OIDC"
    titles = {"zh": "OpenID Connect", "en": "OpenID Connect"}
    Settings = PlainOidcSettings

    def __init__(self, settings: PlainOidcSettings, http: Http) -> None:
        """Raises as the base provider does."""
        self.union_type, self.titles = settings.union_type or self.union_type, settings.titles
        super().__init__(settings, http)


connect_register_providers = provider_hook(
    "oidc", PlainOidcProvider, sandbox="connect_oidc.sandbox:PlainOidcSandbox", icon="connect_oidc:icon.svg"
)
