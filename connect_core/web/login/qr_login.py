"""The QR code: a PC shows it, a phone that is logged in confirms, and the PC collects a session by POST.

The PC's cookie holds the id and the secret; the address in the QR code holds the id alone. Pages work without scripts:
the PC's asks again by the header `Refresh`. What is told while waiting is the state, never who.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

import segno
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from connect_core.errors import (
    ConnectError,
    Forbidden,
    NotLoggedIn,
    StateExpired,
    StateInvalid,
    Unavailable,
    Unsupported,
)
from connect_core.login.qr_login import INTERVAL, LIFE, Begun, QrLoginState
from connect_core.web import responses
from connect_core.web.context import Endpoint, ErrorStyle, Limiter, WebContext
from connect_core.web.login.user_agents import describe
from connect_core.web.pages import Confirmation, Way, with_more
from connect_core.web.requests import (
    check_origin,
    get_cookies,
    get_parameters,
    get_visit,
    read_fields,
    wants_page,
)

MEMORY = 180
"""Seconds for which a PC keeps a ticket past its life, so that it is told "expired" and gets no new code unasked."""
PAGE_INTERVAL = 3
"""Seconds after which the PC's page asks again."""
POLLS = "3/2 second"
"""How often one ticket may be asked about: once a second is fine, faster is not (RFC 8628 §3.5, `slow_down`)."""
MOST_STREAMS = 200
"""Event streams at once, per process; further visitors poll."""
_OPEN = (QrLoginState.WAITING, QrLoginState.SCANNED)


def qr_login_routes(context: WebContext) -> list[BaseRoute]:
    """The PC's routes and the phone's; 404 where the shop has switched them off."""
    pc, phone, prefix = _Pc(context), _Phone(context), context.prefix

    def route(path: str, endpoint: Endpoint, method: str, *, cross_origin: bool = False) -> BaseRoute:
        async def offered(request: Request) -> Response:
            if not context.manager.settings.service.handover:
                raise Unsupported("this shop hands no login over")
            return await endpoint(request)

        return context.route(prefix + path, offered, method, style=_style(context), cross_origin=cross_origin)

    return [
        route("/handover", pc.page, "GET"),
        route("/handover", pc.start, "POST", cross_origin=True),
        route("/handover/code.svg", pc.code, "GET"),
        route("/handover/status", pc.status, "GET", cross_origin=True),
        route("/handover/events", pc.events, "GET", cross_origin=True),
        route("/handover/collect", pc.collect, "POST", cross_origin=True),
        route("/h/{id}", phone.confirm, "GET"),
        route("/h/{id}/approve", phone.approve, "POST"),
        route("/h/{id}/deny", phone.deny, "POST"),
    ]


