"""The one transaction that ends a login: member, connection, session, events and the flow's outcome, all or nothing."""

from dataclasses import dataclass, field

from connect_core import binding, events, flow
from connect_core.connections import Members, Settled, login_by_unionid
from connect_core.crypto import keyed_hash
from connect_core.errors import NotLoggedIn
from connect_core.exchange import with_phone
from connect_core.flow import Delivery, Flow, Flows
from connect_core.hookspecs import LoginEvent
from connect_core.identity import Identity, Language
from connect_core.provider import VerifiedPhone
from connect_core.registry import Offer
from connect_core.sessions import LiveSession, OpenSession, Sessions
from connect_core.store import Transaction, sessions


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is asking: for the log, the language of the vendor's page, and the choice between link and wake-up."""

    request_id: str
    user_agent: str = field(default="", repr=False)
    language: Language = "zh"
    session_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """A login finished. `opened` is None when the same browser repeats a callback that has already succeeded.

    `bound` is the union type where it was no login but a bind.
    """

    delivery: Delivery
    return_to: str
    settled: Settled | None = None
    opened: OpenSession | None = None
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Everything a login arrives with, but for who it is: what it came through, from whom, and with what.

    `binder` is the session that wants to bind; without one it is a login.
    """

    offer: Offer
    visit: Visit
    flow: Flow | None = None
    device_id: str = ""
    phone: VerifiedPhone | None = None
    binder: LiveSession | None = None


class Settlement:
    """Settles logins in the caller's transaction."""

    def __init__(self, flows: Flows, sessions: Sessions, subject_key: bytes) -> None:
        """`subject_key` keys the hashes by which events tell persons apart."""
        self._flows = flows
        self._sessions = sessions
        self._subject_key = subject_key

    def subject_of(self, identity: Identity) -> str:
        """The keyed hash that stands for a person in events, and in what a member directory is asked."""
        return keyed_hash(self._subject_key, identity.union_type, identity.strongest.value)

    def settle(
        self, tx: Transaction, arrival: Arrival, identity: Identity, members: Members, now: int, *, was_asked: bool
    ) -> tuple[Login, list[LoginEvent]] | None:
        """Write the login, and return it with what happened; None when the profile should be asked for first.

        Raises `MemberDisabled`, and `CodeSeen` for a phone proof that was used before.
        """
        offer, visit, begun = arrival.offer, arrival.visit, arrival.flow
        settled = login_by_unionid(
            tx,
            with_phone(identity, arrival.phone),
            members,
            client_type=offer.client_type,
            now=now,
            profile_max_age=offer.profile_max_age,
            was_asked=was_asked,
        )
        if settled is None:
            return None
        if arrival.phone is not None:
            self._flows.remember_code(tx, offer.name, arrival.phone.proof, "", now)
        if visit.session_token:
            self._sessions.end(tx, visit.session_token, now)
        opened = self._sessions.open(
            tx, settled.member.id, offer.client_type, arrival.device_id, now, connect_id=settled.connect_id
        )
        happened = _happened(settled, arrival, identity, now)
        events.write(tx, happened, settled.connect_id, self.subject_of(identity))
        if begun is None:
            return Login(Delivery.JSON, "", settled, opened), happened
        flow.close(tx, begun, flow.DONE)
        return Login(begun.delivery, begun.return_to, settled, opened), happened

    def find_binder(self, tx: Transaction, begun: Flow, visit: Visit, now: int) -> LiveSession | None:
        """Return the session that began a bind, if the visitor still has it; another member's is none."""
        session, _ = self._sessions.find_presented(tx, visit.session_token, visit.access_token, now)
        return session if session is not None and session.family == begun.binder else None

    def bind(self, tx: Transaction, arrival: Arrival, identity: Identity, now: int) -> tuple[Login, list[LoginEvent]]:
        """Bind the identity to the member of `arrival.binder`, and return it with what happened.

        Raises `AlreadyBound`, and `NotLoggedIn` when that session has ended meanwhile.
        """
        binder, begun = arrival.binder, arrival.flow
        if binder is None or sessions.find_live(tx, binder.family, now) is None:
            raise NotLoggedIn("the session has ended")
        connect_id, is_new = binding.bind(tx, identity, binder.member_id, now)
        happened = [_event(events.BOUND, binder.member_id, arrival, identity, now)] if is_new else []
        events.write(tx, happened, connect_id, self.subject_of(identity))
        if begun is None:
            return Login(Delivery.JSON, "", bound=identity.union_type), happened
        flow.close(tx, begun, flow.DONE)
        return Login(begun.delivery, begun.return_to, bound=identity.union_type), happened


def _happened(settled: Settled, arrival: Arrival, identity: Identity, now: int) -> list[LoginEvent]:
    kinds = [events.REGISTERED, events.BOUND] if settled.is_new_member else []
    kinds += [events.CONFLICT] if settled.has_conflict else []
    return [
        _event(kind, settled.member.id, arrival, identity, now, is_new_member=settled.is_new_member)
        for kind in [*kinds, events.LOGGED_IN]
    ]


def _event(
    kind: str, member_id: int, arrival: Arrival, identity: Identity, now: int, *, is_new_member: bool = False
) -> LoginEvent:
    return LoginEvent(
        kind=kind,
        member_id=member_id,
        provider=arrival.offer.name,
        client_type=arrival.offer.client_type,
        union_type=identity.union_type,
        is_new_member=is_new_member,
        request_id=arrival.visit.request_id,
        time=now,
    )
