"""HONOR ID (荣耀帐号) login: Android apps and quick apps (快应用).

https://developer.honor.com/cn/doc/guides/100977
"""

from connect_core.plugin import (
    Claims,
    ClientType,
    Entrance,
    Field,
    Http,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
    provider_hook,
)


class HonorSettings(OAuth2Settings):
    """One app at HONOR Developers."""

    app_redirect_uri: str = Field(
        "honorid://redirect_url", min_length=1, description="The redirect URI that you registered, if you did."
    )


class HonorProvider(OAuth2Provider):
    """One app. Honor documents no page on which people agree in a browser."""

    union_type = "HONOR"
    titles = {"zh": "荣耀帐号", "en": "HONOR ID"}
    entrances = dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.CLIENT_CODE)
    Settings = HonorSettings
    token_url = "https://hnoauth-login.cloud.hihonor.com/oauth2/v3/token"
    userinfo_url = "https://account-drcn.platform.hihonorcloud.com/rest.php?nsp_fmt=JSON&nsp_svc=GOpen.User.getInfo"
    claims = Claims(open_id="openID", nickname="displayName", face="headPictureURL")
    quirks = Quirks(
        pkce="never",
        token_names={"redirect_uri": ""},
        token_parameters={"redirect_uri": "honorid://redirect_url"},
        userinfo_method="form",
        userinfo_parameters={"access_token": "{access_token}", "getNickName": "1"},
    )

    def __init__(self, settings: HonorSettings, http: Http) -> None:
        """Take the redirect URI from the settings. Raises as `OAuth2Provider`."""
        super().__init__(settings, http)
        update = {"token_parameters": {"redirect_uri": settings.app_redirect_uri}}
        self.quirks = self.quirks.model_copy(update=update)


connect_register_providers = provider_hook(
    "honor", HonorProvider, sandbox="connect_honor.sandbox:HonorSandbox", icon="connect_honor:icon.svg"
)
