"""WeCom's sandbox: two pages, calls by GET with the app's own token, errors as numbers with HTTP status 200.

Page on a PC: https://developer.work.weixin.qq.com/document/path/98152
Person of a code: https://developer.work.weixin.qq.com/document/path/98176
Mini program: https://developer.work.weixin.qq.com/document/path/91507
"""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connect_core.plugin import ClientType, PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, Refused, of_login
from connect_wecom import WecomProvider

H5_PATH = "/connect/oauth2/authorize"
FACE = "http://wx.qlogo.cn/mmopen/ajNVdqHZLLA3WJ6DSZUfiakYe37PKnQhBIeOQBO4czqrnZDS79FH5Wm5m4X69TBicnHFlhiafvDwklOpZeXYQQ2icg/0"


class WecomSandbox(OAuth2Sandbox):
    """One app of one company, whose people are employees unless they are said to be outsiders."""

    title = "企业微信沙箱 · WeCom sandbox"
    provider = WecomProvider
    client_id = "wwddddccc7775555aaa"
    agent_id = "1000002"
    code_life = 300
    error_statuses = (200, 200)
    refusals = {"invalid_client": "40001", "invalid_grant": "40029", "invalid_token": "40014"}
    # The app's token in a call is {*}: an earlier login may have fetched it.
    documented = (
        # https://developer.work.weixin.qq.com/document/path/98152
        DocumentedRequest(
            "GET",
            "https://login.work.weixin.qq.com/wwlogin/sso/login",
            query=of_login("redirect_uri state", login_type="CorpApp", appid="{client_id}", agentid="{agent_id}"),
            optional=("lang",),
            clients=("pc",),
        ),
        # https://developer.work.weixin.qq.com/document/path/91022
        DocumentedRequest(
            "GET",
            "https://open.weixin.qq.com/connect/oauth2/authorize",
            query=of_login(
                "response_type redirect_uri state", appid="{client_id}", scope="snsapi_base", agentid="{agent_id}"
            ),
            clients=("h5",),
        ),
        # https://developer.work.weixin.qq.com/document/path/91039
        DocumentedRequest(
            "GET",
            "https://qyapi.weixin.qq.com/cgi-bin/gettoken",
            query={"corpid": "{client_id}", "corpsecret": "{client_secret}"},
            answer={"errcode": 0, "errmsg": "ok", "access_token": "accesstoken000001", "expires_in": 7200},
        ),
        # https://developer.work.weixin.qq.com/document/path/98176
        DocumentedRequest(
            "GET",
            "https://qyapi.weixin.qq.com/cgi-bin/auth/getuserinfo",
            query={"access_token": "{*}", "code": "{code}"},
            answer={"errcode": 0, "errmsg": "ok", "userid": "USERID"},
            clients=("pc", "h5"),
        ),
        # https://developer.work.weixin.qq.com/document/path/91507 (CORPID there is the company's own)
        DocumentedRequest(
            "GET",
            "https://qyapi.weixin.qq.com/cgi-bin/miniprogram/jscode2session",
            query={"access_token": "{*}", "js_code": "{code}", "grant_type": "authorization_code"},
            answer={
                "corpid": client_id,
                "userid": "USERID",
                "session_key": "kJtdi6RF+Dv67QkbLlPGjw==",
                "errcode": 0,
                "errmsg": "ok",
            },
            clients=("mini",),
        ),
        # https://developer.work.weixin.qq.com/document/path/90196 (the example there is about zhangsan)
        DocumentedRequest(
            "GET",
            "https://qyapi.weixin.qq.com/cgi-bin/user/get",
            query={"access_token": "{*}", "userid": "{userid}"},
            answer={
                "errcode": 0,
                "errmsg": "ok",
                "userid": "USERID",
                "name": "张三",
                "department": [1, 2],
                "order": [1, 2],
                "position": "后台工程师",
                "mobile": "13800000000",
                "gender": "1",
                "email": "zhangsan@gzdev.com",
                "avatar": FACE,
                "telephone": "020-123456",
                "status": 1,
            },
        ),
    )
    documented_ids = (PersonId.union_id("USERID", "{client_id}"),)
    documented_profile = Profile(nickname="张三", face=FACE.replace("http:", "https:"), sex=1)

    def __init__(self, *, outsiders: Collection[str] = (), **options: Any) -> None:
        """`outsiders` are the keys of people who do not belong to the company.

        Other arguments are as for `Sandbox`.
        """
        super().__init__(**options)
        self.outsiders = outsiders
        self._employees: dict[str, Person] = {}

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the settings of the app, with the page inside WeCom at `base_url`."""
        return {**super().settings(base_url, client_type), "agent_id": self.agent_id, "h5_url": base_url + H5_PATH}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return our code for WeCom's: a wrong code, a wrong secret, an address that may not call, and a busy WeCom."""
        return {
            "40029": "code_invalid",
            "40001": "provider_config",
            "60020": "provider_config",
            "-1": "provider_refused",
        }

    def app_token_answer(self, token: str) -> dict[str, Any]:
        """Return the app's token."""
        return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": 7200}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the person's id: an employee's `userid`, or an outsider's `openid`. Nobody has a token."""
        if grant.person.key in self.outsiders:
            external = {"external_userid": f"wm{self.open_id(grant.person.key)}"}
            return {"errcode": 0, "errmsg": "ok", "openid": self.open_id(grant.person.key), **external}
        return {"errcode": 0, "errmsg": "ok", "userid": self._name(grant.person)}

    def code_answer(self, person: Person, token: str) -> dict[str, Any]:
        """Return the employee's `userid` with the company, or the one that an outsider has in another company."""
        session = {"session_key": "kJtdi6RF+Dv67QkbLlPGjw==", "errcode": 0, "errmsg": "ok"}
        corp_id = "wwanothercompany" if person.key in self.outsiders else self.client_id
        return {"corpid": corp_id, "userid": self._name(person), **session}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return an employee as an app sees one that asked for no more than `snsapi_base`."""
        gender = {1: "1", 0: "2", None: "0"}[person.sex]
        profile = {"name": person.nickname, "gender": gender, "avatar": person.face, "department": [1], "status": 1}
        return {"errcode": 0, "errmsg": "ok", "userid": self.union_id(person.key), **profile}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return the number of the error."""
        return {"errcode": int(code), "errmsg": "made up by the sandbox, more info at https://open.work.weixin.qq.com"}

    def routes(self) -> list[BaseRoute]:
        """Return both pages and the calls."""
        page = urlsplit(self.provider.authorize_url).path
        others = [route for route in super().routes() if not (isinstance(route, Route) and route.path == page)]
        pages = [Route(path, self._show_page, methods=["GET", "POST"]) for path in (page, H5_PATH)]
        return [*pages, *others]

    async def _show_page(self, request: Request) -> Response:
        link = request.query_params
        on_pc = {"login_type": "CorpApp", "agentid": self.agent_id}
        in_wecom = {"response_type": "code", "scope": "snsapi_base", "agentid": self.agent_id}
        expected = in_wecom if request.url.path.endswith(H5_PATH) else on_pc
        wrong = [name for name, value in expected.items() if link.get(name) != value]
        if wrong:
            return self.error_page("参数错误 · wrong parameters", ", ".join(wrong))
        return await self._authorize(request)

    def check_login(self, login: Mapping[str, str]) -> None:
        """Check a request for either page."""
        super().check_login({**login, "response_type": "code"})  # the page on a PC has no such parameter

    def _name(self, person: Person) -> str:
        userid = self.union_id(person.key)
        self._employees[userid] = person
        return userid

    def _redeem(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        self.check_app_token(parameters.get("access_token", ""))
        code = parameters.get("code", "")
        grant = self._grants.find("code", code, "invalid_grant")
        self._grants.use("code", code)
        return self.token_answer(grant, "")

    def _answer_userinfo(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        self.check_app_token(parameters.get("access_token", ""))
        employee = self._employees.get(parameters.get("userid", ""))
        if employee is None:
            raise Refused("60111", "no employee has this userid")
        return self.userinfo_answer(employee)
