"""LinkedIn login: "Sign In with LinkedIn using OpenID Connect", by its user-info.

https://learn.microsoft.com/en-us/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
Code and token: https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow
"""

from connect_core.plugin import Claims, InAppBrowser, OAuth2Provider, Quirks, provider_hook


class LinkedinProvider(OAuth2Provider):
    """One app. Its ID tokens have no nonce, so the person comes from user-info, which nobody else can answer."""

    union_type = "LINKEDIN"
    titles = {"zh": "领英", "en": "LinkedIn"}
    own_browser = InAppBrowser.LINKEDIN
    authorize_url = "https://www.linkedin.com/oauth/v2/authorization"
    token_url = "https://www.linkedin.com/oauth/v2/accessToken"
    userinfo_url = "https://api.linkedin.com/v2/userinfo"
    scope = "openid profile"
    claims = Claims(open_id="sub", nickname="name", face="picture")
    quirks = Quirks(
        pkce="never",  # a code verifier in a web app's token call is `invalid_client`
        error_signs={"serviceErrorCode": ""},
        errors={
            "code_invalid": ("invalid_request", "65600", "65601", "65602"),  # the code; the access token
            "provider_config": ("invalid_redirect_uri", "unauthorized_scope_error"),
            "provider_denied": ("user_cancelled_authorize", "user_cancelled_login"),
        },
    )


connect_register_providers = provider_hook(
    "linkedin", LinkedinProvider, sandbox="connect_linkedin.sandbox:LinkedinSandbox", icon="connect_linkedin:icon.svg"
)
