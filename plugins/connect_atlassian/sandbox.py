"""Atlassian's sandbox: a token call that takes JSON, and the person of the User identity API.

https://developer.atlassian.com/cloud/confluence/user-identity-api/
"""

from typing import Any

from connect_atlassian import AtlassianProvider
from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login

PICTURE = (
    "https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/112233aa-bb11-cc22-33dd-445566abcabc/48"
)


class AtlassianSandbox(OAuth2Sandbox):
    """One app."""

    title = "Atlassian 沙箱 · Atlassian sandbox"
    provider = AtlassianProvider
    error_statuses = (403, 401)
    documented = (
        # https://developer.atlassian.com/cloud/oauth/getting-started/implementing-oauth-3lo, step 1
        DocumentedRequest(
            "GET",
            "https://auth.atlassian.com/authorize",
            query=of_login(
                "response_type client_id redirect_uri state",
                audience="api.atlassian.com",
                scope="read:me",
                prompt="consent",
            ),
        ),
        # the same page, step 2
        DocumentedRequest(
            "POST",
            "https://auth.atlassian.com/oauth/token",
            json=of_login("grant_type client_id client_secret code redirect_uri"),
            headers={"Content-Type": "{*}"},
            answer={
                "access_token": "YOUR_ACCESS_TOKEN",
                "expires_in": 3600,
                "scope": "read:me",
                "token_type": "Bearer",
            },
        ),
        # https://developer.atlassian.com/cloud/confluence/user-identity-api/
        # (the example as the tests of pennersr/django-allauth have it)
        DocumentedRequest(
            "GET",
            "https://api.atlassian.com/me",
            headers={"Authorization": "Bearer {access_token}", "Accept": "application/json"},
            answer={
                "account_type": "atlassian",
                "account_id": "112233aa-bb11-cc22-33dd-445566abcabc",
                "email": "mia@example.com",
                "email_verified": True,
                "name": "Mia Krystof",
                "picture": PICTURE,
                "account_status": "active",
                "nickname": "mkrystof",
                "zoneinfo": "Australia/Sydney",
                "locale": "en-US",
                "extended_profile": {"job_title": "Designer", "department": "Design team", "location": "Sydney"},
            },
        ),
    )
    documented_ids = (PersonId.user_id("112233aa-bb11-cc22-33dd-445566abcabc"),)
    documented_profile = Profile(nickname="Mia Krystof", face=PICTURE)

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer."""
        return {"access_token": token, "expires_in": 3600, "scope": grant.scope, "token_type": "Bearer"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; the id is a text."""
        account = {"account_type": "atlassian", "account_id": f"712020:{self.open_id(person.key)}"}
        return {**account, "account_status": "active", "name": person.nickname, "picture": person.face, "nickname": "n"}
