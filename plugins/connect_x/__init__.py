"""X (Twitter) login.

https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/authorization-code
Person: https://docs.x.com/x-api/users/lookup/quickstart/authenticated-lookup
"""

from connect_core.plugin import Claims, InAppBrowser, OAuth2Provider, Quirks, provider_hook


class XProvider(OAuth2Provider):
    """One confidential client. X answers who a person is only with both scopes, `users.read` and `tweet.read`."""

    union_type = "X"
    titles = {"zh": "X", "en": "X"}
    own_browser = InAppBrowser.X
    authorize_url = "https://x.com/i/oauth2/authorize"
    token_url = "https://api.x.com/2/oauth2/token"
    userinfo_url = "https://api.x.com/2/users/me"
    scope = "users.read tweet.read"
    claims = Claims(user_id="id", nickname=("name", "username"), face="profile_image_url")
    quirks = Quirks(
        client_auth="basic",
        userinfo_parameters={"user.fields": "profile_image_url"},
        userinfo_envelope="data",
        error_signs={"reason": ""},
        errors={
            "code_invalid": ("invalid_request",),  # X's word for a code that is unknown, used or expired
            "provider_config": ("client-not-enrolled",),  # the app belongs to no project
        },
    )


connect_register_providers = provider_hook(
    "x", XProvider, sandbox="connect_x.sandbox:XSandbox", icon="connect_x:icon.svg"
)
