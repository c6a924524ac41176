"""`WebContext`: what every route needs, built once when the application is created.

Holds the manager, pages, cookies, limits and allowed origins, and answers what many routes ask: who is logged in, and
where a login is to lead. Never wraps an endpoint (`endpoints`) and never answers an error (`error_pages`).
"""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from connect_core.devices import Device, Devices
from connect_core.errors import (
    BadRequest,
    ClientInvalid,
    CodeInvalid,
    CodeMissing,
    CodeSeen,
    ConnectError,
    NotLoggedIn,
    RateLimited,
    StateInvalid,
    StateMissing,
    TooManyTries,
)
from connect_core.login.values import Delivery, Visit
from connect_core.manager import ConnectManager
from connect_core.members.current import LoggedIn
from connect_core.observability.refusals import RefusalLog
from connect_core.sessions import PresentedTokens
from connect_core.web.addresses import TrustedProxies
from connect_core.web.mounting import get_root
from connect_core.web.pages import Pages
from connect_core.web.pages.flash import FLASH_SECONDS, Flash
from connect_core.web.pages.links import with_query
from connect_core.web.rate_limit import Limiter
from connect_core.web.requests import (
    check_origin,
    check_subject,
    find_requested_language,
    get_all_cookies,
    get_bearer,
    get_cookies,
    get_visit,
    is_form,
    is_from_another_origin,
    read_form,
    wants_page,
)
from connect_core.web.responses import LANGUAGE_MEMORY, LAST_USED_MEMORY, TOKEN_COOKIES, Cookies

_COOKIE_VALUE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")

GUESSES = (BadRequest, ClientInvalid, CodeInvalid, CodeMissing, CodeSeen, NotLoggedIn, StateInvalid, StateMissing)
"""Refusals that count as failures of an address. A person who cancels or is too late fails at nothing."""


@dataclass(slots=True)
class PagesInUse:
    """The pages that are shown now. Changed settings put others in their place."""

    pages: Pages


