"""X's loopback double: Basic authentication, no login without a code challenge, the person inside `data`.

Person: https://docs.x.com/x-api/users/lookup/quickstart/authenticated-lookup
"""

from typing import Any

from connect_core.sandbox import OAuth2Sandbox, Person
from connect_x import XProvider


class XSandbox(OAuth2Sandbox):
    """One confidential client."""

    title = "X 沙箱 · X sandbox"
    provider = XProvider
    requires_pkce = True
    code_life = 30
    refusals = {"invalid_grant": "invalid_request", "invalid_client": "unauthorized_client"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Ids are numbers written as texts."""
        uid = str(self.user_id(person.key))
        return {"data": {"id": uid, "name": person.nickname, "username": person.key, "profile_image_url": person.face}}
