"""Facebook Login on the web. For native apps there is `connect_facebook_limited`.

https://developers.facebook.com/documentation/facebook-login/guides/advanced/manual-flow
Person: https://developers.facebook.com/docs/graph-api/reference/user
Proof of the secret: https://developers.facebook.com/docs/graph-api/guides/secure-requests
Errors: https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

import hmac
import time
from collections.abc import Mapping

from connect_core.plugin import (
    Claims,
    ClientType,
    Diagnosis,
    InAppBrowser,
    NoticeAnswer,
    NoticeRequest,
    OAuth2Provider,
    Quirks,
    RequiredBrowser,
    find_in_app_browser,
    provider_hook,
)
from connect_facebook.notices import FacebookApp, read_callback

AUTHORIZE_URL = "https://www.facebook.com/v26.0/dialog/oauth"


class FacebookProvider(OAuth2Provider):
    """One app. A person's id is the app's: another app of the same business sees another one."""

    union_type = "FACEBOOK"
    titles = {"zh": "Facebook", "en": "Facebook"}
    own_browser = InAppBrowser.FACEBOOK
    authorize_url = AUTHORIZE_URL
    token_url = "https://graph.facebook.com/v26.0/oauth/access_token"
    userinfo_url = "https://graph.facebook.com/v26.0/me"
    scope = "public_profile"
    claims = Claims(open_id="id", nickname="name", face="picture.data.url")
    diagnosis = Diagnosis(redirect_errors=("36008",))
    quirks = Quirks(
        scope_separator=",",
        pkce="never",  # Facebook calls its PKCE "still in testing", and has it with the scope openid only
        token_method="get",
        token_names={"grant_type": ""},
        userinfo_parameters={"access_token": "{access_token}", "fields": "id,name,picture"},
        error_signs={"error.error_subcode": "", "error.code": ""},
        errors={
            "code_invalid": ("36007", "36009", "190"),  # the code has expired, was used; the access token
            # redirect_uri is not that of the login; no right to the call; wrong client id
            "provider_config": ("36008", "3", "10", "101"),
        },
        error_trace="error.fbtrace_id",
    )
    now = staticmethod(time.time)

    def find_required_browser(self, client_type: ClientType, user_agent: str) -> RequiredBrowser | None:
        """Return `BROWSER` in the browser of another Android app, where Facebook's page refuses; else None.

        https://developers.facebook.com/docs/facebook-login/android/deprecating-webviews
        The sandbox works in any browser.
        """
        is_refused = find_in_app_browser(user_agent) not in (None, self.own_browser) and "Android" in user_agent
        return RequiredBrowser.BROWSER if is_refused and self.authorize_url == AUTHORIZE_URL else None

    def complete_parameters(self, operation: str, parameters: Mapping[str, str], token: str) -> Mapping[str, str]:
        """Add `appsecret_proof`, which an app can require: it shows that the call comes from the secret's owner."""
        proof = hmac.digest(self.client_secret.encode(), token.encode(), "sha256").hex()
        return {**parameters, "appsecret_proof": proof}

    async def read_notice(self, request: NoticeRequest) -> NoticeAnswer:
        """Return what a callback of Facebook's tells. Raises as `read_callback`."""
        return read_callback(request, FacebookApp(self.settings.client_id, self.client_secret.encode()), self.now())


connect_register_providers = provider_hook(
    "facebook", FacebookProvider, sandbox="connect_facebook.sandbox:FacebookSandbox", icon="connect_facebook:icon.svg"
)
