"""Pinterest's sandbox: HTTP Basic authentication, a number and a message in each error.

https://github.com/pinterest/api-description/blob/main/v5/openapi.yaml
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_pinterest import PinterestProvider

IMAGE = "https://i.pinimg.com/280x280_RS/5c/88/2f/5c882f4b02468fcd6cda2ce569c2c166.jpg"


class PinterestSandbox(OAuth2Sandbox):
    """One app."""

    title = "Pinterest 沙箱 · Pinterest sandbox"
    provider = PinterestProvider
    refusals = {"invalid_grant": "283", "invalid_client": "2", "invalid_token": "2"}
    documented = (
        # https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/
        DocumentedRequest(
            "GET",
            "https://www.pinterest.com/oauth/",
            query=of_login("response_type client_id redirect_uri state", scope="user_accounts:read"),
        ),
        # the same page; the answer is `OauthAccessTokenResponseCode` of Pinterest's OpenAPI description
        DocumentedRequest(
            "POST",
            "https://api.pinterest.com/v5/oauth/token",
            form={"grant_type": "authorization_code", "code": "{code}", "redirect_uri": "{redirect_uri}"},
            headers={"Authorization": "Basic {basic_credentials}"},
            answer={
                "response_type": "authorization_code",
                "access_token": "pina_example",
                "token_type": "bearer",
                "expires_in": 2592000,
                "scope": "user_accounts:read",
                "refresh_token": "pinr_example",
                "refresh_token_expires_in": 5184000,
            },
        ),
        # `Account` of the same description
        DocumentedRequest(
            "GET",
            "https://api.pinterest.com/v5/user_account",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "account_type": "PINNER",
                "id": "2783136121146311751",
                "profile_image": IMAGE,
                "website_url": "",
                "username": "username",
                "about": "",
                "business_name": None,
                "board_count": 14,
                "pin_count": 339,
                "follower_count": 10,
                "following_count": 347,
                "monthly_views": 163,
            },
        ),
    )
    documented_ids = (PersonId.user_id("2783136121146311751"),)
    documented_profile = Profile(nickname="username", face=IMAGE)

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the errors for a code, for a client, and for an account that the token gives no right to read."""
        return {**super().get_outcomes(), "403": "provider_config"}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, which says what it answers."""
        answer = {"response_type": "authorization_code", "access_token": token, "token_type": "bearer"}
        return {**answer, "expires_in": 2592000, "scope": grant.scope}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the account of a person, who has no display name in this API."""
        uid = str(2**61 + self.user_id(person.key))
        return {
            "account_type": "BUSINESS",
            "id": uid,
            "profile_image": person.face,
            "username": person.key,
            "business_name": person.nickname,
        }

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error."""
        return {"code": int(code) if code.isdecimal() else 1, "message": "made up by the sandbox"}
