"""The base provider for OpenID providers (OpenID Connect Core 1.0): a provider on it states an issuer and one mapping.

Owns discovery, the vendor's keys, the check of ID tokens and the order of the calls. Never touches state, cookies or
members, and knows no vendor by name.
"""

from connect_core.providers.oidc.authentication import PrivateKeyJwt, SignedSecret
from connect_core.providers.oidc.discovery import Issuer, Metadata
from connect_core.providers.oidc.event_token import EventToken
from connect_core.providers.oidc.provider import OidcProvider
from connect_core.providers.oidc.settings import AuthMethod, OidcSettings

__all__ = [
    "AuthMethod",
    "EventToken",
    "Issuer",
    "Metadata",
    "OidcProvider",
    "OidcSettings",
    "PrivateKeyJwt",
    "SignedSecret",
]
