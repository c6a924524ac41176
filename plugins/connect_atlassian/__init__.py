"""Atlassian login, through an OAuth 2.0 (3LO) app.

https://developer.atlassian.com/cloud/oauth/getting-started/implementing-oauth-3lo
Person: https://developer.atlassian.com/cloud/confluence/user-identity-api/
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class AtlassianProvider(OAuth2Provider):
    """One app with the User identity API. Atlassian documents no PKCE for it."""

    union_type = "ATLASSIAN"
    titles = {"zh": "Atlassian", "en": "Atlassian"}
    authorize_url = "https://auth.atlassian.com/authorize"
    token_url = "https://auth.atlassian.com/oauth/token"
    userinfo_url = "https://api.atlassian.com/me"
    scope = "read:me"
    claims = Claims(user_id="account_id", nickname=("name", "nickname"), face="picture")
    quirks = Quirks(
        pkce="never",
        authorize={"audience": "api.atlassian.com", "prompt": "consent"},
        token_method="json",
    )


connect_register_providers = provider_hook(
    "atlassian",
    AtlassianProvider,
    sandbox="connect_atlassian.sandbox:AtlassianSandbox",
    icon="connect_atlassian:icon.svg",
)
