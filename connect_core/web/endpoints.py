"""How an endpoint becomes a route: request id, errors, language cookie, and which other origins may call it (CORS).

An endpoint returns a response or raises a `ConnectError`; anything else that it raises is logged and answered as
`Unavailable`. What the answer to an error looks like is not decided here but in `error_pages`. No route takes OPTIONS:
what a browser asks before it calls another origin is answered for all routes of an address by `share_refusal`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connect_core import measurements
from connect_core.errors import ConnectError, MethodNotAllowed, StateInvalid, Unavailable
from connect_core.identity import ClientType
from connect_core.observability.request_context import logging_request
from connect_core.request_ids import new_request_id
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.error_pages import ErrorStyle, leading_back_to
from connect_core.web.request_spans import traced
from connect_core.web.requests import get_all_cookies, is_speculative, wants_page
from connect_core.web.surfaces import Surfaces

log = logging.getLogger("connect_login")
Endpoint = Callable[[Request], Awaitable[Response]]
_REQUEST_HEADERS = ("authorization", "content-type", "traceparent", "tracestate", "x-requested-with")
"""What a front end of another origin may send: tokens, and what HTTP clients and tracing add on their own."""
_METHODS = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})
"""What the script of a page may send, beside what is a question itself."""
_CLIENT_TYPES = frozenset(ClientType)


def route(
    context: WebContext,
    path: str,
    endpoint: Endpoint,
    *methods: str,
    style: ErrorStyle | None = None,
    cross_origin: bool = False,
) -> Route:
    """Return the route of an endpoint, which answers `methods` alone.

    `style` answers its errors; by default they are pages and problem details. With `cross_origin` the pages of
    `cors_origins` may call it.
    """
    allows = cross_origin and bool(context.cors_origins)
    style = style or leading_back_to(context, "")
    guarded = traced(context, path, _guarded(context, endpoint, style))
    as_app = _AsApp(guarded, _get_form_page(endpoint), style, is_shared=allows)
    sharing = Middleware(partial(_sharing, context, methods))
    starlette_route = Route(path, as_app, methods=methods, middleware=[sharing] if allows else [])
    # Starlette answers HEAD with the GET endpoint, which would spend a flow for a browser that only looks ahead
    assert starlette_route.methods is not None
    starlette_route.methods.discard("HEAD")
    return starlette_route


@dataclass(frozen=True, slots=True)
class _AsApp:
    """A guarded endpoint as an ASGI application; `is_shared` tells whether the pages of `cors_origins` may call it.

    Starlette would wrap a function to handle its exceptions; a guarded endpoint raises none.
    """

    endpoint: Endpoint
    form_page: str
    style: ErrorStyle
    is_shared: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class PostedFrom:
    """An endpoint to which the form of a page of ours posts: `form_page` is that page's path, such as `/account`.

    A browser that opens the endpoint's address, by its history or a link, is led to that page. The path may contain
    parameters of the route, as `/h/{id}` does.
    """

    form_page: str
    endpoint: Endpoint

    async def __call__(self, request: Request) -> Response:
        """Answer a request as the endpoint does."""
        return await self.endpoint(request)


def _get_form_page(endpoint: Endpoint) -> str:
    return endpoint.form_page if isinstance(endpoint, PostedFrom) else ""


async def answer_wrong_method(context: WebContext, surfaces: Surfaces, request: Request) -> Response:
    """Answer a method that none of the routes at this address takes: 405, with those that they take in `Allow`.

    A browser that opens an address which only takes forms is led to the page with the form; a program gets the error in
    the form in which it gets the address's other errors.
    """
    endpoint, error = request.scope.get("endpoint"), MethodNotAllowed(find_methods(request))
    if isinstance(endpoint, _AsApp):
        if not wants_page(request):
            return endpoint.style(request, error)
        if endpoint.form_page and request.method == "GET":
            return responses.redirect(context.prefix + endpoint.form_page.format_map(request.path_params))
    return await surfaces.answer_error(request, error)


def share_refusal(context: WebContext, surfaces: Surfaces, request: Request, refusal: Response) -> Response:
    """Let the pages of `cors_origins` read that no route takes a request, and ask beforehand what they may send.

    The script of a page could not tell such an answer from a broken network. A method that only routes take which are
    not shared is not allowed beforehand, and below the surfaces of administrators nothing is shared.
    """
    methods = {method for each in _find_routes(request) if _is_shared(each) for method in each.methods or ()}
    if context.cors_origins and surfaces.are_shared(request):
        methods |= _METHODS.difference(find_methods(request))
    origin = request.headers.get("origin")
    if not methods or not origin:
        return refusal
    cors = _sharing(context, sorted(methods), refusal)
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        return cors.preflight_response(request.headers)
    if origin in context.cors_origins:
        refusal.headers.update(cors.simple_headers)
        cors.allow_explicit_origin(refusal.headers, origin)
    return refusal


def find_methods(request: Request) -> list[str]:
    """Return the methods that the routes at the request's address take; OPTIONS is for browsers' questions (CORS)."""
    return sorted({method for each in _find_routes(request) for method in each.methods or ()} - {"OPTIONS"})


def _find_routes(request: Request) -> list[Route]:
    return [
        each
        for each in request.app.routes
        if isinstance(each, Route) and each.matches(request.scope)[0] is not Match.NONE
    ]


def _is_shared(starlette_route: Route) -> bool:
    return isinstance(starlette_route.endpoint, _AsApp) and starlette_route.endpoint.is_shared


def _sharing(context: WebContext, methods: Sequence[str], app: ASGIApp) -> CORSMiddleware:
    """Return `app` with its answers readable by the pages of `cors_origins`, which may send `methods`."""
    return CORSMiddleware(
        app,
        allow_origins=context.cors_origins,
        allow_methods=methods,
        allow_headers=_REQUEST_HEADERS,
        expose_headers=["Retry-After", "X-Request-ID"],
        allow_credentials=True,
        max_age=600,
    )


def for_visits(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint whose GET begins, spends or sets something: a browser that only looks ahead is refused."""

    async def visited(request: Request) -> Response:
        if request.method == "GET" and is_speculative(request):
            return responses.refuse_speculation()
        return await endpoint(request)

    return visited


