"""Figma's sandbox: the client in the header, sentences in place of error codes.

https://developers.figma.com/docs/rest-api/users-endpoints/
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_figma import FigmaProvider


class FigmaSandbox(OAuth2Sandbox):
    """One OAuth app."""

    title = "Figma 沙箱 · Figma sandbox"
    provider = FigmaProvider
    error_statuses = (400, 403)
    no_outcomes = "Figma's errors are sentences, which no page lists"
    documented = (
        # https://developers.figma.com/docs/rest-api/authentication, as pennersr/django-allauth sends it
        DocumentedRequest(
            "GET",
            "https://www.figma.com/oauth",
            query=of_login(
                "response_type client_id redirect_uri state code_challenge code_challenge_method",
                scope="current_user:read",
            ),
        ),
        # figma-api (npm), which has the client in the header too
        DocumentedRequest(
            "POST",
            "https://api.figma.com/v1/oauth/token",
            form=of_login("grant_type code redirect_uri code_verifier"),
            headers={"Authorization": "Basic {basic_credentials}"},
            answer={
                "user_id_string": "2600",
                "access_token": "figu_token",
                "token_type": "bearer",
                "expires_in": 7776000,
                "refresh_token": "figur_token",
            },
        ),
        # https://developers.figma.com/docs/rest-api/users-endpoints/ (the example of pennersr/django-allauth)
        DocumentedRequest(
            "GET",
            "https://api.figma.com/v1/me",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "id": "2600",
                "email": "johndoe@example.com",
                "handle": "John Doe",
                "img_url": "https://www.example.com/image.png",
            },
        ),
    )
    documented_ids = (PersonId.user_id("2600"),)
    documented_profile = Profile(nickname="John Doe", face="https://www.example.com/image.png")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the person's id."""
        uid = str(self.user_id(grant.person.key))
        return {"user_id_string": uid, "access_token": token, "token_type": "bearer", "expires_in": 7776000}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; the id is a text of digits."""
        return {"id": str(self.user_id(person.key)), "handle": person.nickname, "img_url": person.face}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return a refusal of the token call, or of a call with a token."""
        if code == "invalid_token":
            return {"status": 403, "err": "Invalid token"}
        return {"error": True, "status": 400, "message": "made up by the sandbox", "i18n": None}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return nothing: see `no_outcomes`."""
        return {}
