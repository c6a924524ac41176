"""WeChat's loopback double: its two pages, what a native app and a mini program hand over, and the API behind them.

Answers as WeChat does: JSON sent as text/plain without a charset, every error inside an HTTP 200, codes that work once.
Its operations in the fault script: `authorize`, `token`, `userinfo`, `auth`, `refresh_token`, and of the mini program
`jscode2session`, `app_token`, `stable_token`, `getuserphonenumber`. Its own faults: `error` (value: the errcode),
`missing_id`, `swapped_id`, `number_id`, `snapshot`, `control_characters`, `no_union_id`.

Pages: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
API: https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html and its neighbours
"""

import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.plugin import ClientType
from connect_core.sandbox import PEOPLE, Fault, Person, Sandbox
from connect_wechat import sandbox_grants as ids
from connect_wechat.sandbox_grants import APPS, AUTHORIZE, QRCONNECT, App, Found, WechatGrants, find_app
from connect_wechat.sandbox_mini import MiniProgram
from connect_wechat.sandbox_refusals import BAD_LINK, WechatRefusal, require

LINK_ORDER = ["appid", "redirect_uri", "response_type", "scope", "state"]
Find = Callable[[Mapping[str, str]], Found]

_RAW = str.maketrans("\ue007\ue009\ue00a", "\a\t\n")  # stand-ins that JSON does not escape, as WeChat does not


