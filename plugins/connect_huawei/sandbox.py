"""Huawei's sandbox: a number and a finer number as an error of the token call, PKCE, user-info by POST.

Token: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-obtain-user-token
Person: https://developer.huawei.com/consumer/cn/doc/harmonyos-references-V5/account-api-otherscene-getuserinfo-V5
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_huawei import HuaweiProvider

TOKEN_URL = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
WORDS = {"102": "invalid session", "6": "session timeout"}
TOKENS = {
    "access_token": "CFsCPrF8B4prsK2yYenj6l9VvmYB/7LvM/ayXt+SOiwzmSIWu/qHComneixAl3tBVONd6IGvbObDpaAWivA5/g==",
    "refresh_token": "CF13VwxyC7Xp0ws8JhRvDJH9vQfYQmV1mCx1kD0aqYzDlmS3Q1Zr5JnJd8k1zD2Y3HfVt6wXh4mS2bA==",
    "expires_in": 3600,
    "id_token": "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl",
    "scope": "openid profile",
    "token_type": "Bearer",
}


class HuaweiSandbox(OAuth2Sandbox):
    """One app, which is a website, a HarmonyOS app and an atomic service at once."""

    title = "华为账号沙箱 · HUAWEI ID sandbox"
    provider = HuaweiProvider
    client_id = "100000001"
    code_life = 300
    error_statuses = (400, 200)
    refusals = {"invalid_client": "12304", "invalid_grant": "20156", "invalid_token": "102", "invalid_request": "20002"}
    documented = (
        # https://github.com/justauth/JustAuth (AuthHuaweiV3Request), which adds access_type for a refresh token, and
        # https://github.com/aspnet-contrib/AspNet.Security.OAuth.Providers (Huawei)
        DocumentedRequest(
            "GET",
            "https://oauth-login.cloud.huawei.com/oauth2/v3/authorize",
            query=of_login(
                "response_type client_id redirect_uri state code_challenge code_challenge_method",
                scope="openid https://www.huawei.com/auth/account/base.profile",
            ),
            optional=("access_type",),
        ),
        # the same two
        DocumentedRequest(
            "POST",
            TOKEN_URL,
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
            answer=TOKENS,
            clients=("pc", "h5"),
        ),
        # https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-obtain-user-token
        DocumentedRequest(
            "POST",
            TOKEN_URL,
            form=of_login("grant_type client_id client_secret code"),
            optional=("supportAlg",),
            answer=TOKENS,
            clients=("app", "mini"),
        ),
        # https://developer.huawei.com/consumer/cn/doc/harmonyos-references-V5/account-api-otherscene-getuserinfo-V5
        # (the values of the answer are made up)
        DocumentedRequest(
            "POST",
            "https://account.cloud.huawei.com/rest.php",
            query={"nsp_svc": "GOpen.User.getInfo"},
            form={"access_token": "{access_token}", "getNickName": "1"},
            answer={
                "openID": "MDFAMTAwMDAwMDAxQDk4NzY1NDMyMTA",
                "unionID": "MDEzMjEwODc2NTQzMjFVTklPTg",
                "displayName": "花粉",
                "displayNameFlag": 0,
                "headPictureURL": "https://upfile-drcn.platform.hicloud.com/head.jpg",
            },
        ),
    )
    documented_ids = (
        PersonId.union_id("MDEzMjEwODc2NTQzMjFVTklPTg"),
        PersonId.open_id("MDFAMTAwMDAwMDAxQDk4NzY1NDMyMTA", "{client_id}"),
    )
    documented_profile = Profile(nickname="花粉", face="https://upfile-drcn.platform.hicloud.com/head.jpg")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens with an ID token, which nobody reads."""
        lives = {"expires_in": 3600, "token_type": "Bearer", "scope": grant.scope}
        return {"access_token": token, "refresh_token": f"{token}R", **lives, "id_token": "e30.e30.c2ln"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; there is no picture of somebody who has none."""
        ids = {"openID": self.open_id(person.key), "unionID": self.union_id(person.key)}
        picture = {"headPictureURL": person.face} if person.face else {}
        return {**ids, "displayName": person.nickname, "displayNameFlag": 0, **picture}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: a word of user-info, or two numbers of the token call."""
        if code in WORDS or not code.isdecimal():
            return {"error": WORDS.get(code, code)}
        return {"error": 1101, "sub_error": int(code), "error_description": "made up by the sandbox"}
