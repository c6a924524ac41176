"""Apple's loopback double: form_post, the name in `user` at the first login alone, a signed client secret."""

import json
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType
from connect_core.sandbox import OidcGrant, OidcSandbox, Person, Refused, read_jwt

TEAM_ID = "SANDBOXTEA"


class AppleSandbox(OidcSandbox):
    """One team with a Services ID and an App ID."""

    title = "Apple 沙箱 · Apple sandbox"
    client_id = "example.shop.web"
    app_client_id = "example.shop"
    paths = {"authorize": "/auth/authorize", "token": "/auth/token", "jwks": "/auth/keys"}
    document = {"authorization_response_iss_parameter_supported": False, "code_challenge_methods_supported": None}

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """The settings of the Services ID, or for apps of the App ID."""
        own = {"team_id": TEAM_ID, "key_id": self.client_key.kid, "private_key": self.client_key.pkcs8_pem()}
        found = {key: value for key, value in super().settings(base_url, client_type).items() if key != "client_secret"}
        return {**found, **own}

    def authenticate(self, given: Mapping[str, str], authorization: str) -> None:
        """Check the client secret as Apple documents it: by the team, for the client, six months at most."""
        claims = read_jwt(given.get("client_secret", ""), self.client_key)
        life = claims.get("exp", 0) - self.now()
        wanted = {"iss": TEAM_ID, "aud": self.issuer, "sub": self.client_id}
        if not 0 < life <= 15777000 or not wanted.items() <= claims.items() or given.get("client_id") != self.client_id:
            raise Refused("invalid_client")

    def response_parameters(self, person: Person, link: Mapping[str, str]) -> dict[str, str]:
        """Tell the name once."""
        if link.get("response_mode") != "form_post" or person.key in self._told:
            return {}
        self._told.add(person.key)
        name = {"firstName": person.nickname, "lastName": ""}
        return {"user": json.dumps({"name": name, "email": f"{person.key}@privaterelay.example"}, ensure_ascii=False)}

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Booleans are text."""
        relay = {"email": f"{grant.person.key}@privaterelay.example", "email_verified": "true"}
        return {**super().id_token_claims(grant, access_token), **relay, "is_private_email": "true"}

    def __init__(self, **options: Any) -> None:
        """As the kit."""
        super().__init__(**options)
        self._told: set[str] = set()
