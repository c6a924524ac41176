"""Facebook's Limited Login: native apps hand in the ID token of Facebook's SDK. On the web there is `connect_facebook`.

https://developers.facebook.com/documentation/facebook-login/ios/limited-login
ID tokens: https://developers.facebook.com/documentation/facebook-login/ios/limited-login/token/validating
Both issuers: https://github.com/facebook/facebook-android-sdk (AuthenticationTokenClaims), facebook/facebook-ios-sdk
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import (
    ClientType,
    Endpoint,
    Entrance,
    Field,
    Issuer,
    OidcProvider,
    OidcSettings,
    PersonId,
    provider_hook,
)

ISSUERS = ("https://www.facebook.com", "https://facebook.com")
KEYS = "https://limited.facebook.com/.well-known/oauth/openid/jwks/"


class LimitedSettings(OidcSettings):
    """One app. Only Facebook's keys are fetched: its discovery document has no address for tokens."""

    issuer: Issuer = Field(ISSUERS[0], description="Facebook's issuer; change it only for a sandbox.")
    authorization_endpoint: Endpoint | None = Field("https://www.facebook.com/dialog/oauth", description="Not called.")
    token_endpoint: Endpoint | None = Field("https://graph.facebook.com/oauth/access_token", description="Not called.")
    jwks_uri: Endpoint | None = Field(KEYS, description="Facebook's keys.")
    token_endpoint_auth_method: Any = Field("none", description="Nothing is redeemed, so no secret is needed.")


class FacebookLimitedProvider(OidcProvider):
    """One app. A person has the same id as in the web login of the app."""

    union_type = "FACEBOOK"
    titles = {"zh": "Facebook", "en": "Facebook"}
    entrances = {ClientType.APP: Entrance.CREDENTIAL}
    Settings = LimitedSettings
    algorithms = ("RS256",)
    settings: LimitedSettings

    def find_issuer(self, claims: Mapping[str, Any]) -> str | None:
        """Return Facebook's issuer for both of its names, None for any other."""
        if self.settings.issuer in ISSUERS:
            return ISSUERS[0] if claims["iss"] in ISSUERS else None
        return super().find_issuer(claims)

    def read_ids(self, claims: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return `sub`, which is the app's id of the person."""
        return (PersonId.open_id(claims.get("sub"), self.settings.client_id),)


connect_register_providers = provider_hook(
    "facebook-limited",
    FacebookLimitedProvider,
    sandbox="connect_facebook_limited.sandbox:LimitedSandbox",
    icon="connect_facebook_limited:icon.svg",
)
