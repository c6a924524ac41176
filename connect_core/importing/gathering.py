"""Gathers the persons of an old shop in a temporary file, so that each page of members gets its own from there.

Whether an id is shared is known only once all rows were read. Makes no query in either shop's database.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from connect_core.identity import IdKind, PersonId
from connect_core.importing import people
from connect_core.importing.people import OldPerson, OldRow
from connect_core.importing.report import ImportReport
from connect_core.store.staging import Staging


def gather(
    pages: Iterable[Iterable[Mapping[str, Any]]], staging: Staging, app_ids: Mapping[str, str], report: ImportReport
) -> None:
    """Read all rows of Javashop's `es_connect`, keep the persons in `staging`, and record in `report` the other rows.

    `app_ids` as for `people.get_people`.
    """
    for page in pages:
        readable = people.read_rows(page, report)
        staging.add_rows((row.row_id, row.member_id, row.old_type, row.value) for row in readable)
    groups = (people.get_people([OldRow(*row) for row in rows], app_ids, report) for rows in staging.read_rows())
    staging.add_ids(row for persons in groups for person in persons for row in _flatten(person))
    staging.find_shared()


def take_people(staging: Staging, member_ids: Sequence[int], report: ImportReport) -> dict[int, list[OldPerson]]:
    """Return the persons of these members, by member, and drop them from `staging`."""
    by_member: dict[int, list[OldPerson]] = {}
    for person in _build(staging.take_ids(member_ids), report):
        by_member.setdefault(person.member_id, []).append(person)
    return by_member


def read_rest(staging: Staging, report: ImportReport) -> Iterator[OldPerson]:
    """Yield the persons whose member did not come."""
    yield from _build(staging.read_ids(), report)


def _flatten(person: OldPerson) -> Iterator[tuple[int, str, int, int, str, str, str]]:
    for place, (row_id, person_id) in enumerate(person.ids):
        yield person.member_id, person.union_type, place, row_id, person_id.kind.value, person_id.scope, person_id.value


def _build(rows: Iterable[Sequence[Any]], report: ImportReport) -> Iterator[OldPerson]:
    """Yield the persons whose ids are in `rows`, without those that are shared."""
    for (member_id, union_type), person_rows in groupby(rows, key=lambda row: (row[0], row[1])):
        ids, shared = [], set()
        for _, _, row_id, kind, scope, value, is_shared in person_rows:
            person_id = PersonId(IdKind(kind), value, scope)
            ids.append((row_id, person_id))
            shared |= {person_id} if is_shared else set()
        if person := people.without_shared(OldPerson(member_id, union_type, tuple(ids)), shared, report):
            yield person
