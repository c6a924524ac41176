"""Douyin (抖音) login: websites, native apps and mini programs.

Code: https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/douyin-get-permission-code/
Token: https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/get-access-token
Person: https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/get-account-open-info
Mini program: https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server/basic-abilities/log-in/code-2-session
Phone: https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/tutorial/open-capabilities/general-capabilities/acquire-phone-number-acquire
Errors: https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/status-code/
"""

from connect_core.plugin import (
    AuthorizationResponse,
    Claims,
    ClientType,
    Entrance,
    Identity,
    InAppBrowser,
    MiniProgramSettings,
    OAuth2Provider,
    Quirks,
    provider_hook,
)


class DouyinProvider(OAuth2Provider):
    """One website app, mobile app or mini program. The token answer has the open id, user-info the union id."""

    union_type = "DOUYIN"
    titles = {"zh": "抖音", "en": "Douyin"}
    own_browser = InAppBrowser.DOUYIN
    entrances = {**OAuth2Provider.entrances, **dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.CLIENT_CODE)}
    Settings = MiniProgramSettings
    authorize_url = "https://open.douyin.com/platform/oauth/connect/"
    token_url = "https://open.douyin.com/oauth/access_token/"
    userinfo_url = "https://open.douyin.com/oauth/userinfo/"
    code_url = "https://developer.toutiao.com/api/apps/v2/jscode2session"
    code_clients = (ClientType.MINI,)
    scope = "user_info"
    id_claims = Claims(open_id="open_id")
    claims = Claims(union_id="data.union_id", open_id="data.open_id", nickname="data.nickname", face="data.avatar")
    code_claims = Claims(union_id="data.unionid", open_id="data.openid")
    quirks = Quirks(
        names={"client_id": "client_key"},
        scope_separator=",",
        pkce="never",
        token_names={"redirect_uri": ""},
        token_envelope="data",
        userinfo_method="form",
        userinfo_parameters={"access_token": "{access_token}", "open_id": "{open_id}"},
        code_method="json",
        code_parameters={"appid": "{client_id}", "secret": "{client_secret}", "code": "{code}"},
        session_key="data.session_key",
        phone_app_id="watermark.appid",
        error_signs={"data.error_code": "0", "err_no": "0"},
        error_trace="data.log_id",
        errors={
            "code_invalid": ("10007", "10008", "2190008", "28001003", "28001008", "40018"),  # 40018: of a mini program
            # client key, secret; no right to the scope; app blocked, test app expired; a mini program's id, secret
            "provider_config": (
                *("10003", "10004", "10013", "28001014", "28001016", "28001018", "28001019", "28001021"),
                *("40015", "40017"),
            ),
            # the person did not agree, is no tester of the app, closed the account, is banned
            "provider_denied": ("28001012", "28001020", "28001045", "28001046"),
            "provider_bad_response": ("28001015",),  # the open id is not that of the access token
        },
    )

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Return the person with the union id, which only user-info has."""
        return await self.fetch_profile(await super().login_callback(response))


connect_register_providers = provider_hook(
    "douyin", DouyinProvider, sandbox="connect_douyin.sandbox:DouyinSandbox", icon="connect_douyin:icon.svg"
)
