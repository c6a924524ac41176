"""UnionPay Cloud QuickPass (云闪付) login: on H5 inside and outside of its app, in mini programs, and from its SDK.

Chapter 4 (OAUTH2 用户联登) of the guide at https://open.unionpay.com, read in a copy in a public repository
Union id: https://opentools.95516.com/applet/#/docs/develop/api-backend/token?id=_02040202, read in two copies
Backend token, from libraries, not the vendor's page: ileapy/unionpay, and projects that agree with it
"""

import hashlib
import json
import math
import secrets
import time

from connect_core.plugin import (
    Answer,
    AuthorizationResponse,
    Claims,
    ClientType,
    Diagnosis,
    Endpoint,
    Entrance,
    Field,
    Identity,
    InAppBrowser,
    OAuth2Provider,
    OAuth2Settings,
    ProviderBadResponse,
    ProviderRefused,
    Quirks,
    SecretStr,
    provider_hook,
    read_number,
    read_text,
)


class UnionpaySettings(OAuth2Settings):
    """One application: appId and secret."""

    client_secret: SecretStr = Field(min_length=1, description="The application's secret. It signs and is never sent.")
    app_token_url: Endpoint | None = Field(
        None, description="Where the backend token is fetched, if not at UnionPay's own address."
    )


class UnionpayProvider(OAuth2Provider):
    """One application. The code is redeemed with the backend token, which the secret signs for; there is no PKCE.

    `renewed_at` is when the backend token was dropped because of a refusal.
    """

    union_type = "UNIONPAY"
    titles = {"zh": "云闪付", "en": "UnionPay"}
    own_browser = InAppBrowser.UNIONPAY
    entrances = {
        ClientType.H5: Entrance.REDIRECT,
        **dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.CLIENT_CODE),
    }
    Settings = UnionpaySettings
    settings: UnionpaySettings
    renewed_at = -math.inf
    authorize_url = "https://open.95516.com/s/open/auth/outApp/html/outLogin.html"
    token_url = "https://open.95516.com/open/access/1.0/token"
    app_token_url = "https://open.95516.com/open/access/1.0/backendToken"
    scope = "upapi_login"
    id_claims = Claims(union_id="unionId", open_id="openId")
    # none of the vendor's errors is documented; a signed call has the time
    diagnosis = Diagnosis(ambiguous_refusals=tuple(ClientType), compares_clocks=True)
    quirks = Quirks(
        names={
            "client_id": "appId",
            "redirect_uri": "redirectUri",
            "response_type": "responseType",
            "grant_type": "grantType",
        },
        pkce="never",
        refuses_without_code=True,  # besides the state, errmsg and errorcode may come
        client_auth="none",
        token_method="json",
        token_names={"redirect_uri": ""},
        token_envelope="params",
        app_token_method="json",
        app_token_parameters={"appId": "{client_id}"},
        app_token_envelope="params",
        error_signs={"resp": "00"},
    )

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code with the backend token. Raises as the base provider does.

        No source says which refusal means a dead backend token: after any refusal the next login fetches a new one, at
        most once a minute. The code is not sent again.
        """
        client_id, name = self.settings.client_id, f"backend token {self.settings.client_id}"
        backend_token = await self.http.cached(name, self._fetch_backend_token)
        body = {"appId": client_id, "backendToken": backend_token, "code": response.code}
        answer = await self._post(self.token_url, {**body, "grantType": "authorization_code"})
        try:
            tokens = self.read_answer("token", answer)
        except ProviderRefused:
            if time.monotonic() - self.renewed_at > 60:
                self.renewed_at = time.monotonic()
                await self.http.forget(name, backend_token)
            raise
        return Identity(self.union_type, self.read_ids(self.id_claims, tokens), client_id)

    async def _fetch_backend_token(self) -> tuple[str, float]:
        call = {"appId": self.settings.client_id, "nonceStr": secrets.token_hex(8), "timestamp": str(int(time.time()))}
        signature = sign(call, self.settings.client_secret.get_secret_value())
        answer = self.read_answer("app_token", await self._post(self.app_token_url, {**call, "signature": signature}))
        token = read_text(answer.get("backendToken"))
        if not token:
            raise ProviderBadResponse("backendToken is not a token")
        return token, min(read_number(answer.get("expiresIn")) or 300, 7200)

    async def _post(self, url: str, body: dict[str, str]) -> Answer:
        headers = {"content-type": "application/json", "accept": "application/json"}
        return await self.http.post(url, content=json.dumps(body).encode(), headers=headers)


def sign(call: dict[str, str], secret: str) -> str:
    """Return the signature of a call for the backend token: SHA-256 over its parameters and `secret`, in order."""
    text = "&".join(f"{name}={value}" for name, value in sorted({**call, "secret": secret}.items()))
    return hashlib.sha256(text.encode()).hexdigest()


connect_register_providers = provider_hook(
    "unionpay", UnionpayProvider, sandbox="connect_unionpay.sandbox:UnionpaySandbox", icon="connect_unionpay:icon.svg"
)
