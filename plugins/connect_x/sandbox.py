"""X's sandbox: HTTP Basic authentication, PKCE required, the person inside `data`.

Person: https://docs.x.com/x-api/users/lookup/quickstart/authenticated-lookup
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, OAuth2Sandbox, Person, of_login
from connect_x import XProvider


class XSandbox(OAuth2Sandbox):
    """One confidential client."""

    title = "X 沙箱 · X sandbox"
    provider = XProvider
    requires_pkce = True
    code_life = 30
    refusals = {"invalid_grant": "invalid_request", "invalid_client": "unauthorized_client"}
    documented = (
        # https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code
        DocumentedRequest(
            "GET",
            "https://x.com/i/oauth2/authorize",
            query=of_login(
                "response_type client_id redirect_uri state code_challenge code_challenge_method",
                scope="users.read tweet.read",
            ),
        ),
        # https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token (a confidential client)
        DocumentedRequest(
            "POST",
            "https://api.x.com/2/oauth2/token",
            form=of_login("grant_type code redirect_uri code_verifier"),
            headers={"Authorization": "Basic {basic_credentials}"},
            # X shows no answer and refers to RFC 6749; this is §5.1 with X's two hours
            answer={
                "token_type": "bearer",
                "expires_in": 7200,
                "access_token": "Q0Mzb0VhZ0V5dmNXSTEyNER2MFNfVW50RzdXdTN6STFxQlVkTGhTc1lCdlBi",
                "scope": "users.read tweet.read",
            },
        ),
        # https://docs.x.com/x-api/users/lookup/quickstart/authenticated-lookup
        DocumentedRequest(
            "GET",
            "https://api.x.com/2/users/me",
            query={"user.fields": "profile_image_url"},
            headers={"Authorization": "Bearer {access_token}"},
            optional=("user.fields", "expansions", "tweet.fields"),
            answer={
                "data": {
                    "id": "2244994945",
                    "name": "X Developers",
                    "username": "XDevelopers",
                    "profile_image_url": "https://pbs.twimg.com/profile_images/1/normal.jpg",
                }
            },
        ),
    )
    documented_ids = (PersonId.user_id("2244994945"),)
    documented_profile = Profile(nickname="X Developers", face="https://pbs.twimg.com/profile_images/1/normal.jpg")

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; the id is a number written as a text."""
        uid = str(self.user_id(person.key))
        return {"data": {"id": uid, "name": person.nickname, "username": person.key, "profile_image_url": person.face}}
