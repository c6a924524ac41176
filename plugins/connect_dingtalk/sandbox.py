"""DingTalk's sandbox: `api.dingtalk.com` with errors as HTTP 400 and a text, `oapi.dingtalk.com` with 200 and a number.

Token: https://open.dingtalk.com/document/orgapp/obtain-user-token
Person: https://open.dingtalk.com/document/orgapp/dingtalk-retrieve-user-information
Mini program: https://open.dingtalk.com/document/orgapp/obtain-the-userid-of-a-user-by-using-the-log-free
"""

from typing import Any

from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_dingtalk import DingtalkProvider


class DingtalkSandbox(OAuth2Sandbox):
    """One app of a company, with a web page and a mini program."""

    title = "钉钉沙箱 · DingTalk sandbox"
    provider = DingtalkProvider
    client_id = "dingeqqpkv3xxxxxx"
    code_life = 300
    refusals = {
        "invalid_client": "invalidClientIdOrSecret",
        "invalid_grant": "invalidParameter.authCode.notFound",
        "invalid_token": "InvalidAuthentication",
        "code invalid_grant": "40078",
        "code invalid_token": "40014",
    }
    documented = (
        # https://open.dingtalk.com/document/orgapp/obtain-identity-credentials
        DocumentedRequest(
            "GET",
            "https://login.dingtalk.com/oauth2/auth",
            query=of_login("response_type client_id redirect_uri state", scope="openid", prompt="consent"),
            optional=("org_type", "corpId", "exclusiveLogin", "exclusiveCorpId"),
        ),
        # https://open.dingtalk.com/document/orgapp/obtain-user-token
        DocumentedRequest(
            "POST",
            "https://api.dingtalk.com/v1.0/oauth2/userAccessToken",
            json={
                "clientId": "{client_id}",
                "clientSecret": "{client_secret}",
                "code": "{code}",
                "grantType": "authorization_code",
            },
            optional=("refreshToken",),
            answer={"accessToken": "abcd", "refreshToken": "abcd", "expireIn": 7200, "corpId": "corpxxxx"},
        ),
        # https://open.dingtalk.com/document/orgapp/dingtalk-retrieve-user-information
        DocumentedRequest(
            "GET",
            "https://api.dingtalk.com/v1.0/contact/users/me",
            headers={"x-acs-dingtalk-access-token": "{accessToken}"},
            answer={
                "nick": "zhangsan",
                "avatarUrl": "https://xxx",
                "mobile": "150xxxx9144",
                "openId": "123",
                "unionId": "z21HjQliSzpw0Yxxxx",
                "email": "zhangsan@alibaba-inc.com",
                "stateCode": "86",
            },
        ),
        # https://open.dingtalk.com/document/orgapp/obtain-the-access_token-of-an-internal-app
        DocumentedRequest(
            "POST",
            "https://api.dingtalk.com/v1.0/oauth2/accessToken",
            json={"appKey": "{client_id}", "appSecret": "{client_secret}"},
            answer={"accessToken": "fw8ef8we8f76e6f7s8dxxxx", "expireIn": 7200},
            clients=("mini",),
        ),
        # https://open.dingtalk.com/document/orgapp/obtain-the-userid-of-a-user-by-using-the-log-free (its table; the
        # example for curl there sends both parameters as a form)
        DocumentedRequest(
            "POST",
            "https://oapi.dingtalk.com/topapi/v2/user/getuserinfo",
            query={"access_token": "{accessToken}"},
            json={"code": "{code}"},
            answer={
                "errcode": 0,
                "errmsg": "ok",
                "request_id": "e8krly4vyiln",
                "result": {
                    "associated_unionid": "N2o5U3axxxx",
                    "unionid": "gliiW0piiii02zBUjUxxxx",
                    "device_id": "12drtfxxxxx",
                    "sys_level": 1,
                    "name": "张xx",
                    "sys": True,
                    "userid": "userid123",
                },
            },
            clients=("mini",),
        ),
    )

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the person's token."""
        return {"accessToken": token, "refreshToken": f"{token}R", "expireIn": 7200}

    def app_token_answer(self, token: str) -> dict[str, Any]:
        """Return the app's token."""
        return {"accessToken": token, "expireIn": 7200}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person, without the number and address that need a permission of their own."""
        ids = {"openId": self.open_id(person.key), "unionId": self.union_id(person.key)}
        return {"nick": person.nickname, "avatarUrl": person.face, **ids, "stateCode": "86"}

    def code_answer(self, person: Person, token: str) -> dict[str, Any]:
        """Return the employee with this name, and no token."""
        person_fields = {"unionid": self.union_id(person.key), "userid": person.key, "name": person.nickname}
        result = {**person_fields, "device_id": "12drtfxxxxx", "sys": False, "sys_level": 0}
        return {"errcode": 0, "errmsg": "ok", "request_id": "e8krly4vyiln", "result": result}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return a number as `oapi.dingtalk.com` does, a text as `api.dingtalk.com` does."""
        if code.isdigit():
            return {"errcode": int(code), "errmsg": "made up by the sandbox", "request_id": "e8krly4vyiln"}
        return {"code": code, "requestid": "e8krly4vyiln", "message": "made up by the sandbox"}

    def error_status(self, operation: str, code: str) -> int:
        """Return 200 for the calls of `oapi.dingtalk.com`."""
        return 200 if operation == "code" else super().error_status(operation, code)
