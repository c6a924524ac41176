"""Reddit login.

https://github.com/reddit-archive/reddit/wiki/OAuth2
Person: https://www.reddit.com/dev/api/#GET_api_v1_me
User-Agent: https://github.com/reddit-archive/reddit/wiki/API#rules
"""

from dataclasses import dataclass, replace
from typing import Any

from connect_core.plugin import (
    Claims,
    ClientAuthentication,
    Field,
    InAppBrowser,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
    provider_hook,
)


class RedditSettings(OAuth2Settings):
    """One web app."""

    user_agent: str = Field(
        "connect-login",
        pattern="^[ -~]+$",
        description="What the shop calls itself in the header `User-Agent`: Reddit limits clients with a common one.",
    )


@dataclass(frozen=True, slots=True)
class NamedClient:
    """Another way to authenticate, with the header `User-Agent`."""

    authentication: ClientAuthentication
    user_agent: str

    def get_credentials(self, token_url: str) -> Any:
        """Return the credentials of the other way, with the header."""
        credentials = self.authentication.get_credentials(token_url)
        return replace(credentials, headers={**credentials.headers, "user-agent": self.user_agent})


class RedditProvider(OAuth2Provider):
    """One web app. Errors of the token call come with HTTP status 200."""

    union_type = "REDDIT"
    titles = {"zh": "Reddit", "en": "Reddit"}
    own_browser = InAppBrowser.REDDIT
    Settings = RedditSettings
    settings: RedditSettings
    authorize_url = "https://www.reddit.com/api/v1/authorize"
    token_url = "https://www.reddit.com/api/v1/access_token"
    userinfo_url = "https://oauth.reddit.com/api/v1/me"
    scope = "identity"
    claims = Claims(user_id="id", nickname=("subreddit.title", "name"), face="icon_img")
    quirks = Quirks(
        pkce="never",
        client_auth="basic",
        authorize={"duration": "temporary"},
        userinfo_parameters={"raw_json": "1"},  # without it a link has &amp; in place of &
        errors={
            "provider_config": ("401", "403")
        },  # 401: the client's id or secret; 403: the scope, or Reddit's filter
    )

    def __init__(self, settings: RedditSettings, http: Any) -> None:
        """Raises as the base provider does."""
        super().__init__(settings, http)
        header = {**self.quirks.token_header, "user-agent": settings.user_agent}
        self.quirks = self.quirks.model_copy(update={"token_header": header})

    def make_authentication(self) -> ClientAuthentication:
        """Return HTTP Basic authentication with the header `User-Agent`."""
        return NamedClient(super().make_authentication(), self.settings.user_agent)


connect_register_providers = provider_hook(
    "reddit", RedditProvider, sandbox="connect_reddit.sandbox:RedditSandbox", icon="connect_reddit:icon.svg"
)
