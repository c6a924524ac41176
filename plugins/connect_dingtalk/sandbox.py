"""DingTalk's sandbox: `api.dingtalk.com` with errors as HTTP 400 and a text, `oapi.dingtalk.com` with 200 and a number.

Token: https://open.dingtalk.com/document/orgapp/obtain-user-token
Person: https://open.dingtalk.com/document/orgapp/dingtalk-retrieve-user-information
Mini program: https://open.dingtalk.com/document/orgapp/obtain-the-userid-of-a-user-by-using-the-log-free
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connect_core.sandbox import DocumentedRequest, Fault, Grant, OAuth2Sandbox, Person, of_login
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

    def routes(self) -> list[BaseRoute]:
        """Return the page and the calls; the one that takes a mini program's code has the app's token in its query."""
        path = urlsplit(self.provider.code_url).path
        others = [route for route in super().routes() if not (isinstance(route, Route) and route.path == path)]
        return [*others, Route(path, self._answer_code, methods=["POST"])]

    async def _answer_code(self, request: Request) -> Response:
        parameters = {**request.query_params, **await request.json()}

        def reply(fault: Fault | None) -> Response:
            response = self._reply("code", self._name_employee, parameters, request, fault)
            response.status_code = 200
            return response

        return await self.answer("code", parameters, reply)

    def _name_employee(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        self._grants.find("app_token", parameters.get("access_token", ""), "40014")
        grant = self._grants.find("client_code", parameters.get("code", ""), "40078")
        self._grants.use("client_code", parameters["code"])
        return self.code_answer(grant.person, "")
