"""Sign in with Slack (OpenID Connect).

https://docs.slack.dev/authentication/sign-in-with-slack
Token: https://docs.slack.dev/reference/methods/openid.connect.token
Ids: https://docs.slack.dev/reference/objects/user-object
PKCE, which is not sent, because it makes the app a public client: https://docs.slack.dev/authentication/using-pkce
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import (
    Answer,
    CodeInvalid,
    Field,
    Issuer,
    OidcProvider,
    OidcSettings,
    PersonId,
    ProviderBadResponse,
    ProviderConfig,
    ProviderRefused,
    provider_hook,
)

TEAM = "https://slack.com/team_id"
"""The claim with the id of the workspace."""
ERRORS = {
    **dict.fromkeys(("invalid_code", "code_already_used", "code_expired"), CodeInvalid),
    **dict.fromkeys(("invalid_client_id", "bad_client_secret", "bad_redirect_uri"), ProviderConfig),
    **dict.fromkeys(("invalid_grant_type", "oauth_authorization_url_mismatch"), ProviderConfig),
}


class SlackSettings(OidcSettings):
    """One Slack app."""

    issuer: Issuer = Field("https://slack.com", description="Slack's issuer; change it only for a sandbox.")


class SlackProvider(OidcProvider):
    """One Slack app. A person has an id in each workspace, which only counts there."""

    union_type = "SLACK"
    titles = {"zh": "Slack", "en": "Slack"}
    Settings = SlackSettings
    algorithms = ("RS256",)
    auth_method = "client_secret_post"

    def read_ids(self, claims: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return the person's id, whose scope is the workspace. Raises `ProviderBadResponse` for a missing one."""
        team = claims.get(TEAM)
        if not isinstance(team, str) or not team.isalnum():
            raise ProviderBadResponse("team_id of id_token is no workspace")
        return (PersonId.union_id(claims.get("sub"), f"{self.settings.issuer}/{team}"),)

    def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
        """Return the object in an answer of Slack, whose errors come with HTTP status 200. Raises as the base does."""
        try:
            return super().read_answer(operation, answer)
        except ProviderRefused as refusal:
            kind = ERRORS.get(refusal.vendor.get("error", ""))
            if kind is None:
                raise
            vendor = refusal.vendor
        raise kind("Slack answered with an error", vendor=vendor)


connect_register_providers = provider_hook(
    "slack", SlackProvider, sandbox="connect_slack.sandbox:SlackSandbox", icon="connect_slack:icon.svg"
)
