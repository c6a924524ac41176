"""Facebook's sandbox for native apps: ID tokens whose `sub` is the id of the web login, and nothing but keys to fetch.

https://developers.facebook.com/documentation/facebook-login/ios/limited-login/token
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType
from connect_core.sandbox import DocumentedRequest, OidcSandbox


class LimitedSandbox(OidcSandbox):
    """The app of the sandbox of `connect_facebook`, for native apps: it knows people by the same ids."""

    title = "Facebook 沙箱 · Facebook sandbox"
    client_id = app_client_id = "1234567890123456"
    profile_in_token = True
    paths = {"authorize": "/authorize", "token": "/token", "jwks": "/.well-known/oauth/openid/jwks/"}
    # https://developers.facebook.com/documentation/facebook-login/ios/limited-login/token (JWKS endpoint)
    documented = (DocumentedRequest("GET", "https://limited.facebook.com/.well-known/oauth/openid/jwks/"),)

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the app's id, and the sandbox's issuer and keys in place of Facebook's."""
        issuer = super().settings(base_url, client_type)["issuer"]
        keys = {} if issuer == "https://www.facebook.com" else {"jwks_uri": base_url + self.paths["jwks"]}
        return {"issuer": issuer, "client_id": self.client_id, **keys}

    def subject(self, person: str) -> str:
        """Return the claim `sub` of the person with the key `person`: the id that the web login has too."""
        return str(10**16 + int(hashlib.sha256(f"facebook\0{person}".encode()).hexdigest(), 16) % 10**16)
