"""HUAWEI ID (华为账号) login: websites, HarmonyOS apps and atomic services (元服务).

Token: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-obtain-user-token
One-tap login: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-get-user-info-quicklogin-by-code
Person: https://developer.huawei.com/consumer/cn/doc/harmonyos-references-V5/account-api-otherscene-getuserinfo-V5
Phone: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-get-user-info-get-phone
Errors: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-server-error-code
Atomic services: https://developer.huawei.com/consumer/en/doc/atomic-guides/develop-huawei-id-retrieval/
Web, from two libraries: justauth/JustAuth (AuthHuaweiV3Request), AspNet.Security.OAuth.Providers (Huawei)
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import (
    Answer,
    AuthorizationResponse,
    Claims,
    ClientType,
    ContradictingAnswer,
    Endpoint,
    Entrance,
    Field,
    Identity,
    OAuth2Provider,
    OAuth2Settings,
    ProviderRefused,
    Quirks,
    VerifiedPhone,
    get_display_text,
    provider_hook,
    read_number,
)


class HuaweiSettings(OAuth2Settings):
    """One app in AppGallery Connect: Client ID and Client Secret."""

    code_url: Endpoint | None = Field(
        None, description="Where the code of the one-tap login is redeemed; default: Huawei's."
    )


class HuaweiProvider(OAuth2Provider):
    """One app in AppGallery Connect. The ID token beside the access token is not read: user-info has both ids.

    `code_url` takes the codes of the one-tap login alone, which a client posts as `phone_code` as well.
    """

    union_type = "HUAWEI"
    titles = {"zh": "华为账号", "en": "HUAWEI ID"}
    entrances = {**OAuth2Provider.entrances, **dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.CLIENT_CODE)}
    Settings = HuaweiSettings
    authorize_url = "https://oauth-login.cloud.huawei.com/oauth2/v3/authorize"
    token_url = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
    userinfo_url = "https://account.cloud.huawei.com/rest.php?nsp_svc=GOpen.User.getInfo"
    code_url = "https://account-api.cloud.huawei.com/oauth2/v6/quickLogin/getPhoneNumber"
    code_clients = ()
    scope = "openid https://www.huawei.com/auth/account/base.profile"
    claims = Claims(
        union_id="unionID",
        open_id="openID",
        nickname="displayName",
        face="headPictureURL",
        phone="purePhoneNumber",
        phone_country="phoneCountryCode",
    )
    code_claims = Claims(
        union_id="unionId", open_id="openId", phone="purePhoneNumber", phone_country="phoneCountryCode"
    )
    quirks = Quirks(
        userinfo_method="form",
        userinfo_parameters={"access_token": "{access_token}", "getNickName": "1"},
        code_method="json",
        code_parameters={"code": "{code}", "clientId": "{client_id}", "clientSecret": "{client_secret}"},
        error_signs={"sub_error": "0", "NSP_STATUS": "0", "resultCode": "0"},
        errors={
            # the code: its form, expired, used, withdrawn; the access token: expired, invalid
            "code_invalid": (
                *("20152", "20155", "20156", "20158"),
                *("6", "102", "31204", "session timeout", "invalid session"),
                *("60010012", "60180004", "60180005", "60180006"),  # of the one-tap login
            ),
            # secret; client id; redirect_uri; the code is another client's; no right to user-info
            "provider_config": (
                *("12304", "20085", "20171", "20002", "20003", "20022", "20023", "20024"),
                *("20154", "105", "403"),
                # the one-tap login: secret; another client's code; no right to it; our server is not in China
                *("60010013", "60180003", "60180007", "60180009"),
            ),
            "provider_denied": ("60180008",),  # the account has no phone number: this person cannot log in by one tap
        },
    )

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code; the answer to one of the one-tap login has the number, too. Raises as the base provider."""
        if self._is_one_tap(response):
            return await self.redeem_client_code(response)
        return await super().login_callback(response)

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return the number that the code of a phone button is redeemed for, in the same two calls as a login's code.

        Returns None without `phone_code`, and for the one-tap login, whose number `login_callback` has read. Raises
        `ProviderRefused` for an answer without a number, `ContradictingAnswer` for another person's, and as
        `login_callback` does.
        """
        phone_code = response.parameters.get(self.quirks.phone_code_name)
        if not phone_code or self._is_one_tap(response):
            return None
        owner = await super().login_callback(
            AuthorizationResponse.of_spent_flow(
                client_type=response.client_type, code=phone_code, parameters={}, redirect_uri=""
            )
        )
        if owner.ids != identity.ids:
            raise ContradictingAnswer("phone_code is another person's")
        if not owner.profile or not owner.profile.mobile:
            raise ProviderRefused("no phone number: the app has no right to it (phone), or the person has none")
        return VerifiedPhone(owner.profile.mobile, phone_code)

    def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
        """Return the object in an answer, without a number that Huawei has not verified in the last 90 days."""
        content = super().read_answer(operation, answer)
        if operation == "code" and read_number(content.get("phoneNumberValid")) != 1:
            return {**content, "purePhoneNumber": ""}
        return content

    def _is_one_tap(self, response: AuthorizationResponse) -> bool:
        is_posted = self.entrances[response.client_type] is Entrance.CLIENT_CODE
        # read however it looks: `fetch_phone` refuses a malformed one, and the login stands
        return is_posted and get_display_text(response.parameters, self.quirks.phone_code_name) == response.code


connect_register_providers = provider_hook(
    "huawei", HuaweiProvider, sandbox="connect_huawei.sandbox:HuaweiSandbox", icon="connect_huawei:icon.svg"
)
