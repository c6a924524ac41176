"""What comes before the vendor is asked: a flow or ticket is opened and spent, its code taken once, a repeat answered.

Never asks a vendor and never writes a member. The code of a response that is refused here is dead to every other flow.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from connect_core.errors import CodeSeen, RequestRefused, StateInvalid, StateMissing, Unavailable
from connect_core.http import TOTAL_DEADLINE
from connect_core.login import flow
from connect_core.login.completion import Login, Visit
from connect_core.login.flow import Delivery, Flow, Flows
from connect_core.providers import calls
from connect_core.providers.registry import ConfiguredProvider
from connect_core.sessions import LiveSession, Sessions
from connect_core.store import Database, Transaction

FAILURE_PATIENCE = 0.5


class Redemption:
    """Opens, spends and repeats flows."""

    def __init__(self, database: Database, flows: Flows, sessions: Sessions, now: Callable[[], float]) -> None:
        """`now` answers seconds since the epoch."""
        self._database = database
        self._flows = flows
        self._sessions = sessions
        self._now = now

    async def open(
        self,
        configured: ConfiguredProvider,
        parameters: Mapping[str, str],
        sealed_flow: str | None,
        *,
        delivers_json: bool,
    ) -> Flow:
        """Return the flow of a response. Raises `StateMissing`, `StateInvalid`, `StateExpired`."""
        state = parameters.get("state", "")
        try:
            if not state:
                raise StateMissing("the response carries no state")
            begun = self._flows.open(state, sealed_flow, self._time())
            same_way = (begun.delivery is Delivery.JSON) == delivers_json
            if (begun.provider, begun.client_type) != (configured.name, configured.client_type) or not same_way:
                raise StateInvalid("the flow was started elsewhere")
        except RequestRefused:
            await self.bury_codes(configured, parameters.items(), state)
            raise
        return begun

    async def open_ticket(self, configured: ConfiguredProvider, parameters: Mapping[str, str]) -> Flow:
        """Return the flow of the ticket that comes with a client's code. Raises as `open`."""
        ticket = parameters.get("ticket", "")
        try:
            if not ticket:
                raise StateMissing("the ticket that came with the login string is missing")
            begun = self._flows.open_ticket(ticket, self._time())
            if (begun.provider, begun.client_type) != (configured.name, configured.client_type):
                raise StateInvalid("the flow was started elsewhere")
            # an SDK that hands the state back says with it which flow the code belongs to
            if parameters.get("state", begun.state) != begun.state:
                raise StateInvalid("the code came back to another flow")
        except RequestRefused:
            await self.bury_codes(configured, parameters.items())
            raise
        return begun

    async def spend(self, begun: Flow, codes: Sequence[str], visit: Visit) -> tuple[bool, LiveSession | None]:
        """Spend the flow with its codes, False when it was spent already; for a bind find the session that it is for.

        Raises `CodeSeen`.
        """
        now = self._time()

        def redeem(tx: Transaction) -> tuple[bool, LiveSession | None]:
            is_first = self._flows.redeem(tx, begun, codes, now)
            return is_first, self._find_binder(tx, begun, visit, now) if begun.binder else None

        return await self._database.write(redeem)

    async def claim(self, configured: ConfiguredProvider, code: str, ticket: Flow | None) -> None:
        """Remember a client's code and spend its ticket; of a ticket spent before the code is dead all the same.

        Raises `CodeSeen` and `StateInvalid`.
        """
        now = self._time()

        def take(tx: Transaction) -> bool:
            self._flows.remember_code(tx, configured.name, code, "", now)
            return ticket is None or flow.spend(tx, ticket)

        if not await self._database.write(take):
            raise StateInvalid("the ticket was used before")

    async def bury_codes(
        self, configured: ConfiguredProvider, parameters: Iterable[tuple[str, str]], state: str = ""
    ) -> None:
        """Remember the codes of a response that is refused, so that no flow but `state`'s can use them."""
        codes, now = calls.find_codes(configured.provider, parameters), self._time()

        def bury(tx: Transaction) -> None:
            for code in codes:
                with suppress(CodeSeen):
                    self._flows.remember_code(tx, configured.name, code, state, now)

        if codes:
            await self._database.write(bury)

    async def repeat(self, begun: Flow) -> Login:
        """The same browser comes again with a spent flow: it gets the first result's redirect once there is one."""
        ends = asyncio.get_running_loop().time() + TOTAL_DEADLINE
        while begun.delivery is not Delivery.JSON and asyncio.get_running_loop().time() < ends:
            outcome = await self._database.read(lambda tx: flow.find_outcome(tx, begun))
            if outcome == flow.DONE:
                return Login(begun.delivery, begun.return_to)
            if outcome in (flow.FAILED, flow.PENDING):
                break
            await asyncio.sleep(0.1)
        raise StateInvalid("the flow was spent")

    async def close_failed(self, begun: Flow) -> None:
        """Note that the flow failed, unless that keeps the visitor waiting: without it a repeat waits instead."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(FAILURE_PATIENCE):
                await self._database.write(lambda tx: flow.close(tx, begun, flow.FAILED))

    def _find_binder(self, tx: Transaction, begun: Flow, visit: Visit, now: int) -> LiveSession | None:
        """The session that began a bind, if this visitor still has it; another member's is none."""
        session, _ = self._sessions.find_presented(tx, visit.session_token, visit.access_token, now)
        return session if session is not None and session.family == begun.binder else None

    def _time(self) -> int:
        return int(self._now())
