"""Login at any OpenID provider by configuration alone, and at as many of them as are configured.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from connect_core.plugin import ConfiguredVendor, Http, OidcProvider, OidcSettings, offer


class ConfiguredSettings(OidcSettings, ConfiguredVendor):
    """One OpenID provider and one registration with it."""


class ConfiguredProvider(OidcProvider):
    """One OpenID provider, as its settings and its discovery document describe it."""

    union_type = "OIDC"
    titles = {"zh": "OpenID Connect", "en": "OpenID Connect"}
    Settings = ConfiguredSettings

    def __init__(self, settings: ConfiguredSettings, http: Http) -> None:
        """Raises as the mould does."""
        self.union_type, self.titles = settings.union_type or self.union_type, settings.titles
        super().__init__(settings, http)


connect_register_providers = offer("oidc", ConfiguredProvider, sandbox="connect_oidc.sandbox:ProviderSandbox")
