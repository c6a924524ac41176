"""Kuaishou (快手) login: websites, native apps and mini programs.

Code: https://open.kuaishou.com/platformDocs/develop/web-app.html
Token: https://open.kuaishou.com/platformDocs/openAbility/kwaiLogin
Errors: https://mp.kuaishou.com/docs/develop/server/getAccessToken.html
Person, from two libraries, not the vendor's page: casdoor/casdoor (idp/kwai.go), MrHuo.OAuth.KuaiShou
Mini program, the same: HeartGarlic/kuaishou-server-api-sdk, EasySeries.MiniProgram
Phone: https://mp.kuaishou.com/docs/develop/functionAccessGuide/getUserPhoneNumber.html
Its encryption: https://mp.kuaishou.com/docs/develop/server/userInfo/userEncryptedData.html
"""

from connect_core.plugin import (
    Claims,
    ClientType,
    Diagnosis,
    Entrance,
    InAppBrowser,
    MiniProgramSettings,
    OAuth2Provider,
    Quirks,
    provider_hook,
)


class KuaishouProvider(OAuth2Provider):
    """One website app, mobile app or mini program. User-info has no id: the open id is in the token answer."""

    union_type = "KUAISHOU"
    titles = {"zh": "快手", "en": "Kuaishou"}
    own_browser = InAppBrowser.KUAISHOU
    entrances = {**OAuth2Provider.entrances, **dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.CLIENT_CODE)}
    Settings = MiniProgramSettings
    authorize_url = "https://open.kuaishou.com/oauth2/authorize"
    token_url = "https://open.kuaishou.com/oauth2/access_token"
    userinfo_url = "https://open.kuaishou.com/openapi/user_info"
    code_url = "https://open.kuaishou.com/oauth2/mp/code2session"
    code_clients = (ClientType.MINI,)
    scope = "user_info"
    id_claims = code_claims = Claims(open_id="open_id")
    claims = Claims(
        nickname="user_info.name",
        face=("user_info.bigHead", "user_info.head"),
        sex="user_info.sex",
        city="user_info.city",
    )
    diagnosis = Diagnosis(ambiguous_refusals=tuple(ClientType))  # no word for a wrong code is documented
    quirks = Quirks(
        names={"client_id": "app_id", "client_secret": "app_secret"},
        scope_separator=",",
        pkce="never",
        authorize={"ua": "pc"},
        token_method="get",
        token_names={"redirect_uri": ""},
        userinfo_parameters={"app_id": "{client_id}", "access_token": "{access_token}"},
        code_parameters={"app_id": "{client_id}", "app_secret": "{client_secret}", "js_code": "{code}"},
        session_key="session_key",
        error_signs={"result": "1"},
        errors={"provider_config": ("100200101",)},  # app_id or app_secret
    )


connect_register_providers = provider_hook(
    "kuaishou", KuaishouProvider, sandbox="connect_kuaishou.sandbox:KuaishouSandbox", icon="connect_kuaishou:icon.svg"
)
