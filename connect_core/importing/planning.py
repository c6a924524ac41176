"""Compares a page of Javashop's members with what the target has, plans the rows to write, and writes them.

Works in the caller's transaction, which may be run again. So it counts into a plan, and the caller adds the plan to the
report once the transaction is committed.
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
"""By union type, kind and scope: the ids of the target, each with its member, or None for an ended connection."""


@dataclass
class PagePlan:
    """What a page of members comes to: rows to write, and what to count once they are written."""

    members: list[dict[str, object]] = field(default_factory=list)
    members_already: int = 0
    connections: list[dict[str, object]] = field(default_factory=list)
    new_ids: list[tuple[int, str, PersonId]] = field(default_factory=list)
    """Ids of `connections`, each after member id and union type: the connections have no id before they are written."""
    more_ids: list[tuple[int, str, PersonId]] = field(default_factory=list)
    """Ids for connections that the target has already, each after the connection's id and its union type."""
    imported: int = 0
    already: int = 0
    refused: list[tuple[Cause, str, int]] = field(default_factory=list)

    def add_to(self, report: ImportReport) -> None:
        """Add this page's counts and unmapped rows to `report`."""
        report.members["imported"] += len(self.members)
        report.members["already"] += self.members_already
        report.connections["imported"] += self.imported
        report.connections["already"] += self.already
        for cause, table, row_id in self.refused:
            report.refuse(cause, table, row_id)


def plan_page(
    transaction: Transaction,
    rows: Sequence[Mapping[str, Any]],
    people_by_member: Mapping[int, Sequence[OldPerson]],
    unames: Mapping[str, int] | None,
    now: int,
) -> PagePlan:
    """Return the plan for the members in `rows`; writes nothing.

    `unames` are names of this page that the target lacks but earlier pages of a dry run would have written, each with
    its member; None when members stay where they are.
    `now`, in epoch seconds, becomes the time of the new connections.
    """
    plan = PagePlan()
    if unames is None:
        usable = {row["id"] for row in rows if members.get_mistake(row) is not Cause.MEMBER_ID_INVALID}
    else:
        usable = _plan_members(transaction, rows, unames, plan)
    persons = [person for row in rows for person in people_by_member.get(row["id"], ())]
    stored: dict[tuple[int, str], list[StoredConnection]] = defaultdict(list)
    for connection in bulk.find_bound(transaction, [row["id"] for row in rows if row["id"] in people_by_member]):
        stored[connection.member_id, connection.union_type].append(connection)
    holders = _find_holders(transaction, persons)
    for person in persons:
        if person.member_id in usable:
            _plan_person(person, stored[person.member_id, person.union_type], holders, plan, now)
        else:
            plan.refused += _refuse_all(Cause.MEMBER_NOT_IMPORTED, person)
    return plan


def write(transaction: Transaction, plan: PagePlan) -> None:
    """Write the rows of `plan`, which was made in the same transaction."""
    if plan.members:
        bulk.insert_members(transaction, plan.members)
    ids = plan.more_ids
    if plan.connections:
        bulk.insert_connections(transaction, plan.connections)
        connect_ids = bulk.find_connect_ids(transaction, sorted({member_id for member_id, _, _ in plan.new_ids}))
        ids = [
            *ids,
            *(
                (connect_ids[member_id, union_type], union_type, person_id)
                for member_id, union_type, person_id in plan.new_ids
            ),
        ]
    if ids:
        bulk.insert_ids(transaction, ids)


def _plan_members(
    transaction: Transaction, rows: Sequence[Mapping[str, Any]], unames: Mapping[str, int], plan: PagePlan
) -> set[int]:
    """Return the ids of the members that the target has, or will have after this page."""
    usable: set[int] = set()
    valid = []
    for row in rows:
        if cause := members.get_mistake(row):
            plan.refused.append((cause, members.TABLE, row["id"]))
        else:
            valid.append(row)
    known = bulk.find_unames(transaction, [row["id"] for row in valid])
    owners = bulk.find_owners(transaction, [row["uname"] for row in valid if row["id"] not in known])
    owners = {**unames, **owners}
    for row in valid:
        member_id, uname = row["id"], row["uname"]
        if known.get(member_id, uname) != uname:
            plan.refused.append((Cause.MEMBER_ID_TAKEN, members.TABLE, member_id))
        elif owners.setdefault(uname, member_id) != member_id:
            plan.refused.append((Cause.UNAME_TAKEN, members.TABLE, member_id))
        else:
            usable.add(member_id)
            plan.members_already += member_id in known
            plan.members += [] if member_id in known else [members.get_member(row)]
    return usable


def _find_holders(transaction: Transaction, persons: Sequence[OldPerson]) -> _Holders:
    values: dict[tuple[str, IdKind, str], list[str]] = defaultdict(list)
    for person in persons:
        for _, person_id in person.ids:
            values[person.union_type, person_id.kind, person_id.scope].append(person_id.value)
    return {key: bulk.find_holders(transaction, *key, ids) for key, ids in values.items()}


def _plan_person(
    person: OldPerson, stored: Sequence[StoredConnection], holders: _Holders, plan: PagePlan, now: int
) -> None:
    """Plan the connection of a person, given those that the member has or had with this vendor in the target."""
    wanted = {(person_id.scope, person_id.value) for _, person_id in person.ids}
    active = next((connection for connection in stored if connection.is_active), None)
    if active is None and any(wanted & ended.ids for ended in stored):
        plan.already += len(person.ids)  # imported before, and unbound since
        return
    if active is not None and not wanted & active.ids:
        plan.refused += _refuse_all(Cause.TYPE_TAKEN, person)
        return
    free = []
    for row_id, person_id in person.ids:
        holder = holders[person.union_type, person_id.kind, person_id.scope]
        if holder.get(person_id.value, person.member_id) == person.member_id:
            free.append((row_id, person_id))
        elif person.is_login(person_id):
            plan.refused += _refuse_all(Cause.ID_TAKEN, person)
            return
        else:
            plan.refused.append((Cause.ID_TAKEN, people.TABLE, row_id))
    if active is not None:
        _complete(person, free, active, plan)
        return
    plan.connections.append(
        {
            "member_id": person.member_id,
            "union_type": person.union_type,
            "union_id": person.strongest.value,
            "union_scope": person.strongest.scope,
            "create_time": now,
            "profile_time": now,
        }
    )
    plan.new_ids += [(person.member_id, person.union_type, person_id) for _, person_id in free]
    plan.imported += len(free)


def _complete(
    person: OldPerson, free: Sequence[tuple[int, PersonId]], connection: StoredConnection, plan: PagePlan
) -> None:
    """Plan the ids that the member's `connection` lacks; one that has no alias rows yet gets all of them."""
    taken = {(alias.kind, alias.scope) for alias in connection.aliases}
    for row_id, person_id in free:
        is_known = (person_id.scope, person_id.value) in connection.ids
        if is_known:
            plan.already += 1
        elif (person_id.kind, person_id.scope) in taken:
            plan.refused.append((Cause.TYPE_TAKEN, people.TABLE, row_id))
        else:
            plan.imported += 1
        if (person_id.kind, person_id.scope) not in taken:
            plan.more_ids.append((connection.connect_id, person.union_type, person_id))


def _refuse_all(cause: Cause, person: OldPerson) -> Iterator[tuple[Cause, str, int]]:
    return ((cause, people.TABLE, row_id) for row_id, _ in person.ids)
