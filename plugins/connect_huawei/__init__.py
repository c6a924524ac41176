"""HUAWEI ID (华为账号) login: websites, HarmonyOS apps and atomic services (元服务).

Token: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-obtain-user-token
Person: https://developer.huawei.com/consumer/cn/doc/harmonyos-references-V5/account-api-otherscene-getuserinfo-V5
Errors: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-server-error-code
Atomic services: https://developer.huawei.com/consumer/en/doc/atomic-guides/develop-huawei-id-retrieval/
Web, from two libraries: justauth/JustAuth (AuthHuaweiV3Request), AspNet.Security.OAuth.Providers (Huawei)
"""

from connect_core.plugin import Claims, ClientType, Entrance, OAuth2Provider, Quirks, provider_hook


class HuaweiProvider(OAuth2Provider):
    """One app in AppGallery Connect. The ID token beside the access token is not read: user-info has both ids."""

    union_type = "HUAWEI"
    titles = {"zh": "华为账号", "en": "HUAWEI ID"}
    entrances = {**OAuth2Provider.entrances, **dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.CLIENT_CODE)}
    authorize_url = "https://oauth-login.cloud.huawei.com/oauth2/v3/authorize"
    token_url = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
    userinfo_url = "https://account.cloud.huawei.com/rest.php?nsp_svc=GOpen.User.getInfo"
    scope = "openid https://www.huawei.com/auth/account/base.profile"
    claims = Claims(union_id="unionID", open_id="openID", nickname="displayName", face="headPictureURL")
    quirks = Quirks(
        userinfo_method="form",
        userinfo_parameters={"access_token": "{access_token}", "getNickName": "1"},
        error_signs={"sub_error": "0", "NSP_STATUS": "0"},
        errors={
            # the code: its form, expired, used, withdrawn; the access token: expired, invalid
            "code_invalid": (
                *("20152", "20155", "20156", "20158"),
                *("6", "102", "31204", "session timeout", "invalid session"),
            ),
            # secret; client id; redirect_uri; the code is another client's; no right to user-info
            "provider_config": (
                *("12304", "20085", "20171", "20002", "20003", "20022", "20023", "20024"),
                *("20154", "105", "403"),
            ),
        },
    )


connect_register_providers = provider_hook(
    "huawei", HuaweiProvider, sandbox="connect_huawei.sandbox:HuaweiSandbox", icon="connect_huawei:icon.svg"
)
