"""What every route needs, made once: the manager, pages, cookies, limits; and how an endpoint is wrapped.

An endpoint either returns an answer or raises; what it raises becomes a page or problem details here, once. No such
page is a dead end: it leads back to where the visitor was, or to a login that ends where this one was to end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from limits import parse
from limits.strategies import FixedWindowRateLimiter
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from connect_core.cache import Shared
from connect_core.errors import (
    BelongsToAnother,
    ConnectError,
    LoginTooOld,
    NothingToMerge,
    NotLoggedIn,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from connect_core.login.values import Delivery, Flow
from connect_core.manager import ConnectManager
from connect_core.members.current import LoggedIn
from connect_core.observability.refusals import RefusalLog
from connect_core.web import responses
from connect_core.web.pages import Pages, Way, with_more
from connect_core.web.pages.messages import refusal_for
from connect_core.web.rate_limit import CountersInMemory
from connect_core.web.requests import (
    TrustedProxies,
    check_origin,
    find_asked_language,
    get_bearer,
    get_cookies,
    get_language,
    new_request_id,
    wants_page,
)
from connect_core.web.responses import LANGUAGE_MEMORY, Cookies

log = logging.getLogger("connect_login")
Endpoint = Callable[[Request], Awaitable[Response]]
ErrorStyle = Callable[[Request, ConnectError], Response]


class Limiter:
    """Counts requests by client address: in this process, and across all that share a Redis."""

    def __init__(self, rule: str, shared: Shared | None = None) -> None:
        """`rule`: `60/minute`, or `off`."""
        self._rule = None if rule == "off" else parse(rule)
        self._limiter = FixedWindowRateLimiter(CountersInMemory())
        self._shared = shared

    async def hit(self, address: str) -> None:
        """Count one request. Raises `RateLimited`."""
        rule = self._rule
        if rule is None:
            return
        # what is too much here is too much everywhere: a flood stays off Redis, and without it this count goes on
        is_within = self._limiter.hit(rule, address)
        if is_within and self._shared is not None:
            is_within = await self._shared.hit(rule, address)
        if not is_within:
            raise RateLimited("too many requests from this address", retry_after=rule.get_expiry())


@dataclass(frozen=True, slots=True)
class _AsApp:
    """An endpoint that raises nothing, as an ASGI application: Starlette's way around a function minds exceptions."""

    endpoint: Endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class WebContext:
    """The running service, as routes see it."""

    manager: ConnectManager
    pages: Pages
    cookies: Cookies
    trusted_proxies: TrustedProxies
    limiter: Limiter
    password_limiter: Limiter
    origins: tuple[str, ...]
    cors_origins: tuple[str, ...]
    prefix: str
    refusals: RefusalLog = field(default_factory=RefusalLog)

    async def count(self, request: Request) -> None:
        """Count a login start, callback or code. Raises `RateLimited`."""
        await self.limiter.hit(self.trusted_proxies.get_address(request))

    async def find_member(self, request: Request) -> LoggedIn:
        """Return who is logged in, by session cookie or bearer token. Raises `NotLoggedIn`, and as `get_tokens`."""
        found = await self.manager.current_member.find_member(**self.get_tokens(request))
        if found is None:
            raise NotLoggedIn("there is no live session")
        return found

    async def find_recent(self, request: Request) -> LoggedIn:
        """The same for what a stolen session must not do. Raises `LoginTooOld` besides."""
        return await self.manager.current_member.find_recent(**self.get_tokens(request))

    def get_tokens(self, request: Request) -> dict[str, str]:
        """Return what the request is logged in with.

        Raises `Forbidden` for a change with a cookie that comes from another site's page.
        """
        if request.method != "GET":
            check_origin(request, self.origins)
        session_token = get_cookies(request).get(self.cookies.session, "")
        return {"session_token": session_token, "access_token": get_bearer(request)}

    def route(
        self, path: str, endpoint: Endpoint, *methods: str, style: ErrorStyle | None = None, cross_origin: bool = False
    ) -> Route:
        """A route for `methods` alone (a HEAD never runs a GET); `cross_origin` lets `cors_origins` call it."""
        allows = cross_origin and bool(self.cors_origins)
        guarded = _AsApp(self._guarded(endpoint, style or self.answer_error))
        cors = Middleware(
            CORSMiddleware,
            allow_origins=self.cors_origins,
            allow_methods=methods,
            allow_headers=["authorization", "content-type"],
            allow_credentials=True,
            max_age=600,
        )
        route = Route(
            path, guarded, methods=[*methods, *(["OPTIONS"] if allows else [])], middleware=[cors] if allows else []
        )
        assert route.methods is not None
        route.methods.discard("HEAD")
        return route

    def forget_logins(self, request: Request, response: Response) -> None:
        """Have the browser forget every cookie of a login."""
        for name in (self.cookies.session, "refresh_token", "access_token", "uid"):
            if name in request.cookies:
                self.cookies.drop(response, name)

    def keep_language(self, request: Request, response: Response) -> None:
        """Have the browser of a person who asked for a language by `?lang=` remember it."""
        language = find_asked_language(request)
        if language and wants_page(request):
            self.cookies.set(response, self.cookies.language, language, LANGUAGE_MEMORY)

    def answer_error(self, request: Request, error: ConnectError) -> Response:
        """A page for a person, problem details for a program."""
        return self._answer_error(request, error, "")

    def leading_back_to(self, page: str) -> ErrorStyle:
        """Return the same, but for a page that leads back to `page` of ours where beginning anew mends nothing."""
        return lambda request, error: self._answer_error(request, error, page)

    def login_for(self, page: str) -> str:
        """Return the login page's address for who is to go on to `page`; empty for the shop's home."""
        return with_more(f"{self.prefix}/login", return_to=page)

    def shorten(self, target: str) -> str:
        """Return a checked return target as pages hand it on: without our own origin, and empty for the shop's home."""
        service = self.manager.settings.service
        is_home = target == self.manager.targets.check(service.home_url)
        return "" if is_home else target.removeprefix(service.public_url)

    def refuse(self, request: Request, error: ConnectError, reason: str, ways: Sequence[Way]) -> Response:
        """The page with the words for `reason`, and `ways` on."""
        text = self.pages.refused(get_language(request), reason, request.state.request_id, ways)
        return responses.with_retry(responses.page(text, error.status), error)

    def _guarded(self, endpoint: Endpoint, style: ErrorStyle) -> Endpoint:
        async def guarded(request: Request) -> Response:
            request.state.request_id = new_request_id()
            try:
                if request.method == "OPTIONS":
                    return Response(status_code=405, headers=responses.HEADERS)
                response = await endpoint(request)
            except ConnectError as error:
                self.refusals.note(error, _log_fields(request))
                response = style(request, error)
                self._forget_flow(request, response, error)
            except (asyncio.CancelledError, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - one generic answer, the log has the place; no hook ends us
                log.error(
                    "unhandled", extra={"error": type(error).__name__, "place": _place(error), **_log_fields(request)}
                )
                response = style(request, Unavailable())
            if b"lang=" in request.scope["query_string"]:
                self.keep_language(request, response)
            response.raw_headers.append((b"x-request-id", request.state.request_id.encode("ascii")))
            return response

        return guarded

    def _forget_flow(self, request: Request, response: Response, error: ConnectError) -> None:
        """A refused flow is over; one that met a database out of order can still be finished."""
        flow_cookie = getattr(request.state, "flow_cookie", None)
        if flow_cookie in request.cookies and not isinstance(error, Unavailable):
            self.cookies.drop(response, flow_cookie)

    def _answer_error(self, request: Request, error: ConnectError, page: str) -> Response:
        if not wants_page(request):
            return responses.problem(error, request.state.request_id)
        return self.refuse(request, error, _REASONS.get(type(error), error.code), self._find_ways(request, error, page))

    def _find_ways(self, request: Request, error: ConnectError, page: str) -> list[Way]:
        """Where to go on: what was asked for, from its beginning, or else back to `page`, or to another login."""
        account = f"{self.prefix}/account"
        if isinstance(error, NotLoggedIn | LoginTooOld):
            return [Way("start_again", self.login_for(page or account))]
        begun = self._find_flow(request)
        can_merge = self.manager.merges.are_offered and isinstance(error, BelongsToAnother | NothingToMerge)
        merge = [Way("merge", f"{account}/merge")] if can_merge else []
        if begun and begun.linking_family:
            return [*merge, Way("keep", account)]
        is_nowhere = error.code == "unsupported" and request.method == "GET"
        if page and not is_nowhere and not error.code.startswith("state_"):
            return [*(merge if page == account else []), Way("keep", page)]
        return_to = self._find_return_target(request, begun)
        other = Way("other_login", self.login_for(return_to))
        match error.code:
            case "forbidden":
                return [Way("to_shop", self.manager.settings.service.home_url)]
            case "member_disabled" | "unsupported":
                return [other]
        again = Way("start_again", with_more(self._find_start(request, begun), return_to=return_to))
        return [again, *([other] if refusal_for(error.code).other_login else [])]

    def _find_start(self, request: Request, begun: Flow | None) -> str:
        """Where the login began that is refused."""
        provider, client = request.path_params.get("provider"), request.path_params.get("client")
        if not provider:
            return f"{self.prefix}/login"
        prefix = "/buyer/connect" if begun and begun.delivery is Delivery.TOKEN_COOKIES else self.prefix
        return f"{prefix}/{provider}/{client}/login"

    def _find_flow(self, request: Request) -> Flow | None:
        """The flow of this browser that is refused, however old."""
        sealed = get_cookies(request).get(getattr(request.state, "flow_cookie", ""))
        with suppress(RequestRefused):
            return self.manager.flows.open_expired(request.query_params.get("state", ""), sealed)
        return None

    def _find_return_target(self, request: Request, begun: Flow | None) -> str:
        """Where the member wanted to go, if that was allowed; empty for the shop's home."""
        if begun:
            return self.shorten(begun.return_to)
        asked = "" if request.scope["path"].endswith("/callback") else request.query_params.get("return_to", "")
        with suppress(RequestRefused):
            return asked and self.shorten(self.manager.targets.check(asked))
        return ""


_REASONS: Mapping[type[ConnectError], str] = {LoginTooOld: "login_too_old", NothingToMerge: "nothing_to_merge"}
"""Errors that read otherwise than their code does elsewhere."""


def _place(error: BaseException) -> str:
    """Where it was raised; its text may hold anything and stays out."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return f"{last.tb_frame.f_code.co_qualname}:{last.tb_lineno}" if last else ""


def _log_fields(request: Request) -> dict[str, object]:
    params = {key: value for key, value in request.path_params.items() if key in ("provider", "client")}
    return {"request_id": request.state.request_id, "method": request.method, **params}
