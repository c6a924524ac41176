"""Spotify login.

https://developer.spotify.com/documentation/web-api/tutorials/code-flow
PKCE: https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow
Person: https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile
From two libraries, not the vendor's page: python-social-auth/social-core, pennersr/django-allauth.
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class SpotifyProvider(OAuth2Provider):
    """One app. It asks for no scope, which gives it the public profile only."""

    union_type = "SPOTIFY"
    titles = {"zh": "Spotify", "en": "Spotify"}
    authorize_url = "https://accounts.spotify.com/authorize"
    token_url = "https://accounts.spotify.com/api/token"
    userinfo_url = "https://api.spotify.com/v1/me"
    claims = Claims(user_id="id", nickname=("display_name", "id"), face="images.0.url")
    quirks = Quirks(
        client_auth="basic",
        error_signs={"error.status": ""},
        errors={
            "code_invalid": ("401",),
            "provider_config": ("403",),
        },  # 403: an app in development mode, and a stranger
    )


connect_register_providers = provider_hook(
    "spotify", SpotifyProvider, sandbox="connect_spotify.sandbox:SpotifySandbox", icon="connect_spotify:icon.svg"
)
