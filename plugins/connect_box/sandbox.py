"""Box's sandbox: codes that work for thirty seconds, numeric ids as text, API errors with a code and a request id.

https://developer.box.com/reference/get-users-me/
"""

from typing import Any

from connect_box import BoxProvider
from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login


class BoxSandbox(OAuth2Sandbox):
    """One custom app."""

    title = "Box 沙箱 · Box sandbox"
    provider = BoxProvider
    code_life = 30
    refusals = {"invalid_token": "unauthorized"}
    error_statuses = (400, 401)
    documented = (
        # https://developer.box.com/reference/get-authorize/
        DocumentedRequest(
            "GET",
            "https://account.box.com/api/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state"),
            optional=("scope",),
        ),
        # https://developer.box.com/reference/post-oauth2-token/
        # The answer: https://developer.box.com/guides/authentication/tokens/access-tokens/
        DocumentedRequest(
            "POST",
            "https://api.box.com/oauth2/token",
            form=of_login("grant_type client_id client_secret code"),
            answer={
                "access_token": "c3FIOG9vSGV4VHo4QzAyg5T1JvNnJoZ3ExaVNyQWw6WjRsanRKZG5lQk9qUE1BVQ",
                "expires_in": 3600,
                "token_type": "bearer",
                "refresh_token": "c3FIOG9vSGV4VHo4QzAyg5T1JvNnJoZ3ExaVNyQWw6WjRsanRKZG5lQk9qUE1BVQ",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            },
        ),
        # https://developer.box.com/reference/get-users-me/
        # The answer: https://github.com/box/box-node-sdk/blob/main/docs/users.md
        DocumentedRequest(
            "GET",
            "https://api.box.com/2.0/users/me",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "type": "user",
                "id": "33333",
                "name": "Example User",
                "login": "user@example.com",
                "created_at": "2012-03-26T15:43:07-07:00",
                "modified_at": "2012-12-12T11:34:29-08:00",
                "language": "en",
                "space_amount": 5368709120,
                "space_used": 2377016,
                "max_upload_size": 262144000,
                "status": "active",
                "job_title": "Employee",
                "phone": "5555555555",
                "address": "555 Office Drive",
                "avatar_url": "https://app.box.com/api/avatar/deprecated",
            },
        ),
    )
    documented_ids = (PersonId.user_id("33333"),)
    documented_profile = Profile(nickname="Example User", face="https://app.box.com/api/avatar/deprecated")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, which names no scope."""
        return {"access_token": token, "expires_in": 3600, "token_type": "bearer"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the user; the id is a number as text."""
        return {
            "type": "user",
            "id": str(self.user_id(person.key)),
            "name": person.nickname,
            "login": f"{person.key}@mail.example",
            "status": "active",
            "avatar_url": person.face,
        }

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: a word in the token call, an object with a code in the call for the person."""
        if code != "unauthorized":
            return super().error_answer(code)
        text = {"message": "made up by the sandbox", "request_id": "abcdef123456"}
        return {"type": "error", "status": 401, "code": code, **text}
