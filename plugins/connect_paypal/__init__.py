"""Log in with PayPal.

Code: https://developer.paypal.com/log-in/build-button
Token: https://developer.paypal.com/log-in/build
Person: https://developer.paypal.com/api/identity/v1/userinfo-get/
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class PaypalProvider(OAuth2Provider):
    """One REST app."""

    union_type = "PAYPAL"
    titles = {"zh": "PayPal", "en": "PayPal"}
    authorize_url = "https://www.paypal.com/signin/authorize"
    token_url = "https://api-m.paypal.com/v1/oauth2/token"
    userinfo_url = "https://api-m.paypal.com/v1/identity/openidconnect/userinfo"
    scope = "openid profile"
    claims = Claims(open_id="user_id", nickname="name", face="picture")
    quirks = Quirks(
        pkce="never",
        authorize={"flowEntry": "static"},
        client_auth="basic",
        token_names={"redirect_uri": ""},
        userinfo_parameters={"schema": "openid"},
    )


connect_register_providers = provider_hook(
    "paypal", PaypalProvider, sandbox="connect_paypal.sandbox:PaypalSandbox", icon="connect_paypal:icon.svg"
)
