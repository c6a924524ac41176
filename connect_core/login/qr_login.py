"""A login handed from a phone to a PC: the PC shows an id, the phone says yes, the PC collects with its own secret.

    waiting ── scan ──> scanned ── approve ──> approved ── collect ──> collected
                           │                      │
                           └──────── deny ────────┴──> denied

Any step that is not drawn is refused, by the database. A second account that scans ends it (RFC 8628 §5.4: whoever
relays an id relays it to many). Never touches a cookie and never asks a provider.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from connect_core.crypto import keyed_hash, token_hash
from connect_core.errors import MemberDisabled, StateExpired, StateInvalid
from connect_core.events import kinds
from connect_core.events.dispatch import Dispatcher
from connect_core.identity import ClientType
from connect_core.providers.hookspecs import LoginEvent, MemberDirectory
from connect_core.sessions import LiveSession, OpenSession, Sessions
from connect_core.store import Database, Transaction, members, qr_logins, sessions
from connect_core.store.qr_logins import QrLoginRow

LIFE = 120
"""Seconds from the QR code to the collected session."""
INTERVAL = 2
"""Seconds between two polls (RFC 8628 §3.2)."""


class QrLoginState(StrEnum):
    """How far a hand-over is; to whoever polls, all that cannot be collected any more is `expired`."""

    WAITING = "waiting"
    SCANNED = "scanned"
    APPROVED = "approved"
    DENIED = "denied"
    COLLECTED = "collected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Device:
    """What is shown of the PC: the names of its browser and system, and the group that its address is in."""

    browser: str
    system: str
    place: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A hand-over begun: `id` is for the QR code, `secret` for the PC's browser alone."""

    id: str
    secret: str = field(repr=False)
    expires_in: int = LIFE

    @property
    def ticket(self) -> str:
        """Both, for the PC's cookie."""
        return f"{self.id}.{self.secret}"


@dataclass(frozen=True, slots=True)
class QrLoginRequest:
    """What the phone is asked to confirm: which PC, how many seconds ago, and how far it is."""

    device: Device
    age: int
    state: QrLoginState


