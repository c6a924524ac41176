"""QR logins: the PC shows an id as a QR code, the phone says yes, and the PC collects its session with its own secret.

    waiting ── scan ──> scanned ── approve ──> approved ── collect ──> collected
                           │                      │
                           └──────── deny ────────┴──> denied

A step that is not drawn is refused: the UPDATE names the state that it starts from. A second account that scans the
same code ends the login, because a code that was relayed to one victim was relayed to many (RFC 8628 §5.4). Never
touches a cookie and never asks a provider. The table is `es_connect_handover`, the routes are `/connect/handover` and
`/connect/h`.
"""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from connect_core.crypto import token_hash
from connect_core.devices import Device
from connect_core.errors import StateExpired, StateInvalid
from connect_core.events import kinds
from connect_core.geoip import Location
from connect_core.identity import ClientType
from connect_core.login.flow import Flows
from connect_core.members.acting import lock_actor
from connect_core.members.services import Services
from connect_core.providers.hookspecs import LoginEvent
from connect_core.sessions import LiveSession, NewSession, OpenSession, PresentedTokens
from connect_core.store import Transaction, qr_logins, sessions
from connect_core.store.qr_logins import QrLoginRow

LIFE = 120
"""Seconds from the QR code to the collected session."""
INTERVAL = 2
"""Seconds between two polls (RFC 8628 §3.2)."""


class QrLoginState(StrEnum):
    """How far a QR login is; a PC that polls reads `expired` for whatever cannot be collected any more."""

    WAITING = "waiting"
    SCANNED = "scanned"
    APPROVED = "approved"
    DENIED = "denied"
    COLLECTED = "collected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Begun:
    """A QR login begun: `id` is for the QR code, `secret` for the PC's browser alone."""

    id: str
    secret: str = field(repr=False)
    expires_in: int = LIFE

    @property
    def ticket(self) -> str:
        """Return both, for the PC's cookie."""
        return f"{self.id}.{self.secret}"


@dataclass(frozen=True, slots=True)
class QrLoginProgress:
    """How far a QR login is, and for how many seconds it can still be finished."""

    state: QrLoginState
    seconds_left: int


@dataclass(frozen=True, slots=True)
class QrLoginRequest:
    """What the phone is asked to confirm: which PC in which network, how many seconds ago, and how far it is."""

    device: Device
    network: str
    age: int
    state: QrLoginState


