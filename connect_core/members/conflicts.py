"""Conflicts of identity: the ids that a vendor sent lead to two members, and an operator decides whose they are.

A login moves nothing then: the strongest id decides, and an event `identity_conflict` is written. The operator keeps it
as it is, or lets one member have the whole identity: the other's connection ends, and its ids lead to that member. That
is possible only where no id of one connection contradicts an id of the other; else the vendor knows two accounts.
Never asks a provider.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from connect_core.acts import OperatorAct
from connect_core.crypto import token_hash
from connect_core.errors import BadRequest, ChangedMeanwhile, LastConnection, NotThere
from connect_core.events import kinds
from connect_core.identity import PersonId
from connect_core.members.operator_acts import make_event, record, write_event
from connect_core.members.services import Services
from connect_core.providers.hookspecs import LoginEvent
from connect_core.store import Transaction, connections, event_search, members, sessions
from connect_core.store.connections import BoundConnection
from connect_core.store.event_search import EventFilter
from connect_core.store.personal_data import lock_member

CONFLICTS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Conflict:
    """A conflict that is not resolved, by the latest event of it.

    `member_ids` begins with the member who is logged in; it has no others where the vendor contradicted an id that is
    stored. `time` is in epoch seconds.
    """

    event_id: int
    time: int
    provider: str
    client_type: str
    union_type: str
    connect_id: int
    member_ids: tuple[int, ...]

    @property
    def subject(self) -> str:
        """What the events of a decision about it have as their `subject_hash`."""
        return token_hash(f"conflict {self.union_type} {self.connect_id} {sorted(self.member_ids)}")


@dataclass(frozen=True, slots=True)
class ConflictSide:
    """One of the members: the connection with the vendor, None if there is none any more, and its ids.

    `has_other_way`: something else than this connection logs the member in.
    """

    member_id: int
    connection: BoundConnection | None
    ids: tuple[PersonId, ...]
    has_other_way: bool


@dataclass(frozen=True, slots=True)
class ConflictView:
    """A conflict with its sides. `obstacle` says why no member can have all of the ids; empty where one can.

    `version` changes with whatever is shown: a decision about another version is refused.
    """

    conflict: Conflict
    sides: tuple[ConflictSide, ...]
    obstacle: str

    @property
    def version(self) -> str:
        """A hash of the sides."""
        return token_hash(repr([(side.member_id, side.connection, sorted(map(repr, side.ids))) for side in self.sides]))


def name_members(member_ids: Iterable[int]) -> str:
    """Return the `detail` of an `identity_conflict`, such as `members 2, 5`; empty for none."""
    numbers = ", ".join(map(str, member_ids))
    return f"members {numbers}" if numbers else ""


class Conflicts:
    """Finds conflicts, shows both sides, and resolves them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._database = services.database

    async def find_open(self, before: int = 0) -> tuple[list[Conflict], int]:
        """Return conflicts that are not resolved, the latest first, and the `before` of the next page; 0 for none.

        One call looks through a bounded number of events: a page may be empty although there is a next one.
        """

        def find(tx: Transaction) -> tuple[list[Conflict], int]:
            rows, following = event_search.find_recent(tx, EventFilter(kinds.CONFLICT), CONFLICTS_PER_PAGE, before)
            latest: dict[str, Conflict] = {}
            for row in rows:
                conflict = _read(row)
                latest.setdefault(conflict.subject, conflict)
            return [conflict for conflict in latest.values() if _is_open(tx, conflict)], following

        return await self._database.read(find)

    async def show(self, event_id: int) -> ConflictView:
        """Return both sides of the conflict of an event. Raises `NotThere` for one that is resolved or never was."""
        return await self._database.read(lambda tx: self._view(tx, self._find(tx, event_id)))

    async def keep(self, event_id: int, act: OperatorAct) -> None:
        """Leave everything as it is: the conflict of these members counts as resolved, also when it comes again.

        Raises as `show`, and `ChangedMeanwhile` for one that was resolved meanwhile.
        """

        def keep(tx: Transaction) -> list[LoginEvent]:
            conflict = self._lock(tx, event_id)
            said = ", ".join(filter(None, (conflict.union_type, name_members(conflict.member_ids[1:]))))
            record(tx, act, kinds.CONFLICT_KEPT, conflict.member_ids[0], self._services.now(), said)
            return self._mark(tx, kinds.CONFLICT_KEPT, conflict, act)

        self._services.dispatcher.dispatch(*await self._database.write(keep))

    async def give(
        self, event_id: int, member_id: int, act: OperatorAct, *, force: bool = False, version: str = ""
    ) -> None:
        """Let `member_id` have the identity: the others' connections end, and their ids lead to this member.

        All sessions that came through one of the connections end. Raises as `show`; `BadRequest` for somebody else's
        number, or when the view has an obstacle; `LastConnection` without `force` when nothing else leads to one of the
        others; `ChangedMeanwhile` for a conflict that was resolved, or is no longer the `version` that was shown.
        """
        now = self._services.now()

        def give(tx: Transaction) -> list[LoginEvent]:
            conflict = self._lock(tx, event_id)
            view = self._view(tx, conflict)
            if version not in ("", view.version):
                raise ChangedMeanwhile("the connections are no longer those that were shown")
            receiver, losers = _choose(view, member_id, force=force)
            sessions.revoke_opened_through(tx, member_id, receiver.connect_id, "", now)
            record(tx, act, kinds.CONFLICT_SETTLED, conflict.member_ids[0], now, f"member {member_id}")
            written: list[LoginEvent] = []
            for loser_id, lost in losers:
                connections.take_over(tx, receiver, lost, now)
                sessions.revoke_opened_through(tx, loser_id, lost.connect_id, "", now)
                record(tx, act, kinds.UNBOUND, loser_id, now, f"{lost.union_type} to member {member_id}")
                written += write_event(self._services, tx, kinds.UNBOUND, loser_id, act, lost)
            return [*written, *self._mark(tx, kinds.CONFLICT_SETTLED, conflict, act)]

        self._services.dispatcher.dispatch(*await self._database.write(give))

    def _find(self, tx: Transaction, event_id: int) -> Conflict:
        row = event_search.find_event(tx, event_id)
        if row is None or row["kind"] != kinds.CONFLICT:
            raise NotThere("there is no such conflict")
        conflict = _read(row)
        if not _is_open(tx, conflict):
            raise NotThere("the conflict is resolved: it was decided, or the connections are no longer there")
        return conflict

    def _lock(self, tx: Transaction, event_id: int) -> Conflict:
        """Lock what a decision is about, in the order of logins, merges and erasures; then look again."""
        row = event_search.find_event(tx, event_id)
        if row is None or row["kind"] != kinds.CONFLICT:
            raise NotThere("there is no such conflict")
        conflict = _read(row)
        connections.lock_connections(tx, *conflict.member_ids)
        for member_id in sorted(conflict.member_ids):
            lock_member(tx, member_id)
        if not _is_open(tx, conflict):
            raise ChangedMeanwhile("the conflict was resolved meanwhile")
        return conflict

    def _view(self, tx: Transaction, conflict: Conflict) -> ConflictView:
        sides = tuple(self._look_at(tx, conflict, member_id) for member_id in conflict.member_ids)
        return ConflictView(conflict, sides, _find_obstacle(sides))

    def _look_at(self, tx: Transaction, conflict: Conflict, member_id: int) -> ConflictSide:
        bound = connections.find_bound(tx, member_id)
        connection = next((each for each in bound if each.union_type == conflict.union_type), None)
        ids = connections.find_aliases(tx, connection.connect_id) if connection else []
        has_password = self._services.has_passwords and members.has_password(tx, member_id)
        return ConflictSide(member_id, connection, tuple(ids), len(bound) > 1 or has_password)

    def _mark(self, tx: Transaction, kind: str, conflict: Conflict, act: OperatorAct) -> list[LoginEvent]:
        event = make_event(self._services, kind, conflict.member_ids[0], act, conflict.union_type)
        return self._services.dispatcher.write(tx, [event], conflict.connect_id, conflict.subject)


