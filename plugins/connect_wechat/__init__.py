"""WeChat login: websites on a PC (QR code) and pages inside WeChat (H5, through an official account).

Owns WeChat's dialect of OAuth2, its links and its ids. Never touches state, cookies or members.

Website app: https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html
Official account: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr

from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    ClientType,
    Endpoint,
    Entrance,
    Identity,
    IdKind,
    PersonId,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderDenied,
    ProviderSettings,
    Register,
    hookimpl,
)
from connect_wechat.answers import read_answer

PAGES = {  # where a login begins, and the scope it asks for
    ClientType.PC: ("/connect/qrconnect", "snsapi_login"),
    ClientType.H5: ("/connect/oauth2/authorize", "snsapi_userinfo"),
}
SEX = {"1": 1, "2": 0}


class WechatSettings(ProviderSettings):
    """One registration: a website app for PC, an official account for H5."""

    app_id: str = Field(min_length=1, description="AppID of the website app or official account.")
    app_secret: SecretStr = Field(min_length=1, description="Its AppSecret.")
    scope: Literal["snsapi_login", "snsapi_userinfo", "snsapi_base"] | None = Field(
        None, description="Default: snsapi_login on PC, snsapi_userinfo on H5. snsapi_base is silent, without profile."
    )
    api_url: Endpoint = Field("https://api.weixin.qq.com", description="Where codes are redeemed and profiles fetched.")
    open_url: Endpoint = Field("https://open.weixin.qq.com", description="Where people are sent to agree.")


class WechatProvider(Provider):
    """One website app or official account."""

    union_type = "WECHAT"
    entrances = dict.fromkeys(PAGES, Entrance.REDIRECT)
    Settings = WechatSettings
    titles = {"zh": "微信", "en": "WeChat"}
    refuses_without_code = True
    settings: WechatSettings

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return WeChat's page for the client type. It matches links by pattern: order and fragment are not free."""
        path, scope = PAGES[request.client_type]
        parameters = {
            "appid": self.settings.app_id,
            "redirect_uri": request.redirect_uri,
            "response_type": "code",
            "scope": self.settings.scope or scope,
            "state": request.state,
        }
        return f"{self.settings.open_url}{path}?{urlencode(parameters, quote_via=quote)}#wechat_redirect"

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html)."""
        parameters = {
            "appid": self.settings.app_id,
            "secret": self.settings.app_secret.get_secret_value(),
            "code": response.code,
            "grant_type": "authorization_code",
        }
        found = await self._fetch("/sns/oauth2/access_token", parameters)
        if found.get("is_snapshotuser"):
            raise ProviderDenied("a snapshot page's person is made up")
        token = found.get("access_token")
        if not isinstance(token, str) or not token or not token.isascii():
            raise ProviderBadResponse("access_token is not a token")
        return Identity(self.union_type, self._ids(found), self.settings.app_id, grant=token)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Ask for the profile (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsuserinfo.html).

        WeChat has none for `snsapi_base`, so there it is not asked.
        """
        if self.settings.scope == "snsapi_base":
            return identity.with_profile(Profile())
        open_id = next(one.value for one in identity.ids if one.kind is IdKind.OPEN_ID)
        found = await self._fetch("/sns/userinfo", {"access_token": identity.grant, "openid": open_id, "lang": "zh_CN"})
        profile = Profile.of(
            nickname=found.get("nickname"),
            face=found.get("headimgurl"),
            sex=SEX.get(str(found.get("sex"))),
            province=found.get("province"),
            city=found.get("city"),
        )
        return identity.with_profile(profile, self._ids(found))

    async def _fetch(self, path: str, parameters: Mapping[str, str]) -> Mapping[str, object]:
        return read_answer(await self.http.get(f"{self.settings.api_url}{path}", params=parameters))

    def _ids(self, found: Mapping[str, object]) -> tuple[PersonId, ...]:
        open_id = PersonId.open_id(found.get("openid"), self.settings.app_id)
        return (PersonId.union_id(found["unionid"]), open_id) if "unionid" in found else (open_id,)


@hookimpl
def connect_register_providers(register: Register) -> None:
    """Register the plugin `wechat`."""
    register("wechat", WechatProvider, sandbox="connect_wechat.sandbox:WechatSandbox")
