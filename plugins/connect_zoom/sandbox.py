"""Zoom's sandbox: the client in the header, `reason` beside errors of the token call, numbers for those of the API.

https://developers.zoom.us/docs/integrations/oauth/
Errors: https://developers.zoom.us/docs/integrations/oauth-error-messages/
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_zoom import ZoomProvider

NUMBERS = {
    "124": "code_invalid",
    "4702": "provider_config",
    "4709": "provider_config",
    "4711": "provider_config",
    "4733": "code_invalid",
    "4734": "code_invalid",
    "4738": "provider_denied",
}
"""Numbers of errors that a login can meet, with our codes."""


class ZoomSandbox(OAuth2Sandbox):
    """One app."""

    title = "Zoom 沙箱 · Zoom sandbox"
    provider = ZoomProvider
    refusals = {"invalid_token": "124"}
    documented = (
        # https://developers.zoom.us/docs/integrations/oauth/, step 1, with PKCE
        DocumentedRequest(
            "GET",
            "https://zoom.us/oauth/authorize",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
        ),
        # the same page, step 2
        DocumentedRequest(
            "POST",
            "https://zoom.us/oauth/token",
            form=of_login("grant_type code redirect_uri code_verifier"),
            headers={"Authorization": "Basic {basic_credentials}"},
            answer={
                "access_token": "eyJhbGciOiJIUzUxMiIsInYiOiIyLjAiLCJraWQiOiI8S0lEPiJ9",
                "token_type": "bearer",
                "refresh_token": "eyJhbGciOiJIUzUxMiIsInYiOiIyLjAiLCJraWQiOiI8S0lEPiJ9",
                "expires_in": 3599,
                "scope": "user:read:user",
                "api_url": "https://api.zoom.us",
            },
        ),
        # the same page, step 3: the answer without settings of meetings
        DocumentedRequest(
            "GET",
            "https://api.zoom.us/v2/users/me",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "id": "KdYKjnimT4KPd8FFgQt9FQ",
                "first_name": "Jane",
                "last_name": "Dev",
                "display_name": "Jane Dev",
                "email": "jane.dev@email.com",
                "type": 2,
                "role_name": "Owner",
                "timezone": "America/Denver",
                "verified": 1,
                "pic_url": "https://janedev.zoom.us/p/KdYKjnimFR5Td8KKdQt9FQ/19f6430f",
                "account_id": "gVcjZnYYRLDbb_MfgHuaxg",
                "language": "en-US",
                "status": "active",
            },
        ),
    )
    documented_ids = (PersonId.user_id("KdYKjnimT4KPd8FFgQt9FQ"),)
    documented_profile = Profile(nickname="Jane Dev", face="https://janedev.zoom.us/p/KdYKjnimFR5Td8KKdQt9FQ/19f6430f")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; the scopes are the app's."""
        answer = {"access_token": token, "token_type": "bearer", "expires_in": 3599, "scope": "user:read:user"}
        return {**answer, "api_url": "https://api.zoom.us"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the user; the id is a text."""
        shown = {"display_name": person.nickname, "first_name": person.nickname, "pic_url": person.face}
        return {"id": self.union_id(person.key), **shown, "account_id": "made-up", "status": "active"}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error of the API, or one of the token call."""
        if code.isdigit():
            return {"code": int(code), "message": "made up by the sandbox"}
        return {"reason": "made up by the sandbox", "error": code}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the errors of both calls."""
        return {**super().get_outcomes(), **NUMBERS}
