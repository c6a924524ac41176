"""The routes of a QR login: a PC shows a QR code, a logged-in phone confirms, and the PC collects a session by POST.

The PC's cookie holds an id and a secret, the address in the QR code the id alone. The pages work without scripts: the
PC's page reloads by the header `Refresh`. The PC is told the state while it waits, and never who the member is.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from connect_core.devices import get_network
from connect_core.errors import (
    ConnectError,
    Forbidden,
    NotLoggedIn,
    PageNotFound,
    StateExpired,
    StateInvalid,
    Unavailable,
)
from connect_core.login.qr_login import INTERVAL, LIFE, Begun, QrLoginProgress, QrLoginState
from connect_core.user_agents import name_in
from connect_core.web import responses
from connect_core.web.answers import BegunQrLogin, LoggedInOnPc, ScannedQrLogin
from connect_core.web.context import WebContext
from connect_core.web.endpoints import Endpoint, PostedFrom, for_visits, route
from connect_core.web.error_pages import ErrorStyle, error_page, leading_back_to
from connect_core.web.login.qr_code import code_response
from connect_core.web.pages.links import with_query
from connect_core.web.pages.views import NextStep, QrLoginConfirmation
from connect_core.web.rate_limit import Limiter
from connect_core.web.requests import (
    check_origin,
    get_cookies,
    get_parameters,
    get_visit,
    read_fields,
    wants_page,
)

MEMORY = 180
"""Seconds for which a PC keeps a ticket past its life, so that its page says "expired" and shows no new code."""
PAGE_INTERVAL = 3
"""Seconds after which the PC's page reloads."""
POLLS = "3/2 second"
"""How often one ticket may be asked about: once a second is fine, faster is not (RFC 8628 §3.5, `slow_down`)."""
MOST_STREAMS = 200
"""Event streams at once, per process; a further stream ends after its first event, so its client polls."""
HEARTBEAT = 5
"""Looks at the state after which a stream says that it lives: proxies end connections on which nothing comes."""
WAITS = "waits"
"""The parameter by which the PC's page reloads itself."""
_OPEN = (QrLoginState.WAITING, QrLoginState.SCANNED)
_SCANNED = (QrLoginState.SCANNED, QrLoginState.APPROVED)
_NOT_BEGUN = QrLoginProgress(QrLoginState.EXPIRED, 0)


def qr_login_routes(context: WebContext) -> list[BaseRoute]:
    """Return the PC's routes and the phone's; 404 unless `[service] handover` is on."""
    pc, phone, style = _PcEndpoints(context), _PhoneEndpoints(context), _error_style(context)

    def make_route(path: str, endpoint: Endpoint, method: str, *, cross_origin: bool = False) -> BaseRoute:
        async def if_enabled(request: Request) -> Response:
            if not context.manager.settings.service.handover:
                raise PageNotFound("this shop hands no login over")
            return await endpoint(request)

        posted = PostedFrom(endpoint.form_page, if_enabled) if isinstance(endpoint, PostedFrom) else if_enabled
        return route(context, context.prefix + path, posted, method, style=style, cross_origin=cross_origin)

    return [
        make_route("/handover", for_visits(pc.page), "GET"),
        make_route("/handover", pc.start, "POST", cross_origin=True),
        make_route("/handover/code.svg", pc.code, "GET"),
        make_route("/handover/status", pc.status, "GET", cross_origin=True),
        make_route("/handover/events", pc.events, "GET", cross_origin=True),
        make_route("/handover/collect", PostedFrom("/handover", pc.collect), "POST", cross_origin=True),
        make_route("/h/{id}", for_visits(phone.confirm), "GET"),
        make_route("/h/{id}/approve", PostedFrom("/h/{id}", phone.approve), "POST"),
        make_route("/h/{id}/deny", PostedFrom("/h/{id}", phone.deny), "POST"),
    ]


