"""The requests of a login as WeChat documents them, with WeChat's example answers, and the person in these.

Values only. None of them is taken from the provider, which the contract compares with them.
"""

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest

PAGE = {
    "appid": "{app_id}",
    "redirect_uri": "{redirect_uri}",
    "response_type": "code",
    "state": "{state}",
}
REDEEM_URL = "https://api.weixin.qq.com/sns/oauth2/access_token"
REDEEM = {"appid": "{app_id}", "secret": "{app_secret}", "code": "{code}", "grant_type": "authorization_code"}
FACE = (
    "https://thirdwx.qlogo.cn/mmopen/g3MonUZtNHkdmzicIlibx6iaFqAc56vxLSUfpb6n5WKSYVY0ChQKkiaJSgQ1dZuTO"
    "gvLLrhJbERQQ4eMsv84eavHiaiceqxibJxCfHe/46"
)
WEB_REQUESTS = (
    # https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html (step one)
    DocumentedRequest(
        "GET",
        "https://open.weixin.qq.com/connect/qrconnect",
        query={**PAGE, "scope": "snsapi_login"},
        optional=("lang",),
    ),
    # https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html (step one)
    DocumentedRequest(
        "GET",
        "https://open.weixin.qq.com/connect/oauth2/authorize",
        query={**PAGE, "scope": "snsapi_userinfo"},
        optional=("forcePopup", "forceSnapShot"),
    ),
    # https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html (step two)
    # https://developers.weixin.qq.com/doc/oplatform/Mobile_App/WeChat_Login/Development_Guide.html (step two)
    DocumentedRequest(
        "GET",
        REDEEM_URL,
        query=REDEEM,
        clients=("pc", "app"),
        answer={
            "access_token": "ACCESS_TOKEN",
            "expires_in": 7200,
            "refresh_token": "REFRESH_TOKEN",
            "openid": "OPENID",
            "scope": "SCOPE",
            "unionid": "o6_bmasdasdsad6_2sgVt7hMZOPfL",
        },
    ),
    # https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html
    # The answer there is about a snapshot page's visitor (is_snapshotuser), who must not be logged in.
    DocumentedRequest("GET", REDEEM_URL, query=REDEEM, clients=("h5",)),
    # https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsuserinfo.html
    DocumentedRequest(
        "GET",
        "https://api.weixin.qq.com/sns/userinfo",
        query={"access_token": "{access_token}", "openid": "{openid}", "lang": "zh_CN"},
        optional=("lang",),
        answer={
            "openid": "OPENID",
            "nickname": "NICKNAME",
            "sex": 1,
            "province": "PROVINCE",
            "city": "CITY",
            "country": "COUNTRY",
            "headimgurl": FACE,
            "privilege": ["PRIVILEGE1", "PRIVILEGE2"],
            "unionid": "o6_bmasdasdsad6_2sgVt7hMZOPfL",
        },
    ),
)
MINI_REQUESTS = (
    # https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html
    DocumentedRequest(
        "GET",
        "https://api.weixin.qq.com/sns/jscode2session",
        query={
            "appid": "{app_id}",
            "secret": "{app_secret}",
            "js_code": "{code}",
            "grant_type": "authorization_code",
        },
        answer={
            "openid": "xxxxxx",
            "session_key": "xxxxx",
            "unionid": "xxxxx",
            "errcode": 0,
            "errmsg": "xxxxx",
        },
    ),
    # https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
    DocumentedRequest(
        "POST",
        "https://api.weixin.qq.com/cgi-bin/stable_token",
        json={"grant_type": "client_credential", "appid": "{app_id}", "secret": "{app_secret}"},
        optional=("force_refresh",),
        answer={"access_token": "ACCESS_TOKEN", "expires_in": 7200},
    ),
    # https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html
    # The answer there is of 2021 and of another app, and its number is "xxxxxx".
    DocumentedRequest(
        "POST",
        "https://api.weixin.qq.com/wxa/business/getuserphonenumber",
        query={"access_token": "{access_token}"},
        json={"code": "{phone_code}"},
        optional=("openid",),
    ),
)
PERSON_IDS = (PersonId.union_id("o6_bmasdasdsad6_2sgVt7hMZOPfL"), PersonId.open_id("OPENID", "{app_id}"))
PERSON_PROFILE = Profile(nickname="NICKNAME", face=FACE, sex=1, province="PROVINCE", city="CITY")
