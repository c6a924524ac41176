"""Xiaomi (小米) login for websites.

Code and token: https://dev.mi.com/xiaomihyperos/documentation/detail?pId=1708
Person: https://xiaomi-passport.github.io/open-api.html
The union id in the token answer is from logto-io/logto (connector-xiaomi).
"""

from connect_core.plugin import Claims, ClientType, Diagnosis, OAuth2Provider, Quirks, provider_hook


class XiaomiProvider(OAuth2Provider):
    """One app. Scope 1 is the profile. What stands before the token answer keeps scripts from reading it."""

    union_type = "XIAOMI"
    titles = {"zh": "小米", "en": "Xiaomi"}
    authorize_url = "https://account.xiaomi.com/oauth2/authorize"
    token_url = "https://account.xiaomi.com/oauth2/token"
    userinfo_url = "https://open.account.xiaomi.com/user/profile"
    scope = "1"
    id_claims = Claims(union_id="union_id", open_id="openId")
    claims = Claims(union_id="data.unionId", nickname="data.miliaoNick", face="data.miliaoIcon")
    diagnosis = Diagnosis(ambiguous_refusals=tuple(ClientType))  # none of the vendor's errors is documented
    quirks = Quirks(
        pkce="never",
        authorize={"skip_confirm": "false"},
        userinfo_parameters={"clientId": "{client_id}", "token": "{access_token}"},
        prefix="&&&START&&&",
        error_signs={"result": "ok", "code": "0"},
    )


connect_register_providers = provider_hook(
    "xiaomi", XiaomiProvider, sandbox="connect_xiaomi.sandbox:XiaomiSandbox", icon="connect_xiaomi:icon.svg"
)
