"""Zoom login, through a user-managed OAuth app.

https://developers.zoom.us/docs/integrations/oauth/
Person: https://developers.zoom.us/docs/api/users/#tag/users/GET/users/{userId}
Errors: https://developers.zoom.us/docs/integrations/oauth-error-messages/
Checked against Zoom's own https://github.com/zoom/skills (parameters, answers, errors),
https://github.com/zoom/zoomapps-sample-js (PKCE beside the secret) and https://github.com/zoom/api (the user's id).
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class ZoomProvider(OAuth2Provider):
    """One app. Its scopes are those that its page at Zoom has; the request names none."""

    union_type = "ZOOM"
    titles = {"zh": "Zoom", "en": "Zoom"}
    authorize_url = "https://zoom.us/oauth/authorize"
    token_url = "https://zoom.us/oauth/token"
    userinfo_url = "https://api.zoom.us/v2/users/me"
    claims = Claims(user_id="id", nickname=("display_name", "first_name"), face="pic_url")
    quirks = Quirks(
        client_auth="basic",
        error_signs={"code": ""},
        errors={
            "code_invalid": ("124", "4733", "4734", "4741"),  # the access token; the code; the token is revoked
            "provider_denied": ("4738",),  # the account's administrator has switched the app off
            # the client, its secret; a parameter; the redirect URI; a scope; Zoom has switched the app off
            "provider_config": ("4702", "4704", "4706", "4709", "4711", "4717"),
        },
    )


connect_register_providers = provider_hook(
    "zoom", ZoomProvider, sandbox="connect_zoom.sandbox:ZoomSandbox", icon="connect_zoom:icon.svg"
)
