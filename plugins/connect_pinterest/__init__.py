"""Pinterest login, through version 5 of its API.

https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/
Person: https://developers.pinterest.com/docs/api/v5/user_account-get/
"""

from connect_core.plugin import Claims, InAppBrowser, OAuth2Provider, Quirks, provider_hook


class PinterestProvider(OAuth2Provider):
    """One app."""

    union_type = "PINTEREST"
    titles = {"zh": "Pinterest", "en": "Pinterest"}
    own_browser = InAppBrowser.PINTEREST
    authorize_url = "https://www.pinterest.com/oauth/"
    token_url = "https://api.pinterest.com/v5/oauth/token"
    userinfo_url = "https://api.pinterest.com/v5/user_account"
    scope = "user_accounts:read"
    claims = Claims(user_id="id", nickname=("business_name", "username"), face="profile_image")
    quirks = Quirks(
        scope_separator=",",
        pkce="never",
        client_auth="basic",
        error_signs={"code": ""},
        errors={"code_invalid": ("283",), "provider_config": ("2", "403")},
    )


connect_register_providers = provider_hook(
    "pinterest",
    PinterestProvider,
    sandbox="connect_pinterest.sandbox:PinterestSandbox",
    icon="connect_pinterest:icon.svg",
)
