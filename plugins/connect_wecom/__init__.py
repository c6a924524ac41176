"""WeCom (企业微信) login: QR code on a PC, WeCom's own browser (H5), and mini programs inside WeCom.

Page on a PC: https://developer.work.weixin.qq.com/document/path/98152
Page inside WeCom: https://developer.work.weixin.qq.com/document/path/91022
Person of a code: https://developer.work.weixin.qq.com/document/path/98176, https://developer.work.weixin.qq.com/document/path/91023
Mini program: https://developer.work.weixin.qq.com/document/path/91507
App token: https://developer.work.weixin.qq.com/document/path/91039
Profile: https://developer.work.weixin.qq.com/document/path/90196
Errors: https://developer.work.weixin.qq.com/document/path/90313
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import (
    Answer,
    AuthorizationRequest,
    AuthorizationResponse,
    Claims,
    ClientType,
    ConnectError,
    Endpoint,
    Entrance,
    Field,
    Identity,
    IdKind,
    InAppBrowser,
    OAuth2Provider,
    OAuth2Settings,
    PersonId,
    ProviderBadResponse,
    ProviderDenied,
    Quirks,
    RequiredBrowser,
    find_in_app_browser,
    is_absent,
    provider_hook,
    read_text,
    with_query,
)
from connect_wecom.checks import DIAGNOSIS

OUTSIDER = Claims(open_id="openid")


class WecomSettings(OAuth2Settings):
    """One app of one company: CorpID, AgentId and Secret."""

    agent_id: str = Field(min_length=1, pattern="^[0-9]+$", description="AgentId of the app.")
    h5_url: Endpoint = Field(
        "https://open.weixin.qq.com/connect/oauth2/authorize", description="The page inside WeCom; the same."
    )
    code_url: Endpoint | None = Field(None, description="Where codes of mini programs are redeemed; the same.")
    app_token_url: Endpoint | None = Field(None, description="Where the app's own token is fetched; the same.")


class WecomProvider(OAuth2Provider):
    """One app of one company. Every call is made with the app's own token; a person has none."""

    union_type = "WECOM"
    titles = {"zh": "企业微信", "en": "WeCom"}
    own_browser = InAppBrowser.WECOM
    entrances = {**OAuth2Provider.entrances, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = WecomSettings
    settings: WecomSettings
    authorize_url = "https://login.work.weixin.qq.com/wwlogin/sso/login"
    token_url = "https://qyapi.weixin.qq.com/cgi-bin/auth/getuserinfo"
    userinfo_url = "https://qyapi.weixin.qq.com/cgi-bin/user/get"
    code_url = "https://qyapi.weixin.qq.com/cgi-bin/miniprogram/jscode2session"
    app_token_url = "https://qyapi.weixin.qq.com/cgi-bin/gettoken"
    scope = "snsapi_base"
    id_claims = Claims(union_id="userid", union_scope="{client_id}")
    claims = Claims(union_id="userid", union_scope="{client_id}", nickname="name", face="avatar", sex="gender")
    diagnosis = DIAGNOSIS
    quirks = Quirks(
        names={"client_id": "appid"},
        pkce="never",
        refuses_without_code=True,
        token_method="get",
        code_method="get",
        code_parameters={"access_token": "{app_token}", "js_code": "{code}", "grant_type": "authorization_code"},
        app_token_method="get",
        app_token_parameters={"corpid": "{client_id}", "corpsecret": "{client_secret}"},
        app_token_errors=("40014", "42001"),
        error_signs={"errcode": "0"},
        errors={
            "code_invalid": ("40029",),
            # secret, CorpID, the app's token, the callback's domain, the server's address, rights
            "provider_config": ("40001", "40013", "40014", "42001", "50001", "60020", "48002", "301002"),
        },
    )

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the address of WeCom's page: with a QR code on a PC, without any question inside WeCom."""
        login = {"redirect_uri": request.redirect_uri, "state": request.state}
        app = {"appid": self.settings.client_id, "agentid": self.settings.agent_id}
        if request.client_type is ClientType.PC:
            language = "zh" if request.language == "zh" else "en"
            return with_query(self.authorize_url, {"login_type": "CorpApp", **app, **login, "lang": language})
        silent = {"response_type": "code", "scope": self.scope}
        return with_query(self.settings.h5_url, {**app, **login, **silent}) + "#wechat_redirect"

    def find_required_browser(self, client_type: ClientType, user_agent: str) -> RequiredBrowser | None:
        """Return `VENDOR_APP` for H5 outside WeCom and WeChat, else None. The sandbox works in any browser."""
        is_inside = find_in_app_browser(user_agent) in (InAppBrowser.WECOM, InAppBrowser.WECHAT)
        is_real = self.settings.h5_url.startswith("https:")
        return RequiredBrowser.VENDOR_APP if client_type is ClientType.H5 and is_real and not is_inside else None

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Return the person of the code, which a web page redeems with the app's own token, too."""
        if response.client_type is ClientType.MINI:
            return await super().login_callback(response)
        answer = await self._ask("token", self.token_url, {"code": response.code})
        return Identity(self.union_type, self.read_ids(self.id_claims, answer), self.settings.client_id)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return an employee's name; unchanged for an outsider, about whom WeCom says nothing."""
        if identity.strongest.kind is not IdKind.UNION_ID:
            return identity
        answer = await self._ask("userinfo", self.userinfo_url, {"userid": identity.strongest.value})
        return identity.with_profile(self.read_profile(answer), self.read_ids(self.claims, answer))

    def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
        """Return the object in an answer. Raises `ProviderDenied` for a mini program's visitor from another company."""
        content = super().read_answer(operation, answer)
        company = read_text(content.get("corpid"))
        if operation == "code" and not company:
            raise ProviderBadResponse("corpid is missing")
        if operation == "code" and company != self.settings.client_id:
            raise ProviderDenied("the person belongs to another company")
        return content

    def read_ids(self, claims: Claims, answer: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return an employee's `userid`, which all apps of the company share, or an outsider's `openid`."""
        is_outsider = is_absent(answer.get("userid")) and claims == self.id_claims
        return super().read_ids(OUTSIDER if is_outsider else claims, answer)

    def is_dead_app_token(self, error: ConnectError) -> bool:
        """Return True for WeCom's numbers alone: its errors have HTTP status 200."""
        return error.vendor.get("error") in self.quirks.app_token_errors

    async def _ask(self, operation: str, url: str, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        async def ask(app_token: str) -> Mapping[str, Any]:
            sent = {"access_token": app_token, **parameters}
            return self.read_answer(operation, await self.http.get(url, params=sent))

        return await self.with_app_token(ask)


connect_register_providers = provider_hook(
    "wecom", WecomProvider, sandbox="connect_wecom.sandbox:WecomSandbox", icon="connect_wecom:icon.svg"
)
