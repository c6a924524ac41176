"""GitHub login, through an OAuth app.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
Errors: https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class GithubProvider(OAuth2Provider):
    """One OAuth app. It asks for no scope, which gives it the public profile only."""

    union_type = "GITHUB"
    titles = {"zh": "GitHub", "en": "GitHub"}
    authorize_url = "https://github.com/login/oauth/authorize"
    token_url = "https://github.com/login/oauth/access_token"
    userinfo_url = "https://api.github.com/user"
    claims = Claims(user_id="id", nickname=("name", "login"), face="avatar_url")
    quirks = Quirks(
        errors={
            "code_invalid": ("bad_verification_code",),
            "provider_config": ("application_suspended", "incorrect_client_credentials"),
            "provider_denied": ("unverified_user_email",),
        }
    )


connect_register_providers = provider_hook(
    "github", GithubProvider, sandbox="connect_github.sandbox:GithubSandbox", icon="connect_github:icon.svg"
)
