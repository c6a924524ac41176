"""Slack's sandbox: errors with HTTP status 200, ids that count in their workspace, the profile in the ID token.

https://docs.slack.dev/authentication/sign-in-with-slack
"""

from collections.abc import Callable, Sequence
from time import time
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import PEOPLE, DocumentedRequest, OidcGrant, OidcSandbox, Person, of_login


class SlackSandbox(OidcSandbox):
    """One app. People are in one of two workspaces."""

    title = "Slack 沙箱 · Slack sandbox"
    client_id = "25259531569.1115258246291"
    refusals = {"invalid_grant": "invalid_code", "invalid_client": "bad_client_secret"}
    profile_in_token = True
    paths = {
        "authorize": "/openid/connect/authorize",
        "token": "/api/openid.connect.token",
        "jwks": "/openid/connect/keys",
        "userinfo": "/api/openid.connect.userInfo",
    }
    document = {
        "authorization_response_iss_parameter_supported": False,
        "code_challenge_methods_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
    }
    documented = (
        # https://slack.com/.well-known/openid-configuration
        DocumentedRequest(
            "GET",
            "https://slack.com/.well-known/openid-configuration",
            answer={
                "issuer": "https://slack.com",
                "authorization_endpoint": "https://slack.com/openid/connect/authorize",
                "token_endpoint": "https://slack.com/api/openid.connect.token",
                "userinfo_endpoint": "https://slack.com/api/openid.connect.userInfo",
                "jwks_uri": "https://slack.com/openid/connect/keys",
                "scopes_supported": ["openid", "profile", "email"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "claims_supported": ["sub", "auth_time", "iss"],
                "claims_parameter_supported": False,
                "request_parameter_supported": False,
                "request_uri_parameter_supported": True,
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            },
        ),
        # https://docs.slack.dev/authentication/sign-in-with-slack#request
        DocumentedRequest(
            "GET",
            "https://slack.com/openid/connect/authorize",
            query=of_login("response_type client_id redirect_uri state nonce", scope="openid profile"),
            optional=("team",),
        ),
        # https://docs.slack.dev/reference/methods/openid.connect.token (without the pictures in other sizes, and with
        # the one that https://docs.slack.dev/reference/methods/openid.connect.userInfo has beside the name)
        DocumentedRequest(
            "POST",
            "https://slack.com/api/openid.connect.token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={
                "ok": True,
                "access_token": "xoxp-1234",
                "token_type": "Bearer",
                "id_token": {
                    "iss": "https://slack.com",
                    "sub": "U0R7MFMJM",
                    "aud": "25259531569.11152291",
                    "exp": 1626874955,
                    "iat": 1626874655,
                    "auth_time": 1626874655,
                    "nonce": "abcd",
                    "at_hash": "tUbyWGBHe0V32FJEupkgVQ",
                    "https://slack.com/team_id": "T0RR",
                    "https://slack.com/user_id": "U0R7MFMJM",
                    "email": "bront@slack-corp.com",
                    "email_verified": True,
                    "date_email_verified": 1622128723,
                    "locale": "en-US",
                    "name": "brent",
                    "picture": "https://secure.gravatar.com/....png",
                    "given_name": "",
                    "family_name": "",
                },
            },
        ),
        # the discovery document (jwks_uri)
        DocumentedRequest("GET", "https://slack.com/openid/connect/keys"),
    )

    documented_ids = (PersonId.union_id("U0R7MFMJM", "https://slack.com/T0RR"),)
    documented_profile = Profile(nickname="brent", face="https://secure.gravatar.com/....png")

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time) -> None:
        """`people` are offered on the consent page; `now` returns the time in seconds since the epoch."""
        super().__init__(auth_method="client_secret_post", people=people, now=now)

    def subject(self, person: str) -> str:
        """Return the id of the person with the key `person` in their workspace."""
        return f"U{super().subject(person)[:10].upper()}"

    def team(self, person: str) -> str:
        """Return the id of the workspace of the person with the key `person`."""
        return "T0R7GR" if len(person) % 2 else "T0G9PQBBK"

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Return the claims with those of Slack: the workspace, and the id once more."""
        person = grant.person.key
        of_slack = {"https://slack.com/team_id": self.team(person), "https://slack.com/user_id": self.subject(person)}
        return {**super().id_token_claims(grant, access_token), "auth_time": int(self.now()), **of_slack}

    def token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the answer with the mark of success that every answer of Slack has, and a token that never expires."""
        return {"ok": True, **{name: value for name, value in answer.items() if name != "expires_in"}}

    def error_answer(self, operation: str, code: str) -> dict[str, Any]:
        """Return an error with its mark."""
        return {"ok": False, "error": code}

    def error_status(self, operation: str, code: str) -> int:
        """Return 200, which Slack's errors have."""
        return 200
