"""Notion login, through a public integration: the token answer has the person who agreed.

https://developers.notion.com/guides/get-started/authorization
Token: https://developers.notion.com/reference/create-a-token
"""

import json

from connect_core.plugin import AuthorizationResponse, Claims, Identity, OAuth2Provider, Quirks, provider_hook


class NotionProvider(OAuth2Provider):
    """One public integration. Notion documents no PKCE for it and no scopes."""

    union_type = "NOTION"
    titles = {"zh": "Notion", "en": "Notion"}
    authorize_url = "https://api.notion.com/v1/oauth/authorize"
    token_url = "https://api.notion.com/v1/oauth/token"
    id_claims = Claims(user_id="owner.user.id")
    claims = Claims(nickname="owner.user.name", face="owner.user.avatar_url")
    quirks = Quirks(pkce="never", authorize={"owner": "user"}, token_method="json", client_auth="basic")

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code and return the person with the profile of the same answer."""
        body = {"grant_type": "authorization_code", "code": response.code, "redirect_uri": response.redirect_uri}
        headers = {
            **self.make_authentication().get_credentials(self.token_url).headers,
            "content-type": "application/json",
            "accept": "application/json",
        }
        answered = await self.http.post(self.token_url, content=json.dumps(body).encode(), headers=headers)
        answer = self.read_answer("token", answered)
        ids = self.read_ids(self.id_claims, answer)
        return Identity(self.union_type, ids, self.settings.client_id, self.read_profile(answer))


connect_register_providers = provider_hook(
    "notion", NotionProvider, sandbox="connect_notion.sandbox:NotionSandbox", icon="connect_notion:icon.svg"
)