class QrLogins:
    """Begins, confirms and collects them."""

    def __init__(
        self,
        database: Database,
        opener: Sessions,
        directory: MemberDirectory | None,
        dispatcher: Dispatcher,
        subject_key: bytes,
        now: Callable[[], float],
    ) -> None:
        """`directory` is where members live when not in the built-in table; `now` answers seconds since the epoch."""
        self._database = database
        self._sessions = opener
        self._directory = directory
        self._dispatcher = dispatcher
        self._subject_key = subject_key
        self._now = now

    async def start(self, device: Device) -> Begun:
        """Begin one for the PC that asks."""
        begun, now = Begun(secrets.token_urlsafe(24), secrets.token_urlsafe(32)), self._time()
        row = QrLoginRow(
            token_hash(begun.id),
            token_hash(begun.secret),
            QrLoginState.WAITING,
            0,
            "",
            device.browser,
            device.system,
            device.place,
            now,
            now + LIFE,
        )
        await self._database.write(lambda tx: qr_logins.insert_handover(tx, row))
        return begun

    async def find_state(self, ticket: str) -> QrLoginState:
        """Return how far the hand-over of a PC's ticket is; a ticket of nothing reads as an expired one."""
        now = self._time()
        row = await self._database.read(lambda tx: _find_own(tx, ticket, now))
        return QrLoginState.EXPIRED if row is None or row.state == QrLoginState.COLLECTED else QrLoginState(row.state)

    async def scan(self, id_: str, session: LiveSession, request_id: str) -> QrLoginRequest:
        """Return what the member of `session` is asked to confirm; from now on it is theirs alone.

        Raises `StateExpired`, also for an id that never was, and `StateInvalid` for another member's.
        """
        now = self._time()

        def claim(tx: Transaction) -> tuple[QrLoginRow, list[LoginEvent]]:
            row = _find(tx, id_, now)
            if row.state == QrLoginState.WAITING and qr_logins.move(
                tx, row, QrLoginState.SCANNED, session.member_id, "", now
            ):
                return row, []
            row = _find(tx, id_, now)
            if row.state == QrLoginState.DENIED:
                raise StateExpired("the hand-over was refused")
            if row.member_id == session.member_id:
                return row, []
            qr_logins.move(tx, row, QrLoginState.DENIED, row.member_id, row.family, now)
            both = (row.member_id, session.member_id)
            return row, [self._write(tx, kinds.HANDOVER_CONFLICT, one, 0, request_id, now) for one in both]

        row, happened = await self._database.write(claim)
        if happened:
            self._tell(happened)
            raise StateInvalid("a second account scanned this")
        state = QrLoginState.APPROVED if row.state == QrLoginState.APPROVED else QrLoginState.SCANNED
        return QrLoginRequest(Device(row.browser, row.system, row.place), now - row.create_time, state)

    async def approve(self, id_: str, session: LiveSession) -> None:
        """Let the PC log in as the member of `session`, who has scanned. Raises `StateInvalid` and `StateExpired`."""
        await self._decide(id_, session, QrLoginState.APPROVED, (QrLoginState.SCANNED,))

    async def deny(self, id_: str, session: LiveSession) -> None:
        """Refuse it, or take an approval back. Raises as `approve`."""
        await self._decide(id_, session, QrLoginState.DENIED, (QrLoginState.SCANNED, QrLoginState.APPROVED))

    async def collect(self, ticket: str, held_token: str, request_id: str) -> OpenSession:
        """Open the PC's session, once; what the browser held until now (`held_token`) ends.

        It is as old as the login that approved it, and came through the same connection. Raises `StateInvalid` when it
        was not approved or the approving login has ended, `MemberDisabled`, and `StateExpired`.
        """
        now = self._time()
        if self._directory is not None:
            waiting = await self._database.read(lambda tx: _find_own(tx, ticket, now))
            if waiting and waiting.member_id and await self._directory.is_disabled(waiting.member_id):
                raise MemberDisabled("the member is disabled")
        opened, happened = await self._database.write(lambda tx: self._open(tx, ticket, held_token, request_id, now))
        self._tell(happened)
        return opened

    def _open(
        self, tx: Transaction, ticket: str, held_token: str, request_id: str, now: int
    ) -> tuple[OpenSession, list[LoginEvent]]:
        row = _find_own(tx, ticket, now)
        if row is None or row.state == QrLoginState.COLLECTED:
            raise StateExpired("there is no such hand-over, or it is over")
        if row.state != QrLoginState.APPROVED:
            raise StateInvalid("the phone has not agreed")
        if not qr_logins.move(tx, row, QrLoginState.COLLECTED, row.member_id, row.family, now):
            raise StateExpired("the hand-over is over")
        # whoever ends the approving login, or merges its member away, waits or was first
        if self._directory is not None:
            sessions.lock_live_family(tx, row.family, now)
        elif not members.lock_enabled_member(tx, row.member_id):
            raise MemberDisabled("the member is disabled or gone")
        live = sessions.find_of_member(tx, row.member_id, now)
        approving = next((one for one in live if one.family == row.family), None)
        if approving is None:
            raise StateInvalid("the login that approved it has ended")
        if self._directory is None:
            members.count_login(tx, row.member_id, now)
        if held_token:
            self._sessions.end(tx, held_token, now)
        opened = self._sessions.open(
            tx,
            row.member_id,
            ClientType.PC,
            "",
            now,
            connect_id=approving.connect_id,
            login_time=approving.create_time,
        )
        happened_kinds = (kinds.HANDED_OVER, kinds.LOGGED_IN)
        through = approving.connect_id
        return opened, [self._write(tx, kind, row.member_id, through, request_id, now) for kind in happened_kinds]

    async def _decide(
        self, id_: str, session: LiveSession, decision: QrLoginState, open_states: tuple[QrLoginState, ...]
    ) -> None:
        """The same answer given twice, by a finger that taps twice, is one."""
        now = self._time()

        def decide(tx: Transaction) -> None:
            row = _find(tx, id_, now)
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
        subject = keyed_hash(self._subject_key, "member", str(member_id))
        [written] = self._dispatcher.write(tx, [event], connect_id, subject)
        return written

    def _tell(self, happened: list[LoginEvent]) -> None:
        for event in happened:
            self._dispatcher.dispatch(event)

    def _time(self) -> int:
        return int(self._now())


def _find(tx: Transaction, id_: str, now: int) -> QrLoginRow:
    row = qr_logins.find_handover(tx, token_hash(id_), now)
    if row is None or row.state == QrLoginState.COLLECTED:
        raise StateExpired("there is no such hand-over, or it is over")
    return row


def _find_own(tx: Transaction, ticket: str, now: int) -> QrLoginRow | None:
    """The row of a PC's ticket; without the secret there is none. Hashes are compared, which tells nothing in time."""
    id_, _, secret = ticket.partition(".")
    row = qr_logins.find_handover(tx, token_hash(id_), now)
    return row if row is not None and row.secret_hash == token_hash(secret) else None