class _PcEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._qr_logins = context.manager.qr_logins
        self._polls = Limiter(POLLS, context.manager.shared, name="qr_login_polls")
        self._streams = 0

    async def page(self, request: Request) -> Response:
        """Show the QR code, and how far its login is.

        Somebody who comes to the page gets a new code, unless a phone has scanned the last one. The page that waits
        reloads under an address of its own, and keeps its code until the end.
        """
        query = get_parameters(request)
        return_to = query.get("return_to", "")
        if return_to:
            self._context.manager.targets.check(return_to)
        ticket, begun = self._find_ticket(request), None
        progress = await self._qr_logins.find_progress(ticket) if ticket else _NOT_BEGUN
        if not ticket or (WAITS not in query and progress.state not in _SCANNED):
            begun = await self._begin(request)
            progress = QrLoginProgress(QrLoginState.WAITING, begun.expires_in)
        language = get_visit(request).language
        text = self._context.pages.handover(language, progress.state, return_to, seconds_left=progress.seconds_left)
        response = responses.html_response(text)
        if progress.state in _OPEN:
            response.headers["refresh"] = f"{PAGE_INTERVAL};url={self._waiting_page(return_to)}"
        return self._keep(response, begun) if begun else response

    async def start(self, request: Request) -> Response:
        check_origin(request, self._context.origins)
        return_to = (await read_fields(request)).get("return_to", "")
        begun = await self._begin(request)
        if wants_page(request):
            return self._keep(responses.redirect(self._waiting_page(return_to)), begun)
        body: BegunQrLogin = {"handover_url": self._url(begun.id), "expires_in": begun.expires_in, "interval": INTERVAL}
        return self._keep(responses.json_response(body), begun)

    async def code(self, request: Request) -> Response:
        """Answer the QR code of this browser's ticket."""
        return code_response(self._url(self._get_ticket(request).partition(".")[0]))

    async def status(self, request: Request) -> Response:
        ticket = self._get_ticket(request)
        await self._polls.hit(ticket)
        return responses.json_response({"status": await self._qr_logins.find_state(ticket)})

    async def events(self, request: Request) -> Response:
        """Stream the state until the decision or the ticket's end; where too many streams are open, one event only."""
        ticket = self._get_ticket(request)
        await self._polls.hit(ticket)
        stream = self._stream(ticket, lasts=self._streams < MOST_STREAMS)
        # nginx and those that follow it hold a stream back until their buffer is full
        headers = {**responses.HEADERS, "x-accel-buffering": "no"}
        return StreamingResponse(stream, headers=headers, media_type="text/event-stream")

    async def collect(self, request: Request) -> Response:
        check_origin(request, self._context.origins)
        await self._context.count(request)
        fields = await read_fields(request)
        manager = self._context.manager
        target = manager.targets.check(fields.get("return_to") or manager.settings.service.home_url)
        presented = self._context.get_presented(request)
        opened = await self._qr_logins.collect(self._get_ticket(request), presented, request.state.request_id)
        body: LoggedInOnPc = {"uid": opened.row.member_id}
        lifetime = manager.settings.sessions.absolute
        response = responses.redirect(target) if wants_page(request) else responses.json_response(body)
        self._context.forget_logins(request, response, self._context.cookies.session)
        self._context.cookies.set(response, self._context.cookies.session, opened.token, lifetime)
        self._context.cookies.drop(response, self._context.cookies.handover)
        return response

    async def _begin(self, request: Request) -> Begun:
        await self._context.count(request)
        network = get_network(self._context.trusted_proxies.get_address(request))
        return await self._qr_logins.start(self._context.describe_device(request), network)

    async def _stream(self, ticket: str, *, lasts: bool) -> AsyncIterator[str]:
        self._streams += 1
        try:
            async for line in self._write_events(ticket, LIFE // INTERVAL + 1 if lasts else 1):
                yield line
        finally:
            self._streams -= 1

    async def _write_events(self, ticket: str, looks: int) -> AsyncIterator[str]:
        yield f"retry: {INTERVAL * 1000}\n\n"
        sent = None
        async for place, state in self._watch(ticket, looks):
            if state != sent:
                yield f"event: status\ndata: {state}\n\n"
            elif place % HEARTBEAT == 0:
                yield ": still here\n\n"
            sent = state

    async def _watch(self, ticket: str, looks: int) -> AsyncIterator[tuple[int, QrLoginState]]:
        """Look at the state every `INTERVAL` seconds until the decision; yields the look's number and the state."""
        state = QrLoginState.WAITING
        for place in range(looks):
            if place:
                await asyncio.sleep(INTERVAL)
            with suppress(Unavailable):  # the next look or a poll tries again
                state = await self._qr_logins.find_state(ticket)
            yield place, state
            if state not in _OPEN:
                return

    def _waiting_page(self, return_to: str) -> str:
        return with_query(f"{self._context.prefix}/handover", return_to=return_to, **{WAITS: "1"})

    def _keep(self, response: Response, begun: Begun) -> Response:
        self._context.cookies.set(response, self._context.cookies.handover, begun.ticket, LIFE + MEMORY)
        return response

    def _find_ticket(self, request: Request) -> str:
        return get_cookies(request).get(self._context.cookies.handover, "")

    def _get_ticket(self, request: Request) -> str:
        if not (ticket := self._find_ticket(request)):
            raise Forbidden("this browser has begun no hand-over")
        return ticket

    def _url(self, id_: str) -> str:
        return f"{self._context.manager.settings.service.public_url}{self._context.prefix}/h/{id_}"


class _PhoneEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._qr_logins = context.manager.qr_logins

    async def confirm(self, request: Request) -> Response:
        """Ask the member to confirm; a visitor who is not logged in logs in first and comes back here."""
        await self._context.count(request)
        id_, visit = request.path_params["id"], get_visit(request)
        try:
            logged_in = await self._context.find_member(request)
        except NotLoggedIn:
            if not wants_page(request):
                raise
            return responses.redirect(self._context.get_login_page(f"{self._context.prefix}/h/{id_}"))
        scanned = await self._qr_logins.scan(id_, logged_in.session, request.state.request_id)
        device = scanned.device
        if not wants_page(request):
            city, country = device.location.name_in(visit.language)
            body: ScannedQrLogin = {
                "browser": device.browser,
                "system": device.system,
                "place": scanned.network,
                "city": city,
                "country": country,
                "age": scanned.age,
                "status": scanned.state,
            }
            return responses.json_response(body)
        if scanned.state == QrLoginState.APPROVED:
            return self._answer_decision(request, scanned.state)
        shop_host = urlsplit(self._context.manager.settings.service.public_url).netloc
        member = logged_in.member.nickname or logged_in.member.uname
        url = f"{self._context.prefix}/h/{id_}"
        browser, system = (name_in(visit.language, name) for name in (device.browser, device.system))
        confirmation = QrLoginConfirmation(
            shop_host,
            member,
            browser,
            system,
            scanned.network,
            scanned.age,
            url,
            device.location.describe(visit.language),
        )
        return responses.html_response(self._context.pages.confirm_handover(visit.language, confirmation))

    async def approve(self, request: Request) -> Response:
        await self._context.count(request)
        logged_in = await self._context.find_member(request)
        await self._qr_logins.approve(request.path_params["id"], logged_in.session)
        return self._answer_decision(request, QrLoginState.APPROVED)

    async def deny(self, request: Request) -> Response:
        await self._context.count(request)
        logged_in = await self._context.find_member(request)
        await self._qr_logins.deny(request.path_params["id"], logged_in.session)
        return self._answer_decision(request, QrLoginState.DENIED)

    def _answer_decision(self, request: Request, state: QrLoginState) -> Response:
        if not wants_page(request):
            return responses.no_content()
        deny_url = (
            f"{self._context.prefix}/h/{request.path_params['id']}/deny" if state == QrLoginState.APPROVED else ""
        )
        return responses.html_response(
            self._context.pages.handover_decided(get_visit(request).language, state, deny_url)
        )


def _error_style(context: WebContext) -> ErrorStyle:
    def answer(request: Request, error: ConnectError) -> Response:
        """Say that the QR code no longer works, where its ticket has expired: only the PC can show a new one."""
        id_, begin = request.path_params.get("id"), "/handover"
        if not wants_page(request) or not isinstance(error, StateExpired | StateInvalid):
            return leading_back_to(context, f"/h/{id_}" if id_ else begin)(request, error)
        home = context.manager.settings.service.home_url
        next_step = NextStep("to_shop", home) if id_ else NextStep("start_again", context.prefix + begin)
        return error_page(context, request, error, "handover_over", [next_step])

    return answer
