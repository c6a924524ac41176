"""GitLab login, at gitlab.com or at a GitLab server of your own, through OpenID Connect.

https://docs.gitlab.com/integration/openid_connect_provider/
Code and token: https://docs.gitlab.com/api/oauth2/
"""

from connect_core.plugin import Claims, Field, Issuer, OidcProvider, OidcSettings, provider_hook


class GitlabSettings(OidcSettings):
    """One OAuth application with the scopes `openid` and `profile`."""

    issuer: Issuer = Field(
        "https://gitlab.com", description="The GitLab server; default: gitlab.com. Each server has ids of its own."
    )


class GitlabProvider(OidcProvider):
    """One OAuth application of one GitLab server."""

    union_type = "GITLAB"
    titles = {"zh": "GitLab", "en": "GitLab"}
    Settings = GitlabSettings
    algorithms = ("RS256",)
    auth_method = "client_secret_post"
    claims = Claims(nickname=("name", "nickname"), face="picture")


connect_register_providers = provider_hook(
    "gitlab", GitlabProvider, sandbox="connect_gitlab.sandbox:GitlabSandbox", icon="connect_gitlab:icon.svg"
)
