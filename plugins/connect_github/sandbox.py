"""GitHub's sandbox: token errors with HTTP status 200, form-encoded answers unless JSON is requested, numeric ids.

https://docs.github.com/en/rest/users/users#get-the-authenticated-user
"""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_github import GithubProvider


class GithubSandbox(OAuth2Sandbox):
    """One OAuth app."""

    title = "GitHub 沙箱 · GitHub sandbox"
    provider = GithubProvider
    refusals = {"invalid_grant": "bad_verification_code", "invalid_client": "incorrect_client_credentials"}
    error_statuses = (200, 401)
    documented = (
        # https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
        # GitHub lists neither response_type nor grant_type. It says that it supports the authorization code grant of
        # RFC 6749 §4.1, in which both are required.
        DocumentedRequest(
            "GET",
            "https://github.com/login/oauth/authorize",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
            optional=("scope", "login", "allow_signup", "prompt", "response_type"),
        ),
        # the same page, step two
        DocumentedRequest(
            "POST",
            "https://github.com/login/oauth/access_token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
            headers={"Accept": "application/json"},
            optional=("grant_type",),
            answer={
                "access_token": "gho_16C7e42F292c6912E7710c838347Ae178B4a",
                "scope": "repo,gist",
                "token_type": "bearer",
            },
        ),
        # https://docs.github.com/en/rest/users/users#get-the-authenticated-user (the answer without links and counts)
        # User-Agent: https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent
        DocumentedRequest(
            "GET",
            "https://api.github.com/user",
            headers={"Authorization": "Bearer {access_token}", "User-Agent": "{*}"},
            answer={
                "login": "octocat",
                "id": 1,
                "node_id": "MDQ6VXNlcjE=",
                "avatar_url": "https://github.com/images/error/octocat_happy.gif",
                "gravatar_id": "",
                "type": "User",
                "site_admin": False,
                "name": "monalisa octocat",
                "company": "GitHub",
                "blog": "https://github.com/blog",
                "location": "San Francisco",
                "email": "octocat@github.com",
                "hireable": False,
                "bio": "There once was...",
                "twitter_username": "monatheoctocat",
            },
        ),
    )
    documented_ids = (PersonId.user_id(1),)
    documented_profile = Profile(nickname="monalisa octocat", face="https://github.com/images/error/octocat_happy.gif")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; the token of an OAuth app does not expire."""
        return {"access_token": token, "scope": grant.scope, "token_type": "bearer"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return user-info; `name` is null for a person without a display name."""
        name = person.nickname if person.nickname != person.key else None
        return {"login": person.key, "id": self.user_id(person.key), "avatar_url": person.face, "name": name}

    def write(self, fields: dict[str, Any], request: Request, operation: str, *, is_error: bool) -> str:
        """Return the token answer form-encoded unless the client accepts JSON; any other answer as JSON."""
        if operation == "token" and "application/json" not in request.headers.get("accept", ""):
            return urlencode(fields)
        return super().write(fields, request, operation, is_error=is_error)
