"""Naver login (네이버 로그인) for websites.

Guide: https://developers.naver.com/docs/login/devguide/devguide.md
Calls: https://developers.naver.com/docs/login/api/api.md
Profile: https://developers.naver.com/docs/login/profile/profile.md
"""

from connect_core.plugin import Claims, InAppBrowser, OAuth2Provider, Quirks, provider_hook


class NaverProvider(OAuth2Provider):
    """One application. It has no scopes: what a profile contains is set in Naver's console.

    Naver's OpenID provider documents no nonce, so that a login there could not be told from a repeated one.
    """

    union_type = "NAVER"
    titles = {"zh": "Naver", "en": "Naver", "ko": "네이버"}
    own_browser = InAppBrowser.NAVER
    authorize_url = "https://nid.naver.com/oauth2.0/authorize"
    token_url = "https://nid.naver.com/oauth2.0/token"
    userinfo_url = "https://openapi.naver.com/v1/nid/me"
    claims = Claims(open_id="id", nickname=("nickname", "name"), face="profile_image", sex="gender")
    quirks = Quirks(
        pkce="never",
        token_from_callback=("state",),
        userinfo_envelope="response",
        error_signs={"resultcode": "00"},
        errors={
            "code_invalid": ("invalid_request", "024"),  # a code that was used; the access token
            "provider_config": ("028", "403"),  # no header; the application has no right to the profile
        },
    )


connect_register_providers = provider_hook(
    "naver", NaverProvider, sandbox="connect_naver.sandbox:NaverSandbox", icon="connect_naver:icon.svg"
)
