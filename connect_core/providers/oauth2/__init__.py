"""The base provider for OAuth 2.0 vendors (RFC 6749): a provider on it states addresses, quirks and one mapping.

Owns the authorization request, the token call, calls with an access token, and reading what comes back. Never touches
state, cookies or members, and knows no vendor by name.
"""

from connect_core.providers.oauth2.claims import Claims
from connect_core.providers.oauth2.provider import OAuth2Provider
from connect_core.providers.oauth2.quirks import Quirks
from connect_core.providers.oauth2.responses import find_value, read_answer
from connect_core.providers.oauth2.settings import MiniProgramSettings, OAuth2Settings
from connect_core.providers.oauth2.token import (
    ClientAuthentication,
    Credentials,
    NoSecret,
    SecretInForm,
    SecretInHeader,
    redeem_code,
)

__all__ = [
    "Claims",
    "ClientAuthentication",
    "Credentials",
    "MiniProgramSettings",
    "NoSecret",
    "OAuth2Provider",
    "OAuth2Settings",
    "Quirks",
    "SecretInForm",
    "SecretInHeader",
    "find_value",
    "read_answer",
    "redeem_code",
]
