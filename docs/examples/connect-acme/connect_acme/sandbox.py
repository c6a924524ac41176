"""A copy of Acme on loopback: answers wrapped in `data`, with `status` beside it, and errors inside HTTP 200.

https://docs.acme.example/login · https://docs.acme.example/me
"""

from typing import Any

from connect_acme import AcmeProvider
from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person


class AcmeSandbox(OAuth2Sandbox):
    """One shop's client."""

    title = "Acme sandbox"
    provider = AcmeProvider
    refusals = {"invalid_grant": "E_CODE", "invalid_client": "E_CLIENT", "invalid_token": "E_TOKEN"}
    error_statuses = (200, 200)
    documented = (
        # https://docs.acme.example/login
        DocumentedRequest(
            "GET",
            "https://id.acme.example/oauth2/authorize",
            query={
                "client_key": "{client_id}",
                "response_type": "code",
                "redirect_uri": "{redirect_uri}",
                "scope": "basic,profile",
                "state": "{state}",
                "code_challenge": "{code_challenge}",
                "code_challenge_method": "S256",
            },
        ),
        # https://docs.acme.example/login#token
        DocumentedRequest(
            "POST",
            "https://id.acme.example/oauth2/token",
            form={
                "client_key": "{client_id}",
                "client_secret": "{client_secret}",
                "grant_type": "authorization_code",
                "code": "{code}",
                "redirect_uri": "{redirect_uri}",
                "code_verifier": "{code_verifier}",
            },
            answer={
                "status": "ok",
                "data": {"access_token": "at-1", "expires_in": "7200", "account": {"number": 9007199254740993}},
            },
        ),
        # https://docs.acme.example/me
        DocumentedRequest(
            "GET",
            "https://api.acme.example/v1/me",
            query={"token": "{access_token}", "fields": "account,display_name,login,avatar"},
            answer={
                "status": "ok",
                "data": {
                    "account": {"number": 9007199254740993},
                    "display_name": "Li Lei",
                    "login": "lilei",
                    "avatar": {"large": "https://img.acme.example/1.png"},
                },
            },
        ),
    )
    documented_ids = (PersonId.user_id("9007199254740993"),)
    documented_profile = Profile.of(nickname="Li Lei", face="https://img.acme.example/1.png")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Answer the token, and the number of the person it belongs to."""
        account = {"number": self.user_id(grant.person.key)}
        return {"status": "ok", "data": {"access_token": token, "expires_in": "7200", "account": account}}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Answer the profile; `display_name` is null for a person who has none."""
        name = person.nickname if person.nickname != person.key else None
        profile = {"display_name": name, "login": person.key, "avatar": {"large": person.face}}
        return {"status": "ok", "data": {"account": {"number": self.user_id(person.key)}, **profile}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Answer an error, which Acme names in `status`."""
        return {"status": code, "message": "made up by the sandbox"}
