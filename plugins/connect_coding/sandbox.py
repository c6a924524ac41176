"""CODING's sandbox: the token call by GET, user-info inside `data`, a number `code` in every refusal.

From two libraries, not the vendor's page: justauth/JustAuth, willin/coding-sdk
"""

from collections.abc import Mapping
from typing import Any

from connect_coding import CodingProvider
from connect_core.plugin import ClientType, PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login


class CodingSandbox(OAuth2Sandbox):
    """One application of the team `sandbox`."""

    title = "CODING 沙箱 · CODING sandbox"
    provider = CodingProvider
    error_statuses = (200, 200)
    refusals = {"invalid_client": "1", "invalid_grant": "1", "invalid_token": "1", "invalid_request": "1"}
    no_outcomes = "no source lists CODING's numbers of errors"
    documented = (
        # willin/coding-sdk, README.md; the team in the host: justauth/JustAuth, AuthDefaultSource.java
        DocumentedRequest(
            "GET",
            "https://sandbox.coding.net/oauth_authorize.html",
            query=of_login("response_type client_id redirect_uri state", scope="user"),
        ),
        # justauth/JustAuth, AuthCodingRequest.java; the answer: willin/coding-sdk, README.md
        DocumentedRequest(
            "GET",
            "https://sandbox.coding.net/api/oauth/access_token",
            query=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={"access_token": "xxxxx", "refresh_token": "xxxxx", "expires_in": "864000"},
        ),
        # justauth/JustAuth, AuthCodingRequest.java; the values are made up
        DocumentedRequest(
            "GET",
            "https://sandbox.coding.net/api/account/current_user",
            query={"access_token": "{access_token}"},
            answer={
                "code": 0,
                "data": {
                    "id": 7,
                    "name": "coding",
                    "avatar": "/static/fruit_avatar/Fruit-1.png",
                    "path": "/u/coding",
                    "sex": 2,
                    "company": "",
                    "location": "",
                    "email": "coding@example.com",
                    "slogan": "",
                },
            },
        ),
    )
    documented_ids = (PersonId.open_id(7, "{client_id}"),)
    documented_profile = Profile(nickname="coding")

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the settings of the base sandbox, and the team."""
        return {**super().settings(base_url, client_type), "team": "sandbox"}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, which has no envelope; the lifetime is a text."""
        return {"access_token": token, "refresh_token": "r", "expires_in": "864000"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person inside `data`."""
        shown = {"name": person.nickname, "avatar": person.face, "sex": 2}
        return {"code": 0, "data": {"id": self.user_id(person.key), **shown}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return a refusal; the messages stand in an object."""
        return {"code": int(code), "msg": {"refused": "made up by the sandbox"}}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return nothing: see `no_outcomes`."""
        return {}
