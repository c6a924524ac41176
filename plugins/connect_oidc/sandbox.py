"""The sandbox of an OpenID provider that follows the standard.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType
from connect_core.sandbox import OidcSandbox


class PlainOidcSandbox(OidcSandbox):
    """One client. The arguments of `OidcSandbox` choose the signing algorithm and the authentication method."""

    title = "OpenID Connect 沙箱 · OpenID Connect sandbox"
    ends_sessions = True

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the client's settings. `base_url` becomes the issuer; HS256 has to be named."""
        settings = super().settings(base_url, client_type)
        return {**settings, "id_token_algorithms": ["HS256"]} if self.algorithm == "HS256" else settings
