"""WeChat login: QR code on a PC, pages inside WeChat (H5), native apps and mini programs.

Owns WeChat's dialect of OAuth2, its links and its ids. Never touches state, cookies or members.

Website app: https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html
Official account: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
Native app: https://developers.weixin.qq.com/doc/oplatform/Mobile_App/WeChat_Login/Development_Guide.html
Mini program: https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/login.html
"""

import json
from collections.abc import Mapping
from typing import ClassVar, Literal
from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr

from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    BadRequest,
    ClientType,
    Endpoint,
    Entrance,
    Identity,
    PersonId,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderDenied,
    ProviderSettings,
    Register,
    RequiredBrowser,
    VerifiedPhone,
    hookimpl,
    with_query,
)
from connect_wechat.mini import find_number, open_phone, write_grant
from connect_wechat.responses import read_answer

PAGES = {ClientType.PC: "/connect/qrconnect", ClientType.H5: "/connect/oauth2/authorize"}
SCOPES = {ClientType.PC: "snsapi_login", ClientType.H5: "snsapi_userinfo", ClientType.APP: "snsapi_userinfo"}
OAUTH2 = ("/sns/oauth2/access_token", "code", "access_token")  # where a code goes, under which name, and for what
MINI = ("/sns/jscode2session", "js_code", "session_key")
DEAD_TOKEN = {"40001", "40014", "42001"}
SEX = {"1": 1, "2": 0}


class WechatSettings(ProviderSettings):
    """One registration: a website app for PC, an official account for H5, a mobile app, a mini program."""

    app_id: str = Field(min_length=1, description="AppID of this client type's registration.")
    app_secret: SecretStr = Field(min_length=1, description="Its AppSecret.")
    scope: Literal["snsapi_login", "snsapi_userinfo", "snsapi_base"] | None = Field(
        None, description="Default: snsapi_login on PC, else snsapi_userinfo. snsapi_base is silent, without profile."
    )
    embed: dict[Literal["style", "href"], str] | None = Field(
        None, description="PC: show the bare QR code, for a frame; with the `style` and `href` of wxLogin."
    )
    api_url: Endpoint = Field("https://api.weixin.qq.com", description="Where codes are redeemed and profiles fetched.")
    open_url: Endpoint = Field("https://open.weixin.qq.com", description="Where people are sent to agree.")


