"""Patreon's sandbox: JSON:API answers, with a list of errors, and OAuth's errors in the token call.

https://docs.patreon.com/#get-api-oauth2-v2-identity
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_patreon import PatreonProvider


class PatreonSandbox(OAuth2Sandbox):
    """One client."""

    title = "Patreon 沙箱 · Patreon sandbox"
    provider = PatreonProvider
    error_statuses = (401, 401)
    refusals = {"invalid_token": "Unauthorized"}
    documented = (
        # https://docs.patreon.com/#step-1-registering-your-client and step 2
        DocumentedRequest(
            "GET",
            "https://www.patreon.com/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="identity"),
        ),
        # https://docs.patreon.com/#step-4-validating-receipt-of-the-oauth-token
        DocumentedRequest(
            "POST",
            "https://www.patreon.com/api/oauth2/token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            headers={"User-Agent": "{*}"},
            answer={
                "access_token": "single use token",
                "refresh_token": "single use token",
                "expires_in": 2678400,
                "scope": "identity",
                "token_type": "Bearer",
            },
        ),
        # https://docs.patreon.com/#get-api-oauth2-v2-identity
        # (values as in the tests of pennersr/django-allauth)
        DocumentedRequest(
            "GET",
            "https://www.patreon.com/api/oauth2/v2/identity",
            query={"fields[user]": "full_name,image_url"},
            headers={"Authorization": "Bearer {access_token}", "User-Agent": "{*}"},
            answer={
                "data": {
                    "attributes": {
                        "full_name": "John Interwebs",
                        "image_url": "https://c8.patreon.com/400/123456",
                    },
                    "id": "123456",
                    "type": "user",
                },
                "links": {"self": "https://www.patreon.com/api/oauth2/v2/user/123456"},
            },
        ),
    )
    documented_ids = (PersonId.user_id("123456"),)
    documented_profile = Profile(nickname="John Interwebs", face="https://c8.patreon.com/400/123456")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; the token lives for a month."""
        return {"access_token": token, "expires_in": 2678400, "scope": grant.scope, "token_type": "Bearer"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person as a resource of JSON:API; the id is a text."""
        attributes = {"full_name": person.nickname, "image_url": person.face}
        return {"data": {"attributes": attributes, "id": str(self.user_id(person.key)), "type": "user"}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error of the token call, or the list of errors of any other call."""
        if code == "Unauthorized":
            return {"errors": [{"code": 1, "code_name": code, "status": "401", "title": "Unauthorized"}]}
        return {"error": code}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the errors of both calls."""
        return {**super().get_outcomes(), "Unauthorized": "code_invalid"}