def _guarded(context: WebContext, endpoint: Endpoint, style: ErrorStyle) -> Endpoint:
    async def guarded(request: Request) -> Response:
        request.state.request_id = new_request_id()
        with logging_request(request.state.request_id, partial(context.trusted_proxies.get_address, request)):
            return await answer(request)

    async def answer(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except ConnectError as error:
            await context.count_failure(request, error)
            request.state.outcome = error.code
            context.refusals.note(error, _log_fields(request))
            _measure_refusal(context, request, error)
            response = style(request, error)
            _forget_flow(context, request, response, error)
        except (asyncio.CancelledError, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - a shop's hook may raise anything, even SystemExit
            log.error(
                "unhandled", extra={"error": type(error).__name__, "place": _place(error), **_log_fields(request)}
            )
            _measure_refusal(context, request, Unavailable())
            request.state.outcome = Unavailable.code
            response = style(request, Unavailable())
        if b"lang=" in request.scope["query_string"] and not is_speculative(request):
            context.keep_language(request, response)
        response.raw_headers.append((b"x-request-id", request.state.request_id.encode("ascii")))
        return response

    return guarded


def _measure_refusal(context: WebContext, request: Request, error: ConnectError) -> None:
    """Count a refusal. What stands in the path may be any text, and becomes a label only where it is configured."""
    provider, client = (request.path_params.get(name, "") for name in ("provider", "client"))
    is_configured = any(configured.name == provider for configured in context.manager.registry)
    measurements.current.count_refusal(
        error.code, provider if is_configured else "", client if client in _CLIENT_TYPES else ""
    )
    if isinstance(error, StateInvalid) and error.reason:
        measurements.current.count_refused_state(error.reason)


def _forget_flow(context: WebContext, request: Request, response: Response, error: ConnectError) -> None:
    """Delete the cookie of a refused flow; after `Unavailable` the same callback may still succeed, so it stays."""
    flow_cookie = getattr(request.state, "flow_cookie", "")
    if flow_cookie in get_all_cookies(request) and not isinstance(error, Unavailable):
        context.cookies.drop(response, flow_cookie)


def _place(error: BaseException) -> str:
    """Return the function and line that raised it. The error's text may hold a secret and is never logged."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return f"{last.tb_frame.f_code.co_qualname}:{last.tb_lineno}" if last else ""


def _log_fields(request: Request) -> dict[str, object]:
    params = {key: value for key, value in request.path_params.items() if key in ("provider", "client")}
    return {"method": request.method, **params}