class QrLogins:
    """Begins, confirms and collects QR logins."""

    def __init__(self, services: Services, flows: Flows) -> None:
        self._services, self._flows = services, flows
        self._database, self._members, self._sessions = services.database, services.members, services.sessions
        self._time = services.now

    async def start(self, device: Device, network: str = "") -> Begun:
        """Begin a QR login for the PC that asks; `network` is that of its address, which the phone shows."""
        begun, now = Begun(secrets.token_urlsafe(24), secrets.token_urlsafe(32)), self._time()
        row = QrLoginRow(
            token_hash(begun.id),
            token_hash(begun.secret),
            QrLoginState.WAITING,
            0,
            "",
            device.browser,
            device.system,
            network,
            now,
            now + LIFE,
            device.location.dump(),
        )
        await self._database.write(lambda tx: qr_logins.insert_handover(tx, row))
        return begun

    async def find_state(self, ticket: str) -> QrLoginState:
        """Return how far the QR login of a PC's ticket is; an unknown ticket reads as an expired one."""
        return (await self.find_progress(ticket)).state

    async def find_progress(self, ticket: str) -> QrLoginProgress:
        """Return the same, with the seconds that are left to finish it."""
        now = self._time()
        row = await self._database.read(lambda tx: _find_own(tx, ticket, now))
        if row is None or row.state == QrLoginState.COLLECTED:
            return QrLoginProgress(QrLoginState.EXPIRED, 0)
        return QrLoginProgress(QrLoginState(row.state), row.expiry_time - now)

    async def scan(self, id_: str, session: LiveSession, request_id: str) -> QrLoginRequest:
        """Return what the member of `session` is asked to confirm; from now on it is theirs alone.

        Raises `StateExpired`, also for an id that never was, and `StateInvalid` for another member's.
        """
        now = self._time()

        def claim(tx: Transaction) -> tuple[QrLoginRow, list[LoginEvent]]:
            row = _find(tx, id_, now)
            lock_actor(tx, self._members, session, now)
            if row.state == QrLoginState.WAITING and qr_logins.move(
                tx, row, QrLoginState.SCANNED, session.member_id, "", now
            ):
                return row, []
            row = _find(tx, id_, now)
            if row.state == QrLoginState.DENIED:
                raise StateExpired("the QR login was refused")
            if row.member_id == session.member_id:
                return row, []
            qr_logins.move(tx, row, QrLoginState.DENIED, row.member_id, row.family, now)
            both = (row.member_id, session.member_id)
            return row, [self._write(tx, kinds.HANDOVER_CONFLICT, member_id, 0, request_id, now) for member_id in both]

        row, events = await self._database.write(claim)
        if events:
            self._services.dispatcher.dispatch(*events)
            raise StateInvalid("a second account scanned this")
        state = QrLoginState.APPROVED if row.state == QrLoginState.APPROVED else QrLoginState.SCANNED
        return QrLoginRequest(_get_device(row), row.place, now - row.create_time, state)

    async def approve(self, id_: str, session: LiveSession) -> None:
        """Let the PC log in as the member of `session`, who has scanned. Raises `StateInvalid` and `StateExpired`."""
        await self._decide(id_, session, QrLoginState.APPROVED, (QrLoginState.SCANNED,))

    async def deny(self, id_: str, session: LiveSession) -> None:
        """Refuse the login, or take an approval back. Raises as `approve`."""
        await self._decide(id_, session, QrLoginState.DENIED, (QrLoginState.SCANNED, QrLoginState.APPROVED))

    async def collect(self, ticket: str, presented: PresentedTokens, request_id: str) -> OpenSession:
        """Open the PC's session, once; every login that the browser had until now (`presented`) ends.

        The new session is as old as the login that approved it, and came through the same connection. A browser that
        collects again within the ticket's life gets the same session: its first answer was lost, since that deletes the
        ticket. Raises `StateInvalid` when it was not approved or the approving login has ended, `MemberDisabled`, and
        `StateExpired`, also for a browser that is logged in meanwhile or was logged out.
        """
        now = self._time()

        def find_member_id(tx: Transaction) -> int | None:
            row = _find_own(tx, ticket, now)
            return row.member_id or None if row else None

        await self._members.check_first(find_member_id)
        opened, events = await self._database.write(lambda tx: self._open(tx, ticket, presented, request_id, now))
        self._services.dispatcher.dispatch(*events)
        return opened

    def _open(
        self, tx: Transaction, ticket: str, presented: PresentedTokens, request_id: str, now: int
    ) -> tuple[OpenSession, list[LoginEvent]]:
        row, token = _find_own(tx, ticket, now), self._flows.get_qr_login_token(ticket)
        if row is None:
            raise StateExpired("there is no such QR login, or it is over")
        if row.state == QrLoginState.COLLECTED:
            return self._find_lost(tx, token, presented, now), []
        if row.state != QrLoginState.APPROVED:
            raise StateInvalid("the phone has not agreed")
        if not qr_logins.move(tx, row, QrLoginState.COLLECTED, row.member_id, row.family, now):
            return self._find_lost(tx, token, presented, now), []  # an equal request was first
        # a log-out of the approving session, an erasure or a merge has either committed or waits for these locks
        self._members.lock(tx, row.member_id)
        sessions.lock_live_family(tx, row.family, now)
        live = sessions.find_of_member(tx, row.member_id, now)
        approving = next((session for session in live if session.family == row.family), None)
        if approving is None:
            raise StateInvalid("the login that approved it has ended")
        self._members.count_login(tx, row.member_id, now)
        self._sessions.end_all(tx, presented.all, now)
        connect_id = approving.connect_id
        login_time = approving.create_time
        device = _get_device(row)
        session = NewSession(row.member_id, ClientType.PC, "", connect_id, login_time, token=token, device=device)
        opened = self._sessions.open(tx, session, now)
        self._services.vendor_sessions.inherit(tx, approving.family, opened.row)
        event_kinds = (kinds.HANDED_OVER, kinds.LOGGED_IN)
        return opened, [self._write(tx, kind, row.member_id, connect_id, request_id, now) for kind in event_kinds]

    def _find_lost(self, tx: Transaction, token: str, presented: PresentedTokens, now: int) -> OpenSession:
        logged_in, _ = self._sessions.find_presented(tx, presented, now)
        opened = self._sessions.find_open(tx, token, now) if logged_in is None else None
        if opened is None:
            raise StateExpired("the QR login is over")
        self._members.check(tx, opened.row.member_id)
        return opened

    async def _decide(
        self, id_: str, session: LiveSession, decision: QrLoginState, open_states: tuple[QrLoginState, ...]
    ) -> None:
        """Write the decision; the same decision given twice, by a finger that taps twice, counts as one."""
        now = self._time()

        def decide(tx: Transaction) -> None:
            row = _find(tx, id_, now)
            lock_actor(tx, self._members, session, now)
            if row.member_id != session.member_id:
                raise StateInvalid("this account has not scanned it")
            if row.state == decision:
                return
            moves = row.state in open_states
            if not moves or not qr_logins.move(tx, row, decision, session.member_id, session.family, now):
                raise StateInvalid("there is nothing to decide any more")

        await self._database.write(decide)

    def _write(
        self, tx: Transaction, kind: str, member_id: int, connect_id: int, request_id: str, now: int
    ) -> LoginEvent:
        event = LoginEvent(kind, member_id, "", ClientType.PC, "", is_new_member=False, request_id=request_id, time=now)
        subject = self._services.hash_subject("member", str(member_id))
        [written] = self._services.dispatcher.write(tx, [event], connect_id, subject)
        return written


def _get_device(row: QrLoginRow) -> Device:
    return Device(row.browser, row.system, Location.parse(row.location))


def _find(tx: Transaction, id_: str, now: int) -> QrLoginRow:
    row = qr_logins.find_handover(tx, token_hash(id_), now)
    if row is None or row.state == QrLoginState.COLLECTED:
        raise StateExpired("there is no such QR login, or it is over")
    return row


def _find_own(tx: Transaction, ticket: str, now: int) -> QrLoginRow | None:
    """The row of a PC's ticket, None without the right secret. Comparing hashes leaks nothing by its timing."""
    id_, _, secret = ticket.partition(".")
    row = qr_logins.find_handover(tx, token_hash(id_), now)
    return row if row is not None and row.secret_hash == token_hash(secret) else None
