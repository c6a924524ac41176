"""Login at any OpenID provider by configuration alone, and at as many of them as are configured.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from collections.abc import Mapping

from connect_core.plugin import Field, Http, Language, OidcProvider, OidcSettings, offer


class ConfiguredSettings(OidcSettings):
    """One OpenID provider and one registration with it."""

    union_type: str = Field(
        "OIDC",
        pattern=r"^[A-Z0-9_-]{1,32}$",
        description="The namespace of the ids; default: the provider's NAME in upper case.",
    )
    title: str | Mapping[Language, str] = Field(
        "", description="What pages call it, or a table with `zh` and `en`; default: `union_type`."
    )


class ConfiguredProvider(OidcProvider):
    """One OpenID provider, as its settings and its discovery document describe it."""

    union_type = "OIDC"
    titles = {"zh": "OpenID Connect", "en": "OpenID Connect"}
    Settings = ConfiguredSettings

    def __init__(self, settings: ConfiguredSettings, http: Http) -> None:
        """Raises as the mould does."""
        title = settings.title or settings.union_type
        self.union_type = settings.union_type
        self.titles = {"zh": title, "en": title} if isinstance(title, str) else {str(k): v for k, v in title.items()}
        super().__init__(settings, http)


connect_register_providers = offer("oidc", ConfiguredProvider, sandbox="connect_oidc.sandbox:ProviderSandbox")
