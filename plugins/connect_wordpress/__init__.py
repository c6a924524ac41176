"""WordPress.com login (WordPress.com Connect).

https://developer.wordpress.com/docs/oauth2/
Person: https://developer.wordpress.com/docs/api/1.1/get/me/
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class WordpressProvider(OAuth2Provider):
    """One app. The scope `auth` permits the call about the person and nothing else."""

    union_type = "WORDPRESS"
    titles = {"zh": "WordPress.com", "en": "WordPress.com"}
    authorize_url = "https://public-api.wordpress.com/oauth2/authorize"
    token_url = "https://public-api.wordpress.com/oauth2/token"
    userinfo_url = "https://public-api.wordpress.com/rest/v1.1/me"
    scope = "auth"
    claims = Claims(user_id="ID", nickname=("display_name", "username"), face="avatar_URL")
    quirks = Quirks(pkce="never")


connect_register_providers = provider_hook(
    "wordpress",
    WordpressProvider,
    sandbox="connect_wordpress.sandbox:WordpressSandbox",
    icon="connect_wordpress:icon.svg",
)
