"""Baidu (百度) login: websites and smart mini programs (智能小程序).

Web: https://openauth.baidu.com/doc/doc.html; `userid` and numbers of errors: justauth/JustAuth
Mini program: https://smartprogram.baidu.com/docs/develop/api/open/log_getunionid/ (its example of a login)
Phone: https://smartprogram.baidu.com/docs/develop/api/open_log/ (read as the copy
https://w3cschool.cn/baiduapp/baiduapp-sdui39st.html)
The name `mobile`, from a library, not the vendor's page: gongfuxiang/shopxo
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from connect_core.plugin import (
    Claims,
    ClientType,
    Entrance,
    InAppBrowser,
    MiniProgramSettings,
    OAuth2Provider,
    Profile,
    Quirks,
    provider_hook,
    read_text,
)

PICTURES = "https://tb.himg.baidu.com/sys/portrait/item/"
"""Where pictures are, each under the text that user-info has as `portrait`."""


class BaiduProvider(OAuth2Provider):
    """One website app or mini program. An app that is old enough gets `userid` in place of `openid`."""

    union_type = "BAIDU"
    titles = {"zh": "百度", "en": "Baidu"}
    own_browser = InAppBrowser.BAIDU
    entrances = {**OAuth2Provider.entrances, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = MiniProgramSettings
    authorize_url = "https://openapi.baidu.com/oauth/2.0/authorize"
    token_url = "https://openapi.baidu.com/oauth/2.0/token"
    userinfo_url = "https://openapi.baidu.com/rest/2.0/passport/users/getInfo"
    code_url = "https://spapi.baidu.com/oauth/jscode2sessionkey"
    scope = "basic"
    claims = Claims(union_id="unionid", open_id=("openid", "userid"), nickname="username", sex="sex")
    code_claims = Claims(open_id="openid")
    quirks = Quirks(
        pkce="never",
        authorize_h5={"display": "mobile"},
        token_method="get",
        userinfo_parameters={"access_token": "{access_token}", "get_unionid": "1"},
        code_parameters={"code": "{code}", "client_id": "{client_id}", "sk": "{client_secret}"},
        session_key="session_key",
        phone_frame=True,
        error_signs={"error_code": "0", "errno": "0"},
        errors={
            "code_invalid": ("110", "111", "expired_token"),  # the access token
            "provider_config": ("6", "100", "101"),  # no right to the call, parameters, API key
        },
    )

    def read_profile(self, answer: Mapping[str, Any]) -> Profile:
        """Return the profile; the picture's link is made of `portrait`."""
        portrait = read_text(answer.get("portrait"))
        face = Profile.of(face=PICTURES + quote(portrait)).face if portrait else ""
        return replace(super().read_profile(answer), face=face)


connect_register_providers = provider_hook(
    "baidu", BaiduProvider, sandbox="connect_baidu.sandbox:BaiduSandbox", icon="connect_baidu:icon.svg"
)
