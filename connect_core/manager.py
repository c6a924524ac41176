"""`ConnectManager`: the order of a login's steps, and nothing else: no SQL, no HTTP, no cookies, no provider's name.

    start      check the return target → begin a flow → ask the provider for its URL
    callback   open the flow → spend it, commit → ask the provider once → complete in one transaction → tell plugins
    code       remember the code, commit → ask the provider once → complete in one transaction → tell plugins

To complete a login is to write the member, the connection, the session and the events, all or nothing.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from connect_core import measurements
from connect_core.errors import ConnectError, ConsentRequired, StateInvalid, Unsupported
from connect_core.http import TOTAL_DEADLINE, HttpPool
from connect_core.identity import Identity
from connect_core.login.completion import Completed
from connect_core.login.start import Start, StartOptions
from connect_core.login.values import (
    LOG_IN,
    Arrival,
    ChoiceNeeded,
    Flow,
    Outcome,
    PendingLogin,
    Purpose,
    PurposeKind,
    Visit,
)
from connect_core.members.values import LoginAttempt, ProfileNeeded
from connect_core.parts import Parts
from connect_core.providers import calls
from connect_core.providers.calls import ReceivedCode, Refusal
from connect_core.providers.circuits import Circuits
from connect_core.providers.hookspecs import RefusedEvent
from connect_core.providers.provider import AuthorizationResponse, Entrance
from connect_core.providers.registry import ConfiguredProvider, Plugins
from connect_core.settings import Settings
from connect_core.store import Database, Transaction, connections, flows, merges, qr_logins, sessions, vendor_sessions


class ConnectManager(Parts):
    """Dispatches to the shop's providers; every login goes through here."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        plugins: Plugins | None = None,
        pool: HttpPool | None = None,
        now: Callable[[], float] = time.time,
        circuits: Circuits | None = None,
    ) -> None:
        """`now` answers seconds since the epoch. Without `circuits` the settings say when a vendor counts as down.

        Raises `SettingsError` and `PluginError`.
        """
        super().__init__(settings, database, plugins or Plugins(loads_ours=False), pool, now, circuits)

    async def get_login_url(
        self, provider: str, client_type: str, visit: Visit, options: StartOptions | None = None
    ) -> Start:
        """Begin a login, or what else `options` are for.

        Raises `Unsupported`, `RedirectNotAllowed` and what the provider raises.
        """
        configured = self.registry.find(provider, client_type)
        start = await self.starter.start(configured, visit, options or StartOptions())
        if start.flow is not None:
            _count("started", configured)
        return start

    async def login_callback(
        self,
        provider: str,
        client_type: str,
        parameters: Mapping[str, str],
        sealed_flow: str | None,
        visit: Visit,
        *,
        delivers_json: bool = False,
    ) -> Outcome:
        """Finish a login that came back through the browser, with the sealed flow that this browser keeps.

        `delivers_json`: it came back to the front end's own page, which now asks for tokens. Raises `StateMissing`,
        `StateInvalid`, `StateExpired` and `CodeSeen` before the provider is asked, and what the provider raises.
        """
        configured = self.registry.find(provider, client_type)
        with self._reporting_refusals(configured, visit):
            begun = await self.callbacks.open(configured, parameters, sealed_flow, delivers_json=delivers_json)
            received = calls.parse_response(configured.provider, parameters)
            codes = [received.code] if isinstance(received, ReceivedCode) else []
            is_first, purpose = await self._spend(configured, begun, codes, visit)
            if not is_first:
                return await self.callbacks.repeat(begun, visit)
            try:
                if purpose is None:
                    raise StateInvalid("the session that began this is not this visitor's")
                if isinstance(received, Refusal):
                    await self.callbacks.discard_codes(configured, parameters, begun.state)
                    raise received.error
                response = AuthorizationResponse.of_spent_flow(
                    client_type=configured.client_type,
                    code=received.code,
                    parameters=parameters,
                    redirect_uri=begun.redirect_uri,
                    nonce=begun.nonce,
                    code_verifier=begun.code_verifier,
                )
                return await self._finish(Arrival(configured, visit, begun, purpose), response)
            except Exception:
                await self.callbacks.close_failed(begun)
                raise

    async def login_with_code(
        self, provider: str, client_type: str, parameters: Mapping[str, str], visit: Visit, purpose: Purpose = LOG_IN
    ) -> Outcome:
        """Finish a login whose code or ID token is handed in; a ticket comes with it where one was given out.

        Raises `CodeMissing`, `CodeSeen`, and for tickets `StateMissing`, `StateInvalid`, `StateExpired`.
        """
        configured = self.registry.find(provider, client_type)
        if configured.entrance is Entrance.REDIRECT:
            raise Unsupported("this client type comes back by redirect")
        with self._reporting_refusals(configured, visit):
            received = calls.parse_response(configured.provider, parameters, configured.entrance)
            if isinstance(received, Refusal):
                raise received.error
            is_ticketed = configured.entrance.is_ticketed
            ticket = await self.callbacks.open_ticket(configured, parameters, purpose) if is_ticketed else None
            if ticket is None:
                _count("started", configured)
            _count("returned", configured)
            await self.callbacks.spend_code(configured, received.code, ticket)
            response = AuthorizationResponse.of_spent_flow(
                client_type=configured.client_type,
                code=received.code,
                parameters=parameters,
                nonce=ticket.nonce if ticket else "",
            )
            return await self._finish(Arrival(configured, visit, purpose=purpose), response)

    async def login_by_unionid(
        self, identity: Identity, arrival: Arrival, *, seconds: float = TOTAL_DEADLINE
    ) -> Outcome:
        """Log in whoever a verified identity is, registering a person never seen before.

        The profile is fetched, within `seconds`, only when it is wanted. Raises `MemberDisabled`, and
        `ProviderUnsigned` or `ContradictingAnswer` for a profile that is forged or another person's.
        """
        if not isinstance(identity, Identity):
            raise TypeError("login_by_unionid takes a verified Identity")
        clock = asyncio.get_running_loop().time
        ends = clock() + seconds
        attempt = self.completion.attempt(identity, arrival)
        while True:
            completed = await self._try_login(arrival, attempt)
            if not isinstance(completed, ProfileNeeded):
                return self._settle(arrival, completed)
            identity = attempt.identity
            if not arrival.configured.circuit.seconds_held:
                identity = await calls.fetch_profile(arrival.configured.provider, identity, ends - clock())
            attempt = replace(attempt, identity=identity, was_asked=True)

    async def finish_first_login(
        self, ticket: str, visit: Visit, credentials: Mapping[str, str] | None = None, purpose: Purpose = LOG_IN
    ) -> Outcome:
        """Register the person of a waiting login, or log in the member that `credentials` prove and link them.

        With a linking session in `purpose` they are linked to that session's member, who gets a new session for it. A
        browser that makes its choice again, because the answer was lost, is answered as before.

        Raises `ConsentRequired` where the person must agree to the shop's terms first (`Visit.consent`), `StateInvalid`
        for a ticket that was used, or whose identity was bound or unbound meanwhile, `StateExpired`, `NotLoggedIn` for
        credentials that prove nobody, `MemberDisabled`, and `AlreadyBound`.
        """
        pending = self.first_login_tickets.open(ticket)
        configured = self.registry.find(pending.provider, pending.client_type)
        arrival = Arrival(configured, visit, purpose=purpose, pending=pending)
        try:
            return await self._complete_choice(arrival, pending, credentials)
        except StateInvalid:
            repeated = await self.callbacks.find_repeated_choice(pending, visit)
            if repeated is None:
                raise
            return repeated

    async def open_id_of(self, member_id: int, union_type: str, app_id: str) -> str | None:
        """Return the member's open id for the vendor's app `app_id`, as payment wants it; None where there is none."""
        with suppress(Unsupported):  # no row can hold such a text
            return await self.database.read(lambda tx: connections.find_open_id(tx, member_id, union_type, app_id))
        return None

    async def sweep(self, limit: int = 500) -> int:
        """Delete at most `limit` each of what has expired (flows, sessions, QR logins, merges) or is old (events).

        Returns how many rows that were.
        """
        now = self.services.now()

        def delete(tx: Transaction) -> int:
            stores = (flows, sessions, vendor_sessions, qr_logins, merges)
            return sum(store.delete_expired(tx, now, limit) for store in stores)

        return await self.database.write(delete, is_long=True) + await self.retention.delete_old(limit)

    async def _complete_choice(
        self, arrival: Arrival, pending: PendingLogin, credentials: Mapping[str, str] | None
    ) -> Outcome:
        visit, purpose = arrival.visit, arrival.purpose
        if purpose.linking_session is not None:
            member_id = purpose.linking_session.member_id
        elif credentials is not None:
            member_id = await self.current_member.check_credentials(credentials)
        else:
            if not self.completion.has_consented(visit):
                raise ConsentRequired("nobody is registered without agreeing to the terms")
            # before a member directory is told of somebody new; the login's own transaction asks again
            await self.database.read(lambda tx: self.completion.check_pending(tx, arrival))
            return await self.login_by_unionid(pending.identity, arrival)
        now = self.services.now()
        joined = await self.database.write(
            lambda tx: self.completion.join(tx, arrival, pending.identity, member_id, now)
        )
        await self._add_phone(member_id, pending.identity)
        return self._settle(arrival, joined)

    async def _spend(
        self, configured: ConfiguredProvider, begun: Flow, codes: Sequence[str], visit: Visit
    ) -> tuple[bool, Purpose | None]:
        is_first = True
        try:
            is_first, purpose = await self.callbacks.spend(begun, codes, visit)
        finally:  # also when the database fails: what is counted is that the vendor led back to us
            if is_first:
                _count("returned", configured)
        return is_first, purpose

    async def _try_login(self, arrival: Arrival, attempt: LoginAttempt) -> Completed | ProfileNeeded:
        members = await self.services.members.prepare_login(attempt)
        if isinstance(members, ProfileNeeded):
            return members
        return await self.database.write(lambda tx: self.completion.log_in(tx, arrival, attempt, members))

    async def _finish(self, arrival: Arrival, response: AuthorizationResponse) -> Outcome:
        provider, clock = arrival.configured.provider, asyncio.get_running_loop().time
        ends = clock() + TOTAL_DEADLINE
        with arrival.configured.circuit.finishing():
            identity = await calls.login_callback(provider, response, ends - clock())
        _count("redeemed", arrival.configured)
        if arrival.purpose.joining is not None:
            return await self._join(identity, arrival, arrival.purpose.joining)
        if arrival.flow is None and arrival.purpose.kind is not PurposeKind.PROVE:
            phone = await calls.fetch_phone(provider, response, identity, ends - clock())
            phone = phone and await self.callbacks.spend_phone(arrival.configured, phone)
            arrival = replace(arrival, phone=phone)
        session = arrival.purpose.linking_session
        if session is None:
            return await self.login_by_unionid(identity, arrival, seconds=ends - clock())
        await self.services.members.check_first(lambda _: session.member_id)
        now = self.services.now()
        linked = await self.database.write(lambda tx: self.completion.link(tx, arrival, identity, now))
        if arrival.purpose.kind is not PurposeKind.PROVE:
            await self._add_phone(session.member_id, identity.with_phone(arrival.phone))
        return self._settle(arrival, linked)

    async def _join(self, proof: Identity, arrival: Arrival, pending: PendingLogin) -> Outcome:
        """Log in the member whose identity `proof` is, and link the identity that waits for a choice to them.

        Raises `NobodyToJoin`, `MemberDisabled`, `AlreadyBound`, and `StateInvalid` for a choice that was made before.
        """
        await self.services.members.check_first(lambda tx: self.completion.find_joined(tx, proof))
        configured = self.registry.find(pending.provider, pending.client_type)
        arrival, now = replace(arrival, configured=configured, purpose=LOG_IN, pending=pending), self.services.now()

        def join(tx: Transaction) -> tuple[int, Completed]:
            member_id = self.completion.find_joined(tx, proof)
            return member_id, self.completion.join(tx, arrival, pending.identity, member_id, now)

        member_id, joined = await self.database.write(join)
        await self._add_phone(member_id, pending.identity)
        return self._settle(arrival, joined)

    async def _add_phone(self, member_id: int, identity: Identity) -> None:
        """Give a member the phone number that came with an identity which was just linked to them, as a login does.

        Nothing is undone where that fails: the log says so.
        """
        if identity.profile is None or not identity.profile.mobile:
            return
        try:
            await self.services.members.add_phone(member_id, identity.profile.mobile)
        except ConnectError as error:
            calls.log_refused_phone(error)

    def _settle(self, arrival: Arrival, completed: Completed) -> Outcome:
        outcome, events = completed
        if not isinstance(outcome, ChoiceNeeded):
            _count("settled", arrival.configured)
        self.dispatcher.dispatch(*events)
        return outcome

    @contextmanager
    def _reporting_refusals(self, configured: ConfiguredProvider, visit: Visit) -> Iterator[None]:
        try:
            yield
        except ConnectError as error:
            event = RefusedEvent(
                error.code,
                configured.name,
                configured.client_type,
                visit.request_id,
                self.services.now(),
                error.vendor,
            )
            self.dispatcher.dispatch(event)
            raise


def _count(stage: str, configured: ConfiguredProvider) -> None:
    measurements.current.count_login(stage, configured.name, configured.client_type)
