"""The loopback double of an OpenID provider that nobody has written a plugin for."""

from connect_core.sandbox import OidcSandbox


class PlainOidcSandbox(OidcSandbox):
    """One client; whatever it is asked to be by its arguments."""

    title = "OpenID Connect 沙箱 · OpenID Connect sandbox"
