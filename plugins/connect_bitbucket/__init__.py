"""Bitbucket Cloud login, through an OAuth consumer of a workspace.

https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/
Person: https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get
From two libraries, not the vendor's page: python-social-auth/social-core, nextauthjs/next-auth.
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class BitbucketProvider(OAuth2Provider):
    """One OAuth consumer, whose own list says what it may read."""

    union_type = "BITBUCKET"
    titles = {"zh": "Bitbucket", "en": "Bitbucket"}
    authorize_url = "https://bitbucket.org/site/oauth2/authorize"
    token_url = "https://bitbucket.org/site/oauth2/access_token"
    userinfo_url = "https://api.bitbucket.org/2.0/user"
    claims = Claims(user_id="uuid", nickname=("display_name", "nickname"), face="links.avatar.href")
    quirks = Quirks(pkce="never", client_auth="basic")


connect_register_providers = provider_hook(
    "bitbucket",
    BitbucketProvider,
    sandbox="connect_bitbucket.sandbox:BitbucketSandbox",
    icon="connect_bitbucket:icon.svg",
)
