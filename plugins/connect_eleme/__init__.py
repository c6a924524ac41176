"""Ele.me (饿了么) login for its merchants, through the merchants' open platform.

https://open.shop.ele.me/openapi/documents/isvoauth (its addresses and parameters, read in projects that use it)
Calls, from libraries, not the vendor's page: justauth/JustAuth and Ele.me's own SDK (eleme-openapi-sdk on npm)
"""

import json
import time
from collections.abc import Mapping
from uuid import uuid4

from connect_core.plugin import (
    AuthorizationResponse,
    Claims,
    Identity,
    OAuth2Provider,
    ProviderBadResponse,
    Quirks,
    md5_hex,
    provider_hook,
    read_text,
)

ACTION = "eleme.user.getUser"


class ElemeProvider(OAuth2Provider):
    """One application of the open platform. Ele.me has no PKCE; calls with a token are signed."""

    union_type = "ELEME"
    titles = {"zh": "饿了么", "en": "Ele.me"}
    authorize_url = "https://open-api.shop.ele.me/authorize"
    token_url = "https://open-api.shop.ele.me/token"
    userinfo_url = "https://open-api.shop.ele.me/api/v1/"
    scope = "all"
    claims = Claims(user_id="result.userId", nickname="result.userName")
    quirks = Quirks(
        pkce="never",
        client_auth="basic",
        userinfo_method="json",
        userinfo_parameters={"token": "{access_token}", "action": ACTION, "nop": "1.0.0"},
        error_signs={"error.code": ""},
    )

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code and return the merchant, by two calls. Raises as the base provider does."""
        form = {
            "client_id": self.settings.client_id,
            "redirect_uri": response.redirect_uri,
            "code": response.code,
            "grant_type": "authorization_code",
        }
        headers = self.make_authentication().get_credentials(self.token_url).headers
        tokens = self.read_answer("token", await self.http.post(self.token_url, form=form, headers=headers))
        token = read_text(tokens.get("access_token"))
        if not token:
            raise ProviderBadResponse("access_token is not a token")
        body = json.dumps(self.make_call(token)).encode()
        headers = {"content-type": "application/json; charset=utf-8"}
        answer = self.read_answer("userinfo", await self.http.post(self.userinfo_url, content=body, headers=headers))
        ids = self.read_ids(self.claims, answer)
        return Identity(self.union_type, ids, self.settings.client_id, self.read_profile(answer))

    def make_call(self, token: str) -> dict[str, object]:
        """Return the signed call for the merchant, whose time is in seconds."""
        secret = self.settings.client_secret.get_secret_value() if self.settings.client_secret else ""
        metas = {"app_key": self.settings.client_id, "timestamp": int(time.time())}
        call = {"nop": "1.0.0", "id": str(uuid4()), "action": ACTION, "token": token, "metas": metas, "params": {}}
        return {**call, "signature": sign(ACTION, token, metas, secret)}


def sign(action: str, token: str, metas: Mapping[str, object], secret: str) -> str:
    """Return the signature of a call without parameters of its action."""
    text = "".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(metas.items()))
    return md5_hex(f"{action}{token}{text}{secret}").upper()


connect_register_providers = provider_hook(
    "eleme", ElemeProvider, sandbox="connect_eleme.sandbox:ElemeSandbox", icon="connect_eleme:icon.svg"
)
