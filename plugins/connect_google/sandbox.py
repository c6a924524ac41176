"""Google's sandbox: RS256, the profile in the ID token, native apps' tokens with the web client as audience.

https://developers.google.com/identity/openid-connect/openid-connect
"""

from typing import Any

from connect_core.sandbox import OidcGrant, OidcSandbox


class GoogleSandbox(OidcSandbox):
    """One OAuth client."""

    title = "Google 沙箱 · Google sandbox"
    profile_in_token = True
    app_client_id = OidcSandbox.client_id
    paths = {
        "authorize": "/o/oauth2/v2/auth",
        "token": "/token",
        "jwks": "/oauth2/v3/certs",
        "userinfo": "/v1/userinfo",
    }
    document = {"authorization_response_iss_parameter_supported": False}

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Return the claims with `azp`; in tokens for native apps the issuer stands without `https://`."""
        claims = super().id_token_claims(grant, access_token)
        issuer = self.issuer if access_token else self.issuer.partition("://")[2]
        return {**claims, "iss": issuer, "azp": grant.link["client_id"]}
