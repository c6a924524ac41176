"""LINE login: redirect on PC and H5, an ID token from LINE's SDK in native apps.

https://developers.line.biz/en/docs/line-login/integrate-line-login/
ID tokens: https://developers.line.biz/en/docs/line-login/verify-id-token/
"""

from connect_core.plugin import (
    ClientType,
    Entrance,
    Field,
    InAppBrowser,
    Issuer,
    OidcProvider,
    OidcSettings,
    provider_hook,
)


class LineSettings(OidcSettings):
    """One LINE Login channel: channel id and channel secret."""

    issuer: Issuer = Field("https://access.line.me", description="LINE's issuer; change it only for a sandbox.")


class LineProvider(OidcProvider):
    """One LINE Login channel. A person has the same id in all channels of one LINE provider."""

    union_type = "LINE"
    titles = {"zh": "LINE", "en": "LINE"}
    own_browser = InAppBrowser.LINE
    entrances = {**OidcProvider.entrances, ClientType.APP: Entrance.CREDENTIAL}
    Settings = LineSettings
    algorithms = ("ES256", "HS256")  # HS256 with the channel secret on the web, ES256 with LINE's key in native apps
    auth_method = "client_secret_post"


connect_register_providers = provider_hook(
    "line", LineProvider, sandbox="connect_line.sandbox:LineSandbox", icon="connect_line:icon.svg"
)
