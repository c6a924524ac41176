"""Taobao (淘宝) login for websites: the token answer names the person.

https://open.taobao.com/doc.htm?docId=102635&docType=1
(read at open.alitrip.com/docs/doc.htm?articleId=102635&docType=1)
Members of the token answer, from two libraries, not the vendor's page: justauth/JustAuth, overtrue/socialite
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from connect_core.plugin import (
    AuthorizationResponse,
    Claims,
    Identity,
    InAppBrowser,
    OAuth2Provider,
    PersonId,
    Profile,
    Quirks,
    is_absent,
    provider_hook,
)


class TaobaoProvider(OAuth2Provider):
    """One application of the open platform. Taobao has no PKCE and no call for the person."""

    union_type = "TAOBAO"
    titles = {"zh": "淘宝", "en": "Taobao"}
    own_browser = InAppBrowser.TAOBAO
    authorize_url = "https://oauth.taobao.com/authorize"
    token_url = "https://oauth.taobao.com/token"
    id_claims = Claims(user_id="taobao_user_id", open_id="taobao_open_uid")
    quirks = Quirks(pkce="never", authorize={"view": "web"}, authorize_h5={"view": "wap"})

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code and return the person with the profile of the same answer."""
        secret = self.settings.client_secret.get_secret_value() if self.settings.client_secret else ""
        form = {
            "client_id": self.settings.client_id,
            "client_secret": secret,
            "grant_type": "authorization_code",
            "code": response.code,
            "redirect_uri": response.redirect_uri,
        }
        answer = self.read_answer("token", await self.http.post(self.token_url, form=form))
        ids = self.read_ids(self.id_claims, answer)
        return Identity(self.union_type, ids, self.settings.client_id, self.read_profile(answer))

    def read_ids(self, claims: Claims, answer: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return the number of the account, which newer applications do not get, and the id for this application."""
        has_number = not is_absent(answer.get("taobao_user_id")) and answer["taobao_user_id"] not in ("-1", -1)
        has_open_id = not is_absent(answer.get("taobao_open_uid"))
        given = {
            "user_id": claims.user_id if has_number else (),
            "open_id": claims.open_id if has_open_id or not has_number else (),
        }
        return super().read_ids(Claims(**given), answer)

    def read_profile(self, answer: Mapping[str, Any]) -> Profile:
        """Return the profile; the nickname is encoded as in an address."""
        nickname = answer.get("taobao_user_nick")
        return Profile.of(nickname=unquote_plus(nickname) if isinstance(nickname, str) else "")


connect_register_providers = provider_hook(
    "taobao", TaobaoProvider, sandbox="connect_taobao.sandbox:TaobaoSandbox", icon="connect_taobao:icon.svg"
)
