"""The order of an import's steps: read the connections, then plan and write one page of members after the other.

A page is one transaction. An import that was killed can be run again: of a page that is there already it writes
nothing. What it keeps in memory does not grow with the shop, but for the rows that cannot be mapped.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_core.importing import gathering, members, people, planning
from connect_core.importing.report import Cause, ImportReport
from connect_core.importing.settings_toml import ConvertedSettings
from connect_core.store import Database, Transaction, bulk
from connect_core.store.engine.long_connection import LongConnection
from connect_core.store.javashop import CONNECTIONS, MEMBERS, Javashop
from connect_core.store.staging import Staging


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to import and how.

    `settings` are those of the old shop; `now` is in epoch seconds; `app_ids` maps union types of Javashop's to the app
    ids of their open ids and overrides those of `settings`. `dry_run` writes nothing; `connections_only` leaves members
    where they are.
    """

    settings: ConvertedSettings
    now: int
    app_ids: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    connections_only: bool = False


def import_javashop(
    shop: Javashop, database: Database, options: ImportOptions, advance: Callable[[int], None] = lambda _: None
) -> ImportReport:
    """Import members and connections and return the report; `advance` is called with how many more members are done.

    What `advance` raises ends the import between two pages. Raises `Unavailable` when a database is lost; the pages
    that were committed until then stay.
    """
    settings = options.settings
    report = ImportReport(options.dry_run, settings_unmapped=[*settings.unmapped])
    for row_id in settings.unreadable:
        report.refuse(Cause.CONFIG_UNREADABLE, "es_connect_setting", row_id)
    with Staging() as staging, database.open_long() as target:
        app_ids = {**settings.app_ids, **options.app_ids}
        gathering.gather(shop.pages(CONNECTIONS, people.COLUMNS), staging, app_ids, report)
        _add_notes(shop, report)
        writes_members = not (options.dry_run or options.connections_only)
        if writes_members and (highest := shop.get_highest_member_id()) > 0:
            target.write(lambda tx: bulk.move_member_ids(tx, highest))
        for number, page in enumerate(shop.pages(MEMBERS, members.COLUMNS), start=1):
            report.members["read"] += len(page)
            _import_page(page, staging, target, options, report)
            if number.bit_count() == 1 and not options.dry_run:  # each time that the tables have doubled
                target.write(bulk.refresh_statistics)
            advance(len(page))
        for person in gathering.read_rest(staging, report):
            report.refuse(Cause.ORPHAN, people.TABLE, *(row_id for row_id, _ in person.ids))
    return report


def _import_page(
    page: list[Mapping[str, Any]],
    staging: Staging,
    target: LongConnection,
    options: ImportOptions,
    report: ImportReport,
) -> None:
    """Import one page of members with their connections, in one transaction, and count it into `report`."""
    member_ids = [row["id"] for row in page if members.is_number(row["id"])]
    people_by_member = gathering.take_people(staging, member_ids, report)
    unames = None if options.connections_only else staging.find_unames([row["uname"] for row in page])

    def work(tx: Transaction) -> planning.PagePlan:
        plan = planning.plan_page(tx, page, people_by_member, unames, options.now)
        if not options.dry_run:
            planning.write(tx, plan)
        return plan

    plan = target.read(work) if options.dry_run else target.write(work)
    plan.add_to(report)
    if options.dry_run:  # the target does not have them
        staging.add_unames((str(row["uname"]), int(str(row["id"]))) for row in plan.members)


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
