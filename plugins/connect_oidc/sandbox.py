"""The sandbox of an OpenID provider that follows the standard.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from connect_core.sandbox import OidcSandbox


class PlainOidcSandbox(OidcSandbox):
    """One client. The arguments of `OidcSandbox` choose the signing algorithm and the authentication method."""

    title = "OpenID Connect 沙箱 · OpenID Connect sandbox"
