"""Bilibili (哔哩哔哩) login for websites: an access token, and a signature in each call that uses it.

Code: https://open.bilibili.com/doc/4/aac73b2e-4ff2-b75c-4c96-35ced865797b (read in quotations)
Token: https://open.bilibili.com/doc/4/eaf0e2b5-bde9-b9a0-9be1-019bb455701c, https://github.com/bilibili-openplatform/demo
Person: https://open.bilibili.com/doc/4/feb66f99-7d87-c206-00e7-d84164cd701c
Signature: https://open.bilibili.com/doc/4/8673959e-f7bb-56e6-6e68-d225f971b81b
"""

import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import (
    AuthorizationRequest,
    Claims,
    ClientType,
    Diagnosis,
    InAppBrowser,
    OAuth2Provider,
    Quirks,
    md5_hex,
    provider_hook,
)

PC_PAGE, H5_PAGE = "/pc/account-pc/", "/h5/account-h5/"


def sign(client_id: str, secret: str, token: str) -> dict[str, str]:
    """Return the headers of a call without a body: a nonce, the time, the token, and the signature of version 2.0."""
    signed = {  # in alphabetical order, as they are signed
        "x-bili-accesskeyid": client_id,
        "x-bili-content-md5": md5_hex(""),
        "x-bili-signature-method": "HMAC-SHA256",
        "x-bili-signature-nonce": secrets.token_hex(16),
        "x-bili-signature-version": "2.0",
        "x-bili-timestamp": str(int(time.time())),
    }
    signature = hmac.digest(secret.encode(), "\n".join(map(":".join, signed.items())).encode(), "sha256").hex()
    return {**signed, "access-token": token, "authorization": signature, "content-type": "application/json"}


class BilibiliProvider(OAuth2Provider):
    """One website app. The picture is not read: Bilibili forbids shops to link to it."""

    union_type = "BILIBILI"
    titles = {"zh": "哔哩哔哩", "en": "Bilibili"}
    own_browser = InAppBrowser.BILIBILI
    authorize_url = "https://account.bilibili.com/pc/account-pc/auth/oauth"
    token_url = "https://api.bilibili.com/x/account-oauth2/v1/token"
    userinfo_url = "https://member.bilibili.com/arcopen/fn/user/account/info"
    claims = Claims(open_id="openid", nickname="name")
    # none of the vendor's errors is documented; a signed call has the time
    diagnosis = Diagnosis(ambiguous_refusals=tuple(ClientType), compares_clocks=True)
    quirks = Quirks(
        names={"redirect_uri": "gourl", "response_type": ""},
        pkce="never",
        authorize_h5={"navhide": "0", "callback": "skip"},
        token_names={"redirect_uri": ""},
        token_envelope="data",
        token_header={"access-token": "{access_token}"},
        userinfo_envelope="data",
        error_signs={"code": "0"},
        error_trace="request_id",
    )

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of Bilibili's page, which has another address on phones."""
        url = await super().get_login_url(request)
        return url.replace(PC_PAGE, H5_PAGE, 1) if request.client_type is ClientType.H5 else url

    async def _ask_about_person(
        self, operation: str, templates: Mapping[str, str], values: Mapping[str, str]
    ) -> Mapping[str, Any]:
        secret = self.settings.client_secret.get_secret_value() if self.settings.client_secret else ""
        headers = {"accept": "application/json", **sign(self.settings.client_id, secret, values["access_token"])}
        return self.read_answer(operation, await self.http.get(self.userinfo_url, headers=headers))


connect_register_providers = provider_hook(
    "bilibili", BilibiliProvider, sandbox="connect_bilibili.sandbox:BilibiliSandbox", icon="connect_bilibili:icon.svg"
)
