"""A copy of Summit on loopback, with errors inside HTTP 200: https://docs.summit.example/api."""

from typing import Any

from connect_core.sandbox import OAuth2Sandbox, Person, mobile_of, split_mobile
from connect_summit import SummitProvider


class SummitSandbox(OAuth2Sandbox):
    """One shop's client."""

    title = "Summit sandbox"
    provider = SummitProvider
    refusals = {"invalid_grant": "40029", "invalid_client": "40013", "invalid_token": "40001"}
    error_statuses = (200, 200)

    def user_id(self, person: str) -> int:
        """Return a number that no double holds."""
        return 2**60 + super().user_id(person)

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Answer a list with one person."""
        return {"errcode": 0, "data": [{"id": self.user_id(person.key), "name": person.nickname}]}

    def code_answer(self, person: Person, token: str) -> dict[str, Any]:
        """Answer the number of the person, and no access token."""
        return {"errcode": 0, "uid": self.user_id(person.key), "session_key": "made-up-session-key"}

    def phone_answer(self, person: Person) -> dict[str, Any]:
        """Answer a list of numbers."""
        country_code, number = split_mobile(mobile_of(person))
        return {"errcode": 0, "list": [{"number": number, "code": int(country_code)}]}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Answer an error."""
        return {"errcode": code, "errmsg": "made up by the sandbox"}
