"""The order of an import's steps: read the connections, then plan and write one page of members after the other.

A page is one transaction. An import that was killed can be run again: it leaves alone what is there already.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_core.importing import members, people, planning
from connect_core.importing.report import Cause, ImportReport
from connect_core.importing.settings_toml import ConvertedSettings
from connect_core.store import Database, Transaction, bulk
from connect_core.store.javashop import CONNECTIONS, MEMBERS, Javashop


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to import and how.

    `settings` are those of the old shop; `now` is in epoch seconds; `app_ids` maps union types of Javashop's to the app
    ids of their open ids and overrides those of `settings`. `dry_run` writes nothing; `connections_only` leaves members
    where they are. `numbers_by_sequence` is True for PostgreSQL, whose sequence has to be moved past the imported ids.
    """

    settings: ConvertedSettings
    now: int
    app_ids: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    connections_only: bool = False
    numbers_by_sequence: bool = False


async def import_javashop(
    shop: Javashop, database: Database, options: ImportOptions, advance: Callable[[int], None] = lambda _: None
) -> ImportReport:
    """Import members and connections and return the report; `advance` is called with how many more members are done.

    Raises `Unavailable` when a database is lost; the pages that were committed until then stay.
    """
    settings = options.settings
    report = ImportReport(options.dry_run, settings_unmapped=[*settings.unmapped])
    for row_id in settings.unreadable:
        report.refuse(Cause.CONFIG_UNREADABLE, "es_connect_setting", row_id)
    rows = (row for page in shop.pages(CONNECTIONS, people.COLUMNS) for row in people.read_rows(page, report))
    people_by_member = people.get_people(rows, {**settings.app_ids, **options.app_ids}, report)
    _add_notes(shop, report)
    writes_members = not (options.dry_run or options.connections_only)
    if writes_members and options.numbers_by_sequence and (highest := shop.get_highest_member_id()) > 0:
        await database.write(lambda tx: bulk.move_sequence(tx, highest), is_long=True)
    unames: dict[str, int] = {}
    for page in shop.pages(MEMBERS, members.COLUMNS):
        report.members["read"] += len(page)
        work = _make_work(page, people_by_member, unames, options)
        plan = await (database.read(work) if options.dry_run else database.write(work, is_long=True))
        plan.add_to(report)
        unames |= {str(row["uname"]): int(str(row["id"])) for row in plan.members}
        for row in page:
            people_by_member.pop(row["id"], None)
        advance(len(page))
    for person in (person for persons in people_by_member.values() for person in persons):
        report.refuse(Cause.ORPHAN, people.TABLE, *(row_id for row_id, _ in person.ids))
    return report


def _make_work(
    page: list[Mapping[str, Any]],
    people_by_member: Mapping[int, list[people.OldPerson]],
    unames: Mapping[str, int],
    options: ImportOptions,
) -> Callable[[Transaction], planning.PagePlan]:
    """Return what the transaction of a page does: plan it and, unless this is a dry run, write it."""

    def work(tx: Transaction) -> planning.PagePlan:
        imported_unames = None if options.connections_only else unames
        plan = planning.plan_page(tx, page, people_by_member, imported_unames, options.now)
        if not options.dry_run:
            planning.write(tx, plan)
        return plan

    return work


def _add_notes(shop: Javashop, report: ImportReport) -> None:
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
