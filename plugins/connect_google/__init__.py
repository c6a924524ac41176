"""Google login: by redirect on PC and H5, by ID token from Google's SDK in apps and from One Tap on pages.

https://developers.google.com/identity/openid-connect/openid-connect
ID tokens: https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import (
    ClientType,
    Entrance,
    Field,
    Issuer,
    OidcProvider,
    OidcSettings,
    ProviderDenied,
    Register,
    hookimpl,
)


class GoogleSettings(OidcSettings):
    """One OAuth client. The ID tokens of apps name the web client as audience and the app's own as party."""

    issuer: Issuer = Field("https://accounts.google.com", description="Google's own; another one only for a sandbox.")
    hd: str = Field("", description="Workspace domain whose people alone may log in; default: everybody.")


class GoogleProvider(OidcProvider):
    """One OAuth client."""

    union_type = "GOOGLE"
    titles = {"zh": "Google", "en": "Google"}
    entrances = {**OidcProvider.entrances, ClientType.APP: Entrance.CREDENTIAL}
    Settings = GoogleSettings
    algorithms = ("RS256",)
    settings: GoogleSettings

    def __init__(self, settings: GoogleSettings, http: Any) -> None:
        """Raises as the mould does."""
        super().__init__(settings, http)
        self.authorize = {"hd": settings.hd} if settings.hd else {}

    def find_issuer(self, claims: Mapping[str, Any]) -> str | None:
        """Google signs with its issuer's name and with that name without its scheme."""
        names = (self.settings.issuer, self.settings.issuer.partition("://")[2])
        return self.settings.issuer if claims["iss"] in names else None

    def check_person(self, claims: Mapping[str, Any]) -> None:
        """`hd` of the request is a hint that anybody can change; the claim is not."""
        if self.settings.hd and claims.get("hd") != self.settings.hd:
            raise ProviderDenied("hd of id_token is another domain, or none")


class OneTapProvider(GoogleProvider):
    """The same client on pages that show One Tap or the button of Google's script."""

    entrances = dict.fromkeys((ClientType.PC, ClientType.H5), Entrance.CREDENTIAL)


@hookimpl
def connect_register_providers(register: Register) -> None:
    """Register the plugins `google` and `google-one-tap`, whose people are the same."""
    register("google", GoogleProvider, sandbox="connect_google.sandbox:GoogleSandbox")
    register("google-one-tap", OneTapProvider, sandbox="connect_google.sandbox:GoogleSandbox")
