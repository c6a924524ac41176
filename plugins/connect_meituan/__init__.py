"""Meituan Waimai (美团外卖) login for the people who order there.

From third parties, not the vendor's page: justauth/JustAuth, and two applications that use the login, one of which
sends `app_id` beside `client_id` to the consent page
"""

from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    Claims,
    ClientType,
    Diagnosis,
    Identity,
    InAppBrowser,
    OAuth2Provider,
    ProviderBadResponse,
    Quirks,
    provider_hook,
    read_text,
    with_query,
)


class MeituanProvider(OAuth2Provider):
    """One application. Every call has its secret, the one for the person too; Meituan has no PKCE."""

    union_type = "MEITUAN"
    titles = {"zh": "美团", "en": "Meituan"}
    own_browser = InAppBrowser.MEITUAN
    authorize_url = "https://openapi.waimai.meituan.com/oauth/authorize"
    token_url = "https://openapi.waimai.meituan.com/oauth/access_token"
    userinfo_url = "https://openapi.waimai.meituan.com/oauth/userinfo"
    claims = Claims(open_id="openid", nickname="nickname", face="avatar")
    diagnosis = Diagnosis(ambiguous_refusals=tuple(ClientType))  # none of the vendor's errors is documented
    quirks = Quirks(
        names={"client_id": "app_id", "client_secret": "secret"},
        pkce="never",
        token_names={"redirect_uri": ""},
        userinfo_method="form",
        userinfo_parameters={"app_id": "{client_id}", "access_token": "{access_token}"},
        error_signs={"error_code": "0"},
    )

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of the consent page, with the application's id under both of its names."""
        return with_query(await super().get_login_url(request), {"client_id": self.settings.client_id})

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code and return the person, by two calls with the secret. Raises as the base provider does."""
        secret = self.settings.client_secret.get_secret_value() if self.settings.client_secret else ""
        client = {"app_id": self.settings.client_id, "secret": secret}
        form = {**client, "code": response.code, "grant_type": "authorization_code"}
        tokens = self.read_answer("token", await self.http.post(self.token_url, form=form))
        token = read_text(tokens.get("access_token"))
        if not token:
            raise ProviderBadResponse("access_token is not a token")
        form = {**client, "access_token": token}
        answer = self.read_answer("userinfo", await self.http.post(self.userinfo_url, form=form))
        ids = self.read_ids(self.claims, answer)
        return Identity(self.union_type, ids, self.settings.client_id, self.read_profile(answer))


connect_register_providers = provider_hook(
    "meituan", MeituanProvider, sandbox="connect_meituan.sandbox:MeituanSandbox", icon="connect_meituan:icon.svg"
)
