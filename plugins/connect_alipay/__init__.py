"""Alipay login: web pages on a PC and in H5, native apps and mini programs.

Owns Alipay's addresses, its login string for apps and what its answers say about a person. Signatures, certificates and
the two protocols have modules of their own. Never touches state, cookies or members.

Web: https://opendocs.alipay.com/open/02xtl7 App: https://opendocs.alipay.com/open/218/105327
Mini program: https://opendocs.alipay.com/mini/api/openapi-authorize
"""

import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote, urlencode

from connect_alipay.gateway import Gateway
from connect_alipay.keys import load_keys
from connect_alipay.phone import read_phone
from connect_alipay.rest import RestGateway
from connect_alipay.settings import AlipaySettings
from connect_alipay.signature import get_signed_text, sign
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    BadRequest,
    ClientType,
    Entrance,
    Http,
    Identity,
    PersonId,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderConfig,
    Register,
    RequiredBrowser,
    VerifiedPhone,
    hookimpl,
    with_query,
)

AUTHORIZE = {
    "production": "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm",
    "sandbox": "https://openauth-sandbox.dl.alipaydev.com/oauth2/publicAppAuthorize.htm",
}
WAKE_UP = "alipays://platformapi/startapp?appId=20000067&url="  # the app id is that of the wallet's own browser
KEEPS_US_IN = re.compile(r"MicroMessenger|\bQQ/|aweme")  # apps whose browsers open no other app: WeChat, QQ, Douyin
SCOPES = {ClientType.PC: "auth_user", ClientType.H5: "auth_user", ClientType.APP: "kuaijie"}
APP_LOGIN = {  # what the native SDK's login string says besides whose it is
    "apiname": "com.alipay.account.auth",
    "app_name": "mc",
    "auth_type": "AUTHACCOUNT",
    "biz_type": "openservice",
    "method": "alipay.open.auth.sdk.code.get",
    "product_id": "APP_FAST_LOGIN",
    "sign_type": "RSA2",
}
SEX = {"m": 1, "f": 0}
CERTIFIED = {"T": True, "F": False}


class AlipayProvider(Provider):
    """One app at Alipay's open platform: a website or mobile app, or a mini program."""

    union_type = "ALIPAY"
    entrances: ClassVar = {
        ClientType.PC: Entrance.REDIRECT,
        ClientType.H5: Entrance.REDIRECT,
        ClientType.MINI: Entrance.CLIENT_CODE,
        ClientType.APP: Entrance.TICKETED_CODE,
    }
    Settings = AlipaySettings
    titles = {"zh": "支付宝", "en": "Alipay"}
    code_names = ("auth_code", "authCode")
    refuses_without_code = True
    settings: AlipaySettings

    def __init__(self, settings: AlipaySettings, http: Http) -> None:
        """Parse the keys. Raises `SettingsError` naming the one that cannot work."""
        super().__init__(settings, http)
        self._keys = load_keys(settings)
        self._gateway = (RestGateway if settings.protocol == "v3" else Gateway)(settings, self._keys, http)
        self._authorize_url = settings.authorize_url or AUTHORIZE[settings.environment]

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return Alipay's page, or the native SDK's signed string. Raises `ProviderConfig` when `pid` is missing."""
        scope = self.settings.scope or SCOPES[request.client_type]
        if request.client_type is ClientType.APP:
            return self._get_app_login(scope, request.state)
        parameters = {
            "app_id": self.settings.app_id,
            "scope": scope,
            "redirect_uri": request.redirect_uri,
            "state": request.state,
        }
        return with_query(self._authorize_url, parameters)

    def get_deep_link(self, start_url: str, user_agent: str) -> str | None:
        """Return the link that opens `start_url` in Alipay's app; None inside the app."""
        return None if "AlipayClient" in user_agent else WAKE_UP + quote(start_url, safe="")

    def find_required_browser(self, client_type: ClientType, user_agent: str) -> RequiredBrowser | None:
        """A browser that does not follow the link to Alipay's app has to be left."""
        return RequiredBrowser.BROWSER if client_type is ClientType.H5 and KEEPS_US_IN.search(user_agent) else None

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code (https://opendocs.alipay.com/open/02ailc); one of another app is refused unasked."""
        if response.parameters.get("app_id", self.settings.app_id) != self.settings.app_id:
            raise BadRequest("app_id: the code is another app's")
        found = await self._gateway.call(
            "alipay.system.oauth.token", {"grant_type": "authorization_code", "code": response.code}
        )
        token = found.get("access_token")
        if not isinstance(token, str) or not token:
            raise ProviderBadResponse("access_token is not a token")
        return Identity(self.union_type, self._ids(found), self.settings.app_id, grant=token)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Ask for the profile (https://docs.antom.com/ac/solution_api/infoshare); Alipay has none for `auth_base`."""
        if self.settings.scope == "auth_base":
            return identity.with_profile(Profile())
        found = await self._gateway.call("alipay.user.info.share", {}, auth_token=identity.grant)
        ids = self._ids(found)
        if not set(ids) & set(identity.ids):
            raise ProviderBadResponse("the profile does not name the person that the token names")
        profile = Profile.of(
            nickname=found.get("nick_name"),
            face=found.get("avatar"),
            sex=SEX.get(str(found.get("gender")).lower()),
            province=found.get("province"),
            city=found.get("city"),
            is_certified=CERTIFIED.get(str(found.get("is_certified"))),
        )
        return identity.with_profile(profile, ids)

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return the number in `phone` (or `phoneNumber`), the JSON text that `my.getPhoneNumber` answered."""
        handed_in = response.parameters.get("phone") or response.parameters.get("phoneNumber")
        return read_phone(handed_in, self._keys) if handed_in else None

    def _get_app_login(self, scope: str, target_id: str) -> str:
        if not self.settings.pid:
            raise ProviderConfig("pid is missing: the app's login string names it")
        # target_id is the only place that this login has for a state
        whose = {"app_id": self.settings.app_id, "pid": self.settings.pid, "scope": scope, "target_id": target_id}
        parameters = dict(sorted({**APP_LOGIN, **whose}.items()))
        return urlencode({**parameters, "sign": sign(self._keys.private, get_signed_text(parameters).encode())})

    def _ids(self, found: Mapping[str, object]) -> tuple[PersonId, ...]:
        """`alipay_user_id` of older answers is another value than `user_id` and never read."""
        ids = []
        if "user_id" in found:
            ids.append(PersonId.user_id(found["user_id"]))
        if "union_id" in found:
            ids.append(PersonId.union_id(found["union_id"]))
        if "open_id" in found:
            ids.append(PersonId.open_id(found["open_id"], self.settings.app_id))
        return tuple(ids)


@hookimpl
def connect_register_providers(register: Register) -> None:
    """Register the plugin `alipay`."""
    register("alipay", AlipayProvider, sandbox="connect_alipay.sandbox:AlipaySandbox")
