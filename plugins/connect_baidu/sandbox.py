"""Baidu's sandbox: the token call is a GET, user-info names a picture by a text, words and numbers as errors.

https://openauth.baidu.com/doc/doc.html
"""

from typing import Any

from connect_baidu import BaiduProvider
from connect_core.plugin import Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, mobile_of, of_login


class BaiduSandbox(OAuth2Sandbox):
    """One app, which is a website and a mini program at once."""

    title = "百度沙箱 · Baidu sandbox"
    provider = BaiduProvider
    client_id = "BaiduSandbox0000000000001"
    session_key_bytes = 24
    error_statuses = (400, 200)
    refusals = {"invalid_token": "110", "invalid_request": "100"}
    documented = (
        # https://openauth.baidu.com/doc/doc.html, step 1
        DocumentedRequest(
            "GET",
            "https://openapi.baidu.com/oauth/2.0/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="basic", display="mobile"),
            optional=("display", "force_login", "confirm_login", "login_type", "qrcode"),
        ),
        # the same page, step 2
        DocumentedRequest(
            "GET",
            "https://openapi.baidu.com/oauth/2.0/token",
            query=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={
                "access_token": "121.c86e87cc0828cc1dabb8faee540531d4.YsUIAWvYbgqVni1VhkgKgyLh8nEyELbDOEZs_OA",
                "expires_in": 2592000,
                "refresh_token": "122.5c5d0a9f6a6f7f6f8c1d2e3f4a5b6c7d.YD7ZaKLqXkk2pvQ0zDTlSfyP4RmB0wJmJ_P1bJk",
                "scope": "basic",
                "session_key": "",
                "session_secret": "",
            },
        ),
        # the same page, step 4 (the values of the answer are made up)
        DocumentedRequest(
            "GET",
            "https://openapi.baidu.com/rest/2.0/passport/users/getInfo",
            query={"access_token": "{access_token}", "get_unionid": "1"},
            answer={
                "openid": "bd0123456789abcdef",
                "unionid": "St6PVMkgMDeh92Uq2EWfx6H",
                "username": "百***户",
                "portrait": "e2c1776c31393837313031319605",
                "sex": "1",
                "birthday": "0000-00-00",
                "marriage": "0",
                "blood": "0",
                "is_bind_mobile": "1",
                "is_realname": "1",
            },
            clients=("pc", "h5"),
        ),
        # https://smartprogram.baidu.com/docs/develop/api/open/log_getunionid/ (the answer is made up)
        DocumentedRequest(
            "POST",
            "https://spapi.baidu.com/oauth/jscode2sessionkey",
            form={"code": "{code}", "client_id": "{client_id}", "sk": "{client_secret}"},
            answer={"openid": "bd0123456789abcdef", "session_key": "z2b4Q1kMtBw2k6L1O7u3Xw=="},
            clients=("mini",),
        ),
    )
    documented_profile = Profile(
        nickname="百***户", sex=1, face="https://tb.himg.baidu.com/sys/portrait/item/e2c1776c31393837313031319605"
    )

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens; Baidu names no type of token."""
        return {"access_token": token, "expires_in": 2592000, "refresh_token": f"{token}R", "scope": grant.scope}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; numbers are texts."""
        ids = {"openid": self.open_id(person.key), "unionid": self.union_id(person.key)}
        sex = {} if person.sex is None else {"sex": str(person.sex)}
        portrait = person.face.rpartition("/")[2]
        return {**ids, "username": person.nickname, "portrait": portrait, **sex, "is_realname": "1"}

    def code_answer(self, person: Person, token: str) -> dict[str, Any]:
        """Return the open id and the key of a mini program's session; there is no access token."""
        return {"openid": self.open_id(person.key), "session_key": self.session_key(person.key)}

    def phone_answer(self, person: Person) -> dict[str, Any]:
        """Return what the phone button of a mini program encrypts."""
        return {"mobile": mobile_of(person)}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return a word of RFC 6749, or the number of an API error."""
        if code.isdigit():
            return {"error_code": int(code), "error_msg": "made up by the sandbox"}
        return super().error_answer(code)
