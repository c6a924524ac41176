"""The last run of the doctor: stored where the admin page is switched on, and read by every worker."""

from pathlib import Path

import pytest

from connect_core.doctor.last_run import DoctorRun, find_last_run, store_last_run
from connect_core.findings import Finding, Level
from connect_core.store import Database, doctor_runs, schema
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.acme import NOW, settings_of

WELL = Finding("database_answers", Level.OK, "The database answers.", "", "database")
HINT = Finding("one_key", Level.OK, "There is one key.", "Add another.", "keys")
WARNING = Finding("certificate_expires", Level.WARNING, "It expires in 12 days.", "Renew it.", "alipay/pc")
BROKEN = Finding("redis_down", Level.BROKEN, "Redis does not answer.", "Start it.", "redis")


@pytest.fixture
def folder(tmp_path: Path, database_url: str) -> Path:
    """A shop's folder, with a database that has our tables."""
    database = Database(database_url)
    schema.prepare(database)
    upgrade_schema(database)
    database.close()
    return tmp_path


async def run_of(folder: Path, *findings: Finding, now: int = NOW, enabled: bool = True) -> DoctorRun | None:
    """Store a run, and read what is stored then."""
    settings = settings_of(folder, admin={"enabled": enabled})
    await store_last_run(settings, findings, now)
    database = Database(settings.service.database_url)
    try:
        return await database.read(find_last_run)
    finally:
        database.close()


async def test_what_wants_something_done_is_kept_the_worst_first(folder: Path) -> None:
    """What is well is counted alone; a later run takes the place of an earlier one."""
    run = await run_of(folder, WELL, HINT, WARNING, BROKEN)
    assert run is not None
    assert (run.time, run.count, run.findings, run.level) == (NOW, 4, (BROKEN, WARNING, HINT), Level.BROKEN)
    run = await run_of(folder, WELL, now=NOW + 5)
    assert run is not None
    assert (run.time, run.findings, run.level) == (NOW + 5, (), Level.OK)


async def test_nothing_is_written_without_the_admin_page(folder: Path) -> None:
    """The doctor of a shop that does not use it changes nothing."""
    assert await run_of(folder, BROKEN, enabled=False) is None


async def test_a_crowd_of_findings_fits_into_a_row(folder: Path) -> None:
    """The longest texts that are stored stay below the 64 KiB of MySQL's text."""
    long = Finding("x" * 300, Level.WARNING, "界" * 4000, "界" * 4000, "界" * 300)
    run = await run_of(folder, *[long] * 500)
    assert run is not None
    assert run.count == 500
    assert len(run.findings) > 10
    database = Database(settings_of(folder).service.database_url)
    assert len((await database.read(doctor_runs.find_run)).encode()) < 2**16
    database.close()


async def test_what_another_release_wrote_is_no_run(folder: Path) -> None:
    """A page that cannot read it says that there was none."""
    database = Database(settings_of(folder).service.database_url)
    await database.write(lambda tx: doctor_runs.store_run(tx, '{"time": 1, "findings": [{"level": "odd"}]}', NOW))
    assert await database.read(find_last_run) is None
    database.close()