class _Pc:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._handovers = context.manager.qr_logins
        self._polls = Limiter(POLLS, context.manager.shared)
        self._streams = 0

    async def page(self, request: Request) -> Response:
        """A browser without a ticket gets one; the code of a ticket that is over is renewed by a form alone."""
        return_to = get_parameters(request).get("return_to", "")
        if return_to:
            self._context.manager.targets.check(return_to)
        ticket = self._find_ticket(request)
        begun = None if ticket else await self._begin(request)
        state = await self._handovers.find_state(ticket) if ticket else QrLoginState.WAITING
        text = self._context.pages.handover(get_visit(request).language, state, return_to)
        response = responses.page(text)
        if state in _OPEN:
            response.headers["refresh"] = str(PAGE_INTERVAL)
        return self._keep(response, begun) if begun else response

    async def start(self, request: Request) -> Response:
        check_origin(request, self._context.origins)
        asked = await read_fields(request)
        begun = await self._begin(request)
        if wants_page(request):
            page = with_more(f"{self._context.prefix}/handover", return_to=asked.get("return_to", ""))
            return self._keep(responses.redirect(page), begun)
        body = {"handover_url": self._url(begun.id), "expires_in": begun.expires_in, "interval": INTERVAL}
        return self._keep(responses.answer(body), begun)

    async def code(self, request: Request) -> Response:
        """The QR code of this browser's own ticket."""
        drawn = io.BytesIO()
        url = self._url(self._get_ticket(request).partition(".")[0])
        segno.make_qr(url, error="m").save(drawn, kind="svg", scale=8, border=4, light="#fff", xmldecl=False)
        return Response(drawn.getvalue(), 200, responses.HEADERS, "image/svg+xml")

    async def status(self, request: Request) -> Response:
        ticket = self._get_ticket(request)
        await self._polls.hit(ticket)
        return responses.answer({"status": await self._handovers.find_state(ticket)})

    async def events(self, request: Request) -> Response:
        """A stream that ends with the decision, or with the ticket; where too many are open, one poll's worth of it."""
        ticket = self._get_ticket(request)
        await self._polls.hit(ticket)
        stream = self._stream(ticket, lasts=self._streams < MOST_STREAMS)
        return StreamingResponse(stream, headers=responses.HEADERS, media_type="text/event-stream")

    async def collect(self, request: Request) -> Response:
        check_origin(request, self._context.origins)
        await self._context.count(request)
        asked = await read_fields(request)
        manager, cookies = self._context.manager, get_cookies(request)
        target = manager.targets.check(asked.get("return_to") or manager.settings.service.home_url)
        held = cookies.get(self._context.cookies.session) or cookies.get("refresh_token", "")
        opened = await self._handovers.collect(self._get_ticket(request), held, request.state.request_id)
        done = responses.redirect(target) if wants_page(request) else responses.answer({"uid": opened.row.member_id})
        self._context.cookies.set(done, self._context.cookies.session, opened.token, manager.settings.sessions.absolute)
        self._context.cookies.drop(done, self._context.cookies.handover)
        return done

    async def _begin(self, request: Request) -> Begun:
        await self._context.count(request)
        agent, address = request.headers.get("user-agent", "")[:512], self._context.trusted_proxies.get_address(request)
        return await self._handovers.start(describe(agent, address))

    async def _stream(self, ticket: str, *, lasts: bool) -> AsyncIterator[str]:
        self._streams += 1
        try:
            told, state = None, QrLoginState.WAITING
            yield f"retry: {INTERVAL * 1000}\n\n"
            for _ in range(LIFE // INTERVAL + 1 if lasts else 1):
                with suppress(Unavailable):  # told by the next round, or by a poll
                    state = await self._handovers.find_state(ticket)
                if state != told:
                    yield f"event: status\ndata: {state}\n\n"
                    told = state
                if state not in _OPEN:
                    return
                await asyncio.sleep(INTERVAL if lasts else 0)
        finally:
            self._streams -= 1

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


class _Phone:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._handovers = context.manager.qr_logins

    async def confirm(self, request: Request) -> Response:
        """Ask the member; whoever is not logged in does that first, and is asked then."""
        await self._context.count(request)
        id_, visit = request.path_params["id"], get_visit(request)
        try:
            found = await self._context.find_member(request)
        except NotLoggedIn:
            if not wants_page(request):
                raise
            return responses.redirect(self._context.login_for(f"{self._context.prefix}/h/{id_}"))
        asked = await self._handovers.scan(id_, found.session, request.state.request_id)
        device = asked.device
        if not wants_page(request):
            told = {"browser": device.browser, "system": device.system, "place": device.place}
            return responses.answer({**told, "age": asked.age, "status": asked.state})
        if asked.state == QrLoginState.APPROVED:
            return self._show_done(request, asked.state)
        shop_host = urlsplit(self._context.manager.settings.service.public_url).netloc
        member = found.member.nickname or found.member.uname
        shown = Confirmation(
            shop_host, member, device.browser, device.system, device.place, asked.age, f"{self._context.prefix}/h/{id_}"
        )
        return responses.page(self._context.pages.confirm_handover(visit.language, shown))

    async def approve(self, request: Request) -> Response:
        await self._context.count(request)
        found = await self._context.find_member(request)
        await self._handovers.approve(request.path_params["id"], found.session)
        return self._show_done(request, QrLoginState.APPROVED)

    async def deny(self, request: Request) -> Response:
        await self._context.count(request)
        found = await self._context.find_member(request)
        await self._handovers.deny(request.path_params["id"], found.session)
        return self._show_done(request, QrLoginState.DENIED)

    def _show_done(self, request: Request, state: QrLoginState) -> Response:
        if not wants_page(request):
            return responses.no_content()
        deny_url = (
            f"{self._context.prefix}/h/{request.path_params['id']}/deny" if state == QrLoginState.APPROVED else ""
        )
        return responses.page(self._context.pages.handover_decided(get_visit(request).language, state, deny_url))


def _style(context: WebContext) -> ErrorStyle:
    def tell(request: Request, error: ConnectError) -> Response:
        """A code that is over is no login of ten minutes, and a new one is the PC's to show."""
        id_, begin = request.path_params.get("id"), f"{context.prefix}/handover"
        if not wants_page(request) or not isinstance(error, StateExpired | StateInvalid):
            return context.leading_back_to(f"{context.prefix}/h/{id_}" if id_ else begin)(request, error)
        home = context.manager.settings.service.home_url
        return context.refuse(
            request, error, "handover_over", [Way("to_shop", home) if id_ else Way("start_again", begin)]
        )

    return tell
