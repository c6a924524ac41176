"""Honor's sandbox: codes of apps and quick apps, a redirect URI that leads nowhere.

https://developer.honor.com/cn/doc/guides/100977
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person
from connect_honor import HonorProvider


class HonorSandbox(OAuth2Sandbox):
    """One app."""

    title = "荣耀帐号沙箱 · HONOR ID sandbox"
    provider = HonorProvider
    client_id = "104000001"
    code_life = 300
    no_outcomes = "Honor's page names no errors of these calls"
    documented = (
        # https://developer.honor.com/cn/doc/guides/100977
        DocumentedRequest(
            "POST",
            "https://hnoauth-login.cloud.hihonor.com/oauth2/v3/token",
            form={
                "grant_type": "authorization_code",
                "code": "{code}",
                "client_id": "{client_id}",
                "client_secret": "{client_secret}",
                "redirect_uri": "honorid://redirect_url",
            },
            answer={
                "access_token": "CgB6e3x93E",
                "expires_in": 3600,
                "refresh_token": "CwB7f4y04F",
                "scope": "openid profile",
                "token_type": "Bearer",
            },
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
        """Return nothing, see `no_outcomes`."""
        return {}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens."""
        lives = {"expires_in": 3600, "scope": "openid profile", "token_type": "Bearer"}
        return {"access_token": token, "refresh_token": f"{token}R", **lives}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person, with two ids of which the plugin reads one."""
        ids = {"openID": self.open_id(person.key), "userID": str(self.user_id(person.key))}
        profile = {"displayName": person.nickname, "displayNameFlag": 0, "headPictureURL": person.face}
        return {"nationalCode": "CN", **ids, **profile, "accountBrand": 1, "srvNationalCode": "CN"}
