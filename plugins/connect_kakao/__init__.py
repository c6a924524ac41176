"""Kakao login by OpenID Connect: redirect on PC and H5, an ID token from Kakao's SDK in native apps.

https://developers.kakao.com/docs/latest/en/kakaologin/rest-api
Discovery: https://kauth.kakao.com/.well-known/openid-configuration
Ids and scopes: https://developers.kakao.com/docs/latest/en/kakaologin/utilize
"""

from connect_core.plugin import (
    Claims,
    ClientType,
    Entrance,
    Field,
    InAppBrowser,
    Issuer,
    OidcProvider,
    OidcSettings,
    provider_hook,
)


class KakaoSettings(OidcSettings):
    """One key of a Kakao app: the REST API key on the web, the native app key in apps."""

    issuer: Issuer = Field("https://kauth.kakao.com", description="Kakao's issuer; change it only for a sandbox.")


class KakaoProvider(OidcProvider):
    """One Kakao app. A person has the same id for all keys of that app, and another one in every other app."""

    union_type = "KAKAO"
    titles = {"zh": "Kakao", "en": "Kakao", "ko": "카카오"}
    own_browser = InAppBrowser.KAKAOTALK
    entrances = {**OidcProvider.entrances, ClientType.APP: Entrance.CREDENTIAL}
    Settings = KakaoSettings
    algorithms = ("RS256",)
    auth_method = "client_secret_post"
    scope = "openid profile_nickname profile_image"
    claims = Claims(nickname="nickname", face="picture")


connect_register_providers = provider_hook(
    "kakao", KakaoProvider, sandbox="connect_kakao.sandbox:KakaoSandbox", icon="connect_kakao:icon.svg"
)
