"""Shopify's sandbox: a store's customer accounts, whose ID tokens have an e-mail address and no name; no user-info.

https://shopify.dev/docs/api/customer#authentication
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType
from connect_core.sandbox import OidcSandbox, Person


class ShopifySandbox(OidcSandbox):
    """One store with new customer accounts and a confidential client."""

    title = "Shopify 沙箱 · Shopify sandbox"
    client_id = "9564ac4b-09bb-49b2-936a-6d14bdeaf108"
    profile_in_token = True
    paths = {
        "authorize": "/authentication/22399731/oauth/authorize",
        "token": "/authentication/22399731/oauth/token",
        "jwks": "/authentication/22399731/.well-known/jwks.json",
    }
    document = {
        "authorization_response_iss_parameter_supported": False,
        "grant_types_supported": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "scopes_supported": ["openid", "email", "customer-account-api:full", "customer-account-mcp-api:full"],
    }

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the client's settings, with the store's discovery document."""
        discovery_url = f"{base_url}/.well-known/openid-configuration"
        return {**super().settings(base_url, client_type), "discovery_url": discovery_url}

    def subject(self, person: str) -> str:
        """Return the customer's number, as a text."""
        return str(10**12 + int(hashlib.sha256(person.encode()).hexdigest()[:9], 16))

    def profile_claims(self, person: Person) -> dict[str, Any]:
        """Return what the scope `email` gives."""
        return {"email": f"{person.key}@shopify.example", "email_verified": True}
