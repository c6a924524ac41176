"""QQ login for websites, on PC and H5, and for QQ mini programs (QQ小程序).

Code and token: https://wiki.connect.qq.com/使用authorization_code获取access_token
Ids: https://wiki.connect.qq.com/unionid介绍
Profile: https://wiki.connect.qq.com/get_user_info
Errors: https://wiki.connect.qq.com/公共返回码说明
Mini program: https://q.qq.com/wiki/develop/miniprogram/server/open_port/port_login.html (read as the copy
https://www.w3cschool.cn/qqxiaochengxu/qqxiaochengxu-c5fl3875.html)
"""

from connect_core.plugin import (
    Claims,
    ClientType,
    Endpoint,
    Entrance,
    Field,
    InAppBrowser,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
    provider_hook,
)
from connect_qq.checks import DIAGNOSIS

PERSON = {"access_token": "{access_token}", "oauth_consumer_key": "{client_id}", "openid": "{open_id}"}
SESSION = {"appid": "{client_id}", "secret": "{client_secret}", "js_code": "{code}", "grant_type": "authorization_code"}


class QqSettings(OAuth2Settings):
    """One website app (网站应用): APP ID and APP Key. Or one mini program: AppID and AppSecret."""

    id_url: Endpoint | None = Field(None, description="Address of the call for openid and unionid; default: QQ's.")
    code_url: Endpoint | None = Field(None, description="Where codes of mini programs are redeemed; the same.")


class QqProvider(OAuth2Provider):
    """One website app or mini program. QQ has no PKCE; a unionid comes only after you applied for the right to it."""

    union_type = "QQ"
    titles = {"zh": "QQ", "en": "QQ"}
    own_browser = InAppBrowser.QQ
    entrances = {**OAuth2Provider.entrances, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = QqSettings
    authorize_url = "https://graph.qq.com/oauth2.0/authorize"
    token_url = "https://graph.qq.com/oauth2.0/token"
    id_url = "https://graph.qq.com/oauth2.0/me"
    userinfo_url = "https://graph.qq.com/user/get_user_info"
    code_url = "https://api.q.qq.com/sns/jscode2session"
    scope = "get_user_info"
    id_claims = Claims(union_id="unionid", open_id="openid")
    claims = Claims(
        nickname="nickname", face=("figureurl_qq_2", "figureurl_qq_1"), sex="gender", province="province", city="city"
    )
    diagnosis = DIAGNOSIS
    quirks = Quirks(
        scope_separator=",",
        pkce="never",
        authorize_h5={"display": "mobile"},
        refuses_without_code=True,  # a refusal comes back with usercancel=1 and the state
        token_method="get",
        token_parameters={"fmt": "json"},
        id_parameters={"access_token": "{access_token}", "fmt": "json"},
        id_extras={"unionid": "1"},  # refused to an app without the right: 100048
        userinfo_parameters=PERSON,
        code_method="get",
        code_parameters=SESSION,
        answer={"token": "jsonp", "id": "jsonp", "userinfo": "jsonp"},
        error_signs={"ret": "0", "errcode": "0"},
        errors={
            # the access token; the code, and its second use; the code of a mini program
            "code_invalid": ("100013", "100014", "100015", "100016", "100019", "100020", "40029"),
            # client id, secret, redirect_uri; the app is not online, or has no right to this call or to unionid
            "provider_config": ("100001", "100002", "100008", "100009", "100010", "100011", "100031", "100048"),
            "provider_denied": ("100030",),  # the person did not agree to this call
        },
    )


connect_register_providers = provider_hook(
    "qq", QqProvider, sandbox="connect_qq.sandbox:QqSandbox", icon="connect_qq:icon.svg"
)
