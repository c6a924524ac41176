"""WeChat's sandbox: its two pages, the native SDK, a mini program's phone, and the API, on loopback.

Pages: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
API: https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html

Answers as WeChat does: JSON as text/plain without a charset, errors with HTTP status 200, codes that work once.
Operations in the fault script: `authorize`, `token`, `userinfo`, `auth`, `refresh_token`, and of the mini program
`jscode2session`, `app_token`, `stable_token`, `getuserphonenumber`. Faults of its own: `error` (value: the errcode),
`missing_id`, `swapped_id`, `number_id`, `snapshot`, `control_characters`, `no_union_id`.
"""

import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.plugin import ClientType, NoticeKind, NoticeRequest
from connect_core.sandbox import PEOPLE, Fault, Person, Sandbox
from connect_wechat import sandbox_tokens
from connect_wechat.documented import MINI_REQUESTS, PERSON_IDS, PERSON_PROFILE, WEB_REQUESTS
from connect_wechat.sandbox_mini import MiniProgram
from connect_wechat.sandbox_notices import ENCODING_AES_KEY, TOKEN, make_push
from connect_wechat.sandbox_refusals import BAD_LINK, WechatRefusal, require
from connect_wechat.sandbox_tokens import APPS, AUTHORIZE, QRCONNECT, App, Fields, WechatTokens, find_app

LINK_ORDER = ["appid", "redirect_uri", "response_type", "scope", "state"]
EVENTS = {
    NoticeKind.CONSENT_WITHDRAWN: "user_authorization_revoke",
    NoticeKind.ACCOUNT_CLOSED: "user_authorization_cancellation",
}
GetAnswer = Callable[[Mapping[str, str]], Fields]

_RAW = str.maketrans("\ue007\ue009\ue00a", "\a\t\n")  # json.dumps would escape control characters; WeChat does not


