"""Sign in with Apple: redirect with form_post on PC and H5, an ID token from Apple's SDK in native apps.

https://developer.apple.com/documentation/signinwithapplerestapi
Client secret: https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from connect_apple.checks import find_malformed
from connect_apple.notices import read_event
from connect_core.plugin import (
    AuthorizationResponse,
    ClientAuthentication,
    ClientType,
    Entrance,
    Field,
    Finding,
    Http,
    Issuer,
    Metadata,
    NoticeAnswer,
    NoticeRequest,
    OidcProvider,
    OidcSettings,
    Profile,
    ProviderBadResponse,
    Registered,
    SecretStr,
    SettingsError,
    SignedSecret,
    SigningKey,
    parse_object,
    provider_hook,
)

ISSUERS = ("https://appleid.apple.com", "https://account.apple.com")
SECRET_LIFE = 3600  # seconds; Apple takes a client secret that is valid for at most six months


class AppleSettings(OidcSettings):
    """One Services ID (PC, H5) or App ID (native app), and the key that signs its client secret."""

    issuer: Issuer = Field(ISSUERS[0], description="Apple's issuer; change it only for a sandbox.")
    team_id: str = Field(min_length=1, description="Team ID, ten characters.")
    key_id: str = Field(min_length=1, description="Key ID of the key for Sign in with Apple.")
    private_key: SecretStr = Field(min_length=1, description="That key: the content of its `.p8` file.")


class AppleProvider(OidcProvider):
    """One Services ID (PC, H5) or App ID (native app)."""

    union_type = "APPLE"
    titles = {"zh": "Apple", "en": "Apple"}
    entrances = {**OidcProvider.entrances, ClientType.APP: Entrance.CREDENTIAL}
    Settings = AppleSettings
    algorithms = ("RS256", "ES256")
    scope = "openid name"
    authorize = {"response_mode": "form_post"}
    text_booleans = True
    denial_words = ("user_cancelled_authorize",)
    # "Return URLs", and "Domains and Subdomains"
    diagnosis = replace(OidcProvider.diagnosis, registered=(Registered.ADDRESS, Registered.HOST))
    settings: AppleSettings

    def __init__(self, settings: AppleSettings, http: Http) -> None:
        """Load the key. Raises `SettingsError` for one that is not on curve P-256, and as the base provider does."""
        super().__init__(settings, http)
        key = SigningKey.load(settings.private_key.get_secret_value(), settings.key_id)
        if key.algorithm != "ES256":
            raise SettingsError(["private_key: Apple's keys are on P-256"])
        self._secret = SignedSecret(settings.client_id, settings.team_id, settings.issuer, key, SECRET_LIFE, self.now)

    def make_authentication(self, metadata: Metadata) -> ClientAuthentication:
        """Return Apple's kind of client secret: a JWT that the shop's key signs."""
        return self._secret

    def find_issuer(self, claims: Mapping[str, Any]) -> str | None:
        """Return Apple's issuer for both names in `ISSUERS`, None for any other."""
        is_apples = {self.settings.issuer, claims["iss"]} <= set(ISSUERS)
        return ISSUERS[0] if is_apples else super().find_issuer(claims)

    async def read_notice(self, request: NoticeRequest) -> NoticeAnswer:
        """Return what a server-to-server notification tells. Raises as `read_event_token`."""
        return read_event(await self.read_event_token(parse_object(request.text).get("payload")))

    def check(self) -> Iterable[Finding]:
        """Return what the base provider finds, and ids of team and key that are none of Apple's."""
        return [*super().check(), *find_malformed({"team_id": self.settings.team_id, "key_id": self.settings.key_id})]

    def find_profile(self, claims: Mapping[str, Any], response: AuthorizationResponse) -> Profile | None:
        """Return the name in the parameter `user`, which Apple sends with a person's first login only.

        It comes unsigned through the browser, so it is good for display and nothing else: the e-mail in it is not read.
        """
        name = None
        with suppress(ProviderBadResponse):
            name = parse_object(response.parameters.get("user", "{}")).get("name")
        parts = [name.get("firstName"), name.get("lastName")] if isinstance(name, Mapping) else []
        nickname = " ".join(part for part in parts if isinstance(part, str))
        return Profile.of(nickname=nickname) if nickname else None


connect_register_providers = provider_hook(
    "apple", AppleProvider, sandbox="connect_apple.sandbox:AppleSandbox", icon="connect_apple:icon.svg"
)
