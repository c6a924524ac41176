"""`ConnectManager`: the order of a login's steps, and nothing else: no SQL, no HTTP, no cookies, no provider's name.

    start      check the return target → mint a flow → ask the provider for its URL
    callback   open the flow → spend it, commit → ask the provider once → settle in one transaction → tell
    code       remember the code or ID token, commit → ask the provider once → settle in one transaction → tell

`complete`: the member, the connection, the session and the events of a login, all or nothing.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from connect_core.cache import Cache, connect_redis
from connect_core.crypto import Sealer
from connect_core.crypto.sealing import derive_key
from connect_core.errors import (
    ConnectError,
    StateInvalid,
    Unavailable,
    Unsupported,
)
from connect_core.events import dispatch
from connect_core.http import TOTAL_DEADLINE, HttpPool
from connect_core.identity import ClientType, Identity
from connect_core.login.callback import Redemption
from connect_core.login.completion import Arrival, Completion, Login, Visit
from connect_core.login.first_login import FirstLoginTickets, PendingLogin
from connect_core.login.flow import Delivery, Flow, Flows
from connect_core.login.qr_login import QrLogins
from connect_core.login.return_targets import Targets
from connect_core.members.current import CurrentMember
from connect_core.members.directory import GuardedDirectory, get_registration_key
from connect_core.members.merge_service import Merges
from connect_core.members.personal_data import PersonalData
from connect_core.members.resolution import BuiltInMembers, Members, find_person, is_stale, look_elsewhere
from connect_core.members.self_service import SelfService
from connect_core.providers import calls
from connect_core.providers.calls import ReceivedCode, Refusal
from connect_core.providers.hookspecs import LoginEvent, RefusedEvent
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse, DeepLinks, Entrance
from connect_core.providers.registry import ConfiguredProvider, Plugins, Registry
from connect_core.sessions import LiveSession, Sessions
from connect_core.settings import Settings
from connect_core.store import Database, Transaction, connections
from connect_core.store import flows as used_flows
from connect_core.store import merges as stored_merges
from connect_core.store import qr_logins as stored_qr_logins
from connect_core.store import sessions as stored_sessions

IN_APP = "awake"
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
        self.settings, self.database, self._now = settings, database, now
        self.plugins = plugins or Plugins()
        url = service.redis_url
        self.shared = connect_redis(url.get_secret_value(), Sealer(service.keys, "cache")) if url else None
        self.pool = pool or _make_pool(settings, Cache(self.shared, now))
        self.registry = Registry(settings, self.plugins, self.pool)
        self.flows, self.first_login_tickets = Flows(service.keys), FirstLoginTickets(service.keys)
        self.sessions = Sessions(service.keys, service.public_url, settings.sessions)
        self.redemption = Redemption(database, self.flows, self.sessions, now)
        self.dispatcher = dispatch.Dispatcher(self.plugins.hooks, database, now)
        self.targets = Targets(service.public_url, service.redirect_allow)
        subject_key = derive_key(service.keys[0], "subjects in events")
        directory = self.plugins.find_directory(settings)
        self._directory = GuardedDirectory(directory) if directory is not None else None
        self.chooses = service.first_login == "choose"
        hooks = self.plugins.hooks
        self.has_passwords = (
            self.chooses and self._directory is None and not hooks.connect_check_credentials.get_hookimpls()
        )
        parts = (self.flows, self.sessions, self.dispatcher, subject_key)
        self._completion = Completion(*parts, chooses=self.chooses, lives_elsewhere=self._directory is not None)
        self._routes = service.public_url + service.prefix
        self.current_member = CurrentMember(database, self.sessions, self._directory, hooks, now)
        self.personal_data = PersonalData(database, self.registry, self._directory, self.dispatcher, now)
        common = (self.dispatcher, now)
        cooldown, has_passwords = service.unbind_after, self.has_passwords
        self.self_service = SelfService(database, *common, subject_key, cooldown, passwords_count=has_passwords)
        self.merges = Merges(service, database, self._directory, hooks, *common, has_passwords=has_passwords)
        self.qr_logins = QrLogins(database, self.sessions, self._directory, self.dispatcher, subject_key, now)

    async def get_login_url(
        self,
        provider: str,
        client_type: str,
        visit: Visit,
        *,
        return_to: str = "",
        redirect_uri: str = "",
        delivery: Delivery = Delivery.SESSION,
        is_in_app: bool = False,
        binder: LiveSession | None = None,
        merges: bool = False,
    ) -> Start:
        """Begin a login, or a bind to the member of the session `binder`; with `merges` to prove a second member.

        With `redirect_uri` the vendor returns to the front end's own page instead of to our callback.

        Raises `Unsupported`, `RedirectNotAllowed` and what the provider raises.
        """
        configured = self.registry.find(provider, client_type)
        if configured.entrance is Entrance.CLIENT_CODE:
            raise Unsupported("this client type hands in a code; there is no login URL")
        target = self.targets.check(return_to or self.settings.service.home_url)
        page = self.targets.check_redirect_uri(redirect_uri) if redirect_uri else self._callback_url(configured)
        if configured.client_type is ClientType.H5 and not is_in_app and isinstance(configured.provider, DeepLinks):
            targets = {"return_to": return_to and target, "redirect_uri": redirect_uri and page}
            start_url = self._start_url(configured, **targets, lang=visit.chosen_language)
            if link := calls.get_deep_link(configured.provider, start_url, visit.user_agent):
                return Start(link)
        family = binder.family if binder else ""
        begun = self.flows.start(
            configured.name, configured.client_type, delivery, page, target, self._time(), binder=family, merges=merges
        )
        request = AuthorizationRequest(
            client_type=configured.client_type,
            redirect_uri=page,
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=begun.code_challenge,
            language=visit.language,
        )
        return Start(await calls.get_login_url(configured.provider, request), begun)

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
        configured = self.registry.find(provider, client_type)
        with self._telling_refusals(configured, visit):
            begun = await self.redemption.open(configured, parameters, sealed_flow, delivers_json=delivers_json)
            received = calls.parse_response(configured.provider, parameters)
            codes = [received.code] if isinstance(received, ReceivedCode) else []
            is_first, binder = await self.redemption.spend(begun, codes, visit)
            if not is_first:
                return await self.redemption.repeat(begun)
            try:
                if begun.binder and binder is None:
                    raise StateInvalid("the session that began this is not this visitor's")
                if isinstance(received, Refusal):
                    await self.redemption.bury_codes(configured, parameters.items(), begun.state)
                    raise received.error
                response = AuthorizationResponse.of_spent_flow(
                    client_type=configured.client_type,
                    code=received.code,
                    parameters=parameters,
                    redirect_uri=begun.redirect_uri,
                    nonce=begun.nonce,
                    code_verifier=begun.code_verifier,
                )
                arrival = Arrival(configured, visit, begun, device_id, binder=binder, merges=begun.merges)
                return await self._finish(arrival, response)
            except Exception:
                await self.redemption.close_failed(begun)
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
        merges: bool = False,
    ) -> Login:
        """Finish a login whose code or ID token is handed in; a ticket comes with it where one was given out.

        With `binder` it is a bind to that session's member, with `merges` the proof of a second one.

        Raises `CodeMissing`, `CodeSeen`, and for tickets `StateMissing`, `StateInvalid`, `StateExpired`.
        """
        configured = self.registry.find(provider, client_type)
        if configured.entrance is Entrance.REDIRECT:
            raise Unsupported("this client type comes back by redirect")
        with self._telling_refusals(configured, visit):
            received = calls.parse_response(configured.provider, parameters, configured.entrance)
            if isinstance(received, Refusal):
                raise received.error
            ticket = (
                await self.redemption.open_ticket(configured, parameters) if configured.entrance.is_ticketed else None
            )
            await self.redemption.claim(configured, received.code, ticket)
            response = AuthorizationResponse.of_spent_flow(
                client_type=configured.client_type,
                code=received.code,
                parameters=parameters,
                nonce=ticket.nonce if ticket else "",
            )
            arrival = Arrival(configured, visit, device_id=device_id, binder=binder, merges=merges)
            return await self._finish(arrival, response)

    async def login_by_unionid(self, identity: Identity, arrival: Arrival, *, seconds: float = TOTAL_DEADLINE) -> Login:
        """Log in whoever a verified identity is, registering a person never seen before.

        The profile is fetched, within `seconds`, only when it is wanted. Raises `MemberDisabled`, `CodeSeen` for a
        phone proof used before, and `ProviderUnsigned` or `ProviderBadResponse` for a profile that cannot be trusted.
        """
        if not isinstance(identity, Identity):
            raise TypeError("login_by_unionid takes a verified Identity")
        ends = asyncio.get_running_loop().time() + seconds
        members, was_asked = _BUILT_IN, arrival.pending is not None
        if self._directory is not None:
            identity, members, was_asked = await self._look_elsewhere(self._directory, arrival, identity, seconds)
        done = await self.database.write(self._settling(arrival, identity, members, was_asked=was_asked))
        if done is None:
            left = ends - asyncio.get_running_loop().time()
            identity = await calls.fetch_profile(arrival.configured.provider, identity, left)
            done = await self.database.write(self._settling(arrival, identity, members, was_asked=True))
        if done is None:
            raise AssertionError("unreachable")
        return self._told(*done)

    def seal_pending(self, pending: PendingLogin) -> str:
        """Return the ticket of a login that waits for a choice."""
        return self.first_login_tickets.seal(pending, self._time())

    def find_pending(self, ticket: str) -> PendingLogin:
        """Return whom a ticket is about. Raises `StateInvalid` and `StateExpired`."""
        return self.first_login_tickets.open(ticket, self._time())

    async def finish_first_login(
        self,
        ticket: str,
        visit: Visit,
        credentials: Mapping[str, str] | None = None,
        *,
        binder: LiveSession | None = None,
    ) -> Login:
        """Register the person of a pending login, or log in the member that `credentials` prove and bind them.

        With `binder` they are bound to that session's member, who gets a new session for it.

        Raises `StateInvalid` and `StateExpired` for the ticket, `NotLoggedIn` for credentials that prove nobody, and
        `AlreadyBound`.
        """
        now = self._time()
        pending = self.find_pending(ticket)
        configured = self.registry.find(pending.provider, pending.client_type)
        arrival = Arrival(configured, visit, device_id=pending.device_id, binder=binder, pending=pending)
        if binder is not None:
            member_id = binder.member_id
        elif credentials is not None:
            member_id = await self.current_member.check_credentials(credentials)
        else:
            return await self.login_by_unionid(pending.identity, arrival)
        identity = pending.identity
        return self._told(
            *await self.database.write(lambda tx: self._completion.join(tx, arrival, identity, member_id, now))
        )

    async def open_id_of(self, member_id: int, union_type: str, app_id: str) -> str | None:
        """Return the member's open id for the vendor's app `app_id`, as payment wants it."""
        return await self.database.read(lambda tx: connections.find_open_id(tx, member_id, union_type, app_id))

    async def sweep(self, limit: int = 500) -> int:
        """Delete at most `limit` each of what has expired: flows, sessions, hand-overs, what an undo would need.

        Returns how many rows that were.
        """
        now = self._time()
        stores = (used_flows, stored_sessions, stored_qr_logins, stored_merges)

        def delete(tx: Transaction) -> int:
            return sum(store.delete_expired(tx, now, limit) for store in stores)

        return await self.database.write(delete, at_leisure=True)

    async def aclose(self) -> None:
        """Finish what is under way and close every connection."""
        await self.dispatcher.drain()
        if self._directory is not None:
            await self._directory.aclose()
        await self.pool.aclose()
        if self.shared is not None:
            await self.shared.aclose()
        self.database.close()

    async def _finish(self, arrival: Arrival, response: AuthorizationResponse) -> Login:
        provider, clock = arrival.configured.provider, asyncio.get_running_loop().time
        ends = clock() + TOTAL_DEADLINE
        identity = await calls.login_callback(provider, response, ends - clock())
        if arrival.flow is None:
            phone = await calls.fetch_phone(provider, response, identity, ends - clock())
            arrival = replace(arrival, phone=phone)
        if arrival.binder is not None:
            return await self._bind(identity, arrival)
        return await self.login_by_unionid(identity, arrival, seconds=ends - clock())

    async def _bind(self, identity: Identity, arrival: Arrival) -> Login:
        now = self._time()
        return self._told(*await self.database.write(lambda tx: self._completion.bind(tx, arrival, identity, now)))

    def _told(self, login: Login, happened: Sequence[LoginEvent]) -> Login:
        self.dispatcher.dispatch(*happened)
        return login

    def _settling(
        self, arrival: Arrival, identity: Identity, members: Members, *, was_asked: bool
    ) -> Callable[[Transaction], tuple[Login, list[LoginEvent]] | None]:
        now = self._time()
        return lambda tx: self._completion.complete(tx, arrival, identity, members, now, was_asked=was_asked)

    async def _look_elsewhere(
        self, directory: GuardedDirectory, arrival: Arrival, identity: Identity, seconds: float
    ) -> tuple[Identity, Members, bool]:
        """Members live in the shop's own system: have it know this one before the transaction begins."""
        configured, first = arrival.configured, identity
        known, times_unbound = await self.database.read(
            lambda tx: (find_person(tx, first), connections.count_ended(tx, first.union_type, first.strongest))
        )
        if arrival.pending is None and known is None and self.chooses:
            return await calls.fetch_profile(configured.provider, identity, seconds), _BUILT_IN, True
        wants_profile = arrival.pending is None and (
            known is None or is_stale(known, self._time(), configured.profile_max_age)
        )
        if wants_profile:
            identity = await calls.fetch_profile(configured.provider, identity, seconds)
        if identity.ids != first.ids:
            known = await self.database.read(lambda tx: find_person(tx, identity))
        key = get_registration_key(first, times_unbound)  # the same whether a profile is told or refused
        member_id = known.member_id if known else None
        told = identity.with_phone(arrival.phone).profile
        try:
            async with asyncio.timeout(TOTAL_DEADLINE):
                members = await look_elsewhere(directory, member_id, key, told, configured.client_type)
        except TimeoutError:
            raise Unavailable("the member directory does not answer", retry_after=2) from None
        return identity, members, wants_profile or arrival.pending is not None

    @contextmanager
    def _telling_refusals(self, configured: ConfiguredProvider, visit: Visit) -> Iterator[None]:
        try:
            yield
        except ConnectError as error:
            refused = RefusedEvent(
                error.code, configured.name, configured.client_type, visit.request_id, self._time(), error.vendor
            )
            self.dispatcher.dispatch(refused)
            raise

    def _start_url(self, configured: ConfiguredProvider, **asked: str) -> str:
        query = urlencode({**{key: value for key, value in asked.items() if value}, IN_APP: "1"})
        return f"{self._routes}/{configured.name}/{configured.client_type}/login?{query}"

    def _callback_url(self, configured: ConfiguredProvider) -> str:
        return f"{self._routes}/{configured.name}/{configured.client_type}/callback"

    def _time(self) -> int:
        return int(self._now())


def _make_pool(settings: Settings, cache: Cache) -> HttpPool:
    limit, trusts = settings.limits.vendor_calls, settings.service.outbound_proxy
    return HttpPool(vendor_calls=limit, trust_env=trusts, cache=cache)


_BUILT_IN: Members = BuiltInMembers()