class WechatProvider(Provider):
    """One website app, official account, mobile app or mini program."""

    union_type = "WECHAT"
    entrances: ClassVar = {
        **dict.fromkeys(PAGES, Entrance.REDIRECT),
        ClientType.APP: Entrance.TICKETED_CODE,  # its state ties the code to the login; nothing ties a mini program's
        ClientType.MINI: Entrance.CLIENT_CODE,
    }
    Settings = WechatSettings
    titles = {"zh": "微信", "en": "WeChat"}
    refuses_without_code = True
    settings: WechatSettings

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return WeChat's page, or what the native SDK is asked with. Links match by pattern: their order is fixed."""
        scope = self.settings.scope or SCOPES[request.client_type]
        if request.client_type is ClientType.APP:
            return urlencode({"appid": self.settings.app_id, "scope": scope, "state": request.state})
        parameters = {
            "appid": self.settings.app_id,
            "redirect_uri": request.redirect_uri,
            "response_type": "code",
            "scope": scope,
            "state": request.state,
        }
        if request.client_type is ClientType.PC and self.settings.embed is not None:
            # the whole window comes back: SameSite=Lax cookies do not follow WeChat into a frame
            parameters |= {"login_type": "jssdk", "self_redirect": "false"} | dict(self.settings.embed.items())
        page = self.settings.open_url + PAGES[request.client_type]
        return with_query(page, parameters) + "#wechat_redirect"

    def find_required_browser(self, client_type: ClientType, user_agent: str) -> RequiredBrowser | None:
        """H5 works inside WeChat alone, which WeCom only pretends to be; a double on loopback is in no app."""
        is_inside = "MicroMessenger" in user_agent and "wxwork" not in user_agent
        is_real = self.settings.open_url.startswith("https:")
        return RequiredBrowser.VENDOR_APP if client_type is ClientType.H5 and is_real and not is_inside else None

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html).

        A mini program's: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html
        """
        if response.client_type is ClientType.APP and "state" not in response.parameters:
            raise BadRequest("state: hand in what the SDK gave back with the code; only that ties it to this login")
        path, code_name, grant_name = MINI if response.client_type is ClientType.MINI else OAUTH2
        parameters = self._registration | {code_name: response.code, "grant_type": "authorization_code"}
        found = read_answer(await self.http.get(self.settings.api_url + path, params=parameters))
        if found.get("is_snapshotuser"):
            raise ProviderDenied("a snapshot page's person is made up")
        grant = _text(found, grant_name)
        if response.client_type is ClientType.MINI:
            grant = write_grant(grant, response.parameters)
        return Identity(self.union_type, self._ids(found), self.settings.app_id, grant=grant)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Ask for the profile (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsuserinfo.html).

        WeChat has none for `snsapi_base`, so there it is not asked; in a mini program people show what they like.
        """
        if identity.grant.startswith("{"):
            return identity.with_profile(_profile(json.loads(identity.grant)))
        if self.settings.scope == "snsapi_base":
            return identity.with_profile(Profile())
        parameters = {"access_token": identity.grant, "openid": identity.ids[-1].value, "lang": "zh_CN"}
        found = read_answer(await self.http.get(f"{self.settings.api_url}/sns/userinfo", params=parameters))
        return identity.with_profile(_profile(found), self._ids(found))

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return the number behind `phone_code`, or in `encryptedData` and `iv`: what a phone button hands in.

        https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html
        """
        handed_in = response.parameters
        if response.client_type is not ClientType.MINI:
            return None
        if code := handed_in.get("phone_code"):
            path, asked = "/wxa/business/getuserphonenumber?access_token=", {"code": code}
            found = await self.http.with_cached(
                f"app token {self.settings.app_id}",
                self._fetch_app_token,
                lambda token: self._post(path + quote(token), asked),
                lambda error: error.vendor.get("errcode") in DEAD_TOKEN,
            )
            if number := find_number(found.get("phone_info"), self.settings.app_id):
                return VerifiedPhone(number, code)
            raise ProviderBadResponse("phone_info is no number that this app was told just now")
        if text := handed_in.get("encryptedData"):
            session_key = json.loads(identity.grant)["session_key"]
            return open_phone(session_key, text, handed_in.get("iv", ""), self.settings.app_id)
        return None

    async def _fetch_app_token(self) -> tuple[str, float]:
        # https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
        found = await self._post("/cgi-bin/stable_token", {"grant_type": "client_credential", **self._registration})
        life = found.get("expires_in")
        return _text(found, "access_token"), life if isinstance(life, int) and 0 < life <= 7200 else 300

    async def _post(self, path: str, body: Mapping[str, str]) -> Mapping[str, object]:
        headers, content = {"content-type": "application/json"}, json.dumps(body).encode()
        return read_answer(await self.http.post(self.settings.api_url + path, content=content, headers=headers))

    @property
    def _registration(self) -> dict[str, str]:
        return {"appid": self.settings.app_id, "secret": self.settings.app_secret.get_secret_value()}

    def _ids(self, found: Mapping[str, object]) -> tuple[PersonId, ...]:
        open_id = PersonId.open_id(found.get("openid"), self.settings.app_id)
        return (PersonId.union_id(found["unionid"]), open_id) if "unionid" in found else (open_id,)


def _text(found: Mapping[str, object], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value or not value.isascii():
        raise ProviderBadResponse(f"{name} is not one")
    return value


def _profile(found: Mapping[str, object]) -> Profile:
    return Profile.of(
        nickname=found.get("nickname"),
        face=found.get("headimgurl"),
        sex=SEX.get(str(found.get("sex"))),
        province=found.get("province"),
        city=found.get("city"),
    )


@hookimpl
def connect_register_providers(register: Register) -> None:
    """Register the plugin `wechat`."""
    register("wechat", WechatProvider, sandbox="connect_wechat.sandbox:WechatSandbox")
