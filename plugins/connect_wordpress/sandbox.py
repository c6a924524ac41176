"""WordPress.com's sandbox: numeric ids, members with capitals, a word in each error.

https://developer.wordpress.com/docs/oauth2/
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_wordpress import WordpressProvider


class WordpressSandbox(OAuth2Sandbox):
    """One app."""

    title = "WordPress.com 沙箱 · WordPress.com sandbox"
    provider = WordpressProvider
    client_id = "12345"
    documented = (
        # https://developer.wordpress.com/docs/oauth2/#authorization-flow
        DocumentedRequest(
            "GET",
            "https://public-api.wordpress.com/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="auth"),
            optional=("blog",),
        ),
        # the same page
        DocumentedRequest(
            "POST",
            "https://public-api.wordpress.com/oauth2/token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={
                "access_token": "YOUR_API_TOKEN",
                "blog_id": "0",
                "blog_url": "",
                "token_type": "bearer",
                "scope": "auth",
            },
        ),
        # https://developer.wordpress.com/docs/api/1.1/get/me/ (the answer without sites, counts and settings)
        DocumentedRequest(
            "GET",
            "https://public-api.wordpress.com/rest/v1.1/me",
            headers={"Authorization": "Bearer {access_token}"},
            optional=("context", "http_envelope", "pretty", "fields"),
            answer={
                "ID": 78972699,
                "display_name": "Jane Doe",
                "username": "janedoe",
                "email": "jane@example.com",
                "primary_blog": 83006254,
                "avatar_URL": "https://0.gravatar.com/avatar/d4d1?s=96&d=identicon",
                "profile_URL": "https://en.gravatar.com/janedoe",
                "verified": True,
            },
        ),
    )
    documented_ids = (PersonId.user_id(78972699),)
    documented_profile = Profile(nickname="Jane Doe", face="https://0.gravatar.com/avatar/d4d1?s=96&d=identicon")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, which has no end."""
        return {"access_token": token, "token_type": "bearer", "blog_id": "0", "blog_url": "", "scope": grant.scope}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person."""
        names = {"display_name": person.nickname, "username": person.key}
        return {"ID": self.user_id(person.key), **names, "avatar_URL": person.face, "verified": True}
