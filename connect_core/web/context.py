"""`WebContext`: what every route needs, built once when the application is created.

Holds the manager, pages, cookies, limits and allowed origins, and answers what many routes ask: who is logged in, and
where a login is to lead. Never wraps an endpoint (`endpoints`) and never answers an error (`error_pages`).
"""

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from connect_core.errors import (
    BadRequest,
    CodeInvalid,
    CodeMissing,
    CodeSeen,
    ConnectError,
    NotLoggedIn,
    StateInvalid,
    StateMissing,
)
from connect_core.manager import ConnectManager
from connect_core.members.current import LoggedIn
from connect_core.observability.refusals import RefusalLog
from connect_core.web.addresses import TrustedProxies
from connect_core.web.mounting import get_root
from connect_core.web.pages import Pages, with_query
from connect_core.web.rate_limit import Limiter
from connect_core.web.requests import (
    check_origin,
    find_requested_language,
    get_bearer,
    get_cookies,
    wants_page,
)
from connect_core.web.responses import LANGUAGE_MEMORY, Cookies

GUESSES = (BadRequest, CodeInvalid, CodeMissing, CodeSeen, NotLoggedIn, StateInvalid, StateMissing)
"""Refusals that count as failures of an address. A person who cancels or is too late fails at nothing."""


@dataclass(frozen=True, slots=True)
class WebContext:
    """The running service, as routes see it.

    `limiter` counts by client address, `failure_limiter` those of them that are refused, `password_limiter` counts by
    user name. `origins` may send forms and JSON with cookies;
    `cors_origins` are those of them that browsers ask us about (CORS). `route_prefix` is where the routes begin,
    `/connect`.
    """

    manager: ConnectManager
    pages: Pages
    cookies: Cookies
    trusted_proxies: TrustedProxies
    limiter: Limiter
    failure_limiter: Limiter
    password_limiter: Limiter
    origins: tuple[str, ...]
    cors_origins: tuple[str, ...]
    route_prefix: str
    refusals: RefusalLog = field(default_factory=RefusalLog)

    @property
    def prefix(self) -> str:
        """What the addresses of our routes begin with, as this request's browser sees them."""
        return get_root() + self.route_prefix

    async def count(self, request: Request) -> None:
        """Count a login start, callback or code for the client's address. Raises `RateLimited`.

        If it is refused in the end, it is counted among the failures as well, see `count_failure`.
        """
        if address := self.trusted_proxies.get_address(request):
            self.failure_limiter.check(address)
            await self.limiter.hit(address)
            request.state.counted_address = address

    async def count_failure(self, request: Request, error: ConnectError) -> None:
        """Count a refusal for the client's address, if it may be a guess: of a state, a code, a ticket, a password."""
        address = getattr(request.state, "counted_address", "")
        if address and isinstance(error, GUESSES):
            await self.failure_limiter.note(address)

    async def count_password(self, username: str) -> None:
        """Count an attempt to guess the password of `username`. Raises `RateLimited`."""
        await self.password_limiter.hit(f"user {username}")

    async def find_member(self, request: Request) -> LoggedIn:
        """Return who is logged in, by session cookie or bearer token. Raises `NotLoggedIn`, and as `get_tokens`."""
        logged_in = await self.manager.current_member.find_member(**self.get_tokens(request))
        if logged_in is None:
            raise NotLoggedIn("there is no live session")
        return logged_in

    async def find_recent(self, request: Request) -> LoggedIn:
        """Return who is logged in, for what a stolen session must not be able to do.

        Raises `LoginTooOld` when the login is older than `[sessions]` allows for that, and as `find_member`.
        """
        return await self.manager.current_member.find_recent(**self.get_tokens(request))

    def get_tokens(self, request: Request) -> dict[str, str]:
        """Return the session and access token that the request carries, each empty where it carries none.

        Raises `Forbidden` when a page of another origin sends a request that changes something.
        """
        if request.method != "GET":
            check_origin(request, self.origins)
        session_token = get_cookies(request).get(self.cookies.session, "")
        return {"session_token": session_token, "access_token": get_bearer(request)}

    def forget_logins(self, request: Request, response: Response) -> None:
        """Delete every login cookie that the browser sent, ours and those of the `/buyer` routes.

        Flows go too: "Back" after a log-out repeats a callback, and may not find a session whose answer was lost.
        """
        for name in get_cookies(request):
            is_login = name in (self.cookies.session, "refresh_token", "access_token", "uid")
            if is_login or name.startswith(self.cookies.flow):
                self.cookies.drop(response, name)

    def keep_language(self, request: Request, response: Response) -> None:
        """Set the language cookie when a person asked for a language by `?lang=`."""
        language = find_requested_language(request)
        if language and wants_page(request):
            self.cookies.set(response, self.cookies.language, language, LANGUAGE_MEMORY)

    def get_login_page(self, return_to: str) -> str:
        """Return the login page's address, for a visitor who goes on to `return_to`; empty for the shop's home."""
        return with_query(f"{self.prefix}/login", return_to=return_to)

    def shorten(self, target: str) -> str:
        """Return a checked return target as links carry it: without our own origin, and empty for the shop's home."""
        targets = self.manager.targets
        is_home = target == targets.check(self.manager.settings.service.home_url)
        return "" if is_home else targets.shorten(target)
