"""Google login: redirect on PC and H5, an ID token from Google's SDK in native apps and from One Tap on web pages.

https://developers.google.com/identity/openid-connect/openid-connect
ID tokens: https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connect_core.plugin import (
    ClientType,
    Entrance,
    Field,
    Issuer,
    NoticeAnswer,
    NoticeRequest,
    OidcProvider,
    OidcSettings,
    ProviderDenied,
    Register,
    Registered,
    RequiredBrowser,
    find_in_app_browser,
    hookimpl,
)
from connect_google.notices import read_events

ISSUER = "https://accounts.google.com"


class GoogleSettings(OidcSettings):
    """One OAuth client.

    An ID token from a native app has the web client as audience (`aud`) and the app's client as authorized party
    (`azp`): give the web client as `client_id` and the apps' clients as `audiences`.
    """

    issuer: Issuer = Field(ISSUER, description="Google's issuer; change it only for a sandbox.")
    hd: str = Field("", description="Only people of this Workspace domain may log in; default: everybody.")


class GoogleProvider(OidcProvider):
    """One OAuth client; redirect on PC and H5, ID token in native apps."""

    union_type = "GOOGLE"
    titles = {"zh": "Google", "en": "Google"}
    entrances = {**OidcProvider.entrances, ClientType.APP: Entrance.CREDENTIAL}
    Settings = GoogleSettings
    algorithms = ("RS256",)
    # Google's script works on a page whose origin is registered ("Authorized JavaScript origins")
    diagnosis = replace(OidcProvider.diagnosis, registered=(Registered.ADDRESS, Registered.ORIGIN))
    settings: GoogleSettings

    def __init__(self, settings: GoogleSettings, http: Any) -> None:
        """Raises as the base provider does."""
        super().__init__(settings, http)
        self.authorize = {"hd": settings.hd} if settings.hd else {}

    def find_required_browser(self, client_type: ClientType, user_agent: str) -> RequiredBrowser | None:
        """Return `BROWSER` in the browser of an app, where Google answers `disallowed_useragent`; else None.

        "Use secure browsers": https://developers.google.com/identity/protocols/oauth2/policies#browsers
        The sandbox works in any browser.
        """
        is_real = self.settings.issuer == ISSUER
        return RequiredBrowser.BROWSER if is_real and find_in_app_browser(user_agent) else None

    def find_issuer(self, claims: Mapping[str, Any]) -> str | None:
        """Return the configured issuer for that name, without `https://`, and with `/`: Google uses all of them."""
        names = (self.settings.issuer, self.settings.issuer.partition("://")[2], f"{self.settings.issuer}/")
        return self.settings.issuer if claims["iss"] in names else None

    async def read_notice(self, request: NoticeRequest) -> NoticeAnswer:
        """Return what a token of Cross-Account Protection tells. Raises as `read_event_token`."""
        return read_events(await self.read_event_token(request.text), self.find_issuer)

    def check_person(self, claims: Mapping[str, Any]) -> None:
        """Raise `ProviderDenied` for a person outside the Workspace domain `hd`.

        The parameter `hd` of the request can be changed in the browser, so only the claim in the ID token counts.
        """
        if self.settings.hd and claims.get("hd") != self.settings.hd:
            raise ProviderDenied("hd of id_token is another domain, or none")


class OneTapProvider(GoogleProvider):
    """The same OAuth client, on pages that show One Tap or the button of Google's script."""

    entrances = dict.fromkeys((ClientType.PC, ClientType.H5), Entrance.CREDENTIAL)


@hookimpl
def connect_register_providers(register: Register) -> None:
    """Register the plugins `google` and `google-one-tap`; both know a person by the same id."""
    register("google", GoogleProvider, sandbox="connect_google.sandbox:GoogleSandbox", icon="connect_google:icon.svg")
    register(
        "google-one-tap", OneTapProvider, sandbox="connect_google.sandbox:OneTapSandbox", icon="connect_google:icon.svg"
    )
