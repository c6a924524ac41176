"""Shopify login: the customer accounts of one Shopify store (Customer Account API), by OpenID Connect.

https://shopify.dev/docs/api/customer#authentication
Discovery documents: from two stores, not the vendor's page: https://tenlittle.com/.well-known/openid-configuration
and https://mgemi.com/.well-known/openid-configuration
"""

from connect_core.plugin import Claims, Endpoint, Field, Issuer, OidcProvider, OidcSettings, provider_hook


class ShopifySettings(OidcSettings):
    """One client of one store's Customer Account API."""

    issuer: Issuer = Field(description="`https://shopify.com/authentication/` and the store's number.")
    discovery_url: Endpoint = Field(description="The store's `https://DOMAIN/.well-known/openid-configuration`.")


class ShopifyProvider(OidcProvider):
    """One store's customer accounts. Each store has ids of its own; ID tokens have an e-mail address and no name."""

    union_type = "SHOPIFY"
    titles = {"zh": "Shopify", "en": "Shopify"}
    Settings = ShopifySettings
    algorithms = ("RS256",)
    auth_method = "client_secret_basic"
    scope = "openid email"
    claims = Claims()


connect_register_providers = provider_hook(
    "shopify", ShopifyProvider, sandbox="connect_shopify.sandbox:ShopifySandbox", icon="connect_shopify:icon.svg"
)
