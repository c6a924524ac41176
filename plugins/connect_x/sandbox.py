"""X's sandbox: HTTP Basic authentication, PKCE required, the person inside `data`.

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
        """Return the person; the id is a number written as a text."""
        uid = str(self.user_id(person.key))
        return {"data": {"id": uid, "name": person.nickname, "username": person.key, "profile_image_url": person.face}}
