"""The one transaction that ends a login: member, connection, session, events and the flow's outcome, all or nothing."""

from dataclasses import dataclass, field

from connect_core.crypto import keyed_hash
from connect_core.errors import MemberDisabled, NotLoggedIn, StateInvalid
from connect_core.events import kinds
from connect_core.events.dispatch import Dispatcher
from connect_core.identity import Identity, Language, VerifiedPhone
from connect_core.login import flow
from connect_core.login.first_login import PendingLogin
from connect_core.login.flow import Delivery, Flow, Flows
from connect_core.members import linking, merge_rules
from connect_core.members.merge_rules import Proof
from connect_core.members.resolution import Members, Missing, ResolvedMember, login_by_unionid
from connect_core.providers.hookspecs import LoginEvent
from connect_core.providers.registry import ConfiguredProvider
from connect_core.sessions import LiveSession, OpenSession, Sessions
from connect_core.store import Transaction, connections, flows, merges, sessions
from connect_core.store import members as built_in


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is asking: for the log, the language of the vendor's page, and the choice between link and wake-up.

    `chosen_language` is empty where `language` is the browser's own; a choice goes along into the vendor's app.
    """

    request_id: str
    user_agent: str = field(default="", repr=False)
    language: Language = "zh"
    session_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    chosen_language: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A login finished. `opened` is None when the same browser repeats a callback that has already succeeded.

    `bound` is the union type where it was no login but a bind, `proof` where it was to prove a second member; `pending`
    is who has to say first whether they are new.
    """

    delivery: Delivery
    return_to: str
    resolved: ResolvedMember | None = None
    opened: OpenSession | None = None
    bound: str = ""
    proof: Proof | None = None
    pending: PendingLogin | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Everything a login arrives with, but for who it is: what it came through, from whom, and with what.

    `binder` is the session that wants to bind, or with `merges` to prove a second member; without one it is a login.
    `pending` is what the person who says whether they are new came with.
    """

    configured: ConfiguredProvider
    visit: Visit
    flow: Flow | None = None
    device_id: str = ""
    phone: VerifiedPhone | None = None
    binder: LiveSession | None = None
    merges: bool = False
    pending: PendingLogin | None = None


class Completion:
    """Settles logins in the caller's transaction."""

    def __init__(
        self,
        flows: Flows,
        sessions: Sessions,
        dispatcher: Dispatcher,
        subject_key: bytes,
        *,
        chooses: bool,
        lives_elsewhere: bool,
    ) -> None:
        """`subject_key` keys the hashes by which events tell persons apart; `chooses`: newcomers are asked first.

        `lives_elsewhere`: members are in the shop's own directory and not in `es_member`.
        """
        self._lives_elsewhere = lives_elsewhere
        self._chooses = chooses
        self._dispatcher = dispatcher
        self._flows = flows
        self._sessions = sessions
        self._subject_key = subject_key

    def subject_of(self, identity: Identity) -> str:
        """The keyed hash that stands for a person in events."""
        return keyed_hash(self._subject_key, identity.union_type, identity.strongest.value)

    def complete(
        self, tx: Transaction, arrival: Arrival, identity: Identity, members: Members, now: int, *, was_asked: bool
    ) -> tuple[Login, list[LoginEvent]] | None:
        """Write the login, and return it with what happened; None when the profile should be asked for first.

        Raises `MemberDisabled`, and `CodeSeen` for a phone proof that was used before.
        """
        configured = arrival.configured
        resolved = login_by_unionid(
            tx,
            identity.with_phone(arrival.phone),
            members,
            client_type=configured.client_type,
            now=now,
            profile_max_age=configured.profile_max_age,
            was_asked=was_asked,
            registers=not self._chooses or arrival.pending is not None,
        )
        if resolved is Missing.PROFILE:
            return None
        if arrival.phone is not None:
            self._flows.remember_code(tx, configured.name, arrival.phone.proof, "", now)
        if isinstance(resolved, Missing):
            return self._ask_first(tx, arrival, identity.with_phone(arrival.phone)), []
        happened = _happened(resolved, arrival, identity, now)
        ids = (resolved.member.id, resolved.connect_id)
        return self._open(tx, arrival, identity, *ids, happened=happened, now=now, resolved=resolved)

    def _ask_first(self, tx: Transaction, arrival: Arrival, identity: Identity) -> Login:
        """Nobody is registered yet: the person is asked whether they are new."""
        configured, begun = arrival.configured, arrival.flow
        delivery, return_to = (begun.delivery, begun.return_to) if begun else (Delivery.JSON, "")
        pending = PendingLogin(
            configured.name, configured.client_type, delivery, return_to, arrival.device_id, identity
        )
        if begun is not None:
            flow.close(tx, begun, flow.PENDING)
        return Login(delivery, return_to, pending=pending)

    def join(
        self, tx: Transaction, arrival: Arrival, identity: Identity, member_id: int, now: int
    ) -> tuple[Login, list[LoginEvent]]:
        """Log in a member who proved an older account, and bind the identity to it.

        With `arrival.binder` the member proved it by that session. Raises as `linking.bind`, `MemberDisabled`,
        `NotLoggedIn` when that session has ended meanwhile, and `StateInvalid` for a choice made before.
        """
        if arrival.binder is not None and not sessions.lock_live_family(tx, arrival.binder.family, now):
            raise NotLoggedIn("the session has ended")
        if not self._lives_elsewhere and not built_in.lock_enabled_member(tx, member_id):
            raise MemberDisabled("the member is disabled or gone")
        if self._lives_elsewhere:
            connections.lock_connections(tx, member_id)
            if merges.find_merge(tx, member_id):
                raise MemberDisabled("the member was merged into another")
        connect_id, is_new = linking.bind(tx, identity, member_id, now)
        happened_kinds = [*([kinds.BOUND] if is_new else []), kinds.LOGGED_IN]
        happened = [_event(kind, member_id, arrival, identity, now) for kind in happened_kinds]
        return self._open(tx, arrival, identity, member_id, connect_id, happened=happened, now=now)

    def _open(
        self,
        tx: Transaction,
        arrival: Arrival,
        identity: Identity,
        member_id: int,
        connect_id: int,
        *,
        happened: list[LoginEvent],
        now: int,
        resolved: ResolvedMember | None = None,
    ) -> tuple[Login, list[LoginEvent]]:
        visit, begun, pending = arrival.visit, arrival.flow, arrival.pending
        if pending is not None and not flows.spend_key(tx, pending.key, pending.expiry_time):
            raise StateInvalid("the choice was made before")
        if visit.session_token:
            self._sessions.end(tx, visit.session_token, now)
        opened = self._sessions.open(
            tx, member_id, arrival.configured.client_type, arrival.device_id, now, connect_id=connect_id
        )
        happened = self._dispatcher.write(tx, happened, connect_id, self.subject_of(identity))
        if pending is not None:
            return Login(pending.delivery, pending.return_to, resolved, opened), happened
        if begun is None:
            return Login(Delivery.JSON, "", resolved, opened), happened
        flow.close(tx, begun, flow.DONE)
        return Login(begun.delivery, begun.return_to, resolved, opened), happened

    def bind(self, tx: Transaction, arrival: Arrival, identity: Identity, now: int) -> tuple[Login, list[LoginEvent]]:
        """Bind the identity to the member of `arrival.binder`, and return it with what happened.

        With `arrival.merges` nothing is bound: the identity proves another member. Raises `AlreadyBound`,
        `NothingToMerge`, and `NotLoggedIn` when that session has ended meanwhile.
        """
        binder, begun = arrival.binder, arrival.flow
        if binder is None or not sessions.lock_live_family(tx, binder.family, now):
            raise NotLoggedIn("the session has ended")
        if arrival.merges:
            return self._prove(tx, begun, merge_rules.prove_identity(tx, identity, binder)), []
        connect_id, is_new = linking.bind(tx, identity, binder.member_id, now)
        happened = [_event(kinds.BOUND, binder.member_id, arrival, identity, now)] if is_new else []
        happened = self._dispatcher.write(tx, happened, connect_id, self.subject_of(identity))
        if begun is None:
            return Login(Delivery.JSON, "", bound=identity.union_type), happened
        flow.close(tx, begun, flow.DONE)
        return Login(begun.delivery, begun.return_to, bound=identity.union_type), happened

    def _prove(self, tx: Transaction, begun: Flow | None, proof: Proof) -> Login:
        if begun is None:
            return Login(Delivery.JSON, "", proof=proof)
        flow.close(tx, begun, flow.DONE)
        return Login(begun.delivery, begun.return_to, proof=proof)


def _happened(resolved: ResolvedMember, arrival: Arrival, identity: Identity, now: int) -> list[LoginEvent]:
    happened_kinds = [kinds.REGISTERED, kinds.BOUND] if resolved.is_new_member else []
    happened_kinds += [kinds.CONFLICT] if resolved.has_conflict else []
    return [
        _event(kind, resolved.member.id, arrival, identity, now, is_new_member=resolved.is_new_member)
        for kind in [*happened_kinds, kinds.LOGGED_IN]
    ]


def _event(
    kind: str, member_id: int, arrival: Arrival, identity: Identity, now: int, *, is_new_member: bool = False
) -> LoginEvent:
    return LoginEvent(
        kind=kind,
        member_id=member_id,
        provider=arrival.configured.name,
        client_type=arrival.configured.client_type,
        union_type=identity.union_type,
        is_new_member=is_new_member,
        request_id=arrival.visit.request_id,
        time=now,
    )
