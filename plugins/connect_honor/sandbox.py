"""Honor's sandbox: a redirect URI for every code, a number and a finer number as an error of the token call.

https://developer.honor.com/cn/doc/guides/100977
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType, PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_honor import HonorProvider

APP_REDIRECT_URI = "honorid://redirect_url"
FORM = {
    "grant_type": "authorization_code",
    "code": "{code}",
    "client_id": "{client_id}",
    "client_secret": "{client_secret}",
}
TOKENS = {
    "access_token": "CgB6e3x93E",
    "expires_in": 3600,
    "refresh_token": "CwB7f4y04F",
    "scope": "openid profile",
    "token_type": "Bearer",
}


class HonorSandbox(OAuth2Sandbox):
    """One app, which is a website, an Android app and a quick app at once."""

    title = "荣耀帐号沙箱 · HONOR ID sandbox"
    provider = HonorProvider
    client_id = "104000001"
    code_life = 300
    refusals = {"invalid_client": "20003"}
    documented = (
        # https://blog.csdn.net/HONOR_Developer/article/details/126992324, which adds access_type for a refresh token
        DocumentedRequest(
            "GET",
            "https://hnoauth-login.cloud.hihonor.com/oauth2/v3/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="openid profile"),
            optional=("access_type",),
        ),
        # https://developer.honor.com/cn/doc/guides/100977
        # the redirect_uri of a website: https://blog.csdn.net/HONOR_Developer/article/details/127229492
        DocumentedRequest(
            "POST",
            "https://hnoauth-login.cloud.hihonor.com/oauth2/v3/token",
            form={**FORM, "redirect_uri": "{redirect_uri}"},
            answer=TOKENS,
            clients=("pc", "h5"),
        ),
        # https://developer.honor.com/cn/doc/guides/100977
        DocumentedRequest(
            "POST",
            "https://hnoauth-login.cloud.hihonor.com/oauth2/v3/token",
            form={**FORM, "redirect_uri": APP_REDIRECT_URI},
            answer=TOKENS,
            clients=("app", "mini"),
        ),
        # the same page
        DocumentedRequest(
            "POST",
            "https://account-drcn.platform.hihonorcloud.com/rest.php",
            query={"nsp_fmt": "JSON", "nsp_svc": "GOpen.User.getInfo"},
            form={"access_token": "{access_token}", "getNickName": "1"},
            answer={
                "nationalCode": "CN",
                "displayName": "mynickname",
                "openID": "MDFAMTA0MDY0NzI3kNjY0ODx",
                "headPictureURL": "https://upfile-drcn.platform.hihonorcloud.com/x.jpg",
                "displayNameFlag": 0,
                "userID": "155008123456789012",
                "accountBrand": 1,
                "srvNationalCode": "CN",
            },
        ),
    )
    documented_ids = (PersonId.open_id("MDFAMTA0MDY0NzI3kNjY0ODx", "{client_id}"),)
    documented_profile = Profile(nickname="mynickname", face="https://upfile-drcn.platform.hihonorcloud.com/x.jpg")

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the errors that Honor gives a reason for."""
        return dict.fromkeys(("20003", "20024"), "provider_config")

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return the code of Honor's SDK, for which the token call wants the redirect URI of apps."""
        login = {"scope": "openid profile", "redirect_uri": APP_REDIRECT_URI}
        return {
            **super().client_parameters(client_type, person, login_url),
            "code": self._issue_code("code", self.find_person(person), login),
        }

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens."""
        lives = {"expires_in": 3600, "scope": "openid profile", "token_type": "Bearer"}
        return {"access_token": token, "refresh_token": f"{token}R", **lives}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person, with two ids of which the plugin reads one."""
        ids = {"openID": self.open_id(person.key), "userID": str(self.user_id(person.key))}
        profile = {"displayName": person.nickname, "displayNameFlag": 0, "headPictureURL": person.face}
        return {"nationalCode": "CN", **ids, **profile, "accountBrand": 1, "srvNationalCode": "CN"}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: two numbers, or a word."""
        if code.isdigit():
            return {"sub_error": int(code), "error_description": "made up by the sandbox", "error": 1101}
        return {"error": code}
