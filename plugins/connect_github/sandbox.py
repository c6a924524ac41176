"""GitHub's sandbox: token errors with HTTP status 200, form-encoded answers unless JSON is requested, numeric ids.

https://docs.github.com/en/rest/users/users#get-the-authenticated-user
"""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from connect_core.sandbox import OAuth2Sandbox, Person
from connect_github import GithubProvider


class GithubSandbox(OAuth2Sandbox):
    """One OAuth app."""

    title = "GitHub 沙箱 · GitHub sandbox"
    provider = GithubProvider
    refusals = {"invalid_grant": "bad_verification_code", "invalid_client": "incorrect_client_credentials"}
    error_statuses = (200, 401)

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return user-info; `name` is null for a person without a display name."""
        name = person.nickname if person.nickname != person.key else None
        return {"login": person.key, "id": self.user_id(person.key), "avatar_url": person.face, "name": name}

    def write(self, fields: dict[str, Any], request: Request, operation: str, *, is_error: bool) -> str:
        """Return the token answer form-encoded unless the client accepts JSON; any other answer as JSON."""
        if operation == "token" and "application/json" not in request.headers.get("accept", ""):
            return urlencode(fields)
        return super().write(fields, request, operation, is_error=is_error)
