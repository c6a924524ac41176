"""Gitee (码云) login, through a third-party application.

https://gitee.com/api/v5/oauth_doc, read in a copy: https://blog.csdn.net/qq_34068440/article/details/138204968
User, from two libraries, not the vendor's page: justauth/JustAuth, SocialiteProviders/Providers
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class GiteeProvider(OAuth2Provider):
    """One third-party application, with the scope that gives the profile."""

    union_type = "GITEE"
    titles = {"zh": "Gitee", "en": "Gitee"}
    authorize_url = "https://gitee.com/oauth/authorize"
    token_url = "https://gitee.com/oauth/token"
    userinfo_url = "https://gitee.com/api/v5/user"
    scope = "user_info"
    claims = Claims(user_id="id", nickname=("name", "login"), face="avatar_url")
    quirks = Quirks(pkce="never", userinfo_parameters={"access_token": "{access_token}"})


connect_register_providers = provider_hook(
    "gitee", GiteeProvider, sandbox="connect_gitee.sandbox:GiteeSandbox", icon="connect_gitee:icon.svg"
)
