"""LinkedIn's sandbox: `invalid_request` for a code that does not work, API errors with a `serviceErrorCode`.

https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_linkedin import LinkedinProvider

PICTURE = "https://media.licdn-ei.com/dms/image/C5F03AQHqK8v7tB1HCQ/profile-displayphoto-shrink_100_100/0/"


class LinkedinSandbox(OAuth2Sandbox):
    """One app."""

    title = "领英沙箱 · LinkedIn sandbox"
    provider = LinkedinProvider
    client_id = "78sandbox00000"
    code_life = 1800
    refusals = {"invalid_grant": "invalid_request", "invalid_token": "65600"}
    error_statuses = (401, 401)
    documented = (
        # https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow#step-2-request-an-authorization-code
        DocumentedRequest(
            "GET",
            "https://www.linkedin.com/oauth/v2/authorization",
            query=of_login("response_type client_id redirect_uri state", scope="openid profile"),
        ),
        # the same page, step 3; id_token: the page of the login
        DocumentedRequest(
            "POST",
            "https://www.linkedin.com/oauth/v2/accessToken",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={
                "access_token": "AQUvlL_DYEzvT2wz1QJiEPeLioeA",
                "expires_in": 5184000,
                "scope": "openid,profile",
                "token_type": "Bearer",
                "id_token": "eyJ6aXAiOiJSUzI1NiJ9.e30.c2ln",
            },
        ),
        # https://learn.microsoft.com/en-us/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2#api-request-to-retreive-member-details
        DocumentedRequest(
            "GET",
            "https://api.linkedin.com/v2/userinfo",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "sub": "782bbtaQ",
                "name": "John Doe",
                "given_name": "John",
                "family_name": "Doe",
                "picture": PICTURE,
                "locale": "en-US",
                "email": "doe@email.com",
                "email_verified": True,
            },
        ),
    )
    documented_ids = (PersonId.open_id("782bbtaQ", "{client_id}"),)
    documented_profile = Profile(nickname="John Doe", face=PICTURE)

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer: sixty days, scopes with commas between."""
        scope = ",".join(grant.scope.split())
        return {"access_token": token, "expires_in": 5184000, "scope": scope, "token_type": "Bearer"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return user-info; without a picture there is no member for it."""
        picture = {"picture": person.face} if person.face else {}
        return {"sub": self.open_id(person.key), "name": person.nickname, "locale": "zh-CN", **picture}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: a word in the token call, a number in the call for the person."""
        if code.isdecimal():
            return {"serviceErrorCode": int(code), "message": "made up by the sandbox", "status": 401}
        return super().error_answer(code)
