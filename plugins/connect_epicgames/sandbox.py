"""Epic Games' sandbox: HTTP Basic authentication, the person's id in the token answer, long words as errors.

https://dev.epicgames.com/docs/web-api-ref/authentication
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_epicgames import EpicgamesProvider


class EpicgamesSandbox(OAuth2Sandbox):
    """One client of a product."""

    title = "Epic Games 沙箱 · Epic Games sandbox"
    provider = EpicgamesProvider
    refusals = {
        "invalid_grant": "errors.com.epicgames.account.oauth.authorization_code_not_found",
        "invalid_client": "errors.com.epicgames.account.invalid_client_credentials",
    }
    documented = (
        # https://dev.epicgames.com/docs/web-api-ref/authentication#web-applications
        DocumentedRequest(
            "GET",
            "https://www.epicgames.com/id/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="basic_profile"),
        ),
        # the same page: requesting an access token
        DocumentedRequest(
            "POST",
            "https://api.epicgames.dev/epic/oauth/v2/token",
            form={"grant_type": "authorization_code", "code": "{code}", "redirect_uri": "{redirect_uri}"},
            headers={"Authorization": "Basic {basic_credentials}"},
            optional=("deployment_id", "redirect_uri", "scope"),
            answer={
                "scope": "basic_profile",
                "token_type": "bearer",
                "access_token": "eyJ0IjoiZXBpY19pZCIs",
                "refresh_token": "eyJ0IjoiZXBpY19pZCIt",
                "id_token": "word",
                "expires_in": 7200,
                "expires_at": "2021-04-14T02:34:56.789Z",
                "refresh_expires_in": 28800,
                "refresh_expires_at": "2021-04-14T08:34:56.789Z",
                "account_id": "626a05c3bd5d4ebd92e2a8ef2fdc0ec0",
                "client_id": "xyz",
                "application_id": "fghi4567",
            },
        ),
        # https://dev.epicgames.com/docs/web-api-ref/authentication#user-info
        DocumentedRequest(
            "GET",
            "https://api.epicgames.dev/epic/oauth/v2/userInfo",
            headers={"Authorization": "Bearer {access_token}"},
            answer={"sub": "626a05c3bd5d4ebd92e2a8ef2fdc0ec0", "preferred_username": "Krazy", "name": "Krazy"},
        ),
    )
    documented_ids = (PersonId.user_id("626a05c3bd5d4ebd92e2a8ef2fdc0ec0"),)
    documented_profile = Profile(nickname="Krazy")

    def account_id(self, person: Person) -> str:
        """Return the id of the account: 32 hexadecimal digits."""
        return f"{self.user_id(person.key):032x}"

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the id of the account."""
        answer = super().token_answer(grant, token)
        return {**answer, "account_id": self.account_id(grant.person), "client_id": self.client_id}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person."""
        return {"sub": self.account_id(person), "preferred_username": person.nickname}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: Epic's own word, and the standard's beside it."""
        standard = next((word for word, ours in self.refusals.items() if ours == code), "invalid_request")
        return {
            "errorCode": code,
            "errorMessage": "made up by the sandbox",
            "numericErrorCode": 18059,
            "error": standard,
        }
