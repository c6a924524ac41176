"""Slack: ids that count in their workspace, and errors with HTTP status 200."""

import json

import pytest

from connect_core.errors import CodeInvalid, ConnectError, ProviderBadResponse, ProviderConfig, ProviderRefused
from connect_core.identity import PersonId
from connect_slack import SlackProvider

from ..kit.openid import NOW, Vendor, log_in, make, token

ISSUER = "https://slack.com"
# https://slack.com/.well-known/openid-configuration
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://slack.com/openid/connect/authorize",
    "token_endpoint": "https://slack.com/token",
    "jwks_uri": "https://slack.com/openid/connect/keys",
    "userinfo_endpoint": "https://slack.com/userinfo",
    "code_challenge_methods_supported": None,
    "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
}


class Slack(SlackProvider):
    """Slack at the time of the token."""

    now = staticmethod(lambda: float(NOW))


def slack(**claims: object) -> Vendor:
    """Return a Slack that signs these claims."""
    return Vendor(token(iss=ISSUER, sub="U0R7JM", name="krane", **claims), discovery=DOCUMENT)


async def test_the_same_id_in_two_workspaces_is_two_people() -> None:
    """The scope of the id is the workspace."""
    ids = []
    for team in ("T0R7GR", "T0G9PQBBK"):
        identity = await log_in(make(slack(**{"https://slack.com/team_id": team}), Slack, issuer=ISSUER))
        assert identity.ids == (PersonId.union_id("U0R7JM", f"{ISSUER}/{team}"),)
        ids += identity.ids
    assert len(set(ids)) == 2


@pytest.mark.parametrize("team", [None, "", [], {}])
async def test_without_a_workspace_nobody_is_named(team: object) -> None:
    """An id alone could be somebody else's in another workspace."""
    with pytest.raises(ProviderBadResponse):
        await log_in(make(slack(**{"https://slack.com/team_id": team}), Slack, issuer=ISSUER))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("invalid_code", CodeInvalid),
        ("code_already_used", CodeInvalid),
        ("invalid_grant", CodeInvalid),
        ("bad_client_secret", ProviderConfig),
        ("invalid_client", ProviderConfig),
        ("oauth_authorization_url_mismatch", ProviderConfig),
        ("internal_error", ProviderRefused),
    ],
)
async def test_errors_have_our_codes(word: str, expected: type[ConnectError]) -> None:
    """Slack's words come in an answer with HTTP status 200."""
    vendor = slack()
    vendor.documents["token"] = json.dumps({"ok": False, "error": word}).encode()
    with pytest.raises(expected) as refusal:
        await log_in(make(vendor, Slack, issuer=ISSUER))
    assert type(refusal.value) is expected
    assert refusal.value.vendor == {"error": word}
