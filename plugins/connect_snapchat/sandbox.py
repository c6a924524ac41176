"""Snapchat's sandbox: the person in an answer of GraphQL, with an id for this client alone.

From two libraries, not the vendor's page: SocialiteProviders/Providers, pennersr/django-allauth.
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, OAuth2Sandbox, Person, of_login
from connect_snapchat import SnapchatProvider


class SnapchatSandbox(OAuth2Sandbox):
    """One confidential client."""

    title = "Snapchat 沙箱 · Snapchat sandbox"
    provider = SnapchatProvider
    documented = (
        # https://developers.snap.com/snap-kit/login-kit/Tutorials/web (scopes as whole addresses)
        DocumentedRequest(
            "GET",
            "https://accounts.snapchat.com/accounts/oauth2/auth",
            query=of_login(
                "response_type client_id redirect_uri state",
                scope="https://auth.snapchat.com/oauth2/api/user.external_id "
                "https://auth.snapchat.com/oauth2/api/user.display_name",
            ),
        ),
        # https://github.com/SocialiteProviders/Providers/blob/master/src/Snapchat/Provider.php
        # the answer: RFC 6749 §5.1
        DocumentedRequest(
            "POST",
            "https://accounts.snapchat.com/accounts/oauth2/token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={
                "access_token": "hCgwKCjE2Mjcz",
                "token_type": "Bearer",
                "expires_in": 3600,
                "refresh_token": "hCgwKCjE2Mjc0",
                "scope": "https://auth.snapchat.com/oauth2/api/user.external_id",
            },
        ),
        # the same file; the query is GraphQL
        DocumentedRequest(
            "GET",
            "https://kit.snapchat.com/v1/me",
            query={"query": "{*}"},
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "data": {
                    "me": {
                        "externalId": "CAESIPiRBp0e5gLDq7VVurQ3rVdmdbqxpOJWynjyBL/xlo0w",
                        "displayName": "Jane Doe",
                    }
                },
                "errors": [],
            },
        ),
    )
    documented_ids = (PersonId.open_id("CAESIPiRBp0e5gLDq7VVurQ3rVdmdbqxpOJWynjyBL/xlo0w", "{client_id}"),)
    documented_profile = Profile(nickname="Jane Doe")

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the answer of GraphQL to the query of the provider."""
        me = {"externalId": f"CAESI{self.open_id(person.key)}/+", "displayName": person.nickname}
        return {"data": {"me": me}, "errors": []}
