"""Completing a login: member, connection, session and events are written in one transaction, or nothing is.

Runs inside the caller's transaction. Asks no vendor and tells no plugin.
"""

from dataclasses import dataclass, field, replace

from connect_core.errors import NobodyToJoin, NotThisMember, StateInvalid
from connect_core.events import kinds
from connect_core.identity import Identity
from connect_core.login import flow
from connect_core.login.first_login import make_pending
from connect_core.login.flow import Flows
from connect_core.login.values import (
    LOG_IN,
    AccountProved,
    Arrival,
    ChoiceNeeded,
    IdentityLinked,
    Outcome,
    PurposeKind,
    SessionOpened,
    Visit,
)
from connect_core.members import conflicts, linking, merge_rules
from connect_core.members.acting import lock_actor
from connect_core.members.directory import LoginMembers
from connect_core.members.resolution import login_by_unionid
from connect_core.members.services import Services
from connect_core.members.values import LoginAttempt, ProfileNeeded, ResolvedMember, Unregistered
from connect_core.providers.hookspecs import LoginEvent
from connect_core.sessions import LiveSession, NewSession
from connect_core.store import Transaction, connections, consents, erasure, flows, identities

Completed = tuple[Outcome, list[LoginEvent]]
"""How a login ended, and the events that were written, for plugins to be told once the transaction has committed."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """Who gets a session: the member, through which connection, and the kinds of events to write."""

    member_id: int
    connect_id: int
    event_kinds: list[str] = field(default_factory=list)
    resolved: ResolvedMember | None = None

    def get_detail(self, kind: str) -> str:
        """Return the `detail` of the event: of a conflict, whom else the ids lead to."""
        is_conflict = kind == kinds.CONFLICT and self.resolved is not None
        return conflicts.name_members(self.resolved.other_members) if is_conflict and self.resolved else ""


class Completion:
    """Completes logins in the caller's transaction."""

    def __init__(self, services: Services, flows: Flows, *, chooses: bool, required_terms: str = "") -> None:
        """`chooses`: somebody new is asked before a member is registered.

        `required_terms` is the version of the terms that somebody new has to agree to; empty where nobody has to.
        """
        self._chooses, self._required_terms = chooses, required_terms
        self._services = services
        self._sessions = services.sessions
        self._flows = flows

    def require_terms(self, version: str) -> None:
        """Require newcomers to agree to this version of the terms from now on; empty: to none."""
        self._required_terms = version

    def attempt(self, identity: Identity, arrival: Arrival) -> LoginAttempt:
        """Return what `login_by_unionid` needs to know of a login that begins now."""
        has_chosen = arrival.pending is not None
        return LoginAttempt(
            identity=identity,
            first=identity,
            client_type=arrival.configured.client_type,
            now=self._services.now(),
            profile_max_age=arrival.configured.profile_max_age,
            was_asked=has_chosen,
            registers=(has_chosen or not self._chooses) and self.has_consented(arrival.visit),
            phone=arrival.phone,
        )

    def has_consented(self, visit: Visit) -> bool:
        """Tell whether the visitor may be registered: no terms are required, or this visitor agrees to them now."""
        return not self._required_terms or visit.consent == self._required_terms

    def log_in(
        self, tx: Transaction, arrival: Arrival, attempt: LoginAttempt, members: LoginMembers
    ) -> Completed | ProfileNeeded:
        """Log in whoever the identity is, or say that the vendor's profile is needed first; nothing is written then.

        Raises `MemberDisabled`, and as `check_pending`.
        """
        self.check_pending(tx, arrival)
        resolution = login_by_unionid(tx, attempt, members)
        if isinstance(resolution, ProfileNeeded):
            return resolution
        match resolution:
            case Unregistered():
                return self._ask_first(tx, arrival, attempt), []
            case ResolvedMember():
                # what the visitor agreed to: the version may have been changed since `attempt` compared it
                if resolution.is_new_member and self._required_terms and arrival.visit.consent:
                    consents.insert_consent(tx, resolution.member.id, arrival.visit.consent, attempt.now)
                event_kinds = [kinds.REGISTERED, kinds.BOUND] if resolution.is_new_member else []
                event_kinds += [kinds.CONFLICT] if resolution.has_conflict else []
                entry = _Entry(resolution.member.id, resolution.connect_id, [*event_kinds, kinds.LOGGED_IN], resolution)
                return self._open_session(tx, arrival, attempt.identity, entry, attempt.now)

    def join(self, tx: Transaction, arrival: Arrival, identity: Identity, member_id: int, now: int) -> Completed:
        """Log in a member who proved an older account, and link the identity to it.

        With a linking session the member proved the account by that session. Raises as `linking.bind` and
        `check_pending`, `MemberDisabled`, and `NotLoggedIn` when that session has ended meanwhile.
        """
        if arrival.purpose.linking_session is not None:
            lock_actor(tx, self._services.members, arrival.purpose.linking_session, now)
        else:
            self._services.members.lock(tx, member_id)
        linking.check_not_anothers(tx, identity, member_id)
        self.check_pending(tx, arrival)
        connect_id, is_new = linking.bind(tx, identity, member_id, now)
        event_kinds = [*([kinds.BOUND] if is_new else []), kinds.LOGGED_IN]
        outcome, events = self._open_session(tx, arrival, identity, _Entry(member_id, connect_id, event_kinds), now)
        return replace(outcome, purpose=PurposeKind.JOIN, union_type=identity.union_type), events

    def find_joined(self, tx: Transaction, proof: Identity) -> int:
        """Return the member whose identity `proof` is; nobody unbinds it until the transaction ends.

        Raises `NobodyToJoin`.
        """
        people = identities.lock_people(tx, proof)
        if not people:
            raise NobodyToJoin("the identity belongs to nobody")
        return people[0].member_id

    def link(self, tx: Transaction, arrival: Arrival, identity: Identity, now: int) -> Completed:
        """Do for the member of the linking session what the login is for.

        The identity is linked to the member, proves a second account, or confirms who the member is. Raises
        `AlreadyBound`, `NothingToMerge`, `NotThisMember`, `MemberDisabled`, and `NotLoggedIn` when that session has
        ended meanwhile.
        """
        session = lock_actor(tx, self._services.members, arrival.purpose.linking_session, now)
        if arrival.purpose.kind is PurposeKind.CONFIRM:
            return self._confirm(tx, arrival, identity, session, now)
        if arrival.purpose.kind is PurposeKind.PROVE:
            proof = merge_rules.prove_identity(tx, identity, session, now)
            proved = AccountProved(arrival.delivery, arrival.return_to, proof)
            if arrival.flow is not None:
                flow.close(tx, arrival.flow, flow.DONE, self._flows.seal_result(arrival.flow, proved))
            return proved, []
        connect_id, is_new = linking.bind(tx, identity, session.member_id, now)
        entry = _Entry(session.member_id, connect_id, [kinds.BOUND] if is_new else [])
        events = self._write_events(tx, arrival, identity, entry, now)
        if arrival.flow is not None:
            flow.close(tx, arrival.flow, flow.DONE)
        return IdentityLinked(arrival.delivery, arrival.return_to, identity.union_type), events

    def check_pending(self, tx: Transaction, arrival: Arrival) -> None:
        """Raise `StateInvalid` for a choice that was made before, or whose identity was bound or unbound meanwhile."""
        pending = arrival.pending
        if pending is None:
            return
        if flows.is_spent(tx, pending.key):
            raise StateInvalid("the choice was made before")
        identity = pending.identity
        if identities.find_people(tx, identity):
            raise StateInvalid("the identity was bound while the person was asked")
        has_ended = connections.count_ended(tx, identity.union_type, *identity.ids) != pending.times_ended
        if has_ended or erasure.was_erased_since(tx, identity.union_type, identity.ids, pending.expiry_time):
            raise StateInvalid("the identity was bound and unbound while the person was asked")

    def _confirm(
        self, tx: Transaction, arrival: Arrival, identity: Identity, session: LiveSession, now: int
    ) -> Completed:
        """Replace the session by a new one, if the identity is its member's."""
        person = identities.find_person(tx, identity)
        if person is None or person.member_id != session.member_id:
            raise NotThisMember("the identity is not this member's")
        self._sessions.end_family(tx, session.family, now)
        entry = _Entry(session.member_id, person.connect_id, [kinds.LOGGED_IN])
        outcome, events = self._open_session(tx, replace(arrival, purpose=LOG_IN), identity, entry, now)
        if identity.vendor_session is None:
            self._services.vendor_sessions.inherit(tx, session.family, outcome.opened.row)
        return replace(outcome, purpose=PurposeKind.CONFIRM), events

    def _ask_first(self, tx: Transaction, arrival: Arrival, attempt: LoginAttempt) -> ChoiceNeeded:
        """Nobody is registered yet: the person is asked whether they are new."""
        times_ended = connections.count_ended(tx, attempt.identity.union_type, *attempt.identity.ids)
        pending = make_pending(arrival, attempt.identity.with_phone(attempt.phone), times_ended, attempt.now)
        choice = ChoiceNeeded(arrival.delivery, arrival.return_to, pending)
        if arrival.flow is not None:
            flow.close(tx, arrival.flow, flow.PENDING, self._flows.seal_result(arrival.flow, choice))
        return choice

    def _open_session(
        self, tx: Transaction, arrival: Arrival, identity: Identity, entry: _Entry, now: int
    ) -> tuple[SessionOpened, list[LoginEvent]]:
        visit, pending = arrival.visit, arrival.pending
        if pending is not None and not flows.spend_key(tx, pending.key, pending.expiry_time):
            raise StateInvalid("the choice was made before")
        if arrival.purpose.linking_session is None:  # else it is the same member, who keeps the session there is
            self._sessions.end_all(tx, visit.presented.ended_by(arrival.configured.client_type), now)
        origin = arrival.flow or pending
        session = NewSession(
            entry.member_id,
            arrival.configured.client_type,
            pending.device_id if pending else visit.device_id,
            entry.connect_id,
            kind=flow.get_token_kind(arrival.delivery),
            token=self._flows.get_session_token(origin) if origin else "",
            family=self._flows.get_session_family(origin) if origin else "",
            device=visit.device,
        )
        opened = self._sessions.open(tx, session, now)
        self._services.vendor_sessions.remember(tx, opened.row, arrival.configured.name, identity)
        events = self._write_events(tx, arrival, identity, entry, now)
        if origin is not None:
            flow.close(tx, origin, flow.DONE)
        return SessionOpened(arrival.delivery, arrival.return_to, opened, entry.resolved), events

    def _write_events(
        self, tx: Transaction, arrival: Arrival, identity: Identity, entry: _Entry, now: int
    ) -> list[LoginEvent]:
        events = [
            LoginEvent(
                kind=kind,
                member_id=entry.member_id,
                provider=arrival.configured.name,
                client_type=arrival.configured.client_type,
                union_type=identity.union_type,
                is_new_member=entry.resolved is not None and entry.resolved.is_new_member,
                request_id=arrival.visit.request_id,
                time=now,
                detail=entry.get_detail(kind),
            )
            for kind in entry.event_kinds
        ]
        subject = self._services.hash_subject(identity.union_type, identity.strongest.value)
        return self._services.dispatcher.write(tx, events, entry.connect_id, subject)
