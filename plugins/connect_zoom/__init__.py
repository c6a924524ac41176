"""Zoom login, through a user-managed OAuth app.

https://developers.zoom.us/docs/integrations/oauth/
Person: https://developers.zoom.us/docs/api/users/#tag/users/GET/users/{userId}
Errors: https://developers.zoom.us/docs/integrations/oauth-error-messages/
All of it is from libraries that agree, not the vendor's page: pennersr/django-allauth, python-social-auth/social-core
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
        errors={"code_invalid": ("124",), "provider_config": ("4711",)},  # the access token; a scope is missing
    )


connect_register_providers = provider_hook(
    "zoom", ZoomProvider, sandbox="connect_zoom.sandbox:ZoomSandbox", icon="connect_zoom:icon.svg"
)
