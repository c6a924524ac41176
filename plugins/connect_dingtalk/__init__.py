"""DingTalk (钉钉) login: DingTalk's page on PC and H5, and mini programs (小程序) of a company's own app.

Code: https://open.dingtalk.com/document/orgapp/obtain-identity-credentials
Token: https://open.dingtalk.com/document/orgapp/obtain-user-token
Person: https://open.dingtalk.com/document/orgapp/dingtalk-retrieve-user-information
Mini program: https://open.dingtalk.com/document/orgapp/obtain-the-userid-of-a-user-by-using-the-log-free
App token: https://open.dingtalk.com/document/orgapp/obtain-the-access_token-of-an-internal-app
"""

from connect_core.plugin import (
    Claims,
    ClientType,
    Diagnosis,
    Endpoint,
    Entrance,
    Field,
    InAppBrowser,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
    provider_hook,
)

NAMES = {"client_id": "clientId", "client_secret": "clientSecret", "grant_type": "grantType", "redirect_uri": ""}


class DingtalkSettings(OAuth2Settings):
    """One app: Client ID and Client Secret, formerly AppKey and AppSecret."""

    code_url: Endpoint | None = Field(
        None, description="Where codes of mini programs are redeemed; default: DingTalk's."
    )
    app_token_url: Endpoint | None = Field(None, description="Where the app's own token is fetched; the same.")


class DingtalkProvider(OAuth2Provider):
    """One app.

    A mini program's `userid` is not read: it names an employee within one company, and an administrator may choose it.
    """

    union_type = "DINGTALK"
    titles = {"zh": "钉钉", "en": "DingTalk"}
    own_browser = InAppBrowser.DINGTALK
    entrances = {**OAuth2Provider.entrances, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = DingtalkSettings
    authorize_url = "https://login.dingtalk.com/oauth2/auth"
    token_url = "https://api.dingtalk.com/v1.0/oauth2/userAccessToken"
    userinfo_url = "https://api.dingtalk.com/v1.0/contact/users/me"
    code_url = "https://oapi.dingtalk.com/topapi/v2/user/getuserinfo"
    app_token_url = "https://api.dingtalk.com/v1.0/oauth2/accessToken"
    scope = "openid"
    claims = Claims(union_id="unionId", open_id="openId", nickname="nick", face="avatarUrl")
    code_claims = Claims(union_id="unionid", nickname="name")
    diagnosis = Diagnosis(remedies={"60020": "Add this machine's address to the app's IP list in the console."})
    quirks = Quirks(
        pkce="never",
        authorize={"prompt": "consent"},
        code_names=("authCode",),
        token_method="json",
        token_names=NAMES,
        access_token="accessToken",
        token_header={"x-acs-dingtalk-access-token": "{access_token}"},
        code_method="json",
        code_parameters={"code": "{code}"},
        code_query={"access_token": "{app_token}"},
        code_envelope="result",
        app_token_method="json",
        app_token_parameters={"appKey": "{client_id}", "appSecret": "{client_secret}"},
        app_token="accessToken",
        app_token_expires_in="expireIn",
        app_token_errors=("40014", "42001"),
        error_signs={"code": "0", "errcode": "0", "sub_code": "0"},
        errors={
            # the code: unknown, used or expired; the person's token
            "code_invalid": ("invalidParameter.authCode.notFound", "40078", "InvalidAuthentication"),
            "provider_config": (
                *("invalidClientIdOrSecret", "40014", "42001"),  # the app and its token
                *("Forbidden.AccessDenied.AccessTokenPermissionDenied", "60011"),  # permission for a call
                "60020",  # the server's address is not on the app's list
            ),
        },
    )


connect_register_providers = provider_hook(
    "dingtalk", DingtalkProvider, sandbox="connect_dingtalk.sandbox:DingtalkSandbox", icon="connect_dingtalk:icon.svg"
)
