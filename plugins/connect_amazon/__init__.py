"""Login with Amazon.

Code and token: https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html
Person: https://developer.amazon.com/docs/login-with-amazon/customer-profile.html
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class AmazonProvider(OAuth2Provider):
    """One security profile. A person has the same id in all security profiles of one company."""

    union_type = "AMAZON"
    titles = {"zh": "亚马逊", "en": "Amazon"}
    authorize_url = "https://www.amazon.com/ap/oa"
    token_url = "https://api.amazon.com/auth/o2/token"
    userinfo_url = "https://api.amazon.com/user/profile"
    scope = "profile"
    claims = Claims(union_id="user_id", nickname="name")
    quirks = Quirks(errors={"provider_refused": ("ServerError",)}, error_trace="request_id")


connect_register_providers = provider_hook(
    "amazon", AmazonProvider, sandbox="connect_amazon.sandbox:AmazonSandbox", icon="connect_amazon:icon.svg"
)