@dataclass(frozen=True, slots=True)
class WebContext:
    """The running service, as routes see it.

    `in_use` has the pages, which change with the settings: read them anew for each request. `devices` describes who
    logs in. `limiter` counts by client address, `failure_limiter` those of them that are refused, `password_limiter`
    counts by user name. `origins` may send forms and JSON with cookies; `cors_origins` are those of them that browsers
    ask us about (CORS). `route_prefix` is where the routes begin, `/connect`.
    """

    manager: ConnectManager
    in_use: PagesInUse
    cookies: Cookies
    trusted_proxies: TrustedProxies
    devices: Devices
    limiter: Limiter
    failure_limiter: Limiter
    password_limiter: Limiter
    origins: tuple[str, ...]
    cors_origins: tuple[str, ...]
    route_prefix: str
    refusals: RefusalLog = field(default_factory=RefusalLog)

    @property
    def pages(self) -> Pages:
        """The pages of this moment."""
        return self.in_use.pages

    @property
    def prefix(self) -> str:
        """What the addresses of our routes begin with, as this request's browser sees them."""
        return get_root() + self.route_prefix

    async def count(self, request: Request) -> None:
        """Count a login start, callback or code for the client's address. Raises `RateLimited`.

        If it is refused in the end, it is counted among the failures as well, see `count_failure`.
        """
        if address := self.check_failures(request):
            await self.limiter.hit(address)

    def check_failures(self, request: Request) -> str:
        """Return the client's address, for which a refusal of this request is then counted; empty if unknown.

        Raises `RateLimited` for an address that was refused too often.
        """
        if address := self.trusted_proxies.get_address(request):
            self.failure_limiter.check(address)
            request.state.counted_address = address
        return address

    async def count_failure(self, request: Request, error: ConnectError) -> None:
        """Count a refusal for the client's address, if it may be a guess: of a state, a code, a ticket, a password."""
        if isinstance(error, GUESSES):
            await self.note_failure(request)

    async def note_failure(self, request: Request) -> None:
        """Count a refusal for the client's address, whatever the reason."""
        if address := getattr(request.state, "counted_address", ""):
            await self.failure_limiter.note(address)

    async def count_password(self, username: str) -> None:
        """Count an attempt to guess the password of `username`. Raises `TooManyTries`.

        Without a name nothing is counted: a shop's own check may know its members by other fields, and all of them
        would share one count.
        """
        if not username:
            return
        try:
            await self.password_limiter.hit(f"user {username}")
        except RateLimited as error:
            raise TooManyTries("too many tries of this member name", retry_after=error.retry_after) from error

    async def find_member(self, request: Request) -> LoggedIn:
        """Return who is logged in.

        Raises `NotLoggedIn`, `Forbidden` when a page of another origin sends a request that changes something, and
        `PageOutdated` for the form of a page that was about another member.
        """
        return await self.find_presented(request, self.get_presented(request))

    async def find_presented(self, request: Request, presented: PresentedTokens) -> LoggedIn:
        """Return whose tokens those are that `request` came with. Raises as `find_member`."""
        self._check_origin(request)
        logged_in = await self.manager.current_member.find_member(presented)
        if logged_in is None:
            raise NotLoggedIn("there is no live session")
        return await self._check_subject(request, logged_in)

    async def find_recent(self, request: Request) -> LoggedIn:
        """Return who is logged in, for what a stolen session must not be able to do.

        Raises `LoginTooOld` when the login is older than `[sessions]` allows for that, and as `find_member`.
        """
        self._check_origin(request)
        logged_in = await self.manager.current_member.find_recent(self.get_presented(request))
        return await self._check_subject(request, logged_in)

    def get_presented(self, request: Request) -> PresentedTokens:
        """Return the login tokens that the request carries: its bearer token, and those of its cookies.

        Cookies do not count in a request that changes something when a page of another origin sent it: such a request
        may be forged.
        """
        is_forged = request.method not in _SAFE_METHODS and is_from_another_origin(request, self.origins)
        cookies = {} if is_forged else get_all_cookies(request)
        names = {"session": self.cookies.session, "access": "access_token", "refresh": "refresh_token"}
        values = {kind: cookies.get(name, []) for kind, name in names.items()}
        return PresentedTokens(
            bearer=get_bearer(request),
            repeated=tuple(token for tokens in values.values() if len(tokens) > 1 for token in tokens),
            **{kind: tokens[0] for kind, tokens in values.items() if len(tokens) == 1},
        )

    def get_visit(self, request: Request, device_id: str = "", *, choice_ticket: str = "", consent: str = "") -> Visit:
        """Return the visitor whose login is about to be finished, with the tokens that it ends.

        `choice_ticket` is that of an app's waiting login; a browser's is in its cookie. `consent` is the version of the
        terms that the visitor agrees to.
        """
        visit = get_visit(request, self.get_presented(request), device_id, self.describe_device(request))
        ticket = choice_ticket or get_cookies(request).get(self.cookies.pending, "")
        return replace(visit, choice_ticket=ticket, consent=consent) if ticket or consent else visit

    def describe_device(self, request: Request) -> Device:
        """Return what is kept and shown of the device that sent the request."""
        agent = request.headers.get("user-agent", "")
        return self.devices.describe(agent, self.trusted_proxies.get_address(request))

    def get_delivery(self, request: Request) -> Delivery:
        """Return by which cookies this browser is logged in, so that a new session comes the same way."""
        presented = self.get_presented(request)
        has_tokens_alone = not presented.session and (presented.access or presented.refresh)
        return Delivery.TOKEN_COOKIES if has_tokens_alone else Delivery.SESSION

    def get_choice_page(self, delivery: Delivery, ticket: str) -> str:
        """Return the page that asks whether a person is new; a front end of the `/buyer` routes may have its own."""
        page = self.manager.settings.service.binder_url
        if not page or delivery is not Delivery.TOKEN_COOKIES:
            return f"{self.prefix}/first-login"
        page, uuid = self.manager.targets.check(page), ticket.partition(".")[0]
        return f"{page}{'&' if '?' in page else '?'}{urlencode({'uuid': uuid})}"

    def remember_provider(self, response: Response, provider: str) -> None:
        """Let the browser remember by which provider it logged in, for the badge on the login page.

        A name that a cookie cannot hold is passed over.
        """
        if _COOKIE_VALUE.fullmatch(provider):
            self.cookies.set(response, self.cookies.last_used, provider, LAST_USED_MEMORY)

    def forget_logins(self, request: Request, response: Response, *spared: str) -> None:
        """Delete every login cookie that the browser sent, ours and those of the `/buyer` routes, but for `spared`.

        Without `spared`, at a log-out, flows go too: "Back" repeats a callback, and may not find a session whose answer
        was lost.
        """
        for name in get_all_cookies(request):
            is_login = name in (self.cookies.session, *TOKEN_COOKIES) and name not in spared
            is_old_message = bool(spared) and name == self.cookies.flash  # such as "you are logged out"
            if is_login or is_old_message or (not spared and name.startswith(self.cookies.flow)):
                self.cookies.drop(response, name)

    def tell(self, request: Request, response: Response, message: str, union_type: str = "") -> None:
        """Let the next page of ours say once that something has succeeded; a program is told by its answer alone.

        `message` is one of `pages.flash.MESSAGES`, `union_type` the login that it is about, if any. The page is one
        that this browser opens within `FLASH_SECONDS`; when it goes elsewhere, nobody is told.
        """
        if wants_page(request):
            self.cookies.set(response, self.cookies.flash, str(Flash(message, union_type)), FLASH_SECONDS)

    async def _check_subject(self, request: Request, logged_in: LoggedIn) -> LoggedIn:
        if request.method == "POST" and is_form(request):
            check_subject(await read_form(request), logged_in.member.uname)
        return logged_in

    def _check_origin(self, request: Request) -> None:
        if request.method != "GET":
            check_origin(request, self.origins)

    def keep_language(self, request: Request, response: Response) -> None:
        """Set the language cookie when a person asked for a language by `?lang=`."""
        language = find_requested_language(request)
        if language and wants_page(request):
            self.cookies.set(response, self.cookies.language, language, LANGUAGE_MEMORY)

    def get_login_page(self, return_to: str) -> str:
        """Return the login page's address, for a visitor who goes on to `return_to`; empty for the shop's home."""
        return with_query(f"{self.prefix}/login", return_to=return_to)

    def get_qr_login_page(self, return_to: str) -> str:
        """Return the address of a PC's QR login page, as `get_login_page`; empty where the shop has switched it off."""
        is_on = self.manager.settings.service.handover
        return with_query(f"{self.prefix}/handover", return_to=return_to) if is_on else ""

    def get_confirming_page(self, return_to: str) -> str:
        """Return the page on which a member confirms who they are, before they go on to `return_to`."""
        return with_query(f"{self.prefix}/reauthenticate", return_to=return_to)

    def shorten(self, target: str) -> str:
        """Return a checked return target as links carry it: without our own origin, and empty for the shop's home."""
        targets = self.manager.targets
        is_home = target == targets.check(self.manager.settings.service.home_url)
        return "" if is_home else targets.shorten(target)
