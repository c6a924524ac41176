"""Reddit login.

https://github.com/reddit-archive/reddit/wiki/OAuth2
Person: https://www.reddit.com/dev/api/#GET_api_v1_me
User-Agent: https://github.com/reddit-archive/reddit/wiki/API#rules
"""

from connect_core.plugin import Claims, Field, InAppBrowser, OAuth2Provider, OAuth2Settings, Quirks, provider_hook


class RedditSettings(OAuth2Settings):
    """One web app."""

    user_agent: str = Field(
        "connect-login",
        pattern="^[ -~]+$",
        description="What the shop calls itself in the header `User-Agent`: Reddit limits clients with a common one.",
    )


class RedditProvider(OAuth2Provider):
    """One web app. Errors of the token call come with HTTP status 200."""

    union_type = "REDDIT"
    titles = {"zh": "Reddit", "en": "Reddit"}
    own_browser = InAppBrowser.REDDIT
    Settings = RedditSettings
    authorize_url = "https://www.reddit.com/api/v1/authorize"
    token_url = "https://www.reddit.com/api/v1/access_token"
    userinfo_url = "https://oauth.reddit.com/api/v1/me"
    scope = "identity"
    claims = Claims(user_id="id", nickname=("subreddit.title", "name"), face="icon_img")
    quirks = Quirks(
        headers={"User-Agent": "{user_agent}"},
        pkce="never",
        client_auth="basic",
        authorize={"duration": "temporary"},
        userinfo_parameters={"raw_json": "1"},  # without it a link has &amp; in place of &
        errors={"provider_config": ("401", "403")},  # the client's id or secret; the scope, or Reddit's filter
    )


connect_register_providers = provider_hook(
    "reddit", RedditProvider, sandbox="connect_reddit.sandbox:RedditSandbox", icon="connect_reddit:icon.svg"
)
