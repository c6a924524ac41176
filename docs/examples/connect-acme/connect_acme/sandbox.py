"""A copy of Acme on loopback: answers wrapped in `data`, with `status` beside it, and errors inside HTTP 200.

https://docs.acme.example/login · https://docs.acme.example/me
"""

from typing import Any

from connect_acme import AcmeProvider
from connect_core.sandbox import Grant, OAuth2Sandbox, Person


class AcmeSandbox(OAuth2Sandbox):
    """One shop's client."""

    title = "Acme sandbox"
    provider = AcmeProvider
    refusals = {"invalid_grant": "E_CODE", "invalid_client": "E_CLIENT", "invalid_token": "E_TOKEN"}
    error_statuses = (200, 200)

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
