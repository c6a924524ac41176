"""LINE login: redirect on PC and H5, an ID token from LINE's SDK in native apps, or from a LIFF app.

https://developers.line.biz/en/docs/line-login/integrate-line-login/
ID tokens: https://developers.line.biz/en/docs/line-login/verify-id-token/
LIFF apps and LINE MINI Apps: https://developers.line.biz/en/docs/liff/using-user-profile/
"""

from dataclasses import replace

from connect_core.plugin import (
    AuthorizationResponse,
    ClientType,
    CodeInvalid,
    Endpoint,
    Entrance,
    Field,
    Identity,
    InAppBrowser,
    Issuer,
    OidcProvider,
    OidcSettings,
    ProviderBadResponse,
    ProviderConfig,
    provider_hook,
    read_text,
)


class LineSettings(OidcSettings):
    """One LINE Login channel: channel id and channel secret."""

    issuer: Issuer = Field("https://access.line.me", description="LINE's issuer; change it only for a sandbox.")
    verify_url: Endpoint = Field(
        "https://api.line.me/oauth2/v2.1/verify",
        description="Where ID tokens of LIFF apps are verified; change it only for a sandbox.",
    )


class LineProvider(OidcProvider):
    """One LINE Login channel. A person has the same id in all channels of one LINE provider."""

    union_type = "LINE"
    titles = {"zh": "LINE", "en": "LINE"}
    own_browser = InAppBrowser.LINE
    entrances = {
        **OidcProvider.entrances,
        ClientType.APP: Entrance.CREDENTIAL,
        ClientType.MINI: Entrance.CLIENT_CODE,
    }
    code_names = ("id_token",)
    Settings = LineSettings
    algorithms = ("ES256", "HS256")  # HS256 with the channel secret on the web, ES256 with LINE's key in native apps
    auth_method = "client_secret_post"
    # LINE looks at a LIFF app's ID token before the channel id, and wants no secret with it
    diagnosis = replace(OidcProvider.diagnosis, ambiguous_refusals=(ClientType.MINI,))
    settings: LineSettings

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code, or check the ID token of an app; that of a LIFF app, without a nonce, is checked by LINE.

        Raises as the base provider does, and `CodeInvalid` for a LIFF app's token that LINE refuses.
        """
        if response.client_type is not ClientType.MINI:
            return await super().login_callback(response)
        form = {"id_token": response.code, "client_id": self.settings.client_id}
        answer = await self.http.post(self.settings.verify_url, form=form, headers={"accept": "application/json"})
        try:
            claims = self.read_answer("token", answer)
        except ProviderConfig as error:
            if "invalid_request" not in error.vendor.values():
                raise
            raise CodeInvalid("LINE refuses the ID token", vendor=error.vendor) from None
        if read_text(claims.get("aud")) != self.settings.client_id or not isinstance(claims.get("sub"), str):
            raise ProviderBadResponse("aud or sub of the verified ID token is not what was sent")
        return self._identity(claims, response, response.code)


connect_register_providers = provider_hook(
    "line", LineProvider, sandbox="connect_line.sandbox:LineSandbox", icon="connect_line:icon.svg"
)
