"""The login routes of older shop systems: `/buyer/connect/...` for front ends, `/login/{authCode}` for mini programs.

Their paths, answers and error codes are those of the systems before; the logins behind them go through the manager like
all others.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import BadRequest, ConnectError, MethodNotAllowed, Unsupported
from connect_core.identity import ClientType
from connect_core.login.start import StartOptions
from connect_core.login.values import Delivery, SessionOpened
from connect_core.members.values import ResolvedMember
from connect_core.providers.provider import Entrance
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import for_visits, route
from connect_core.web.error_pages import ErrorStyle, answer_error
from connect_core.web.legacy.answers import LegacyMiniMember
from connect_core.web.login.delivery import finish_flow, keep_flow, token_body
from connect_core.web.pages.messages import refusal_keys
from connect_core.web.requests import (
    get_catalogues,
    get_language,
    get_parameters,
    get_visit,
    read_fields,
    wants_page,
)
from connect_core.web.surfaces import Surface

FAILED = "E131"
"""Their code for every error that has none of its own in `CODES`."""
CODES = {
    "unsupported": "E130",
    "state_missing": "E133",
    "state_invalid": "E133",
    "state_expired": "E133",
    "code_seen": "E133",
    "code_invalid": "403",
    "provider_denied": "403",
    "provider_refused": "403",
    "provider_config": "403",
}
_MESSAGES = {"107": "javashop_107", "E134": "javashop_e134"}
"""The texts of `pages.messages` for their codes that have words of their own."""
_MINI_UNION_TYPE = "ALIPAY"


def javashop_routes(context: WebContext) -> list[BaseRoute]:
    """Return the routes of this module."""
    javashop = _JavashopEndpoints(context)
    buyer, make_route = "/buyer/connect/{provider}", partial(route, context, style=answer_with_codes({}))
    return [
        make_route(f"{buyer}/h5/getLoginUrl", for_visits(javashop.h5_login_url), "GET", cross_origin=True),
        make_route(f"{buyer}/h5/login", for_visits(javashop.h5_login), "GET", cross_origin=True),
        make_route(f"{buyer}/{{client}}/login", for_visits(javashop.login), "GET"),
        make_route("/login/{authCode}", javashop.mini_login, "POST"),
    ]


def older_surfaces(context: WebContext) -> list[Surface]:
    """Return the surfaces of older front ends, where a browser that navigates gets a page."""
    style = answer_with_codes({})

    async def answer(request: Request, error: ConnectError) -> Response:
        return answer_error(context, request, error) if wants_page(request) else style(request, error)

    return [Surface("/buyer", answer, is_shared=True), Surface("/login", answer)]


class _JavashopEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def login(self, request: Request) -> Response:
        await self._context.count(request)
        configured = self._manager.registry.find(request.path_params["provider"], request.path_params["client"])
        if configured.entrance is not Entrance.REDIRECT:
            raise Unsupported("this client type does not come back by redirect")
        start = await self._manager.get_login_url(
            configured.name,
            configured.client_type,
            get_visit(request),
            StartOptions(
                return_to=get_parameters(request).get("return_to", ""),
                delivery=Delivery.TOKEN_COOKIES,
                is_in_app=True,  # the cookies are for this browser, not for the vendor's app
            ),
        )
        return keep_flow(self._context, request, responses.redirect(start.login_url), start)

    async def h5_login_url(self, request: Request) -> Response:
        await self._context.count(request)
        redirect_uri = get_parameters(request).get("redirectUri", "")
        if not redirect_uri:
            raise BadRequest("redirectUri is missing")
        start = await self._manager.get_login_url(
            request.path_params["provider"],
            ClientType.H5,
            get_visit(request),
            StartOptions(
                # these front ends encode the address themselves, and their HTTP client encodes it once more
                redirect_uri=redirect_uri if "://" in redirect_uri else unquote(redirect_uri),
                delivery=Delivery.JSON,
            ),
        )
        return keep_flow(self._context, request, responses.text_response(start.login_url), start)

    async def h5_login(self, request: Request) -> Response:
        await self._context.count(request)
        parameters = get_parameters(request)
        request.path_params["client"] = ClientType.H5
        device_id = parameters.get("uuid", "")[:64]
        consent = parameters.get("consent", "")
        visit = self._context.get_visit(request, device_id, consent=consent)
        outcome = await finish_flow(self._context, request, parameters, delivers_json=True, visit=visit)
        body = token_body(self._context, outcome)
        names = ("access_token", "refresh_token", "uid") if "access_token" in body else tuple(body)
        return responses.json_response({key: body[key] for key in names})

    async def mini_login(self, request: Request) -> Response:
        await self._context.count(request)
        body = await read_fields(request, keeps_objects=True)
        providers = self._manager.registry.shown_for(ClientType.MINI)
        configured = next((mini for mini in providers if mini.provider.union_type == _MINI_UNION_TYPE), None)
        if configured is None or configured.entrance is not Entrance.CLIENT_CODE:
            raise Unsupported("no Alipay mini program is configured")
        parameters = {**body, "code": request.path_params["authCode"]}
        visit = self._context.get_visit(request, consent=body.get("consent", ""))
        outcome = await self._manager.login_with_code(configured.name, configured.client_type, parameters, visit)
        data: Mapping[str, object]
        match outcome:
            case SessionOpened(resolved=ResolvedMember() as resolved):
                data = _mini_member(resolved)
            case _:
                data = token_body(self._context, outcome)
        return responses.json_response({"status": 200, "msg": "OK", "data": data})


def _mini_member(resolved: ResolvedMember) -> LegacyMiniMember:
    member, certified = resolved.member, resolved.profile.is_certified
    return {
        "id": member.id,
        "uname": member.uname,
        "nickname": member.nickname,
        "face": member.face,
        "sex": member.sex,
        "alipayUserId": resolved.union_id,
        "faceImage": member.face,
        "isCertified": None if certified is None else "T" if certified else "F",
        "registTime": datetime.fromtimestamp(member.create_time, UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }


def answer_with_codes(more_codes: Mapping[str, str]) -> ErrorStyle:
    """Return the error style of these front ends: `{"code", "message"}`, with their codes.

    `more_codes` maps codes of ours to theirs, before `CODES` does.
    """
    codes = {**CODES, **more_codes}

    def answer(request: Request, error: ConnectError) -> Response:
        # a wrong method says nothing about what the address is for
        code = (CODES if isinstance(error, MethodNotAllowed) else codes).get(error.code, FAILED)
        if code == FAILED:
            text = "联合登录失败"
        else:
            texts = get_catalogues(request).texts[get_language(request)]
            text = texts[_MESSAGES.get(code) or refusal_keys(error.code)[0]]
        return responses.with_retry(responses.json_response({"code": code, "message": text}, error.status), error)

    return answer
