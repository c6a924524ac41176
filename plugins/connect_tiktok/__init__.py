"""TikTok login (Login Kit v2): websites, native apps and Minis.

Web: https://developers.tiktok.com/doc/login-kit-web
Token: https://developers.tiktok.com/doc/oauth-user-access-token-management
Android and iOS: https://developers.tiktok.com/doc/login-kit-android-quickstart-v2/
Minis: https://developers.tiktok.com/doc/minis-oauth
Person: https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info
Errors: https://developers.tiktok.com/doc/oauth-error-handling
"""

import re
from copy import copy

from connect_core.plugin import (
    AuthorizationResponse,
    BadRequest,
    Claims,
    ClientType,
    Endpoint,
    Entrance,
    Field,
    Identity,
    InAppBrowser,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
    provider_hook,
)

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""A code verifier (RFC 7636 §4.1)."""


class TiktokSettings(OAuth2Settings):
    """One app at TikTok for Developers."""

    app_redirect_uri: Endpoint | None = Field(None, description="What your native app gives to TikTok's SDK.")


class TiktokProvider(OAuth2Provider):
    """One app. TikTok documents PKCE for native apps, whose SDK makes the code verifier, and not for websites."""

    union_type = "TIKTOK"
    titles = {"zh": "TikTok", "en": "TikTok"}
    own_browser = InAppBrowser.TIKTOK
    entrances = {**OAuth2Provider.entrances, **dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.CLIENT_CODE)}
    Settings = TiktokSettings
    settings: TiktokSettings
    authorize_url = "https://www.tiktok.com/v2/auth/authorize/"
    token_url = "https://open.tiktokapis.com/v2/oauth/token/"
    userinfo_url = "https://open.tiktokapis.com/v2/user/info/"
    scope = "user.info.basic"
    claims = Claims(union_id="union_id", open_id="open_id", nickname="display_name", face="avatar_url")
    quirks = Quirks(
        names={"client_id": "client_key"},
        scope_separator=",",
        pkce="never",
        userinfo_parameters={"fields": "open_id,union_id,avatar_url,display_name"},
        userinfo_envelope="data.user",
        error_signs={"error.code": "ok"},
        error_trace="log_id",
        errors={
            "code_invalid": ("access_token_invalid",),
            "provider_config": ("invalid_params", "scope_permission_missed"),
            "provider_denied": ("scope_not_authorized",),
        },
    )

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Return the person; a native app hands in the code verifier that TikTok's SDK made.

        Raises `BadRequest` for an app's code without its verifier, and as `OAuth2Provider.login_callback`.
        """
        if response.client_type is not ClientType.APP:
            return await super().login_callback(response)
        verifier = response.parameters.get("code_verifier", "")
        if not VERIFIER.fullmatch(verifier):
            raise BadRequest("code_verifier: is missing or no code verifier")
        app = copy(self)
        added = {"redirect_uri": self.settings.app_redirect_uri or "", "code_verifier": verifier}
        app.quirks = self.quirks.model_copy(update={"token_parameters": added})
        return await OAuth2Provider.login_callback(app, response)


connect_register_providers = provider_hook(
    "tiktok", TiktokProvider, sandbox="connect_tiktok.sandbox:TiktokSandbox", icon="connect_tiktok:icon.svg"
)
