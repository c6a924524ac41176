"""Xiaohongshu (小红书) login for mini programs. Experimental: from third parties, who read the vendor's pages.

Code: https://miniapp.xiaohongshu.com/doc/DC414670
App token: https://miniapp.xiaohongshu.com/doc/DC010382
"""

from connect_core.plugin import (
    Claims,
    ClientType,
    Diagnosis,
    Entrance,
    MiniProgramSettings,
    OAuth2Provider,
    Quirks,
    provider_hook,
)


class XiaohongshuProvider(OAuth2Provider):
    """One mini program. Its code is redeemed with the app's own token, for an id and nothing else.

    A new app token ends the one before after 5 minutes. It is kept no longer than that, whatever its life is, so that
    processes that share nothing do not end each other's.
    """

    union_type = "XIAOHONGSHU"
    titles = {"zh": "小红书", "en": "Xiaohongshu"}
    entrances = {ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = MiniProgramSettings
    code_url = "https://miniapp.xiaohongshu.com/api/rmp/session"
    app_token_url = "https://miniapp.xiaohongshu.com/api/rmp/token"
    code_claims = Claims(open_id=("openid", "open_id"))
    diagnosis = Diagnosis(ambiguous_refusals=tuple(ClientType))  # none of the vendor's errors is documented
    quirks = Quirks(
        pkce="never",
        code_method="get",
        code_parameters={"app_id": "{client_id}", "access_token": "{app_token}", "code": "{code}"},
        code_envelope="data",
        app_token_method="json",
        app_token_parameters={"appid": "{client_id}", "secret": "{client_secret}"},
        app_token_envelope="data",
        error_signs={"code": "0", "success": "true"},
    )


connect_register_providers = provider_hook(
    "xiaohongshu",
    XiaohongshuProvider,
    sandbox="connect_xiaohongshu.sandbox:XiaohongshuSandbox",
    icon="connect_xiaohongshu:icon.svg",
)
