"""Alipay login for web pages (PC and H5), native apps and mini programs.

Web: https://opendocs.alipay.com/open/02xtl7
Native app: https://opendocs.alipay.com/open/218/105327
Mini program: https://opendocs.alipay.com/mini/api/openapi-authorize

Owns Alipay's addresses, the login string for native apps, and the reading of ids and profile from Alipay's answers.
Signatures, certificates and the two protocols (gateway V2, OpenAPI V3) have modules of their own. Never touches state,
cookies, sessions or members.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar
from urllib.parse import quote, urlencode, urljoin

from connect_alipay.checks import check_settings, get_expiries
from connect_alipay.gateway import Gateway
from connect_alipay.keys import load_keys, log_ends
from connect_alipay.notices import read_message
from connect_alipay.phone import read_phone
from connect_alipay.refusals import REMEDIES
from connect_alipay.rest import RestGateway
from connect_alipay.settings import AlipaySettings
from connect_alipay.signature import get_signed_text, sign
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    BadRequest,
    ClientType,
    Diagnosis,
    Entrance,
    Finding,
    Http,
    Identity,
    InAppBrowser,
    NoticeAnswer,
    NoticeRequest,
    PersonId,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderConfig,
    Register,
    RequiredBrowser,
    VerifiedPhone,
    find_in_app_browser,
    hookimpl,
    is_absent,
    read_text,
    with_query,
)

AUTHORIZE = {
    "production": "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm",
    "sandbox": "https://openauth-sandbox.dl.alipaydev.com/oauth2/publicAppAuthorize.htm",
}
DEEP_LINK = "alipays://platformapi/startapp?appId=20000067&url="  # 20000067 is the browser inside Alipay's app
BLOCKS_DEEP_LINKS = {InAppBrowser.WECHAT, InAppBrowser.WECOM, InAppBrowser.QQ, InAppBrowser.DOUYIN}
SCOPES = {ClientType.PC: "auth_user", ClientType.H5: "auth_user", ClientType.APP: "kuaijie"}
APP_LOGIN = {  # constant parameters of the login string that the native SDK takes
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
    """One app of Alipay's open platform: a website or mobile app (PC, H5, native app), or a mini program."""

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
    own_browser = InAppBrowser.ALIPAY
    diagnosis = Diagnosis(remedies=REMEDIES, compares_clocks=True)
    settings: AlipaySettings
    now: Callable[[], float] = staticmethod(time.time)

    def __init__(self, settings: AlipaySettings, http: Http) -> None:
        """Parse the keys and certificates, and log which certificate ends soon.

        Raises `SettingsError` that names the key which cannot be used.
        """
        super().__init__(settings, http)
        self._keys = load_keys(settings)
        log_ends(settings, http.name)
        self._gateway = (RestGateway if settings.protocol == "v3" else Gateway)(settings, self._keys, http)
        self._authorize_url = settings.authorize_url or AUTHORIZE[settings.environment]

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the address of Alipay's consent page, or for a native app the signed login string for its SDK.

        Raises `ProviderConfig` when a native app logs in and the setting `pid` is missing.
        """
        scope = self.settings.scope or SCOPES[request.client_type]
        if request.client_type is ClientType.APP:
            return self._get_login_string(scope, request.state)
        parameters = {
            "app_id": self.settings.app_id,
            "scope": scope,
            "redirect_uri": request.redirect_uri,
            "state": request.state,
        }
        return with_query(self._authorize_url, parameters)

    def get_deep_link(self, start_url: str, user_agent: str) -> str | None:
        """Return the link that opens `start_url` inside Alipay's app; None when the browser is Alipay's already.

        A sandbox on loopback has a page that stands for the app.
        """
        if find_in_app_browser(user_agent) is InAppBrowser.ALIPAY:
            return None
        if self._authorize_url.startswith("http:"):
            return with_query(urljoin(self._authorize_url, "../_sandbox/app"), {"url": start_url})
        return DEEP_LINK + quote(start_url, safe="")

    def find_required_browser(self, client_type: ClientType, user_agent: str) -> RequiredBrowser | None:
        """Return `BROWSER` for H5 in an app whose browser blocks the link to Alipay's app; else None."""
        is_blocked = client_type is ClientType.H5 and find_in_app_browser(user_agent) in BLOCKS_DEEP_LINKS
        return RequiredBrowser.BROWSER if is_blocked else None

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Send the code to `alipay.system.oauth.token` and return the ids in its answer.

        https://opendocs.alipay.com/open/02ailc

        Raises `BadRequest` without calling Alipay when the callback names another app id, `CodeInvalid`,
        `ProviderDenied`, or a `ProviderFault` such as `ProviderUnsigned`.
        """
        if (response.parameters.get("app_id") or self.settings.app_id) != self.settings.app_id:
            raise BadRequest("app_id: the code is another app's")
        answer = await self._gateway.call(
            "alipay.system.oauth.token", {"grant_type": "authorization_code", "code": response.code}
        )
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise ProviderBadResponse("access_token is not a token")
        return Identity(self.union_type, self._read_ids(answer), self.settings.app_id, grant=token)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Call `alipay.user.info.share` (https://docs.antom.com/ac/solution_api/infoshare).

        Returns an empty profile without a call for scope `auth_base`, whose access token Alipay refuses there.
        Raises `ContradictingAnswer` when an id is another one than in the token answer, and `ProviderBadResponse` when
        the answer has none of those ids.
        """
        if self.settings.scope == "auth_base":
            return identity.with_profile(Profile())
        answer = await self._gateway.call("alipay.user.info.share", {}, auth_token=identity.grant)
        ids = self._read_ids(answer)
        profile = Profile.of(
            nickname=answer.get("nick_name"),
            face=answer.get("avatar"),
            sex=SEX.get(read_text(answer.get("gender")).lower()),
            province=answer.get("province"),
            city=answer.get("city"),
            is_certified=CERTIFIED.get(str(answer.get("is_certified"))),
        )
        described = identity.with_profile(profile, ids)
        if not set(ids) & set(identity.ids):
            raise ProviderBadResponse("the profile does not name the person that the token names")
        return described

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return the phone number that a mini program sent with its code, None when it sent none.

        The parameter `phone` (or `phoneNumber`) is the JSON text that `my.getPhoneNumber` answered.
        Raises as `read_phone` does.
        """
        phone = response.parameters.get("phone") or response.parameters.get("phoneNumber")
        return read_phone(phone, self._keys) if phone else None

    async def read_notice(self, request: NoticeRequest) -> NoticeAnswer:
        """Return what a message to the app's gateway address (应用网关) tells. Raises as `read_message` does."""
        key = self._keys.trust.get_configured_key()
        return read_message(request, self.settings.app_id, key, self.now())

    def check(self) -> Iterable[Finding]:
        """Return what is strange about the app id and the certificates."""
        return check_settings(self.settings, self.now())

    def get_certificate_expiries(self) -> Mapping[str, int]:
        """Return when the app's and Alipay's certificate expire."""
        return get_expiries(self.settings)

    def _get_login_string(self, scope: str, target_id: str) -> str:
        if not self.settings.pid:
            raise ProviderConfig("pid is missing: the app's login string names it")
        # The SDK's result has no state. Alipay documents target_id as an id of ours, unique per login.
        variable = {"app_id": self.settings.app_id, "pid": self.settings.pid, "scope": scope, "target_id": target_id}
        parameters = dict(sorted({**APP_LOGIN, **variable}.items()))
        return urlencode({**parameters, "sign": sign(self._keys.private, get_signed_text(parameters).encode())})

    def _read_ids(self, answer: Mapping[str, object]) -> tuple[PersonId, ...]:
        # Older answers also have alipay_user_id, a deprecated id with another value than user_id: it is not read.
        user_id, union_id, open_id = (answer.get(name) for name in ("user_id", "union_id", "open_id"))
        ids = [] if is_absent(user_id) else [PersonId.user_id(user_id)]
        ids += [] if is_absent(union_id) else [PersonId.union_id(union_id)]
        return (*ids, *([] if is_absent(open_id) else [PersonId.open_id(open_id, self.settings.app_id)]))


@hookimpl
def connect_register_providers(register: Register) -> None:
    """Register the plugin `alipay`."""
    register("alipay", AlipayProvider, sandbox="connect_alipay.sandbox:AlipaySandbox", icon="connect_alipay:icon.svg")
