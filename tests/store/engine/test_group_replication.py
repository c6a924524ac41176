"""MySQL's Group Replication in multi-primary mode, told by a server that answers as a member of a group would.

No MySQL server is at hand: MariaDB stands in, with the answers and the statements of a group put in their places.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from connect_core.errors import SettingsError
from connect_core.store import Database, Transaction
from connect_core.store.engine import group_replication, mysql_family
from connect_core.store.engine.mariadb import Mariadb
from connect_core.store.engine.mysql import Mysql
from connect_core.store.engine.oceanbase import Oceanbase
from connect_core.store.engine.polardbx import Polardbx
from connect_core.store.engine.tidb import Tidb

from ...conftest import Require
from ...kit.databases import SERVERS, empty_database, is_answering

SEEN = "SET SESSION lc_time_names = 'de_DE'"
"""Stands for `WAIT`: a setting that can be read back."""
Open = Callable[..., Database]


class Pretending(Mysql):
    """MySQL to the code, while the server is MariaDB."""

    def get_statement_limits(self, seconds: int) -> dict[str, int]:
        return {"max_statement_time": seconds}


@pytest.fixture
def open_member(require: Require, monkeypatch: pytest.MonkeyPatch) -> Open:
    """`open_member(mode, version)`: a database of a server that answers `mode` for the single-primary mode."""
    require(is_answering(SERVERS["mariadb"]), "mariadb does not answer on this machine")

    def open_database(mode: str, version: tuple[int, ...] = (8, 0, 36)) -> Database:
        answer = f"SELECT 'group_replication_single_primary_mode', '{mode}' FROM DUAL WHERE '{mode}' <> ''"
        monkeypatch.setattr(group_replication, "_MODE", answer)
        monkeypatch.setattr(group_replication, "WAIT", SEEN)
        monkeypatch.setattr(mysql_family, "choose_engine", lambda *_: Pretending(version))
        return Database(SERVERS["mariadb"])

    return open_database


def read_setting(tx: Transaction) -> str:
    """What `SEEN` sets."""
    tx.cursor.execute("SELECT @@lc_time_names")
    return str(tx.cursor.fetchone()[0])


def test_in_multi_primary_mode_locks_end_at_a_member(open_member: Open) -> None:
    """Guards then write their rows, and each transaction waits for what the other members have committed."""
    with closing(open_member("OFF")) as database:
        assert database.read_blocking(read_setting) == "de_DE"
        assert database.backend.has_local_locks


@pytest.mark.parametrize("mode", ["ON", ""])
def test_in_single_primary_mode_and_without_a_group_nothing_is_different(open_member: Open, mode: str) -> None:
    """One member takes writes, so row locks hold."""
    with closing(open_member(mode)) as database:
        assert database.read_blocking(read_setting) == "en_US"
        assert not database.backend.has_local_locks


def test_a_version_that_cannot_wait_for_other_members_is_refused(open_member: Open) -> None:
    """Before 8.0.14 a session opened through one member would be unknown on the next for a moment."""
    with closing(open_member("OFF", (8, 0, 13))) as database, pytest.raises(SettingsError) as caught:
        database.read_blocking(read_setting)
    assert "MySQL 8.0.13 is in a group in multi-primary mode" in str(caught.value)


def test_only_mysql_is_asked_for_its_group() -> None:
    """Its relatives have no Group Replication, and their connections pay for no question about it."""
    assert Mysql.has_group_replication
    assert not any(engine.has_group_replication for engine in (Mariadb, Oceanbase, Polardbx, Tidb))


@pytest.mark.parametrize("number", [3101, 3796])
def test_what_a_member_refuses_is_tried_again(
    tmp_path: Path, require: Require, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A conflict with another member in a new transaction, and a member that left its group on a new connection."""
    server, attempts = SERVERS["mariadb"], list[bool]()
    require(is_answering(server), "mariadb does not answer on this machine")

    def refuse_once(tx: Transaction) -> bool:
        attempts.append(tx.is_retry)
        if len(attempts) == 1:
            raise pymysql.err.OperationalError(number, "refused")
        return tx.is_retry

    with empty_database(server, tmp_path) as url, closing(Database(url)) as database:
        assert database.read_blocking(refuse_once)
    assert attempts == [False, True]
