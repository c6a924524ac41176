"""Feishu (飞书) login for web apps.

Code: https://open.feishu.cn/document/common-capabilities/sso/api/obtain-oauth-code
Token: https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token-v3
Person: https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, offer


class FeishuProvider(OAuth2Provider):
    """One app: App ID and App Secret. Phone and e-mail are what an administrator typed in, so they are not taken."""

    union_type = "FEISHU"
    titles = {"zh": "飞书", "en": "Feishu"}
    authorize_url = "https://accounts.feishu.cn/open-apis/authen/v1/authorize"
    token_url = "https://accounts.feishu.cn/oauth/v3/token"
    userinfo_url = "https://open.feishu.cn/open-apis/authen/v1/user_info"
    claims = Claims(union_id="union_id", open_id="open_id", nickname=("name", "en_name"), face="avatar_url")
    quirks = Quirks(
        userinfo_envelope="data",
        error_signs={"code": "0"},
        errors={
            "20002": "provider_config",  # the secret
            "20003": "code_invalid",  # unknown code
            "20004": "code_invalid",  # the code expired
            "20008": "provider_denied",  # no such person
            "20009": "provider_config",  # the person's company has not installed the app
            "20010": "provider_denied",  # the person has no right to the app
            "20024": "code_invalid",  # the code belongs to another app
            "20048": "provider_config",  # no such app
            "20049": "code_invalid",  # the code verifier
            "20065": "code_invalid",  # the code was used
            "20066": "provider_denied",  # the person left or is frozen
            "20068": "provider_config",  # a scope that the app was not given
            "20069": "provider_config",  # the app is switched off
            "20071": "provider_config",  # redirect_uri
        },
    )


connect_register_providers = offer("feishu", FeishuProvider, sandbox="connect_feishu.sandbox:FeishuSandbox")
