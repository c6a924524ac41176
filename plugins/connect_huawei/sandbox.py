"""Huawei's sandbox: a number and a finer number as an error of the token call, PKCE, user-info by POST.

Token: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-obtain-user-token
Person: https://developer.huawei.com/consumer/cn/doc/harmonyos-references-V5/account-api-otherscene-getuserinfo-V5
Phone: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-get-user-info-get-phone
One-tap login: https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-get-user-info-quicklogin-by-code
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType, Entrance, PersonId, Profile
from connect_core.sandbox import (
    DocumentedRequest,
    Grant,
    OAuth2Sandbox,
    Person,
    mobile_of,
    of_login,
    split_mobile,
)
from connect_huawei import HuaweiProvider

TOKEN_URL = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
WORDS = {"102": "invalid session", "6": "session timeout"}
OPEN_ID, UNION_ID = "MDFAMTAwMDAwMDAxQDk4NzY1NDMyMTA", "MDEzMjEwODc2NTQzMjFVTklPTg"
NUMBER = {"purePhoneNumber": "19100000008", "phoneCountryCode": "0086"}
TOKENS = {
    "access_token": "CFsCPrF8B4prsK2yYenj6l9VvmYB/7LvM/ayXt+SOiwzmSIWu/qHComneixAl3tBVONd6IGvbObDpaAWivA5/g==",
    "refresh_token": "CF13VwxyC7Xp0ws8JhRvDJH9vQfYQmV1mCx1kD0aqYzDlmS3Q1Zr5JnJd8k1zD2Y3HfVt6wXh4mS2bA==",
    "expires_in": 3600,
    "id_token": "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl",
    "scope": "openid profile",
    "token_type": "Bearer",
}
# https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-get-user-info-quicklogin-by-code (the
# values of the answer are made up)
ONE_TAP = DocumentedRequest(
    "POST",
    "https://account-api.cloud.huawei.com/oauth2/v6/quickLogin/getPhoneNumber",
    json={"code": "{code}", "clientId": "{client_id}", "clientSecret": "{client_secret}"},
    answer={"openId": OPEN_ID, "unionId": UNION_ID, "phoneNumber": "008619100000008", "phoneNumberValid": 1, **NUMBER},
)
"""How the code of the one-tap login is redeemed, see `HuaweiSandbox.press_one_tap`."""


class HuaweiSandbox(OAuth2Sandbox):
    """One app, which is a website, a HarmonyOS app and an atomic service at once."""

    title = "华为账号沙箱 · HUAWEI ID sandbox"
    provider = HuaweiProvider
    client_id = "100000001"
    code_life = 300
    error_statuses = (400, 200)
    refusals = {
        "invalid_client": "12304",
        "invalid_grant": "20156",
        "invalid_token": "102",
        "invalid_request": "20002",
        "code invalid_client": "60010013",
        "code invalid_grant": "60180005",
        "code invalid_request": "60010002",
    }
    for_tests = ("press_one_tap",)
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
        # the phone button: https://developer.huawei.com/consumer/cn/doc/atomic-guides/develop-huawei-id-retrieval
        DocumentedRequest(
            "POST",
            TOKEN_URL,
            form=of_login("grant_type client_id client_secret", code="{phone_code}"),
            optional=("supportAlg",),
            answer=TOKENS,
            clients=("app", "mini"),
        ),
        # https://developer.huawei.com/consumer/cn/doc/harmonyos-references-V5/account-api-otherscene-getuserinfo-V5
        # (the values of the answer are made up), with the number of an access token that is good for it, as in
        # https://developer.huawei.com/consumer/cn/doc/harmonyos-references/account-api-get-user-info-get-phone
        DocumentedRequest(
            "POST",
            "https://account.cloud.huawei.com/rest.php",
            query={"nsp_svc": "GOpen.User.getInfo"},
            form={"access_token": "{access_token}", "getNickName": "1"},
            answer={
                "openID": OPEN_ID,
                "unionID": UNION_ID,
                "displayName": "花粉",
                "displayNameFlag": 0,
                "headPictureURL": "https://upfile-drcn.platform.hicloud.com/head.jpg",
                "mobileNumber": "19100000008",
                **NUMBER,
            },
        ),
    )
    documented_ids = (PersonId.union_id(UNION_ID), PersonId.open_id(OPEN_ID, "{client_id}"))
    documented_profile = Profile(
        nickname="花粉", face="https://upfile-drcn.platform.hicloud.com/head.jpg", mobile="19100000008"
    )
    documented_phone = "19100000008"

    def press_one_tap(self, person: str) -> dict[str, str]:
        """Return what an app posts after a press on the one-tap button: its code, which is that of the number, too."""
        code = self._issue_code("client_code", self.find_person(person), {})
        return {"code": code, "phone_code": code}

    def phone_parameters(self, client_type: ClientType, person: str) -> dict[str, str]:
        """Return the code of a press on the phone button, which the token call takes."""
        if self.provider.entrances[client_type] is Entrance.REDIRECT:
            return {}
        return {"phone_code": self._issue_code("code", self.find_person(person), {"scope": "phone"})}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens with an ID token, which nobody reads."""
        lives = {"expires_in": 3600, "token_type": "Bearer", "scope": grant.scope}
        return {"access_token": token, "refresh_token": f"{token}R", **lives, "id_token": "e30.e30.c2ln"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; there is no picture of somebody who has none."""
        ids = {"openID": self.open_id(person.key), "unionID": self.union_id(person.key)}
        picture = {"headPictureURL": person.face} if person.face else {}
        return {**ids, "displayName": person.nickname, "displayNameFlag": 0, **picture}

    def code_answer(self, person: Person, token: str) -> dict[str, Any]:
        """Return ids and number of the one-tap login, which is without a token."""
        ids = {"openId": self.open_id(person.key), "unionId": self.union_id(person.key)}
        number = _number_of(person)
        full = number["phoneCountryCode"] + number["purePhoneNumber"]
        return {**ids, "phoneNumber": full, "phoneNumberValid": 1, **number}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: a word of user-info, or two numbers of the token call."""
        if code in WORDS or not code.isdecimal():
            return {"error": WORDS.get(code, code)}
        if code.startswith("60"):
            return {"resultCode": int(code), "resultDesc": "made up by the sandbox"}
        return {"error": 1101, "sub_error": int(code), "error_description": "made up by the sandbox"}

    def error_status(self, operation: str, code: str) -> int:
        """Return 200 for every error of the one-tap login."""
        return 200 if operation == "code" else super().error_status(operation, code)

    def _answer_userinfo(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        answer = super()._answer_userinfo(parameters, headers)
        grant = self._grants.find("token", parameters["access_token"], "invalid_token")
        if grant.scope != "phone":
            return answer
        number = _number_of(grant.person)
        code = number["phoneCountryCode"].removeprefix("0086")
        return {**answer, "mobileNumber": code + number["purePhoneNumber"], **number}


def _number_of(person: Person) -> dict[str, str]:
    country_code, number = split_mobile(mobile_of(person))
    return {"purePhoneNumber": number, "phoneCountryCode": f"00{country_code}"}
