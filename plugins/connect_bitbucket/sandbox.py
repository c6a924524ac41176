"""Bitbucket's sandbox: HTTP Basic authentication, a UUID in braces as id, API errors as an object.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get
"""

from typing import Any
from uuid import UUID

from connect_bitbucket import BitbucketProvider
from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login

AVATAR = "https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/initials/EB-0.png"


class BitbucketSandbox(OAuth2Sandbox):
    """One OAuth consumer."""

    title = "Bitbucket 沙箱 · Bitbucket sandbox"
    provider = BitbucketProvider
    documented = (
        # https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/ (authorization code grant)
        DocumentedRequest(
            "GET",
            "https://bitbucket.org/site/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state"),
            optional=("redirect_uri", "state"),
        ),
        # the same page; it leaves redirect_uri out, which RFC 6749 §4.1.3 requires where the login had one
        DocumentedRequest(
            "POST",
            "https://bitbucket.org/site/oauth2/access_token",
            form={"grant_type": "authorization_code", "code": "{code}", "redirect_uri": "{redirect_uri}"},
            headers={"Authorization": "Basic {basic_credentials}"},
            optional=("redirect_uri",),
            answer={
                "access_token": "2YotnFZFEjr1zCsicMWpAA",
                "scopes": "account",
                "token_type": "bearer",
                "expires_in": 7200,
                "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA",
                "state": "authorization_code",
            },
        ),
        # https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get (the object `account`)
        DocumentedRequest(
            "GET",
            "https://api.bitbucket.org/2.0/user",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "type": "user",
                "uuid": "{a54f16da-24e9-4d7f-a3a7-b1ba2cd98aa3}",
                "account_id": "557058:c0b72ad0-1cb5-4018-9cdc-0cde8492c443",
                "display_name": "Erik van Zijst",
                "nickname": "evzijst",
                "created_on": "2012-05-19T00:52:20.354571+00:00",
                "links": {"avatar": {"href": AVATAR}},
            },
        ),
    )
    documented_ids = (PersonId.user_id("{a54f16da-24e9-4d7f-a3a7-b1ba2cd98aa3}"),)
    documented_profile = Profile(nickname="Erik van Zijst", face=AVATAR)

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, in which the scopes of the consumer are called `scopes`."""
        return {"access_token": token, "scopes": "account", "token_type": "bearer", "expires_in": 7200}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the account."""
        return {
            "type": "user",
            "uuid": f"{{{UUID(int=self.user_id(person.key))}}}",
            "display_name": person.nickname,
            "nickname": person.key,
            "links": {"avatar": {"href": person.face}},
        }
