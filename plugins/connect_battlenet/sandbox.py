"""Battle.net's sandbox: HTTP Basic authentication, the id as a number and, as `sub`, as a text.

https://community.developer.battle.net/documentation/guides/using-oauth/authorization-code-flow
"""

from typing import Any

from connect_battlenet import BattlenetProvider
from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login


class BattlenetSandbox(OAuth2Sandbox):
    """One client."""

    title = "战网沙箱 · Battle.net sandbox"
    provider = BattlenetProvider
    documented = (
        # https://community.developer.battle.net/documentation/guides/using-oauth/authorization-code-flow
        DocumentedRequest(
            "GET",
            "https://oauth.battle.net/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="openid"),
        ),
        # the same page (the answer's ID token is a word)
        DocumentedRequest(
            "POST",
            "https://oauth.battle.net/token",
            form={"redirect_uri": "{redirect_uri}", "grant_type": "authorization_code", "code": "{code}"},
            headers={"Authorization": "Basic {basic_credentials}"},
            optional=("scope",),
            answer={
                "access_token": "USVb1nGO9kwQlhNRRnI4iWVy2UV5j7M6h7",
                "token_type": "bearer",
                "expires_in": 86399,
                "scope": "openid",
                "sub": "122333444",
                "id_token": "word",
            },
        ),
        # https://community.developer.battle.net/documentation/battle-net/oauth-apis
        DocumentedRequest(
            "GET",
            "https://oauth.battle.net/userinfo",
            headers={"Authorization": "Bearer {access_token}"},
            answer={"sub": "122333444", "id": 122333444, "battletag": "SuperUser#1111"},
        ),
    )
    documented_ids = (PersonId.user_id(122333444),)
    documented_profile = Profile(nickname="SuperUser#1111")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the id of the person."""
        answer = super().token_answer(grant, token)
        return {**answer, "expires_in": 86399, "sub": str(self.user_id(grant.person.key))}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the account; a real BattleTag ends with `#` and a number."""
        number = self.user_id(person.key)
        return {"sub": str(number), "id": number, "battletag": person.nickname}
