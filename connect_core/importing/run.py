"""The order of an import's steps: sort the connections out, then page by page of members look and write, then tell.

A page is one transaction, so an import that was killed goes on where it stopped: what is there already is left alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_core.importing import members, people, planning
from connect_core.importing.report import Cause, ImportReport
from connect_core.importing.settings_toml import Found
from connect_core.store import Database, Transaction, bulk
from connect_core.store.javashop import CONNECTIONS, MEMBERS, Javashop


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted. `numbers_by_sequence`: the target is PostgreSQL, which must be told where its numbers go on."""

    found: Found
    now: int
    app_ids: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    connections_only: bool = False
    numbers_by_sequence: bool = False


async def import_javashop(
    shop: Javashop, database: Database, order: Order, advance: Callable[[int], None] = lambda _: None
) -> ImportReport:
    """Bring members and connections over; `advance` is told how many members more are done.

    Raises `Unavailable`, with what was committed until then standing.
    """
    report = ImportReport(order.dry_run, settings_unmapped=[*order.found.unmapped])
    for row_id in order.found.unreadable:
        report.refuse(Cause.CONFIG_UNREADABLE, "es_connect_setting", row_id)
    rows = (row for page in shop.pages(CONNECTIONS, people.COLUMNS) for row in people.read_rows(page, report))
    found = people.get_people(rows, {**order.found.app_ids, **order.app_ids}, report)
    _note(shop, report)
    writes_members = not (order.dry_run or order.connections_only)
    if writes_members and order.numbers_by_sequence and (highest := shop.get_highest_member_id()) > 0:
        await database.write(lambda tx: bulk.move_sequence(tx, highest), is_long=True)
    unames: dict[str, int] = {}
    for page in shop.pages(MEMBERS, members.COLUMNS):
        report.members["read"] += len(page)
        work = _settling(page, found, unames, order)
        outcome = await (database.read(work) if order.dry_run else database.write(work, is_long=True))
        outcome.add_to(report)
        unames |= {str(row["uname"]): int(str(row["id"])) for row in outcome.members}
        for row in page:
            found.pop(row["id"], None)
        advance(len(page))
    for person in (person for persons in found.values() for person in persons):
        report.refuse(Cause.ORPHAN, people.TABLE, *(row_id for row_id, _ in person.ids))
    return report


def _settling(
    page: list[Mapping[str, Any]], found: Mapping[int, list[people.OldPerson]], unames: Mapping[str, int], order: Order
) -> Callable[[Transaction], planning.MemberPlan]:
    def plan(tx: Transaction) -> planning.MemberPlan:
        known = None if order.connections_only else unames
        outcome = planning.look(tx, page, found, known, order.now)
        if not order.dry_run:
            planning.write(tx, outcome)
        return outcome

    return plan


def _note(shop: Javashop, report: ImportReport) -> None:
    if absent := shop.lacks(CONNECTIONS, ["unbound_time"]):
        report.notes.append(f"es_connect has no column {absent[0]}: every row counts as bound")
    if absent := shop.lacks(MEMBERS, members.COLUMNS):
        report.notes.append(f"es_member has no column {', '.join(absent)}")
    if not shop.has_settings:
        report.notes.append("there is no table es_connect_setting: name the apps of openids with --app-id")
    if count := report.connections["history_with_id"]:
        report.notes.append(
            f"{count} unbound rows still have their id: Shopfly wrote unbound_time at binding, too; see the how-to"
        )
