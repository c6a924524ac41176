"""Box login.

Code: https://developer.box.com/reference/get-authorize/
Token: https://developer.box.com/reference/post-oauth2-token/
Person: https://developer.box.com/reference/get-users-me/
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class BoxProvider(OAuth2Provider):
    """One custom app with user authentication (OAuth 2.0). Its scopes are those of the app."""

    union_type = "BOX"
    titles = {"zh": "Box", "en": "Box"}
    authorize_url = "https://account.box.com/api/oauth2/authorize"
    token_url = "https://api.box.com/oauth2/token"
    userinfo_url = "https://api.box.com/2.0/users/me"
    claims = Claims(user_id="id", nickname="name", face="avatar_url")
    quirks = Quirks(
        pkce="never",
        token_names={"redirect_uri": ""},
        error_signs={"code": ""},
        errors={"code_invalid": ("unauthorized",), "provider_config": ("forbidden", "redirect_uri_missing")},
        error_trace="request_id",
    )


connect_register_providers = provider_hook(
    "box", BoxProvider, sandbox="connect_box.sandbox:BoxSandbox", icon="connect_box:icon.svg"
)