class WechatSandbox(Sandbox):
    """One shop's website app, official account, mobile app and mini program.

    A silent login (`snsapi_base`) shows the consent page too: a laptop has no phone whose owner could be taken.
    """

    title = "微信沙箱 · WeChat sandbox"
    own_faults = ("error", "missing_id", "swapped_id", "number_id", "snapshot", "control_characters", "no_union_id")

    def __init__(
        self,
        *,
        bound: bool = True,
        domain: str = "",
        people: Sequence[Person] = PEOPLE,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`bound`: the apps belong to one open-platform account, so that a person has a union id.

        `domain` is the registered callback domain, without port; empty lets any pass. `now` as in the kit.
        """
        super().__init__(people=people, now=now)
        self.domain = domain
        self._grants = WechatGrants(lambda: self.now(), bound=bound)  # noqa: PLW0108  # tests move the clock later
        self.mini = MiniProgram(self._grants)

    def routes(self) -> Sequence[BaseRoute]:
        """The two pages, the four calls behind them and the four of a mini program."""
        grants, mini = self._grants, self.mini
        return [
            Route(QRCONNECT, self._authorize, methods=["GET", "POST"]),
            Route(AUTHORIZE, self._authorize, methods=["GET", "POST"]),
            Route("/sns/oauth2/access_token", self._call("token", grants.redeem)),
            Route("/sns/oauth2/refresh_token", self._call("refresh_token", grants.refresh)),
            Route("/sns/userinfo", self._call("userinfo", grants.tell_person)),
            Route("/sns/auth", self._call("auth", grants.check_token)),
            Route("/sns/jscode2session", self._call("jscode2session", mini.code_to_session)),
            Route("/cgi-bin/token", self._call("app_token", mini.give_token)),
            Route("/cgi-bin/stable_token", self._call("stable_token", mini.give_stable_token), methods=["POST"]),
            Route(
                "/wxa/business/getuserphonenumber",
                self._call("getuserphonenumber", mini.tell_phone),
                methods=["POST"],
            ),
        ]

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, str]:
        """The settings of the client type's registration."""
        app = APPS[client_type]
        return {"app_id": app.app_id, "app_secret": app.secret, "api_url": base_url, "open_url": base_url}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """What `wx.login` and a field for the name give, or the native SDK when it is asked with `login_url`.

        Raises `ValueError` for a question that the SDK would not take, `LookupError` where people are redirected.
        """
        somebody = self.find_person(person)
        if client_type is ClientType.MINI:
            return {"code": self.mini.wx_login(somebody), "nickname": somebody.nickname}
        if client_type is not ClientType.APP:
            raise LookupError("on web pages people come back through a redirect")
        asked, app = dict(parse_qsl(login_url)), APPS[ClientType.APP]
        if asked.get("appid") != app.app_id or asked.get("scope") not in app.scopes or not asked.get("state"):
            raise ValueError("the SDK wants the mobile app's appid, a scope it has a right to, and a state")
        return {"code": self._grants.issue_code("code", app, somebody, asked["scope"]), "state": asked["state"]}

    def get_untrusted(self) -> Collection[str]:
        """Answers without an openid, and profiles of somebody else."""
        return ("missing_id", "swapped_id")

    def get_outcomes(self) -> Mapping[str, str]:
        """A code that is wrong, one that was used, a wrong secret, a person at risk, and WeChat being busy."""
        return {
            "40029": "code_invalid",
            "40163": "code_invalid",
            "40125": "provider_config",
            "40226": "provider_denied",
            "-1": "provider_refused",
        }

    def open_id(self, person: str, app_id: str) -> str:
        """What WeChat calls the person with this key for one app."""
        return ids.open_id(person, app_id)

    def union_id(self, person: str) -> str:
        """What WeChat calls the person with this key across the apps of one open-platform account."""
        return ids.union_id(person)

    async def _authorize(self, request: Request) -> Response:
        link = request.query_params
        try:
            app = self._check_link(request.url.path, link)
        except WechatRefusal as refused:
            return _refusal_page(refused)
        if request.method == "GET":
            return await self.answer("authorize", link, lambda fault: self._ask(request, app, fault))
        form = await request.form()
        state = {"state": link["state"]} if "state" in link else {}
        if form.get("decision") != "agree":
            return _back(link["redirect_uri"], state)
        person = self.find_person(str(form.get("somebody") or form["person"]))
        code = self._grants.issue_code("code", app, person, link["scope"])
        return _back(link["redirect_uri"], {"code": code} | state)

    def _ask(self, request: Request, app: App, fault: Fault | None) -> Response:
        if fault and fault.kind == "error":
            return _refusal_page(WechatRefusal(int(fault.value)))
        page = self.consent_page(request, app=app.app_id, scope=request.query_params["scope"])
        if request.query_params.get("self_redirect") != "false":
            return page
        # embedded: the phone that scans the code sends the whole window on
        return HTMLResponse(bytes(page.body).replace(b'method="post"', b'method="post" target="_top"'))

    def _check_link(self, path: str, link: Mapping[str, str]) -> App:
        """Return whose link it is. H5 links are matched by pattern: order and state are not free."""
        require(link.get("redirect_uri"), 10011)
        require(link.get("scope"), 10010)
        app = find_app(link.get("appid", ""), 10012, 10012)
        require(app.page and path.endswith(app.page), 10016)
        require(link["scope"] in app.scopes, 10005)
        require(link.get("response_type") == "code", BAD_LINK)
        if app.page == AUTHORIZE:
            require(re.fullmatch("[a-zA-Z0-9]{1,128}", link.get("state", "")), 10013)
            require(list(link)[: len(LINK_ORDER)] == LINK_ORDER, BAD_LINK)
        target = urlsplit(link["redirect_uri"])
        require(target.scheme in ("http", "https") and self.domain in ("", target.hostname), 10003)
        return app

    def _call(self, operation: str, find: Find) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            asked = {**request.query_params, **await _read_body(request)}
            return await self.answer(operation, asked, lambda fault: self._reply(find, asked, fault))

        return endpoint

    def _reply(self, find: Find, asked: Mapping[str, str], fault: Fault | None) -> Response:
        try:
            if fault and fault.kind == "error":
                raise WechatRefusal(int(fault.value))
            found = _spoil(find(asked), fault)
        except WechatRefusal as refused:
            found = {"errcode": refused.errcode, "errmsg": f"{refused}, rid: {_rid(self.now())}"}
        body = json.dumps(found, ensure_ascii=False).translate(_RAW)
        return Response(body.encode(), headers={"content-type": "text/plain"})


def _spoil(found: Found, fault: Fault | None) -> Found:
    made_up = {key: ids.make_id("nobody", key) for key in ("openid", "unionid") if key in found}
    match fault.kind if fault else "":
        case "missing_id":
            return {key: value for key, value in found.items() if key != "openid"}
        case "swapped_id":
            return found | made_up
        case "no_union_id":
            return {key: value for key, value in found.items() if key != "unionid"}
        case "number_id":
            return found | {"openid": 12345678901234567890}
        case "snapshot":
            return found | made_up | {"is_snapshotuser": 1}
        case "control_characters":
            return found | {"nickname": "小\ue007红\ue00a🙂\ue009"}
        case _:
            return found


def _refusal_page(refused: WechatRefusal) -> Response:
    """Say no to a person; the status is 400 so that no script takes the page for the one that asks."""
    page = "<!doctype html><meta charset=utf-8><title>错误</title><h1>{} {}</h1>"
    return HTMLResponse(page.format(refused.errcode or "", escape(str(refused))), 400)


def _back(redirect_uri: str, parameters: Mapping[str, str]) -> Response:
    parts = urlsplit(redirect_uri)
    query = "&".join(filter(None, [parts.query, urlencode(parameters)]))
    return RedirectResponse(parts._replace(query=query).geturl(), 303, {"cache-control": "no-store"})


async def _read_body(request: Request) -> dict[str, str]:
    """Return the JSON object of a POST, as texts."""
    if request.method != "POST":
        return {}
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return {}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in body.items()}


def _rid(now: float) -> str:
    return f"{int(now):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
