"""Lark login, for web apps and mini programs (gadgets) of Lark, the platform of Feishu outside China.

Code: https://open.larksuite.com/document/common-capabilities/sso/api/obtain-oauth-code
Code of a mini program: https://open.larksuite.com/document/uYjL24iN/uUzMuUzMuUzM/requestaccess
Token: https://open.larksuite.com/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token
Person: https://open.larksuite.com/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
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

ACCOUNTS, OPEN = "https://accounts.larksuite.com/open-apis", "https://open.larksuite.com/open-apis"


class LarkProvider(OAuth2Provider):
    """One app (App ID and App Secret), whose people, apps and ids are not those of Feishu.

    E-mail and phone number are not read, because a company's administrator may have entered them.
    """

    union_type = "LARK"
    titles = {"zh": "Lark", "en": "Lark"}
    own_browser = InAppBrowser.FEISHU
    entrances = {**OAuth2Provider.entrances, ClientType.MINI: Entrance.CLIENT_CODE}
    authorize_url = f"{ACCOUNTS}/authen/v1/authorize"
    token_url = f"{OPEN}/authen/v2/oauth/token"
    userinfo_url = f"{OPEN}/authen/v1/user_info"
    claims = Claims(face="avatar_url", nickname=("name", "en_name"), open_id="open_id", union_id="union_id")
    diagnosis = Diagnosis(redirect_errors=("20071",))
    quirks = Quirks(
        token_method="json",
        error_signs={"code": "0"},
        userinfo_envelope="data",
        errors={
            "provider_denied": ("20008", "20010", "20066"),  # the person is unknown, may not use the app, or is frozen
            # the app: its secret, its existence, its installation, a scope, that it is enabled, the callback address
            "provider_config": ("20002", "20009", "20048", "20068", "20069", "20071"),
            # the code: unknown, expired, another app's, not of this code verifier, used
            "code_invalid": ("20003", "20004", "20024", "20049", "20065"),
        },
    )


connect_register_providers = provider_hook(
    "lark", LarkProvider, sandbox="connect_lark.sandbox:LarkSandbox", icon="connect_lark:icon.svg"
)
