"""The requests of a login as Alipay documents them, through the gateway (V2) and through OpenAPI V3.

Values only. None of them is taken from the provider, which the contract compares with them. None has an answer: Alipay
signs its answers, and its examples are not signed by a key that a shop could have.
"""

from connect_core.sandbox import DocumentedRequest

PAGE = (
    # https://opendocs.alipay.com/open/02xtl7
    DocumentedRequest(
        "GET",
        "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm",
        query={"app_id": "{app_id}", "scope": "auth_user", "redirect_uri": "{redirect_uri}", "state": "{state}"},
    ),
)
# https://opendocs.alipay.com/common/02kf5q
# It leaves open whether a parameter stands in the query or in the form. The exception is charset: the error
# isv.invalid-signature says that it belongs in the query.
GATEWAY = "https://openapi.alipay.com/gateway.do"
CHARSET = {"charset": "utf-8"}
COMMON = {
    "app_id": "{app_id}",
    "format": "JSON",
    "sign_type": "RSA2",
    "sign": "{*}",
    "timestamp": "{*}",
    "version": "1.0",
}
OPTIONAL = ("format", "app_auth_token", "app_cert_sn", "alipay_root_cert_sn", "encrypt_type")
V2_REQUESTS = (
    *PAGE,
    # https://opendocs.alipay.com/open/02ailc
    DocumentedRequest(
        "POST",
        GATEWAY,
        query=CHARSET,
        form={**COMMON, "method": "alipay.system.oauth.token", "grant_type": "authorization_code", "code": "{code}"},
        optional=OPTIONAL,
    ),
    # https://opendocs.alipay.com/apis/api_2/alipay.user.info.share
    DocumentedRequest(
        "POST",
        GATEWAY,
        query=CHARSET,
        form={**COMMON, "method": "alipay.user.info.share", "auth_token": "{access_token}"},
        optional=OPTIONAL,
    ),
)
# https://opendocs.alipay.com/open-v3/054q58 (certificate mode)
SIGNED = {
    "Authorization": ("ALIPAY-SHA256withRSA app_id={app_id},app_cert_sn={*},nonce={*},timestamp={*},sign={*}"),
    "alipay-root-cert-sn": "{*}",
    "alipay-request-id": "{*}",
}
V3_REQUESTS = (
    *PAGE,
    # https://github.com/alipay/alipay-sdk-java-all/blob/master/v3/docs/AlipaySystemOauthApi.md
    DocumentedRequest(
        "POST",
        "https://openapi.alipay.com/v3/alipay/system/oauth/token",
        json={"grant_type": "authorization_code", "code": "{code}"},
        headers={**SIGNED, "Content-Type": "application/json"},
    ),
    # https://github.com/alipay/alipay-sdk-java-all/blob/master/v3/docs/AlipayUserInfoApi.md
    DocumentedRequest(
        "POST",
        "https://openapi.alipay.com/v3/alipay/user/info/share",
        query={"auth_token": "{access_token}"},
        headers=SIGNED,
    ),
)
