"""Login at any OpenID provider by configuration alone, and at as many of them as are configured.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from connect_core.plugin import ConfiguredVendor, Http, OidcProvider, OidcSettings, provider_hook


class PlainOidcSettings(OidcSettings, ConfiguredVendor):
    """One OpenID provider and one registration with it."""


class PlainOidcProvider(OidcProvider):
    """One OpenID provider, as its settings and its discovery document describe it."""

    union_type = "OIDC"
    titles = {"zh": "OpenID Connect", "en": "OpenID Connect"}
    Settings = PlainOidcSettings

    def __init__(self, settings: PlainOidcSettings, http: Http) -> None:
        """Raises as the mould does."""
        self.union_type, self.titles = settings.union_type or self.union_type, settings.titles
        super().__init__(settings, http)


connect_register_providers = provider_hook("oidc", PlainOidcProvider, sandbox="connect_oidc.sandbox:PlainOidcSandbox")
