"""JD (京东) login for websites: tokens from the JD account platform, the profile from the signed gateway of JOS.

Code: https://open.healthjd.com/docs/接入指南/开放平台-用户授权
Token and profile, from libraries, not the vendor's page: justauth/JustAuth, XiBao/jos
"""

import json
from datetime import datetime, timedelta, timezone

from connect_core.plugin import (
    Claims,
    ClientType,
    Diagnosis,
    Identity,
    InAppBrowser,
    OAuth2Provider,
    Quirks,
    md5_hex,
    provider_hook,
)

METHOD = "jingdong.user.getUserInfoByOpenId"
CHINA = timezone(timedelta(hours=8))
# JD writes "responce"; libraries know both spellings
PERSON = tuple(f"jingdong_user_getUserInfoByOpenId_{word}" for word in ("responce", "response"))


def _paths(name: str) -> tuple[str, ...]:
    return tuple(f"{envelope}.getuserinfobyappidandopenid_result.data.{name}" for envelope in PERSON)


class JdProvider(OAuth2Provider):
    """One application of JD's open platform. The token answer names the person; JD has no PKCE."""

    union_type = "JD"
    titles = {"zh": "京东", "en": "JD"}
    own_browser = InAppBrowser.JD
    authorize_url = "https://open-oauth.jd.com/oauth2/to_login"
    token_url = "https://open-oauth.jd.com/oauth2/access_token"
    userinfo_url = "https://api.jd.com/routerjson"
    scope = "snsapi_base"
    id_claims = Claims(open_id="open_id")
    claims = Claims(nickname=_paths("nickName"), face=_paths("imageUrl"))
    diagnosis = Diagnosis(ambiguous_refusals=tuple(ClientType))  # none of the vendor's errors is documented
    quirks = Quirks(
        names={"client_id": "app_key", "client_secret": "app_secret"},
        pkce="never",
        token_method="get",
        token_names={"redirect_uri": ""},
        userinfo_parameters={"access_token": "{access_token}", "app_key": "{client_id}", "method": METHOD, "v": "2.0"},
        error_signs={"code": "0", "error_response.code": ""},
        error_trace="requestId",
    )

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with the profile of the gateway's signed call. Raises as the base provider does."""
        parameters = {
            **self.quirks.userinfo_parameters,
            "access_token": identity.grant,
            "app_key": self.settings.client_id,
            "360buy_param_json": json.dumps({"openId": identity.ids[0].value}, separators=(",", ":")),
            "timestamp": datetime.now(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
        }
        secret = self.settings.client_secret.get_secret_value() if self.settings.client_secret else ""
        answer = await self.http.get(self.userinfo_url, params={**parameters, "sign": sign(parameters, secret)})
        return identity.with_profile(self.read_profile(self.read_answer("userinfo", answer)))


def sign(parameters: dict[str, str], secret: str) -> str:
    """Return the signature of a gateway call: MD5 over names and values in order, with `secret` at both ends."""
    text = "".join(name + value for name, value in sorted(parameters.items()))
    return md5_hex(f"{secret}{text}{secret}").upper()


connect_register_providers = provider_hook(
    "jd", JdProvider, sandbox="connect_jd.sandbox:JdSandbox", icon="connect_jd:icon.svg"
)
