"""Acme's loopback double: envelopes around everything, `status` beside them, errors inside HTTP 200.

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
        """The token and whose it is."""
        account = {"number": self.user_id(grant.person.key)}
        return {"status": "ok", "data": {"access_token": token, "expires_in": "7200", "account": account}}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """A person without a display name has null there."""
        name = person.nickname if person.nickname != person.key else None
        shown = {"display_name": name, "login": person.key, "avatar": {"large": person.face}}
        return {"status": "ok", "data": {"account": {"number": self.user_id(person.key)}, **shown}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """The word stands in `status`."""
        return {"status": code, "message": "made up by the sandbox"}
