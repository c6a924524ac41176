"""Alibaba Cloud (阿里云, Aliyun) login, through an OAuth application of RAM (访问控制).

Code and token: https://help.aliyun.com/document_detail/93696.html
Person: https://help.aliyun.com/document_detail/93698.html
PKCE: https://help.aliyun.com/document_detail/93697.html

Aliyun documents an ID token, but no nonce in it. The person therefore comes from the user-info call.
"""

from connect_core.plugin import Claims, OAuth2Provider, provider_hook


class AliyunProvider(OAuth2Provider):
    """One web application of RAM: its id and its secret."""

    union_type = "ALIYUN"
    titles = {"zh": "阿里云", "en": "Alibaba Cloud"}
    authorize_url = "https://signin.aliyun.com/oauth2/v1/auth"
    token_url = "https://oauth.aliyun.com/v1/token"
    userinfo_url = "https://oauth.aliyun.com/v1/userinfo"
    scope = "openid profile"
    claims = Claims(user_id="sub", nickname="name")


connect_register_providers = provider_hook(
    "aliyun", AliyunProvider, sandbox="connect_aliyun.sandbox:AliyunSandbox", icon="connect_aliyun:icon.svg"
)
