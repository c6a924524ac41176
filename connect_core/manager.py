"""`ConnectManager`: the order of a login's steps, and nothing else: no SQL, no HTTP, no cookies, no provider's name.

    start      check the return target → mint a flow → ask the provider for its URL
    callback   open the flow → spend it, commit → ask the provider once → settle in one transaction → tell
    code       remember the code or ID token, commit → ask the provider once → settle in one transaction → tell

`settle`: the member, the connection, the session and the events of a login, all or nothing.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from connect_core import events, exchange, flow
from connect_core.accounts import Accounts
from connect_core.connections import BuiltInMembers, Members, find_person, is_stale, look_elsewhere
from connect_core.crypto.sealing import derive_key
from connect_core.errors import (
    CodeSeen,
    ConnectError,
    RequestRefused,
    SettingsError,
    StateInvalid,
    StateMissing,
    Unavailable,
    Unsupported,
)
from connect_core.flow import Delivery, Flow, Flows
from connect_core.hookspecs import LoginEvent, MemberDirectory, RefusedEvent
from connect_core.http import TOTAL_DEADLINE, HttpPool
from connect_core.identity import ClientType, Identity
from connect_core.member_centre import MemberCentre
from connect_core.provider import AuthorizationRequest, AuthorizationResponse, Entrance, WakesApp
from connect_core.registry import Offer, Plugins, Registry
from connect_core.sessions import LiveSession, Sessions
from connect_core.settings import Settings
from connect_core.settlement import Arrival, Login, Settlement, Visit
from connect_core.store import Database, Transaction, people
from connect_core.store import flows as used_flows
from connect_core.store import sessions as stored_sessions
from connect_core.targets import Targets

AWAKE = "awake"
"""Query parameter of a start URL that was opened by a wake-up link: it is never answered with another one."""


@dataclass(frozen=True, slots=True)
class Start:
    """A login begun. `flow` is None for a wake-up link: the flow begins where that link leads."""

    login_url: str = field(repr=False)
    flow: Flow | None = None


class ConnectManager:
    """Dispatches to the shop's providers; every login of every one goes through here."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        plugins: Plugins | None = None,
        pool: HttpPool | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` answers seconds since the epoch. Raises `SettingsError` and `PluginError`."""
        service = settings.service
        if service.first_login == "choose":
            raise SettingsError(["service.first_login: choose is not available in this version; use register"])
        self.settings = settings
        self.database = database
        self.plugins = plugins or Plugins()
        self.pool = pool or HttpPool(vendor_calls=settings.limits.vendor_calls, trust_env=service.outbound_proxy)
        self.registry = Registry(settings, self.plugins, self.pool)
        self.flows = Flows(service.keys)
        self.sessions = Sessions(service.keys, service.public_url, settings.sessions)
        self.notices = events.Notices(self.plugins.hooks)
        self.targets = Targets(service.public_url, service.redirect_allow)
        self._now = now
        subject_key = derive_key(service.keys[0], "subjects in events")
        self._settlement = Settlement(self.flows, self.sessions, subject_key)
        self._routes = service.public_url + service.prefix
        self._directory: MemberDirectory | None = self.plugins.hooks.connect_member_directory(settings=settings)
        self.accounts = Accounts(database, self.sessions, self._directory, self.plugins.hooks, now)
        self.centre = MemberCentre(database, self.notices, subject_key, service.unbind_cooldown, now)

    async def get_login_url(
        self,
        provider: str,
        client_type: str,
        visit: Visit,
        *,
        return_to: str = "",
        redirect_uri: str = "",
        delivery: Delivery = Delivery.SESSION,
        is_awake: bool = False,
        binder: LiveSession | None = None,
    ) -> Start:
        """Begin a login, or a bind to the member of the session `binder`.

        With `redirect_uri` the vendor returns to the front end's own page instead of to our callback.

        Raises `Unsupported`, `RedirectNotAllowed` and what the provider raises.
        """
        offer = self.registry.find(provider, client_type)
        if offer.entrance is Entrance.CLIENT_CODE:
            raise Unsupported("this client type hands in a code; there is no login URL")
        target = self.targets.check(return_to or self.settings.service.home_url)
        page = self.targets.check_redirect_uri(redirect_uri) if redirect_uri else self._callback_url(offer)
        if offer.client_type is ClientType.H5 and not is_awake and isinstance(offer.provider, WakesApp):
            start_url = self._start_url(offer, return_to=return_to and target, redirect_uri=redirect_uri and page)
            if link := offer.provider.get_wake_up_url(start_url, visit.user_agent):
                return Start(link)
        family = binder.family if binder else ""
        begun = self.flows.start(offer.name, offer.client_type, delivery, page, target, self._time(), binder=family)
        request = AuthorizationRequest(
            client_type=offer.client_type,
            redirect_uri=page,
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=begun.code_challenge,
            language=visit.language,
        )
        return Start(await exchange.get_login_url(offer.provider, request), begun)

    async def login_callback(
        self,
        provider: str,
        client_type: str,
        parameters: Mapping[str, str],
        sealed_flow: str | None,
        visit: Visit,
        *,
        delivers_json: bool = False,
        device_id: str = "",
    ) -> Login:
        """Finish a login that came back through the browser, with the sealed flow that this browser keeps.

        `delivers_json`: it came back to the front end's own page, which now asks for tokens. Raises `StateMissing`,
        `StateInvalid`, `StateExpired` and `CodeSeen` before the provider is asked, and what the provider raises.
        """
        offer = self.registry.find(provider, client_type)
        with self._telling_refusals(offer, visit):
            begun = await self._open(offer, parameters, sealed_flow, delivers_json=delivers_json)
            refusal, now = exchange.get_refusal(offer.provider, parameters), self._time()
            codes = [] if refusal else [exchange.get_code(offer.provider, parameters)]
            is_first, binder = await self.database.write(lambda tx: self._spend(tx, begun, codes, visit, now))
            if not is_first:
                return await self._repeat(begun)
            try:
                if begun.binder and binder is None:
                    raise StateInvalid("the session that began this is not this visitor's")
                if refusal:
                    await self.bury_codes(offer.name, offer.client_type, parameters.items(), begun.state)
                    raise refusal
                response = AuthorizationResponse.of_redeemed_flow(
                    client_type=offer.client_type,
                    code=codes[0],
                    parameters=parameters,
                    redirect_uri=begun.redirect_uri,
                    nonce=begun.nonce,
                    code_verifier=begun.code_verifier,
                )
                return await self._finish(Arrival(offer, visit, begun, device_id, binder=binder), response)
            except Exception:
                await self.database.write(lambda tx: flow.close(tx, begun, flow.FAILED))
                raise

    async def login_with_code(
        self,
        provider: str,
        client_type: str,
        parameters: Mapping[str, str],
        visit: Visit,
        *,
        device_id: str = "",
        binder: LiveSession | None = None,
    ) -> Login:
        """Finish a login whose code or ID token is handed in; a ticket comes with it where one was given out.

        With `binder` it is a bind to that session's member.

        Raises `CodeMissing`, `CodeSeen`, and for tickets `StateMissing`, `StateInvalid`, `StateExpired`.
        """
        offer = self.registry.find(provider, client_type)
        if offer.entrance is Entrance.REDIRECT:
            raise Unsupported("this client type comes back by redirect")
        with self._telling_refusals(offer, visit):
            is_credential = offer.entrance is Entrance.CREDENTIAL
            code = (
                exchange.get_credential(parameters) if is_credential else exchange.get_code(offer.provider, parameters)
            )
            ticket = await self._open_ticket(offer, parameters) if offer.entrance.is_ticketed else None
            if not await self.database.write(lambda tx: self._claim(tx, offer, code, ticket)):
                raise StateInvalid("the ticket was used before")
            response = AuthorizationResponse.of_redeemed_flow(
                client_type=offer.client_type, code=code, parameters=parameters, nonce=ticket.nonce if ticket else ""
            )
            return await self._finish(Arrival(offer, visit, device_id=device_id, binder=binder), response)

    async def login_by_unionid(self, identity: Identity, arrival: Arrival, *, seconds: float = TOTAL_DEADLINE) -> Login:
        """Log in whoever a verified identity is, registering a person never seen before.

        The profile is fetched, within `seconds`, only when it is wanted. Raises `MemberDisabled`, `CodeSeen` for a
        phone proof used before, and `ProviderUnsigned` or `ProviderBadResponse` for a profile that cannot be trusted.
        """
        if not isinstance(identity, Identity):
            raise TypeError("login_by_unionid takes a verified Identity")
        ends = asyncio.get_running_loop().time() + seconds
        members, was_asked = _BUILT_IN, False
        if self._directory is not None:
            identity, members, was_asked = await self._look_elsewhere(self._directory, arrival, identity, seconds)
        done = await self.database.write(self._settling(arrival, identity, members, was_asked=was_asked))
        if done is None:
            left = ends - asyncio.get_running_loop().time()
            identity = await exchange.fetch_profile(arrival.offer.provider, identity, left)
            done = await self.database.write(self._settling(arrival, identity, members, was_asked=True))
        if done is None:
            raise AssertionError("unreachable")
        login, happened = done
        for event in happened:
            self.notices.tell(event)
        return login

    async def bury_codes(
        self, provider: str, client_type: str, parameters: Iterable[tuple[str, str]], state: str = ""
    ) -> None:
        """Remember the codes of a response that is refused, so that no flow but `state`'s can use them."""
        offer, now = self.registry.find(provider, client_type), self._time()
        codes = exchange.find_codes(offer.provider, parameters)

        def bury(tx: Transaction) -> None:
            for code in codes:
                with suppress(CodeSeen):
                    self.flows.remember_code(tx, offer.name, code, state, now)

        if codes:
            await self.database.write(bury)

    async def open_id_of(self, member_id: int, union_type: str, app_id: str) -> str | None:
        """Return the member's open id for the vendor's app `app_id`, as payment wants it."""
        return await self.database.read(lambda tx: people.find_open_id(tx, member_id, union_type, app_id))

    async def sweep(self, limit: int = 500) -> int:
        """Delete at most `limit` each of spent flows and sessions whose time is over; returns how many rows went."""
        now = self._time()
        return await self.database.write(
            lambda tx: used_flows.delete_expired(tx, now, limit) + stored_sessions.delete_expired(tx, now, limit)
        )

    async def aclose(self) -> None:
        """Finish what is under way and close every connection."""
        await self.notices.drain()
        await self.pool.aclose()
        self.database.close()

    async def _open(
        self, offer: Offer, parameters: Mapping[str, str], sealed_flow: str | None, *, delivers_json: bool
    ) -> Flow:
        """Open the flow; the code of a response that is refused here is of no use to any other flow."""
        state = parameters.get("state", "")
        try:
            if not state:
                raise StateMissing("the response carries no state")
            begun = self.flows.open(state, sealed_flow, self._time())
            same_way = (begun.delivery is Delivery.JSON) == delivers_json
            if (begun.provider, begun.client_type) != (offer.name, offer.client_type) or not same_way:
                raise StateInvalid("the flow was started elsewhere")
        except RequestRefused:
            await self.bury_codes(offer.name, offer.client_type, parameters.items(), state)
            raise
        return begun

    async def _open_ticket(self, offer: Offer, parameters: Mapping[str, str]) -> Flow:
        ticket = parameters.get("ticket", "")
        try:
            if not ticket:
                raise StateMissing("the ticket that came with the login string is missing")
            begun = self.flows.open_ticket(ticket, self._time())
            if (begun.provider, begun.client_type) != (offer.name, offer.client_type):
                raise StateInvalid("the flow was started elsewhere")
        except RequestRefused:
            await self.bury_codes(offer.name, offer.client_type, parameters.items())
            raise
        return begun

    def _claim(self, tx: Transaction, offer: Offer, code: str, ticket: Flow | None) -> bool:
        """Remember the code and spend its ticket; False when that was spent, and the code is dead all the same."""
        self.flows.remember_code(tx, offer.name, code, "", self._time())
        return ticket is None or flow.spend(tx, ticket)

    def _spend(
        self, tx: Transaction, begun: Flow, codes: Sequence[str], visit: Visit, now: int
    ) -> tuple[bool, LiveSession | None]:
        """Spend the flow, False when it was spent already; for a bind find the session that it is for."""
        is_first = self.flows.redeem(tx, begun, codes, now)
        return is_first, self._settlement.find_binder(tx, begun, visit, now) if begun.binder else None

    async def _repeat(self, begun: Flow) -> Login:
        """The same browser comes again with a spent flow: it gets the first result's redirect once there is one."""
        ends = asyncio.get_running_loop().time() + TOTAL_DEADLINE
        while begun.delivery is not Delivery.JSON and asyncio.get_running_loop().time() < ends:
            outcome = await self.database.read(lambda tx: flow.find_outcome(tx, begun))
            if outcome == flow.DONE:
                return Login(begun.delivery, begun.return_to)
            if outcome == flow.FAILED:
                break
            await asyncio.sleep(0.1)
        raise StateInvalid("the flow was spent")

    async def _finish(self, arrival: Arrival, response: AuthorizationResponse) -> Login:
        provider, clock = arrival.offer.provider, asyncio.get_running_loop().time
        ends = clock() + TOTAL_DEADLINE
        if arrival.flow is None and (phone := await exchange.fetch_phone(provider, response)):
            arrival = replace(arrival, phone=phone)
        identity = await exchange.redeem(provider, response, ends - clock())
        if arrival.binder is not None:
            return await self._bind(identity, arrival)
        return await self.login_by_unionid(identity, arrival, seconds=ends - clock())

    async def _bind(self, identity: Identity, arrival: Arrival) -> Login:
        now = self._time()
        login, happened = await self.database.write(lambda tx: self._settlement.bind(tx, arrival, identity, now))
        for event in happened:
            self.notices.tell(event)
        return login

    def _settling(
        self, arrival: Arrival, identity: Identity, members: Members, *, was_asked: bool
    ) -> Callable[[Transaction], tuple[Login, list[LoginEvent]] | None]:
        now = self._time()
        return lambda tx: self._settlement.settle(tx, arrival, identity, members, now, was_asked=was_asked)

    async def _look_elsewhere(
        self, directory: MemberDirectory, arrival: Arrival, identity: Identity, seconds: float
    ) -> tuple[Identity, Members, bool]:
        """Members live in the shop's own system: have it know this one before the transaction begins."""
        offer = arrival.offer
        known = await self.database.read(lambda tx: find_person(tx, identity))
        wants_profile = known is None or is_stale(known, self._time(), offer.profile_max_age)
        if wants_profile:
            identity = await exchange.fetch_profile(offer.provider, identity, seconds)
        key = self._settlement.subject_of(identity)
        member_id = known.member_id if known else None
        told = exchange.with_phone(identity, arrival.phone).profile
        try:
            async with asyncio.timeout(TOTAL_DEADLINE):
                members = await look_elsewhere(directory, member_id, key, told, offer.client_type)
        except TimeoutError:
            raise Unavailable("the member directory does not answer", retry_after=2) from None
        return identity, members, wants_profile

    @contextmanager
    def _telling_refusals(self, offer: Offer, visit: Visit) -> Iterator[None]:
        try:
            yield
        except ConnectError as error:
            refused = RefusedEvent(
                error.code, offer.name, offer.client_type, visit.request_id, self._time(), error.vendor
            )
            self.notices.tell(refused)
            raise

    def _start_url(self, offer: Offer, **targets: str) -> str:
        query = urlencode({**{key: value for key, value in targets.items() if value}, AWAKE: "1"})
        return f"{self._routes}/{offer.name}/{offer.client_type}/login?{query}"

    def _callback_url(self, offer: Offer) -> str:
        return f"{self._routes}/{offer.name}/{offer.client_type}/callback"

    def _time(self) -> int:
        return int(self._now())


_BUILT_IN: Members = BuiltInMembers()
