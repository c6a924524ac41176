"""LINE login: by redirect on PC and H5, by ID token from LINE's SDK in apps.

https://developers.line.biz/en/docs/line-login/integrate-line-login/
ID tokens: https://developers.line.biz/en/docs/line-login/verify-id-token/
"""

from connect_core.plugin import ClientType, Entrance, Field, Issuer, OidcProvider, OidcSettings, provider_hook


class LineSettings(OidcSettings):
    """One LINE Login channel: its id and secret."""

    issuer: Issuer = Field("https://access.line.me", description="LINE's own; another one only for a sandbox.")


class LineProvider(OidcProvider):
    """One LINE Login channel. Ids are the same for all channels of one LINE provider."""

    union_type = "LINE"
    titles = {"zh": "LINE", "en": "LINE"}
    entrances = {**OidcProvider.entrances, ClientType.APP: Entrance.CREDENTIAL}
    Settings = LineSettings
    algorithms = ("ES256", "HS256")  # web logins are signed with the channel secret, apps' with LINE's key
    auth_method = "client_secret_post"


connect_register_providers = provider_hook("line", LineProvider, sandbox="connect_line.sandbox:LineSandbox")