def _read(row: dict[str, Any]) -> Conflict:
    others = tuple(int(number) for number in re.findall(r"\d+", row["detail"]))
    return Conflict(
        row["id"],
        row["create_time"],
        row["provider"],
        row["client_type"],
        row["union_type"],
        row["connect_id"],
        (row["member_id"], *others),
    )


def _is_open(tx: Transaction, conflict: Conflict) -> bool:
    """Tell whether nothing was decided yet, and the connections are still there."""
    decisions = event_search.find_marked(tx, conflict.member_ids[0], conflict.subject)
    if any(kind == kinds.CONFLICT_KEPT or time >= conflict.time for kind, time in decisions):
        return False
    holders = [
        each.connect_id
        for member_id in conflict.member_ids
        for each in connections.find_bound(tx, member_id)
        if each.union_type == conflict.union_type
    ]
    return conflict.connect_id in holders and len(holders) >= min(2, len(conflict.member_ids))


def _find_obstacle(sides: Sequence[ConflictSide]) -> str:
    holders = [side for side in sides if side.connection is not None]
    if len(holders) < 2:
        return "the vendor contradicted an id that is stored, and no other member is known by it"
    if any(not side.ids for side in holders):
        return "another system wrote one of the connections, so the kind of its id is not known"
    kinds_of_ids = [(person_id.kind, person_id.scope) for side in holders for person_id in side.ids]
    if len(set(kinds_of_ids)) < len(kinds_of_ids):
        return "both connections have an id of one kind, so the vendor knows two accounts"
    return ""


def _choose(
    view: ConflictView, member_id: int, *, force: bool
) -> tuple[BoundConnection, list[tuple[int, BoundConnection]]]:
    """Return the connection that stays, and the members and connections that lose."""
    if view.obstacle:
        raise BadRequest(f"{view.obstacle}: keep the conflict as it is, or unbind the wrong connection")
    bound = {side.member_id: side.connection for side in view.sides if side.connection is not None}
    receiver = bound.pop(member_id, None)
    if receiver is None:
        raise BadRequest(f"member {member_id} is none of those whose identity it may be")
    if not force and any(side.member_id in bound and not side.has_other_way for side in view.sides):
        raise LastConnection("this is the other member's only way to log in")
    return receiver, list(bound.items())
