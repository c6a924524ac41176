"""The row that keeps upgrades of one database apart on the MySQL family."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from connect_core.errors import Unavailable
from connect_core.store import Database
from connect_core.store.engine import mysql_upgrade
from connect_core.store.engine.mysql_family import MysqlFamilyBackend
from connect_core.store.engine.mysql_upgrade import UpgradeLock
from connect_core.store.schema import upgrade
from connect_core.store.schema.upgrade import upgrade_schema

from ...conftest import Require
from ...kit.acme import execute
from ...kit.databases import empty_database, is_answering, server_of

OWNER = "SELECT owner FROM es_connect_upgrade"


@pytest.fixture
def url(tmp_path: Path, require: Require) -> Iterator[str]:
    """An empty database of the MySQL family."""
    server = server_of("mariadb")
    require(is_answering(server), "mariadb does not answer on this machine")
    with empty_database(server, tmp_path) as url:
        yield url


@pytest.fixture
def database(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The same, opened; signs of life come ten times as often as in earnest."""
    monkeypatch.setattr(mysql_upgrade, "BEAT_SECONDS", 0.1)
    with closing(Database(url)) as database:
        yield database


def lock_of(database: Database, stopped: list[str]) -> UpgradeLock:
    backend = database.backend
    assert isinstance(backend, MysqlFamilyBackend)
    return UpgradeLock(backend.open_unlimited(), backend, lambda: stopped.append("stopped"))


def test_a_table_that_another_process_has_just_created_is_waited_for(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OceanBase knows that it is there a moment before it can be read."""
    create = mysql_upgrade._CREATE
    monkeypatch.setattr(mysql_upgrade, "_CREATE", "DO 0")
    later = Timer(0.5, execute, [url, create])
    later.start()
    lock = lock_of(database, [])
    lock.acquire(10, print)
    lock.release()
    later.join()


def test_an_upgrade_waits_for_another_and_says_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose it is it tells once; a lock whose owner is alive is not taken over, however long it takes."""
    monkeypatch.setattr(upgrade, "LOCK_SECONDS", 3)
    holder, lines = lock_of(database, []), list[str]()
    holder.acquire(5, lines.append)
    try:
        with pytest.raises(Unavailable, match="another upgrade holds the lock"):
            upgrade_schema(database, lines.append)
    finally:
        holder.release()
    [line] = lines
    assert line.startswith("waiting for the upgrade of process ")
    upgrade_schema(database, lines.append)
    assert lines[-1].startswith("the schema is current: ")


def test_the_lock_of_a_dead_upgrade_is_taken_over(database: Database, url: str) -> None:
    """Once it gives no sign of life any more; nobody has to clear anything away."""
    upgrade_schema(database)
    execute(url, "UPDATE es_connect_upgrade SET owner = 'process 1 on shop, dead'")
    lines: list[str] = []
    upgrade_schema(database, lines.append)
    assert lines[0] == "waiting for the upgrade of process 1 on shop"
    assert execute(url, OWNER) == [{"owner": ""}]


def test_an_upgrade_that_is_interrupted_frees_the_lock(database: Database, url: str) -> None:
    """The next one does not wait."""

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upgrade_schema(database, interrupt)
    assert execute(url, OWNER) == [{"owner": ""}]
    lines: list[str] = []
    upgrade_schema(database, lines.append)
    assert not any(line.startswith("waiting") for line in lines)


def test_an_upgrade_that_cannot_show_that_it_is_alive_goes_on(database: Database, url: str) -> None:
    """A long statement keeps a cluster from writing, longer than a statement of the service may take."""
    engine = create_engine(url, poolclass=NullPool)
    steps: list[str] = []

    def hold_row(line: str) -> None:
        steps.append(line)
        if len(steps) == 1:
            with engine.connect() as connection:
                connection.exec_driver_sql("SELECT * FROM es_connect_upgrade FOR UPDATE")
                time.sleep(2.5)

    upgrade_schema(database, hold_row)
    assert steps[-1].startswith("the schema is current: ")
    assert execute(url, OWNER) == [{"owner": ""}]


def test_an_upgrade_whose_lock_was_taken_over_stops(database: Database, url: str) -> None:
    """It was frozen so long that it counted as dead; two must not work at once."""

    def freeze(line: str) -> None:
        execute(url, "UPDATE es_connect_upgrade SET owner = 'another'")
        time.sleep(0.5)

    with pytest.raises(Unavailable, match="another upgrade has taken over"):
        upgrade_schema(database, freeze)
    assert execute(url, OWNER) == [{"owner": "another"}]
