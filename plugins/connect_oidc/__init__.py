"""Login with any OpenID provider by configuration, without code. Configure as many providers as you need.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from collections.abc import Mapping

from pydantic import model_validator

from connect_core.plugin import ConfiguredVendor, Field, Http, OidcProvider, OidcSettings, provider_hook
from connect_oidc.presets import apply_preset


class PlainOidcSettings(OidcSettings, ConfiguredVendor):
    """One OpenID provider and your registration with it."""

    preset: str = Field("", description="A product whose addresses and peculiarities are known, such as `keycloak`.")
    host: str = Field("", pattern=r"^(https://)?[^\s?#:]*(:\d[^\s?#]*)?$", description="For a preset: the host.")
    tenant: str = Field("", description="For a preset: the tenant, directory or user pool.")
    realm: str = Field("", pattern=r"^[^\s/?#]*$", description="For a preset: realm, application, user flow or server.")

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, given: object) -> object:
        return apply_preset(given) if isinstance(given, Mapping) else given


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
