"""WeChat login: QR code on a PC, consent page inside WeChat (H5), native apps and mini programs.

Website app: https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html
Official account: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
Native app: https://developers.weixin.qq.com/doc/oplatform/Mobile_App/WeChat_Login/Development_Guide.html
Mini program: https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/login.html

Owns WeChat's variant of OAuth 2.0, its links and its ids. Never touches state, cookies, sessions or members.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr, model_validator

from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    BadRequest,
    ClientType,
    Diagnosis,
    Endpoint,
    Entrance,
    Finding,
    Http,
    Identity,
    InAppBrowser,
    NoticeAnswer,
    NoticeRequest,
    PagePreviewed,
    PersonId,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderSettings,
    ProviderUnsigned,
    Register,
    Registered,
    RequiredBrowser,
    SettingsError,
    VerifiedPhone,
    find_in_app_browser,
    hookimpl,
    is_absent,
    read_number,
    read_text,
    with_query,
)
from connect_wechat.checks import check_registration
from connect_wechat.mini import decrypt_phone, encode_session, find_number
from connect_wechat.notices import PushKeys, read_push
from connect_wechat.responses import REMEDIES, read_answer

PAGES = {ClientType.PC: "/connect/qrconnect", ClientType.H5: "/connect/oauth2/authorize"}
SCOPES = {ClientType.PC: "snsapi_login", ClientType.H5: "snsapi_userinfo", ClientType.APP: "snsapi_userinfo"}
OAUTH2 = ("/sns/oauth2/access_token", "code", "access_token")  # path, name of the code, name of what it is redeemed for
MINI = ("/sns/jscode2session", "js_code", "session_key")
INVALID_APP_TOKEN = {"40001", "40014", "42001"}
SEX = {"1": 1, "2": 0}


class WechatSettings(ProviderSettings):
    """One registration: a website app (PC), an official account (H5), a mobile app, or a mini program."""

    app_id: str = Field(min_length=1, description="AppID of this client type's registration.")
    app_secret: SecretStr = Field(min_length=1, description="Its AppSecret.")
    scope: Literal["snsapi_login", "snsapi_userinfo", "snsapi_base"] | None = Field(
        None, description="Default: snsapi_login on PC, else snsapi_userinfo. snsapi_base is silent, without profile."
    )
    embed: dict[Literal["style", "href"], str] | None = Field(
        None, description="PC: only the QR code, for an iframe; takes `style` and `href` as wxLogin.js does."
    )
    notice_token: SecretStr | None = Field(None, description="Token of the console's message push (消息推送).")
    notice_aes_key: SecretStr | None = Field(None, description="Its EncodingAESKey; the push is in secure mode.")
    api_url: Endpoint = Field("https://api.weixin.qq.com", description="WeChat's API.")
    open_url: Endpoint = Field("https://open.weixin.qq.com", description="WeChat's QR code and consent pages.")

    @model_validator(mode="after")
    def _has_both_keys_of_the_push(self) -> Self:
        if (self.notice_token is None) != (self.notice_aes_key is None):
            raise ValueError("give notice_token and notice_aes_key, or neither")
        return self


class WechatProvider(Provider):
    """One website app, official account, mobile app or mini program."""

    union_type = "WECHAT"
    entrances: ClassVar = {
        **dict.fromkeys(PAGES, Entrance.REDIRECT),
        ClientType.APP: Entrance.TICKETED_CODE,  # the SDK gives state back with the code; a mini program has no state
        ClientType.MINI: Entrance.CLIENT_CODE,
    }
    Settings = WechatSettings
    titles = {"zh": "微信", "en": "WeChat"}
    refuses_without_code = True
    denial_words = ("authdeny",)  # in place of the code
    own_browser = InAppBrowser.WECHAT
    diagnosis = Diagnosis(remedies=REMEDIES, redirect_errors=("10003",), registered=(Registered.HOST,))
    settings: WechatSettings
    now: Callable[[], float] = staticmethod(time.time)

    def __init__(self, settings: WechatSettings, http: Http) -> None:
        """Parse the key of the message push. Raises `SettingsError` for a text that is none."""
        super().__init__(settings, http)
        self._push_keys: PushKeys | None = None
        token, key = settings.notice_token, settings.notice_aes_key
        if token and key:
            try:
                self._push_keys = PushKeys.load(settings.app_id, token.get_secret_value(), key.get_secret_value())
            except ValueError as error:
                raise SettingsError([f"notice_aes_key: {error}"]) from None

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the address of WeChat's page; for a native app the parameters of its SDK's request, form-encoded.

        The parameters stand in the documented order, because WeChat matches H5 links against a pattern.
        """
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
            # The callback has to load in the whole window: in the iframe it would lack our SameSite=Lax cookies.
            parameters |= {"login_type": "jssdk", "self_redirect": "false"} | dict(self.settings.embed.items())
        page = self.settings.open_url + PAGES[request.client_type]
        return with_query(page, parameters) + "#wechat_redirect"

    def find_required_browser(self, client_type: ClientType, user_agent: str) -> RequiredBrowser | None:
        """Return `VENDOR_APP` for H5 outside WeChat, else None. The sandbox works in any browser."""
        is_inside = find_in_app_browser(user_agent) is InAppBrowser.WECHAT  # logins do not work in WeCom's
        is_real = self.settings.open_url.startswith("https:")
        return RequiredBrowser.VENDOR_APP if client_type is ClientType.H5 and is_real and not is_inside else None

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Send the code to WeChat and return the ids in its answer.

        PC, H5, app: https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html
        Mini program: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html

        Raises `BadRequest` for a native app's code without `state`, `PagePreviewed` for a snapshot page, and as
        `read_answer` does.
        """
        if response.client_type is ClientType.APP and "state" not in response.parameters:
            raise BadRequest("state: hand in what the SDK gave back with the code; only that ties it to this login")
        path, code_name, token_name = MINI if response.client_type is ClientType.MINI else OAUTH2
        parameters = self._registration | {code_name: response.code, "grant_type": "authorization_code"}
        answer = read_answer(await self.http.get(self.settings.api_url + path, params=parameters))
        if read_number(answer.get("is_snapshotuser")):
            raise PagePreviewed("a snapshot page's person is made up")
        token = _read_token(answer, token_name)
        if response.client_type is ClientType.MINI:
            token = encode_session(token, response.parameters)
        return Identity(self.union_type, self._read_ids(answer), self.settings.app_id, grant=token)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Call `sns/userinfo` (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsuserinfo.html).

        Makes no call for `snsapi_base`, which has no right to a profile, and for a mini program, whose profile came
        with the code.
        """
        if identity.grant.startswith("{"):  # a mini program's, see `encode_session`
            return identity.with_profile(_read_profile(json.loads(identity.grant)))
        if self.settings.scope == "snsapi_base":
            return identity.with_profile(Profile())
        parameters = {"access_token": identity.grant, "openid": identity.ids[-1].value, "lang": "zh_CN"}
        answer = read_answer(await self.http.get(f"{self.settings.api_url}/sns/userinfo", params=parameters))
        return identity.with_profile(_read_profile(answer), self._read_ids(answer))

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return the phone number that a mini program's phone button gave, None when the client sent none.

        https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html

        Takes `phone_code`, or of older base libraries `encryptedData` and `iv`. Raises `ProviderBadResponse` for a
        number of another app or an old one, and `BadRequest` for data that the session key does not decrypt.
        """
        parameters = response.parameters
        if response.client_type is not ClientType.MINI:
            return None
        if code := parameters.get("phone_code"):
            path = "/wxa/business/getuserphonenumber?access_token="
            answer = await self.http.with_cached(
                f"app token {self.settings.app_id}",
                self._fetch_app_token,
                lambda token: self._post(path + quote(token), {"code": code}),
                lambda error: error.vendor.get("errcode") in INVALID_APP_TOKEN,
            )
            if number := find_number(answer.get("phone_info"), self.settings.app_id):
                return VerifiedPhone(number, code)
            raise ProviderBadResponse("phone_info is no number that this app was told just now")
        if text := parameters.get("encryptedData"):
            session_key = json.loads(identity.grant)["session_key"]
            return decrypt_phone(session_key, text, parameters.get("iv", ""), self.settings.app_id)
        return None

    async def read_notice(self, request: NoticeRequest) -> NoticeAnswer:
        """Return what a message push tells. Raises as `read_push`, and `ProviderUnsigned` without the settings."""
        if self._push_keys is None:
            raise ProviderUnsigned("notice_token and notice_aes_key are missing: no push can be checked")
        return read_push(request, self._push_keys, self.now())

    def check(self) -> Iterable[Finding]:
        """Return what is strange about the form of app id and secret."""
        return check_registration(self.settings.app_id, self.settings.app_secret.get_secret_value())

    async def _fetch_app_token(self) -> tuple[str, float]:
        # https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
        answer = await self._post("/cgi-bin/stable_token", {"grant_type": "client_credential", **self._registration})
        life = read_number(answer.get("expires_in")) or 0
        return _read_token(answer, "access_token"), life if 0 < life <= 7200 else 300

    async def _post(self, path: str, body: Mapping[str, str]) -> Mapping[str, object]:
        headers, content = {"content-type": "application/json"}, json.dumps(body).encode()
        return read_answer(await self.http.post(self.settings.api_url + path, content=content, headers=headers))

    @property
    def _registration(self) -> dict[str, str]:
        return {"appid": self.settings.app_id, "secret": self.settings.app_secret.get_secret_value()}

    def _read_ids(self, answer: Mapping[str, object]) -> tuple[PersonId, ...]:
        open_id = PersonId.open_id(answer.get("openid"), self.settings.app_id)
        union_id = answer.get("unionid")
        return (open_id,) if is_absent(union_id) else (PersonId.union_id(union_id), open_id)


def _read_token(answer: Mapping[str, object], name: str) -> str:
    token = answer.get(name)
    if not isinstance(token, str) or not token or not token.isascii():
        raise ProviderBadResponse(f"{name} is not one")
    return token


def _read_profile(fields: Mapping[str, object]) -> Profile:
    return Profile.of(
        nickname=fields.get("nickname"),
        face=fields.get("headimgurl"),
        sex=SEX.get(read_text(fields.get("sex"))),
        province=fields.get("province"),
        city=fields.get("city"),
    )


@hookimpl
def connect_register_providers(register: Register) -> None:
    """Register the plugin `wechat`."""
    register("wechat", WechatProvider, sandbox="connect_wechat.sandbox:WechatSandbox", icon="connect_wechat:icon.svg")
