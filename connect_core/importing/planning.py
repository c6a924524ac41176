"""Members of one page, with their persons, against what the target has: what is to be written, and what stands already.

Everything happens in the caller's transaction, which may be run again: nothing is counted before it is committed.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connect_core.identity import IdKind, PersonId
from connect_core.importing import members, people
from connect_core.importing.people import OldPerson
from connect_core.importing.report import Cause, ImportReport
from connect_core.store import Transaction, bulk
from connect_core.store.bulk import StoredConnection

_Holders = dict[tuple[str, IdKind, str], dict[str, int | None]]


@dataclass
class MemberPlan:
    """What one page comes to: rows to write, and what to count once they are."""

    members: list[dict[str, object]] = field(default_factory=list)
    members_already: int = 0
    connections: list[dict[str, object]] = field(default_factory=list)
    ids: list[tuple[int, str, PersonId]] = field(default_factory=list)
    """Ids of new connections, which have no number yet: their member stands in its place."""
    more_ids: list[tuple[int, str, PersonId]] = field(default_factory=list)
    imported: int = 0
    already: int = 0
    refused: list[tuple[Cause, str, int]] = field(default_factory=list)

    def add_to(self, report: ImportReport) -> None:
        """Count it."""
        report.members["imported"] += len(self.members)
        report.members["already"] += self.members_already
        report.connections["imported"] += self.imported
        report.connections["already"] += self.already
        for cause, table, row_id in self.refused:
            report.refuse(cause, table, row_id)


def look(
    transaction: Transaction,
    rows: Sequence[Mapping[str, Any]],
    found: Mapping[int, Sequence[OldPerson]],
    unames: Mapping[str, int] | None,
    now: int,
) -> MemberPlan:
    """Decide about a page of members; writes nothing.

    `unames` are the names that earlier pages brought; None when members stay where they are.
    """
    outcome = MemberPlan()
    if unames is None:
        usable = {row["id"] for row in rows if members.get_mistake(row) is not Cause.MEMBER_ID_INVALID}
    else:
        usable = _look_at_members(transaction, rows, unames, outcome)
    persons = [person for row in rows for person in found.get(row["id"], ())]
    bound: dict[tuple[int, str], list[StoredConnection]] = defaultdict(list)
    for one in bulk.find_bound(transaction, [row["id"] for row in rows if row["id"] in found]):
        bound[one.member_id, one.union_type].append(one)
    holders = _find_holders(transaction, persons)
    for person in persons:
        if person.member_id in usable:
            _look_at_person(person, bound[person.member_id, person.union_type], holders, outcome, now)
        else:
            outcome.refused += _refusals(Cause.MEMBER_NOT_IMPORTED, person)
    return outcome


def write(transaction: Transaction, outcome: MemberPlan) -> None:
    """Write what was decided in the same transaction."""
    if outcome.members:
        bulk.insert_members(transaction, outcome.members)
    more = outcome.more_ids
    if outcome.connections:
        bulk.insert_connections(transaction, outcome.connections)
        made = bulk.find_connect_ids(transaction, sorted({member_id for member_id, _, _ in outcome.ids}))
        more = [*more, *((made[member_id, union_type], union_type, one) for member_id, union_type, one in outcome.ids)]
    if more:
        bulk.insert_ids(transaction, more)


def _look_at_members(
    transaction: Transaction, rows: Sequence[Mapping[str, Any]], unames: Mapping[str, int], outcome: MemberPlan
) -> set[int]:
    """Return the members that are there, or will be."""
    usable: set[int] = set()
    sound = []
    for row in rows:
        if cause := members.get_mistake(row):
            outcome.refused.append((cause, members.TABLE, row["id"]))
        else:
            sound.append(row)
    known = bulk.find_unames(transaction, [row["id"] for row in sound])
    owners = bulk.find_owners(transaction, [row["uname"] for row in sound if row["id"] not in known])
    owners = {**unames, **owners}
    for row in sound:
        member_id, uname = row["id"], row["uname"]
        if known.get(member_id, uname) != uname:
            outcome.refused.append((Cause.MEMBER_ID_TAKEN, members.TABLE, member_id))
        elif owners.setdefault(uname, member_id) != member_id:
            outcome.refused.append((Cause.UNAME_TAKEN, members.TABLE, member_id))
        else:
            usable.add(member_id)
            outcome.members_already += member_id in known
            outcome.members += [] if member_id in known else [members.get_member(row)]
    return usable


def _find_holders(transaction: Transaction, persons: Sequence[OldPerson]) -> _Holders:
    values: dict[tuple[str, IdKind, str], list[str]] = defaultdict(list)
    for person in persons:
        for _, one in person.ids:
            values[person.union_type, one.kind, one.scope].append(one.value)
    return {key: bulk.find_holders(transaction, *key, some) for key, some in values.items()}


def _look_at_person(
    person: OldPerson, bound: Sequence[StoredConnection], holders: _Holders, outcome: MemberPlan, now: int
) -> None:
    wanted = {(one.scope, one.value) for _, one in person.ids}
    own = next((one for one in bound if one.is_active), None)
    if own is None and any(wanted & ended.ids for ended in bound):
        outcome.already += len(person.ids)  # imported before, and unbound since
        return
    if own is not None and not wanted & own.ids:
        outcome.refused += _refusals(Cause.TYPE_TAKEN, person)
        return
    free = []
    for row_id, one in person.ids:
        held = holders[person.union_type, one.kind, one.scope]
        if held.get(one.value, person.member_id) == person.member_id:
            free.append((row_id, one))
        elif person.is_login(one):
            outcome.refused += _refusals(Cause.ID_TAKEN, person)
            return
        else:
            outcome.refused.append((Cause.ID_TAKEN, people.TABLE, row_id))
    if own is not None:
        _complete(person, free, own, outcome)
        return
    strongest = person.strongest
    outcome.connections.append(
        {
            "member_id": person.member_id,
            "union_type": person.union_type,
            "union_id": strongest.value,
            "union_scope": strongest.scope,
            "create_time": now,
            "profile_time": now,
        }
    )
    outcome.ids += [(person.member_id, person.union_type, one) for _, one in free]
    outcome.imported += len(free)


def _complete(
    person: OldPerson, free: Sequence[tuple[int, PersonId]], own: StoredConnection, outcome: MemberPlan
) -> None:
    """Add the ids that the member's connection lacks; one that has no aliases gets all of them."""
    taken = {(one.kind, one.scope) for one in own.aliases}
    for row_id, one in free:
        is_known = (one.scope, one.value) in own.ids
        if is_known:
            outcome.already += 1
        elif (one.kind, one.scope) in taken:
            outcome.refused.append((Cause.TYPE_TAKEN, people.TABLE, row_id))
        else:
            outcome.imported += 1
        if (one.kind, one.scope) not in taken:
            outcome.more_ids.append((own.connect_id, person.union_type, one))


def _refusals(cause: Cause, person: OldPerson) -> Iterator[tuple[Cause, str, int]]:
    return ((cause, people.TABLE, row_id) for row_id, _ in person.ids)
