"""Whether the database is there, is the one that this version needs, and takes what a login writes."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from connect_core.doctor.kinds import Kind
from connect_core.doctor.machine import Machine
from connect_core.doctor.public_address import Instance
from connect_core.doctor.sqlite_file import check_file
from connect_core.errors import ConnectError, SettingsError, Unavailable
from connect_core.findings import Finding, Level
from connect_core.settings import Service
from connect_core.settings.sqlite_paths import find_file
from connect_core.store import Database, schema
from connect_core.store.condition import Condition, find_condition, find_connection_limit
from connect_core.store.events import sum_up_undispatched
from connect_core.store.probe import probe_write
from connect_core.store.schema import SchemaState
from connect_core.store.schema.collation import find_wrong_columns

SUBJECT = "database"
WORKS = Kind("database", Level.OK, SUBJECT, "The database answers, has this version's tables, and takes writes.")
UNUSABLE = Kind(
    "database_unusable",
    Level.BROKEN,
    SUBJECT,
    "`database_url` cannot be used, or names a server that cannot keep what connect-login promises.",
    "Correct service.database_url, or use a supported server.",
)
UNREACHABLE = Kind(
    "database_unreachable",
    Level.BROKEN,
    SUBJECT,
    "The database does not answer: nobody can log in.",
    "Start the server, or correct its host, user and password in service.database_url.",
)
EMPTY = Kind(
    "database_empty",
    Level.OK,
    SUBJECT,
    "The SQLite file does not exist, or has no tables: the first start of `serve` makes them.",
    "If there were members already, correct the path in service.database_url before you start the service.",
)
WRONG_SCHEMA = Kind(
    "database_schema_wrong",
    Level.BROKEN,
    SUBJECT,
    "The tables are missing, incomplete, or of another version that this one does not run on.",
    "Run: connect-login db upgrade",
)
NEWER_SCHEMA = Kind(
    "database_schema_newer",
    Level.OK,
    SUBJECT,
    "The tables are of a newer version, on which this one still runs: an upgrade is under way.",
    "Install the newer version here as well.",
)
WRONG_COLLATION = Kind(
    "database_collation_wrong",
    Level.BROKEN,
    SUBJECT,
    "A column compares text other than byte for byte: one person could be logged in as another.",
    "Convert the column back to the collation that is named.",
)
READ_ONLY = Kind(
    "database_read_only",
    Level.BROKEN,
    SUBJECT,
    "The server is a replica, or takes no writes: nobody can log in.",
    "Name the primary server in service.database_url, or several hosts with target_session_attrs=read-write.",
)
NOT_WRITABLE = Kind(
    "database_not_writable",
    Level.BROKEN,
    SUBJECT,
    "What a login writes cannot be written: the disk is full, a right is missing, or somebody holds a lock.",
    "Give the user the rights to insert, update and delete, free some space, or end the program that holds the lock.",
)
CLOCK_DIFFERS = Kind(
    "database_clock_differs",
    Level.WARNING,
    SUBJECT,
    "The database's clock and this machine's are more than ten seconds apart: one of them is wrong, and with it what "
    "expires.",
    "Switch on NTP on both machines.",
)
TOO_FEW_CONNECTIONS = Kind(
    "database_connections",
    Level.WARNING,
    SUBJECT,
    "The workers may open more connections than the server takes: under load some logins get none.",
    "Lower database_pool_size or --workers, or raise the server's limit.",
)
SEVERAL_WORKERS = Kind(
    "sqlite_several_workers",
    Level.OK,
    SUBJECT,
    "Several workers share a SQLite file: each of them waits while another one writes.",
    "Use one worker, or move to a database server with connect-login db copy.",
)
NOTICES_WAIT = Kind(
    "notices_waiting",
    Level.WARNING,
    "notices",
    "Plugins have not taken notices of logins that are older than ten minutes; they are given up after a week.",
    "Look for notice_failed in the log, and correct the plugin; if no service runs, start it.",
)
MEND_FILE = "Look at the file with: sqlite3 FILE 'PRAGMA integrity_check', or play the back-up back."
CLOCK_SECONDS = 10
NOTICE_SECONDS = 600
MOST_NOTICES = 1000
"""Notices that are counted."""


@dataclass(frozen=True, slots=True)
class DatabaseCheck:
    """What the check of the database needs. `command` upgrades the tables."""

    service: Service
    instance: Instance
    machine: Machine
    now: Callable[[], float]
    command: str
    are_members_elsewhere: bool = False


async def check_database(check: DatabaseCheck) -> list[Finding]:
    """Look at the file if it is SQLite, then open the database, and write to it what a login writes."""
    service = check.service
    path = find_file(service.database_url)
    findings = list(check_file(path, check.machine)) if path else []
    if path and not path.exists():
        return [*findings, _explain_missing(path)]
    try:
        database = Database(
            service.database_url, synchronous=service.sqlite_synchronous, pool_size=service.database_pool_size
        )
    except SettingsError as error:
        return [*findings, *(UNUSABLE.report(mistake) for mistake in error.mistakes)]
    try:
        return [*findings, *await _check_open(check, database)]
    finally:
        database.close()


def _explain_missing(path: Path) -> Finding:
    """Return what happens at the start of the service, without making the file."""
    if not path.parent.is_dir():
        return UNUSABLE.report(f"the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        return UNUSABLE.report(f"this user may not write into the folder {path.parent}")
    return EMPTY.report(f"{path} does not exist yet")


async def _check_open(check: DatabaseCheck, database: Database) -> list[Finding]:
    try:
        state = await database.read(schema.find_state_in)
    except SettingsError as error:
        return [UNUSABLE.report(mistake) for mistake in error.mistakes]
    except Unavailable as error:
        return [UNREACHABLE.report(str(error), MEND_FILE if database.is_sqlite else "")]
    began = check.now()
    condition = Condition("the server", "")
    with suppress(Unavailable):  # a relative of MySQL may lack a variable
        condition = await database.read(find_condition)
    now = (began + check.now()) / 2
    findings = [*_check_condition(condition, now), *await _check_connections(check, database)]
    if state is SchemaState.MISSING and database.is_sqlite:
        return [*findings, EMPTY.report("the file has no tables yet")]
    if advice := schema.get_advice(state, check.command):
        what, _, remedy = advice.partition(": ")
        return [*findings, WRONG_SCHEMA.report(what, remedy[:1].upper() + remedy[1:])]
    if state is SchemaState.COMPATIBLE:
        findings.append(NEWER_SCHEMA.report("the tables are of a newer version"))
    findings += await _check_tables(check, database, is_read_only=condition.is_read_only)
    if all(finding.level is Level.OK for finding in findings):
        server = f"{condition.product} {condition.version}".strip()
        text = f"{server} has the tables of version {schema.VERSIONS[0]} and takes writes"
        findings.insert(0, WORKS.report(text))
    return findings


def _check_condition(condition: Condition, now: float) -> Iterator[Finding]:
    if condition.is_read_only:
        yield READ_ONLY.report(f"this {condition.product} takes no writes")
    if condition.time is not None and abs(condition.time - now) > CLOCK_SECONDS:
        direction = "behind" if condition.time < now else "ahead"
        yield CLOCK_DIFFERS.report(f"the database's clock is {abs(condition.time - now):.0f} s {direction}")


async def _check_connections(check: DatabaseCheck, database: Database) -> list[Finding]:
    workers = check.instance.workers or 1
    if database.is_sqlite:
        return [SEVERAL_WORKERS.report(f"{workers} workers share the file")] if workers > 1 else []
    limit, size = await database.read(find_connection_limit), check.service.database_pool_size
    if limit is None or workers * size <= limit:
        return []
    text = f"{workers} workers with {size} connections each may open {workers * size}, the server takes {limit}"
    return [TOO_FEW_CONNECTIONS.report(text)]


async def _check_tables(check: DatabaseCheck, database: Database, *, is_read_only: bool) -> list[Finding]:
    findings = [WRONG_COLLATION.report(column) for column in await database.read(find_wrong_columns)]
    now = int(check.now())
    if not is_read_only:
        try:
            await probe_write(database, now, are_members_elsewhere=check.are_members_elsewhere)
        except ConnectError as error:
            findings.append(NOT_WRITABLE.report(str(error)))
    count, oldest = await database.read(lambda tx: sum_up_undispatched(tx, MOST_NOTICES))
    if oldest is not None and oldest < now - NOTICE_SECONDS:
        number = f"{count} or more" if count >= MOST_NOTICES else str(count)
        findings.append(NOTICES_WAIT.report(f"{number} notices wait, the oldest for {(now - oldest) / 3600:.1f} hours"))
    return findings
