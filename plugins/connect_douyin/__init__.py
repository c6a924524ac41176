"""Douyin (抖音) login: websites, native apps and mini programs.

Code: https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/douyin-get-permission-code/
Token: https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/get-access-token
Person: https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/get-account-open-info
Mini program: https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server/basic-abilities/log-in/code-2-session
Phone: https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/tutorial/open-capabilities/general-capabilities/acquire-phone-number-acquire
Phone code: https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/tutorial/open-capabilities/general-capabilities/new-phone-method
Its call: https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server/basic-abilities/log-in/get-phone-number
Its padding (PKCS #1 v1.5) and error, from libraries, not the vendor's page: vnser/douyin-openapi and others
Errors: https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/status-code/
"""

import base64
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import (
    Answer,
    AuthorizationResponse,
    Claims,
    ClientType,
    Entrance,
    Field,
    Http,
    Identity,
    InAppBrowser,
    MiniProgramSettings,
    OAuth2Provider,
    ProviderBadResponse,
    Quirks,
    SecretStr,
    SettingsError,
    load_private_key,
    parse_object,
    provider_hook,
)


class DouyinSettings(MiniProgramSettings):
    """One website app, mobile app or mini program."""

    private_key: SecretStr | None = Field(
        None, description="A mini program's own key (应用私钥), for phone codes: PKCS#1 or PKCS#8, PEM or bare."
    )


class DouyinProvider(OAuth2Provider):
    """One website app, mobile app or mini program. The token answer has the open id, user-info the union id."""

    union_type = "DOUYIN"
    titles = {"zh": "抖音", "en": "Douyin"}
    own_browser = InAppBrowser.DOUYIN
    entrances = {**OAuth2Provider.entrances, **dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.CLIENT_CODE)}
    Settings = DouyinSettings
    authorize_url = "https://open.douyin.com/platform/oauth/connect/"
    token_url = "https://open.douyin.com/oauth/access_token/"
    userinfo_url = "https://open.douyin.com/oauth/userinfo/"
    code_url = "https://developer.toutiao.com/api/apps/v2/jscode2session"
    code_clients = (ClientType.MINI,)
    phone_url = "https://open.douyin.com/api/apps/v1/get_phonenumber_info/"
    app_token_url = "https://open.douyin.com/oauth/client_token/"
    scope = "user_info"
    id_claims = Claims(open_id="open_id")
    claims = Claims(
        union_id="data.union_id",
        open_id="data.open_id",
        nickname="data.nickname",
        face="data.avatar",
        phone=("purePhoneNumber", "phoneNumber"),
        phone_country="countryCode",
    )
    code_claims = Claims(union_id="data.unionid", open_id="data.openid")
    quirks = Quirks(
        names={"client_id": "client_key"},
        scope_separator=",",
        pkce="never",
        token_names={"redirect_uri": ""},
        token_envelope="data",
        userinfo_method="form",
        userinfo_parameters={"access_token": "{access_token}", "open_id": "{open_id}"},
        code_method="json",
        code_parameters={"appid": "{client_id}", "secret": "{client_secret}", "code": "{code}"},
        session_key="data.session_key",
        phone_app_id="watermark.appid",
        phone_method="json",
        phone_parameters={"code": "{phone_code}"},
        phone_header={"access-token": "{app_token}"},
        app_token_method="json",
        app_token_parameters={
            "client_key": "{client_id}",
            "client_secret": "{client_secret}",
            "grant_type": "client_credential",
        },
        app_token_envelope="data",
        app_token_errors=("10008", "2190008", "28001003", "28001008"),
        error_signs={"data.error_code": "0", "err_no": "0"},
        error_trace="data.log_id",
        errors={
            # 28005187: of a phone code; 40018: of a mini program
            "code_invalid": ("10007", "10008", "2190008", "28001003", "28001008", "28005187", "40018"),
            # client key, secret; no right to the scope; app blocked, test app expired; a mini program's id, secret
            "provider_config": (
                *("10003", "10004", "10013", "28001014", "28001016", "28001018", "28001019", "28001021"),
                *("40015", "40017"),
            ),
            # the person did not agree, is no tester of the app, closed the account, is banned
            "provider_denied": ("28001012", "28001020", "28001045", "28001046"),
            "provider_bad_response": ("28001015",),  # the open id is not that of the access token
        },
    )

    settings: DouyinSettings

    def __init__(self, settings: DouyinSettings, http: Http) -> None:
        """Load the key. Raises `SettingsError` for one that is no RSA key, and as the base provider does."""
        super().__init__(settings, http)
        self._key = None
        try:
            if settings.private_key is not None:
                self._key = load_private_key(settings.private_key.get_secret_value())
        except ValueError as error:
            raise SettingsError([f"private_key: {error}"]) from None
        if self._key is None:
            self.phone_url = ""  # the number is then the one in the client's encryptedData, if any

    def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
        """Return the object in an answer; a phone number's is encrypted with the public key in Douyin's console."""
        read = super().read_answer(operation, answer)
        if operation != "phone" or self._key is None:
            return read
        try:
            opened = parse_object(self._key.decrypt(base64.b64decode(str(read.get("data")), validate=True)).decode())
        except ValueError:
            raise ProviderBadResponse("private_key does not open the phone number") from None
        watermark = opened.get("watermark")
        if not isinstance(watermark, Mapping) or watermark.get("appid") != self.settings.client_id:
            raise ProviderBadResponse("the phone number is another app's")
        return opened

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Return the person with the union id, which only user-info has."""
        return await self.fetch_profile(await super().login_callback(response))


connect_register_providers = provider_hook(
    "douyin", DouyinProvider, sandbox="connect_douyin.sandbox:DouyinSandbox", icon="connect_douyin:icon.svg"
)
