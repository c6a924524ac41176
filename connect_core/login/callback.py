"""What happens to a callback before the vendor is asked: its flow or ticket is opened and spent, with the code.

Also spends the proof of a phone number, and answers a repeated callback, or a repeated choice at a first login. Never
asks a vendor and never writes a member.
A code whose response is refused here is remembered, so that no other flow can use it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from connect_core import measurements
from connect_core.crypto.tickets import TICKET_SECONDS
from connect_core.errors import CodeSeen, RequestRefused, StateExpired, StateInvalid, StateMissing, Unavailable
from connect_core.http import TOTAL_DEADLINE
from connect_core.identity import VerifiedPhone
from connect_core.log_fields import add_fields
from connect_core.login import flow
from connect_core.login.first_login import FirstLoginTickets
from connect_core.login.flow import Flows
from connect_core.login.values import (
    LOG_IN,
    CallbackRepeated,
    ChoiceNeeded,
    Delivery,
    Flow,
    Outcome,
    PendingLogin,
    Purpose,
    PurposeKind,
    Visit,
)
from connect_core.members.services import Services
from connect_core.providers import calls
from connect_core.providers.parameters import get_pairs
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.sessions import LiveSession, OpenSession
from connect_core.store import Transaction, flows

CLOSE_DEADLINE = 0.5
"""Seconds that a failed login waits to note its failure."""
UNANSWERED_SECONDS = 600
"""How long a browser may try again whose state the database did not answer for."""
MOST_UNANSWERED = 10_000
"""States that are remembered for that, at most."""
POLL_SECONDS = 0.1
"""Seconds between two looks at how the first of two equal callbacks ends."""


class Unanswered:
    """States that were sent to the database to be spent, and for which this process got no answer.

    One may arrive there later, when the visitor has got 503 and no vendor was called. The same browser may then try
    again, once. In another process the state counts as spent, and the visitor has to begin anew.
    """

    def __init__(self) -> None:
        self._until: dict[str, int] = {}

    def add(self, key: str, now: int) -> None:
        """Remember a key for `UNANSWERED_SECONDS`."""
        while self._until and next(iter(self._until.values())) < now:  # the oldest is the first
            del self._until[next(iter(self._until))]
        if len(self._until) < MOST_UNANSWERED:
            self._until[key] = now + UNANSWERED_SECONDS

    def take(self, key: str) -> bool:
        """Forget a key, and tell whether it was remembered."""
        return self._until.pop(key, None) is not None


class Callbacks:
    """Opens and spends flows, and answers repeated callbacks."""

    def __init__(self, services: Services, flows: Flows, first_login_tickets: FirstLoginTickets) -> None:
        self._database = services.database
        self._members, self._sessions = services.members, services.sessions
        self._now = services.now
        self._flows = flows
        self._first_login_tickets = first_login_tickets
        self._unanswered = Unanswered()

    async def open(
        self,
        configured: ConfiguredProvider,
        parameters: Mapping[str, str],
        sealed_flow: str | None,
        *,
        delivers_json: bool,
    ) -> Flow:
        """Return the flow of a response. Raises `StateMissing`, `StateInvalid`, `StateExpired`."""
        state = ""
        try:
            state = parameters.get("state", "")
            _name_in_log(state)
            if configured.entrance is not Entrance.REDIRECT:
                raise StateInvalid("this client type does not come back by redirect")
            if not state:
                raise StateMissing("the response carries no state")
            begun = self._flows.open(state, sealed_flow, self._now())
            same_way = (begun.delivery is Delivery.JSON) == delivers_json
            if (begun.provider, begun.client_type) != (configured.name, configured.client_type) or not same_way:
                raise StateInvalid("the flow was started elsewhere").because("other_provider")
        except RequestRefused:
            await self.discard_codes(configured, parameters, state)
            raise
        self._measure_age(begun)
        return begun

    async def open_ticket(
        self, configured: ConfiguredProvider, parameters: Mapping[str, str], purpose: Purpose
    ) -> Flow:
        """Return the flow of the ticket that comes with a client's code, if it was given out for `purpose`.

        A ticket is for one purpose and, where that needs a session, for that session alone. Raises as `open`.
        """
        try:
            ticket = parameters.get("ticket", "")
            if not ticket:
                raise StateMissing("the ticket that came with the login string is missing")
            _name_in_log(ticket.partition(".")[0])
            begun = self._flows.open_ticket(ticket, self._now())
            if (begun.provider, begun.client_type) != (configured.name, configured.client_type):
                raise StateInvalid("the flow was started elsewhere").because("other_provider")
            if (begun.purpose, begun.bound_to) != (purpose.kind, purpose.bound_to):
                raise StateInvalid("the ticket was given out for something else, or to another session")
            # an SDK that hands the state back says with it which flow the code belongs to
            if parameters.get("state", begun.state) != begun.state:
                raise StateInvalid("the code came back to another flow")
        except RequestRefused:
            await self.discard_codes(configured, parameters)
            raise
        self._measure_age(begun)
        return begun

    async def spend(self, begun: Flow, codes: Sequence[str], visit: Visit) -> tuple[bool, Purpose | None]:
        """Spend the flow with its codes, and return whether it was unspent, and the purpose that it began with.

        The purpose is None when this visitor no longer has the session, or the waiting login, that began it. Raises
        `CodeSeen`.
        """
        now, joining = self._now(), self._find_joining(begun, visit)
        key = " ".join([begun.state, *codes])

        def spend(tx: Transaction) -> tuple[bool, Purpose | None]:
            is_first = self._flows.spend(tx, begun, codes, now)
            if begun.purpose is PurposeKind.LOGIN:
                return is_first, LOG_IN
            if begun.purpose is PurposeKind.JOIN:
                return is_first, Purpose(begun.purpose, joining=joining) if joining else None
            session = self._find_linking_session(tx, begun, visit, now)
            return is_first, Purpose(begun.purpose, session) if session else None

        try:
            is_first, purpose = await self._database.write(spend, commits_each=True)
            if self._unanswered.take(key) and not is_first:
                is_first = not await self._find_outcome(begun)
        except Unavailable:
            self._unanswered.add(key, now)
            raise
        return is_first, purpose

    async def _find_outcome(self, begun: Flow) -> str:
        """Return how a spent flow ended; empty while nobody got further than to spend it."""
        outcome, _ = await self._database.read(lambda tx: flow.find_end(tx, begun))
        return outcome

    async def spend_code(self, configured: ConfiguredProvider, code: str, ticket: Flow | None) -> None:
        """Remember a client's code and spend its ticket; the code of a ticket that was spent before is refused too.

        Raises `CodeSeen` and `StateInvalid`.
        """
        now = self._now()

        def spend(tx: Transaction) -> bool:
            self._flows.remember_code(tx, configured.name, code, "", now)
            return ticket is None or flow.spend_ticket(tx, ticket)

        if not await self._database.write(spend, commits_each=True):
            raise StateInvalid("the ticket was used before").because("spent")

    async def spend_phone(self, configured: ConfiguredProvider, phone: VerifiedPhone) -> VerifiedPhone | None:
        """Remember the proof of a phone number, and return the number; None where the proof was used before.

        The login goes on without it: a client whose answer was lost posts the same proof with a new code.
        """
        now = self._now()
        try:
            await self._database.write(
                lambda tx: self._flows.remember_code(tx, configured.name, phone.proof, "", now), commits_each=True
            )
        except CodeSeen as error:
            calls.log_refused_phone(error)
            return None
        return phone

    async def discard_codes(
        self, configured: ConfiguredProvider, parameters: Mapping[str, str], state: str = ""
    ) -> None:
        """Remember the codes of a response that is refused, so that no flow but `state`'s can use them."""
        codes, now = calls.find_codes(configured.provider, get_pairs(parameters)), self._now()

        def discard(tx: Transaction) -> None:
            for code in codes:
                with suppress(CodeSeen):
                    self._flows.remember_code(tx, configured.name, code, state, now)

        if codes:
            await self._database.write(discard)

    async def repeat(self, begun: Flow, visit: Visit) -> Outcome:
        """Answer the same browser that comes again with a spent flow, once the first callback has ended.

        Its answer may be lost, so the session of that login goes with this one too, as long as nobody has presented it
        and the visitor is not logged in otherwise. So does a choice or a proof, which the flow's row keeps.

        Raises `StateInvalid` when the first callback failed, and for a token request, whose tokens are told once.
        """
        clock = asyncio.get_running_loop().time
        ends = clock() + TOTAL_DEADLINE
        while begun.delivery is not Delivery.JSON and clock() < ends:
            outcome, result = await self._database.read(lambda tx: flow.find_end(tx, begun))
            if outcome == flow.PRESENTED:
                return _repeated(begun)
            if result:
                return await self._find_kept(begun, visit, result)
            if outcome == flow.DONE:
                return CallbackRepeated(begun.delivery, begun.return_to, await self._find_lost_session(begun, visit))
            if outcome in (flow.FAILED, flow.PENDING):
                break
            await asyncio.sleep(POLL_SECONDS)
        raise StateInvalid("the flow was spent").because("spent")

    async def find_repeated_choice(self, pending: PendingLogin, visit: Visit) -> CallbackRepeated | None:
        """Answer the same browser that makes a choice again, as `repeat` does; None where it has logged nobody in.

        Nor is a program answered again, whose tokens are told once.
        """
        if not self._flows.get_session_token(pending):
            return None
        outcome, _ = await self._database.read(lambda tx: flow.find_end(tx, pending))
        if outcome not in (flow.DONE, flow.PRESENTED):
            return None
        opened = await self._find_lost_session(pending, visit) if outcome == flow.DONE else None
        return CallbackRepeated(pending.delivery, pending.return_to, opened)

    async def close_failed(self, begun: Flow) -> None:
        """Note that the flow failed, unless that keeps the visitor waiting: without the note a repeat waits instead."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE):
                await self._database.write(lambda tx: flow.close(tx, begun, flow.FAILED))

    async def _find_kept(self, begun: Flow, visit: Visit, result: str) -> Outcome:
        now, outcome = self._now(), self._flows.open_result(begun, result)
        key = outcome.pending.key if isinstance(outcome, ChoiceNeeded) else outcome.proof.key

        def is_wanted(tx: Transaction) -> bool:
            presented, _ = self._sessions.find_presented(tx, visit.presented, now)
            # a choice is for somebody who is not logged in, a proof for the session that began it
            is_same = (presented.family if presented else "") == begun.bound_to
            return is_same and not flows.is_spent(tx, key)

        return outcome if await self._database.read(is_wanted) else _repeated(begun)

    async def _find_lost_session(self, origin: Flow | PendingLogin, visit: Visit) -> OpenSession | None:
        """The session whose answer was lost. Raises `MemberDisabled` for a member who was disabled meanwhile."""
        now, token = self._now(), self._flows.get_session_token(origin)

        def find(tx: Transaction) -> OpenSession | None:
            presented, _ = self._sessions.find_presented(tx, visit.presented, now)
            return self._sessions.find_open(tx, token, now) if presented is None else None

        opened = await self._database.read(find) if token else None
        if opened is not None:
            await self._members.check_enabled(opened.row.member_id)
        return opened

    def _measure_age(self, begun: Flow) -> None:
        measurements.current.observe_flow_age(max(0, self._now() - begun.expiry_time + TICKET_SECONDS))

    def _find_joining(self, begun: Flow, visit: Visit) -> PendingLogin | None:
        """The waiting login that the flow joins to an account, if it still waits in this visitor's browser."""
        with suppress(StateInvalid, StateExpired):
            pending = self._first_login_tickets.open(visit.choice_ticket) if visit.choice_ticket else None
            return pending if pending and pending.key == begun.bound_to else None
        return None

    def _find_linking_session(self, tx: Transaction, begun: Flow, visit: Visit, now: int) -> LiveSession | None:
        """The session that began the flow, if this visitor still has it; another member's does not count."""
        return self._sessions.find_held(tx, visit.presented, begun.bound_to, now)


def _repeated(begun: Flow) -> CallbackRepeated:
    return CallbackRepeated(begun.delivery, begun.return_to)


def _name_in_log(state: str) -> None:
    """Let the log lines of this request say to which flow it came back, also when the flow is refused."""
    if len(state) == flow.STATE_LENGTH:
        add_fields(flow=flow.get_log_name(state))