class WechatSandbox(Sandbox):
    """One shop at WeChat: a website app, an official account, a mobile app and a mini program.

    A silent login (`snsapi_base`) shows the consent page as well, because you choose there who logs in. `mini` plays
    the phone of a mini program.
    """

    title = "微信沙箱 · WeChat sandbox"
    profile_parameters = ("nickname",)
    own_faults = ("error", "missing_id", "swapped_id", "number_id", "snapshot", "control_characters", "no_union_id")
    documented = (*WEB_REQUESTS, *MINI_REQUESTS)
    documented_ids = PERSON_IDS
    documented_profile = PERSON_PROFILE

    def __init__(
        self,
        *,
        bound: bool = True,
        domain: str = "",
        people: Sequence[Person] = PEOPLE,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`bound`: the apps are bound to one open-platform account, so that answers have a unionid.

        `domain` is the registered callback domain without port; empty accepts any. `people` are offered on the consent
        page; `now` returns the time in seconds since the epoch.
        """
        super().__init__(people=people, now=now)
        self.domain = domain
        self._tokens = WechatTokens(lambda: self.now(), bound=bound)  # noqa: PLW0108  # tests replace `now` later
        self.mini = MiniProgram(self._tokens)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the two pages, their four calls and the four calls of a mini program."""
        tokens, mini = self._tokens, self.mini
        return [
            Route(QRCONNECT, self._authorize, methods=["GET", "POST"]),
            Route(AUTHORIZE, self._authorize, methods=["GET", "POST"]),
            Route("/sns/oauth2/access_token", self._call("token", tokens.get_token_answer)),
            Route("/sns/oauth2/refresh_token", self._call("refresh_token", tokens.get_refresh_answer)),
            Route("/sns/userinfo", self._call("userinfo", tokens.get_profile_answer)),
            Route("/sns/auth", self._call("auth", tokens.get_check_answer)),
            Route("/sns/jscode2session", self._call("jscode2session", mini.get_session_answer)),
            Route("/cgi-bin/token", self._call("app_token", mini.get_token_answer)),
            Route("/cgi-bin/stable_token", self._call("stable_token", mini.get_stable_token_answer), methods=["POST"]),
            Route(
                "/wxa/business/getuserphonenumber",
                self._call("getuserphonenumber", mini.get_phone_answer),
                methods=["POST"],
            ),
        ]

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, str]:
        """Return the settings of the registration for `client_type`."""
        app = APPS[client_type]
        push = {"notice_token": TOKEN, "notice_aes_key": ENCODING_AES_KEY}
        return {"app_id": app.app_id, "app_secret": app.secret, "api_url": base_url, "open_url": base_url, **push}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return what a mini program sends after `wx.login`, or a native app after its SDK's answer to `login_url`.

        Raises `ValueError` for a request that the SDK would refuse, `LookupError` for PC and H5.
        """
        who = self.find_person(person)
        if client_type is ClientType.MINI:
            return {"code": self.mini.wx_login(who), "nickname": who.nickname}
        if client_type is not ClientType.APP:
            raise LookupError("on web pages people come back through a redirect")
        query, app = dict(parse_qsl(login_url)), APPS[ClientType.APP]
        if query.get("appid") != app.app_id or query.get("scope") not in app.scopes or not query.get("state"):
            raise ValueError("the SDK wants the mobile app's appid, a scope it has a right to, and a state")
        return {"code": self._tokens.issue_code("code", app, who, query["scope"]), "state": query["state"]}

    def phone_parameters(self, client_type: ClientType, person: str) -> dict[str, str]:
        """Return what a mini program's phone button gives, which needs `client_parameters` first; else nothing."""
        who = self.find_person(person)
        return self.mini.press_phone_button(who) if client_type is ClientType.MINI else {}

    def make_notice(self, client_type: ClientType, person: str, kind: NoticeKind) -> NoticeRequest | None:
        """Return WeChat's push in JSON; None for `SESSIONS_ENDED`, of which WeChat tells nothing."""
        return None if kind not in EVENTS else self.push(client_type, person, EVENTS[kind])

    def push(
        self, client_type: ClientType, person: str, event: str, *, as_xml: bool = False, **members: str
    ) -> NoticeRequest:
        """Return the push of an event about the person with this key; `members` are added, or replace its own."""
        app_id, now = APPS[client_type].app_id, self.now()
        standard: Fields = {
            "ToUserName": "gh_870882ca4b1",
            "FromUserName": "owAqB1v0ahK_Xlc7GshIDdf2yf7E",
            "CreateTime": int(now),
            "MsgType": "event",
            "Event": event,
            "OpenID": self.open_id(person, app_id),
            "AppID": app_id,
        }
        return make_push(app_id, standard | members, now, as_xml=as_xml)

    def get_untrusted(self) -> Collection[str]:
        """Return the faults whose answers have no openid, or another person's."""
        return ("missing_id", "swapped_id")

    def get_outcomes(self) -> Mapping[str, str]:
        """Return our error code for a wrong code, a used code, a wrong secret, a high-risk person and a busy WeChat."""
        return {
            "40029": "code_invalid",
            "40163": "code_invalid",
            "40125": "provider_config",
            "40226": "provider_denied",
            "-1": "provider_refused",
        }

    def open_id(self, person: str, app_id: str) -> str:
        """Return the openid, valid for one app, of the person with this key."""
        return sandbox_tokens.open_id(person, app_id)

    def union_id(self, person: str) -> str:
        """Return the unionid, the same in all apps of one open-platform account, of the person with this key."""
        return sandbox_tokens.union_id(person)

    async def _authorize(self, request: Request) -> Response:
        link = request.query_params
        try:
            app = self._check_link(request.url.path, link)
        except WechatRefusal as refused:
            return self._refuse_page(refused)
        if request.method == "GET":
            return await self.answer("authorize", link, lambda fault: self._show_page(request, app, fault))
        form = await request.form()
        state = {"state": link["state"]} if "state" in link else {}
        if form.get("decision") != "agree":
            return _redirect(link["redirect_uri"], state)
        person = self.find_person(str(form.get("somebody") or form["person"]))
        code = self._tokens.issue_code("code", app, person, link["scope"])
        return _redirect(link["redirect_uri"], {"code": code} | state)

    def _refuse_page(self, refused: WechatRefusal) -> Response:
        return self.error_page(f"{refused.errcode or ''} {refused}".strip())

    def _show_page(self, request: Request, app: App, fault: Fault | None) -> Response:
        if fault and fault.kind == "error":
            return self._refuse_page(WechatRefusal(int(fault.value)))
        page = self.consent_page(request, app=app.app_id, scope=request.query_params["scope"])
        if request.query_params.get("self_redirect") != "false":
            return page
        # In an iframe: the answer to the form has to load in the whole window, as WeChat's page does it.
        return HTMLResponse(bytes(page.body).replace(b'method="post"', b'method="post" target="_top"'))

    def _check_link(self, path: str, link: Mapping[str, str]) -> App:
        """Return the app of a login link. Raises `WechatRefusal`; of an H5 link also the order of parameters counts."""
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

    def _call(self, operation: str, get_answer: GetAnswer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            parameters = {**request.query_params, **await _read_body(request)}
            return await self.answer(operation, parameters, lambda fault: self._reply(get_answer, parameters, fault))

        return endpoint

    def _reply(self, get_answer: GetAnswer, parameters: Mapping[str, str], fault: Fault | None) -> Response:
        try:
            if fault and fault.kind == "error":
                raise WechatRefusal(int(fault.value))
            fields = _falsify(get_answer(parameters), fault)
        except WechatRefusal as refused:
            fields = {"errcode": refused.errcode, "errmsg": f"{refused}, rid: {_rid(self.now())}"}
        body = json.dumps(fields, ensure_ascii=False).translate(_RAW)
        return Response(body.encode(), headers={"content-type": "text/plain"})


def _falsify(fields: Fields, fault: Fault | None) -> Fields:
    other_ids = {key: sandbox_tokens.make_id("nobody", key) for key in ("openid", "unionid") if key in fields}
    match fault.kind if fault else "":
        case "missing_id":
            return {key: value for key, value in fields.items() if key != "openid"}
        case "swapped_id":
            return fields | other_ids
        case "no_union_id":
            return {key: value for key, value in fields.items() if key != "unionid"}
        case "number_id":
            return fields | {"openid": 12345678901234567890}
        case "snapshot":
            return fields | other_ids | {"is_snapshotuser": 1}
        case "control_characters":
            return fields | {"nickname": "小\ue007红\ue00a🙂\ue009"}
        case _:
            return fields


def _redirect(redirect_uri: str, parameters: Mapping[str, str]) -> Response:
    parts = urlsplit(redirect_uri)
    query = "&".join(filter(None, [parts.query, urlencode(parameters)]))
    return RedirectResponse(parts._replace(query=query).geturl(), 303, {"cache-control": "no-store"})


async def _read_body(request: Request) -> dict[str, str]:
    """Return the members of a POST's JSON body as texts; nothing for another request."""
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
