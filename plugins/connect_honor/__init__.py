"""HONOR ID (荣耀帐号) login: websites, Android apps and quick apps (快应用).

Web, by Honor's developer account: https://blog.csdn.net/HONOR_Developer/article/details/126992324
Token and person: https://developer.honor.com/cn/doc/guides/100977
Errors, by the same account: https://blog.csdn.net/HONOR_Developer/article/details/127229492
"""

from connect_core.plugin import (
    AuthorizationResponse,
    Claims,
    ClientType,
    Diagnosis,
    Entrance,
    Field,
    Identity,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
    provider_hook,
)


class HonorSettings(OAuth2Settings):
    """One app at HONOR Developers."""

    app_redirect_uri: str = Field(
        "honorid://redirect_url", min_length=1, description="The redirect URI that you registered for it, if you did."
    )


class HonorProvider(OAuth2Provider):
    """One app. The token call wants a redirect URI for the codes of apps and quick apps, too."""

    union_type = "HONOR"
    titles = {"zh": "荣耀帐号", "en": "HONOR ID"}
    entrances = {**OAuth2Provider.entrances, **dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.CLIENT_CODE)}
    Settings = HonorSettings
    settings: HonorSettings
    authorize_url = "https://hnoauth-login.cloud.hihonor.com/oauth2/v3/authorize"
    token_url = "https://hnoauth-login.cloud.hihonor.com/oauth2/v3/token"
    userinfo_url = "https://account-drcn.platform.hihonorcloud.com/rest.php?nsp_fmt=JSON&nsp_svc=GOpen.User.getInfo"
    scope = "openid profile"
    claims = Claims(open_id="openID", nickname="displayName", face="headPictureURL")
    diagnosis = Diagnosis(redirect_errors=("20024",))
    quirks = Quirks(
        pkce="never",
        userinfo_method="form",
        userinfo_parameters={"access_token": "{access_token}", "getNickName": "1"},
        error_signs={"sub_error": "0"},
        errors={"provider_config": ("20003", "20024", "access forbidden")},  # App ID; redirect_uri; no scope profile
    )

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Return the person. Raises as `OAuth2Provider.login_callback`."""
        if self.entrances[response.client_type] is Entrance.CLIENT_CODE:
            response = AuthorizationResponse.of_spent_flow(
                client_type=response.client_type,
                code=response.code,
                parameters=response.parameters,
                redirect_uri=self.settings.app_redirect_uri,
            )
        return await super().login_callback(response)


connect_register_providers = provider_hook(
    "honor", HonorProvider, sandbox="connect_honor.sandbox:HonorSandbox", icon="connect_honor:icon.svg"
)
