"""Feishu (飞书) login for web apps and mini programs (小程序).

Code: https://open.feishu.cn/document/common-capabilities/sso/api/obtain-oauth-code
Mini program: https://open.feishu.cn/document/uYjL24iN/uETO5QjLxkTO04SM5kDN
Token: https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token-v3
Person: https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
"""

from connect_core.plugin import (
    Claims,
    ClientType,
    Diagnosis,
    Entrance,
    InAppBrowser,
    OAuth2Provider,
    Quirks,
    provider_hook,
)


class FeishuProvider(OAuth2Provider):
    """One app (App ID and App Secret).

    Phone number and e-mail in user-info are not read: an administrator of the company may have entered them.
    """

    union_type = "FEISHU"
    titles = {"zh": "飞书", "en": "Feishu"}
    own_browser = InAppBrowser.FEISHU
    entrances = {**OAuth2Provider.entrances, ClientType.MINI: Entrance.CLIENT_CODE}
    authorize_url = "https://accounts.feishu.cn/open-apis/authen/v1/authorize"
    token_url = "https://accounts.feishu.cn/oauth/v3/token"
    userinfo_url = "https://open.feishu.cn/open-apis/authen/v1/user_info"
    claims = Claims(union_id="union_id", open_id="open_id", nickname=("name", "en_name"), face="avatar_url")
    diagnosis = Diagnosis(redirect_errors=("20071",))
    quirks = Quirks(
        userinfo_envelope="data",
        error_signs={"code": "0"},
        errors={
            # the code: unknown, expired, another app's, wrong code verifier, used
            "code_invalid": ("20003", "20004", "20024", "20049", "20065"),
            # secret, app, installation of the app, scope, redirect_uri
            "provider_config": ("20002", "20009", "20048", "20068", "20069", "20071"),
            "provider_denied": ("20008", "20010", "20066"),  # the person: unknown, may not use the app, frozen
        },
    )


connect_register_providers = provider_hook(
    "feishu", FeishuProvider, sandbox="connect_feishu.sandbox:FeishuSandbox", icon="connect_feishu:icon.svg"
)
