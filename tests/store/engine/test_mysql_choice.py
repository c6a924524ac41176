"""Which engine of the MySQL family a server is taken for, by what it says of itself, and which are refused."""

from contextlib import closing

import pytest
from sqlalchemy import make_url

from connect_core.errors import SettingsError
from connect_core.store import Database, schema
from connect_core.store.engine.mysql_choice import check_settings, choose_engine
from connect_core.store.schema.upgrade import upgrade_schema

from ...conftest import Require
from ...kit.databases import SERVERS, is_answering

BIN, NOPAD = "utf8mb4_0900_bin", "utf8mb4_nopad_bin"


@pytest.mark.parametrize(
    ("version", "comment", "name", "collation", "has_skip_locked"),
    [
        ("10.11.6-MariaDB-0+deb12u1", "Debian 12", "MariaDB", NOPAD, True),
        ("5.5.5-10.6.16-MariaDB-log", "mariadb.org binary distribution", "MariaDB", NOPAD, True),
        ("11.4.2-MariaDB", "Source distribution", "MariaDB", NOPAD, True),
        ("5.7.44-log", "MySQL Community Server (GPL)", "MySQL", "", False),
        ("8.0.11", "MySQL Community Server - GPL", "MySQL", "", True),
        ("8.0.36", "MySQL Community Server - GPL", "MySQL", BIN, True),
        ("8.4.0", "MySQL Community Server - GPL", "MySQL", BIN, True),
        ("8.0.35-27", "Percona Server (GPL), Release 27", "MySQL", BIN, True),
        ("8.0.28", "Source distribution", "MySQL", BIN, True),
        ("8.0.mysql_aurora.3.04.0", "Source distribution", "MySQL", "", False),
        ("8.0.32-X-Cluster-8.4.20-20251017", "Source distribution", "MySQL", BIN, True),
        ("8.0.11-TiDB-v7.5.1", "TiDB Server (Apache License 2.0) Community Edition", "TiDB", BIN, False),
        ("5.7.25-TiDB-v6.1.0", "TiDB Server (Apache License 2.0) Community Edition", "TiDB", "", False),
        ("5.7.25-TDDL-5.4.19-20251031", "Source distribution", "PolarDB-X", "", False),
        ("5.7.25-OceanBase seekdb-v1.4.0.0", "OceanBase 4.3.5.3 seekdb (r1.4.0.0)", "OceanBase", "", True),
        ("5.7.25-OceanBase-v4.3.5.1", "", "OceanBase", "", True),
        ("5.7.25-OceanBase_CE-v4.2.1.0", "OceanBase_CE 4.2.1.0 (r100000)", "OceanBase", "", False),
    ],
)
def test_an_engine_is_known_by_its_words(
    version: str, comment: str, name: str, collation: str, *, has_skip_locked: bool
) -> None:
    """Its own version counts, and not that of the MySQL which it resembles."""
    engine = choose_engine(version, comment)
    assert (engine.name, engine.exact_collation, engine.has_skip_locked) == (name, collation, has_skip_locked)


@pytest.mark.parametrize(
    ("version", "comment", "reason"),
    [
        ("10.5.23-MariaDB", "Debian 11", "the server is MariaDB 10.5.23: connect-login needs 10.6 or newer"),
        ("5.6.51", "MySQL Community Server (GPL)", "the server is MySQL 5.6.51: connect-login needs 5.7.9 or newer"),
        ("5.7.25-OceanBase-v3.2.4", "OceanBase 3.2.4 (r1)", "the server is OceanBase 3.2.4: connect-login needs 4.0"),
        ("5.7.25-TiDB-v4.0.16", "TiDB Server", "the server is TiDB 4.0.16: connect-login needs 5.0 or newer"),
        ("5.7.99", "Apache Doris version doris-2.0.3", "the server is Doris, which lacks row locks"),
        ("8.0.33", "StarRocks version 3.1", "the server is StarRocks, which lacks row locks"),
        ("nonsense", "", "the server is MySQL: connect-login needs 5.7.9 or newer"),
    ],
)
def test_a_server_that_cannot_keep_our_promises_is_refused(version: str, comment: str, reason: str) -> None:
    """The reason names the engine, its version and the oldest one that can."""
    with pytest.raises(SettingsError) as caught:
        choose_engine(version, comment)
    assert caught.value.mistakes[0].startswith(f"service.database_url: {reason}")


@pytest.mark.parametrize(
    ("sql_mode", "storage_engine", "reason"),
    [
        ("ANSI_QUOTES", "InnoDB", "sql_mode has to contain STRICT_ALL_TABLES"),
        ("", "InnoDB", "sql_mode has to contain STRICT_ALL_TABLES"),
        ("STRICT_ALL_TABLES", "MyISAM", "MyISAM tables, without transactions"),
    ],
)
def test_settings_that_lose_data_are_refused(sql_mode: str, storage_engine: str, reason: str) -> None:
    """Without a strict mode an id that is too long is cut short; without transactions nothing can be undone."""
    check_settings("STRICT_TRANS_TABLES,ANSI_QUOTES", "InnoDB")
    with pytest.raises(SettingsError, match=reason):
        check_settings(sql_mode, storage_engine)


@pytest.mark.parametrize("query", [{"sql_mode": "ANSI_QUOTES"}, {"init_command": "SET sql_mode = ''"}])
def test_a_lax_mode_of_the_url_ends_the_start_and_the_upgrade(require: Require, query: dict[str, str]) -> None:
    """Whichever parameter sets it, on the real server."""
    server = SERVERS["mariadb"]
    require(is_answering(server), "mariadb does not answer on this machine")
    url = make_url(server).update_query_dict(query).render_as_string(hide_password=False)
    for prepare in (schema.prepare, upgrade_schema):
        with closing(Database(url)) as database, pytest.raises(SettingsError, match="STRICT_ALL_TABLES"):
            prepare(database)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("oracle+cx_oracle://shop@127.0.0.1/shop", "give an SQLAlchemy URL such as"),
        ("mysql+pymysq://shop@127.0.0.1/shop", "give an SQLAlchemy URL such as"),
        ("mysql+mysqldb://shop@127.0.0.1/shop", "the driver MySQLdb is not installed; give"),
    ],
)
def test_an_engine_or_driver_of_the_url_that_is_none_of_ours_is_refused(url: str, reason: str) -> None:
    """When the configuration is read, before any connection."""
    with pytest.raises(SettingsError, match=reason):
        Database(url)
