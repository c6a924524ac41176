"""Snapchat login (Login Kit).

https://developers.snap.com/snap-kit/login-kit/overview
Scopes: https://developers.snap.com/snap-kit/login-kit/Tutorials/web
The token call and the person are from two libraries, not the vendor's page: SocialiteProviders/Providers,
pennersr/django-allauth.
"""

from connect_core.plugin import Claims, InAppBrowser, OAuth2Provider, Quirks, provider_hook

SCOPE = "https://auth.snapchat.com/oauth2/api/user."


class SnapchatProvider(OAuth2Provider):
    """One confidential client. A person has another id in the apps of another organisation."""

    union_type = "SNAPCHAT"
    titles = {"zh": "Snapchat", "en": "Snapchat"}
    own_browser = InAppBrowser.SNAPCHAT
    authorize_url = "https://accounts.snapchat.com/accounts/oauth2/auth"
    token_url = "https://accounts.snapchat.com/accounts/oauth2/token"
    userinfo_url = "https://kit.snapchat.com/v1/me"
    scope = f"{SCOPE}external_id {SCOPE}display_name"
    claims = Claims(open_id="data.me.externalId", nickname="data.me.displayName")
    quirks = Quirks(
        pkce="never",
        userinfo_parameters={"query": "{{me{{externalId displayName}}}}"},
        error_signs={"errors": ""},
    )


connect_register_providers = provider_hook(
    "snapchat", SnapchatProvider, sandbox="connect_snapchat.sandbox:SnapchatSandbox", icon="connect_snapchat:icon.svg"
)
